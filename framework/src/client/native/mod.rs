//! A client in Rust, with the manners of the browser's.

mod backoff;
mod builder;
mod cause;
mod dial;
mod handle;
mod head;
mod inbox;
mod outbox;
mod question;
mod sender;
mod session;
mod shared;
mod state;
mod target;
mod worker;

pub use self::{
    builder::Builder,
    cause::{Cause, Refused},
    handle::Client,
    question::Question,
    sender::Sender,
    state::{Event, State},
};
