//! Bad input and faults, from the specifications: the bytes on the wire, the handler's calls, and two well-behaved
//! clients that must not notice.
//!
//! Nothing here goes through a WebSocket library: the client is [`raw::Raw`], which sends what it is told to.

pub(crate) mod bytes;
mod model;
mod pipe;
pub(crate) mod raw;
pub(crate) mod server;

mod closing;
mod extensions;
mod fragments;
mod frames;
mod framing;
mod half_closed;
mod handshake;
mod http_limits;
mod lost;
mod many_fragments;
mod memory;
mod more_frames;
mod negotiation;
mod random;
mod sizes;
mod slow;
mod utf8;
