//! permessage-deflate over the wire (RFC 7692). The client is raw and compresses with flate2, which it uses by itself:
//! nothing of the framework's own code is on its side.

pub(crate) mod client;

mod hostile;
mod messages;
mod offers;
mod shared;
