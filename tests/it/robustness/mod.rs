//! Bad input and faults, from the specifications: the bytes on the wire, the handler's calls, and two well-behaved
//! clients that must not notice.
//!
//! Nothing here goes through a WebSocket library: the client is [`raw::Raw`], which sends what it is told to.

pub(crate) mod bytes;
pub(crate) mod raw;
mod server;

mod closing;
mod fragments;
mod frames;
mod framing;
mod handshake;
mod http_limits;
mod lost;
mod more_frames;
mod negotiation;
mod sizes;
mod slow;
mod utf8;
