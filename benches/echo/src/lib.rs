//! What the servers, the load generator and the runner share.

pub mod args;
pub mod listen;
pub mod process;
pub mod protocol;
