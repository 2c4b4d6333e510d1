//! What a handler sees and what goes over the wire.

mod cancelling;
mod ending;
mod heartbeat;
mod streaming;
mod talking;
mod typed;
mod upgrading;
mod wakeups;
