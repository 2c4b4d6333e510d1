//! What the targets build their inputs from, and judge them by.

mod frame;
mod header;

pub use frame::{Frame, Length, Payload};
pub use header::{Line, Origin, Own};
