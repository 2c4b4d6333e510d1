//! permessage-deflate: messages are compressed one by one (RFC 7692). The only door to flate2.

mod deflater;
mod inflater;
mod negotiate;
mod offer;
mod pool;

#[cfg(test)]
mod tests;

pub(crate) use deflater::{Deflater, Shape};
pub(crate) use inflater::Inflater;
pub(crate) use negotiate::{Agreed, negotiate};

/// What a sync flush ends with. It is left out on the wire (§7.2.1, §7.2.2).
const FLUSHED: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
