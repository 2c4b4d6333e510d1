//! A client for Rust programs: a socket that comes back by itself, goes on where it was, asks and answers.
//!
//! [`Client`] has an example. The client for browsers has the same manners; the app serves it
//! ([`App::browser_client`](crate::App::browser_client)).

mod backoff;
mod builder;
mod cause;
mod dial;
mod handle;
mod inbox;
mod outbox;
mod place;
mod question;
mod sender;
mod session;
mod shared;
mod state;
mod target;
mod tcp;
mod worker;

pub use self::{
    builder::Builder,
    cause::Cause,
    handle::Client,
    question::Question,
    sender::Sender,
    state::{Event, State},
};
