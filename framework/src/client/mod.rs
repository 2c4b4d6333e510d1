//! Clients of an app.

#[cfg(feature = "client")]
mod native;

#[cfg(feature = "client")]
pub use self::native::{Builder, Cause, Client, Event, Question, Refused, Sender, State};
