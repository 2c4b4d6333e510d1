//! What the servers, the load generator and the runner share.

pub mod args;
pub mod frame;
pub mod process;
pub mod protocol;

/// What a server prints before its address, on the first line of stdout.
pub const ANNOUNCEMENT: &str = "listening on http://";
