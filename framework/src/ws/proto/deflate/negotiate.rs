//! What client and server agree on (RFC 7692 §5, §7.1).

use std::fmt::Write;

use super::{
    Deflater, Inflater,
    offer::{Offer, Offers},
};
use crate::config::Compression;

const NAME: &str = "permessage-deflate";
const SERVER_NO_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// The largest window there is, and the one without any parameter.
const MOST_BITS: u8 = 15;
/// zlib can't make raw deflate data for a window of 2^8.
const LEAST_BITS: u8 = 9;

/// The parameters of one offer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<u8>,
    /// With the client's own largest window, where it says one.
    client_bits: Option<Option<u8>>,
}

/// An offer that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    server_takeover: bool,
    client_takeover: bool,
    /// `None` is not said and means 15.
    server_bits: Option<u8>,
    client_bits: Option<u8>,
    level: u8,
    threshold: usize,
}

/// Accepts the first offer that can be (§5.1: they come in the order of the client's preference), out of all lines of the
/// header.
pub(crate) fn negotiate<'a>(lines: impl IntoIterator<Item = &'a [u8]>, ours: &Compression) -> Option<Agreed> {
    if !ours.on {
        return None;
    }
    let offers = lines.into_iter().flat_map(Offers::of).flatten();
    offers.filter_map(|offer| Asked::of(&offer)).find_map(|asked| Agreed::on(&asked, ours))
}

impl Asked {
    /// §7.1: an offer is declined if a parameter is unknown, comes twice, or has a value that it may not have.
    fn of(offer: &Offer<'_>) -> Option<Self> {
        if offer.name != NAME.as_bytes() {
            return None;
        }
        let mut asked = Self::default();
        for (name, value) in &offer.params {
            let name = std::str::from_utf8(name).ok()?;
            let is_new = match (name, value) {
                (SERVER_NO_TAKEOVER, None) => !std::mem::replace(&mut asked.server_no_takeover, true),
                (CLIENT_NO_TAKEOVER, None) => !std::mem::replace(&mut asked.client_no_takeover, true),
                (SERVER_BITS, Some(value)) => asked.server_bits.replace(bits(value)?).is_none(),
                (CLIENT_BITS, None) => asked.client_bits.replace(None).is_none(),
                (CLIENT_BITS, Some(value)) => asked.client_bits.replace(Some(bits(value)?)).is_none(),
                _ => false,
            };
            if !is_new {
                return None;
            }
        }
        Some(asked)
    }
}

/// §7.1.2: a decimal number from 8 to 15 without leading zeros.
fn bits(value: &[u8]) -> Option<u8> {
    match value {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

impl Agreed {
    fn on(asked: &Asked, ours: &Compression) -> Option<Self> {
        // §7.1.2.1: what the client asks for must not be exceeded, so a window of 2^8 can't be agreed on.
        if asked.server_bits.is_some_and(|bits| bits < LEAST_BITS) {
            return None;
        }
        let server_bits = asked.server_bits.unwrap_or(MOST_BITS).min(ours.window_bits);
        let client_takeover = ours.takeover && !asked.client_no_takeover;
        // §7.1.2.2: only a client that offers the parameter may get it. Its window is of interest only where we hold it.
        let client_bits = asked.client_bits.filter(|_| client_takeover);
        let client_bits = client_bits.map(|bits| bits.unwrap_or(MOST_BITS).min(ours.window_bits));
        Some(Self {
            server_takeover: ours.takeover && !asked.server_no_takeover,
            client_takeover,
            server_bits: (asked.server_bits.is_some() || server_bits < MOST_BITS).then_some(server_bits),
            client_bits: client_bits.filter(|bits| *bits < MOST_BITS),
            level: ours.level,
            threshold: ours.threshold,
        })
    }

    /// The value of `Sec-WebSocket-Extensions` in the answer.
    pub(crate) fn answer(&self) -> String {
        let mut answer = NAME.to_owned();
        let flags = [(SERVER_NO_TAKEOVER, self.server_takeover), (CLIENT_NO_TAKEOVER, self.client_takeover)];
        for (name, _) in flags.iter().filter(|(_, takeover)| !takeover) {
            // Writing to a `String` does not fail.
            let _ = write!(answer, "; {name}");
        }
        for (name, bits) in [(SERVER_BITS, self.server_bits), (CLIENT_BITS, self.client_bits)] {
            if let Some(bits) = bits {
                let _ = write!(answer, "; {name}={bits}");
            }
        }
        answer
    }

    /// What compresses for this connection.
    pub(crate) fn deflater(&self) -> Deflater {
        Deflater::new(self.server_bits.unwrap_or(MOST_BITS), self.level, self.threshold, self.server_takeover)
    }

    /// What decompresses for this connection.
    pub(crate) fn inflater(&self) -> Inflater {
        // Clients that are built on zlib take 8 for 9.
        let bits = self.client_bits.unwrap_or(MOST_BITS).max(LEAST_BITS);
        Inflater::new(if self.client_takeover { 1 << bits } else { 0 })
    }
}

#[cfg(test)]
mod tests;
