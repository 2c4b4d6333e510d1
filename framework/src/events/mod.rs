//! Event handlers: what `#[websocket]` on an `impl` block becomes.

mod contract;
mod message;
mod peer;
mod pick;
mod roster;
mod route;
mod session;

pub use contract::{Answer, EventHandler, EventOutcome, Events, Fault, UpgradeOutcome};
pub use message::{FromMessage, event};
pub use peer::Peer;
pub use route::event_route;
