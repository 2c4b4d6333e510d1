//! Why a connection ends: the code and the reason in a close frame (RFC 6455 §5.5.1, §7.4).

use std::fmt;

use super::{
    Text,
    error::{ProtocolError, Violation},
};

/// The bytes of reason that fit a control frame beside the code (RFC 6455 §5.5).
const MAX_REASON: usize = 123;

/// A number that says why a connection ends.
///
/// Codes from 4000 to 4999 are the application's own: `CloseCode::from(4001)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The server stops, or the browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the WebSocket protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// The peer sent a kind of message that is not accepted here, such as binary for text.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// The close frame had no code. Never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// The connection ended without a close frame. Never sent.
    pub const ABNORMAL: Self = Self(1006);
    /// The content of a message did not fit its kind, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// The peer broke a rule of the application; for when no other code fits.
    pub const POLICY: Self = Self(1008);
    /// A message was over the limit.
    pub const TOO_LARGE: Self = Self(1009);
    /// The client needs an extension that the server did not agree to.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// Something unexpected happened in the server.
    pub const INTERNAL: Self = Self(1011);
    /// The server restarts; come back after a while.
    pub const RESTART: Self = Self(1012);
    /// The server has too much to do; come back later.
    pub const TRY_AGAIN: Self = Self(1013);
    /// A gateway got no good answer from the server behind it.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// The TLS handshake failed. Never sent.
    pub const TLS: Self = Self(1015);

    /// The code with this number, whether or not it means anything.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// Whether a close frame may carry this code: 1000 to 1003, 1007 to 1014 and 3000 to 4999.
    ///
    /// 1004, 1005, 1006 and 1015 are reserved (RFC 6455 §7.4.1), 1012 to 1014 were registered with IANA later, 0 to 999
    /// and all others below 3000 have no meaning yet, and from 5000 on none is foreseen (§7.4.2).
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NORMAL => "normal closure",
            Self::GOING_AWAY => "going away",
            Self::PROTOCOL_ERROR => "protocol error",
            Self::UNSUPPORTED_DATA => "unsupported data",
            Self::NO_STATUS => "no status received",
            Self::ABNORMAL => "abnormal closure",
            Self::INVALID_PAYLOAD => "invalid payload",
            Self::POLICY => "policy violation",
            Self::TOO_LARGE => "message too large",
            Self::MANDATORY_EXTENSION => "mandatory extension",
            Self::INTERNAL => "internal error",
            Self::RESTART => "service restart",
            Self::TRY_AGAIN => "try again later",
            Self::BAD_GATEWAY => "bad gateway",
            Self::TLS => "tls handshake failed",
            _ => return None,
        })
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl PartialEq<u16> for CloseCode {
    fn eq(&self, other: &u16) -> bool {
        self.0 == *other
    }
}

impl PartialEq<CloseCode> for u16 {
    fn eq(&self, other: &CloseCode) -> bool {
        *self == other.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Why a connection ends, as a close frame says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// The code.
    pub code: CloseCode,
    /// What a person may read, often empty. What is over 123 bytes is cut off when it is sent.
    pub reason: Text,
}

impl CloseFrame {
    /// As much of the reason as fits, never half a character.
    pub(crate) fn short_reason(&self) -> &str {
        let mut end = self.reason.len().min(MAX_REASON);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        &self.reason[..end]
    }
}

impl fmt::Display for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            "" => write!(f, "{}", self.code),
            reason => write!(f, "{}: {reason}", self.code),
        }
    }
}

/// Appends a close frame to `out`.
///
/// `None`, and a code that must not be sent (RFC 6455 §7.4.1), make an empty one, which the peer sees as 1005.
pub(crate) fn encode_close(frame: Option<&CloseFrame>, out: &mut Vec<u8>) {
    const FIN_CLOSE: u8 = 0x88;
    let Some(frame) = frame.filter(|frame| frame.code.is_sendable()) else {
        out.extend_from_slice(&[FIN_CLOSE, 0]);
        return;
    };
    let reason = frame.short_reason();
    out.reserve(4 + reason.len());
    out.extend_from_slice(&[FIN_CLOSE, 2 + reason.len() as u8]);
    out.extend_from_slice(&frame.code.0.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

/// Reads the payload of a close frame: nothing, or a code and a reason (RFC 6455 §5.5.1).
pub(crate) fn parse_close(payload: &[u8]) -> Result<Option<CloseFrame>, ProtocolError> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(Violation::HalfCloseCode.into()) };
    };
    let code = CloseCode(u16::from_be_bytes(*code));
    // The codes a peer may send are those we may send (§7.4).
    if !code.is_sendable() {
        return Err(Violation::CloseCode(code).into());
    }
    // §5.5.1: the reason is UTF-8; §8.1: 1007 where it is not.
    let reason = std::str::from_utf8(reason).map_err(|_| Violation::InvalidReason)?;
    Ok(Some(CloseFrame { code, reason: Text::from(reason) }))
}

#[cfg(test)]
mod tests;
