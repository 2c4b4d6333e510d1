//! What a peer did against the protocol, and the close code that tells it so.

use std::fmt;

use super::CloseCode;

/// The peer broke the protocol; the connection is to be failed with [`code`](ProtocolError::code) (RFC 6455 §7.1.7).
///
/// The text it displays fits a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProtocolError(Violation);

/// All the ways to break the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    Unmasked,
    ReservedBits(u8),
    ReservedOpcode(u8),
    FragmentedControl,
    LongControl,
    PaddedLength,
    HugeLength,
    StrayContinuation,
    UnfinishedMessage,
    TooManyFragments {
        limit: u32,
    },
    FrameTooLarge {
        limit: usize,
    },
    MessageTooLarge {
        limit: usize,
    },
    /// The first byte of the sequence that is not UTF-8, counted from the start of the message.
    InvalidText {
        at: usize,
    },
    InvalidReason,
    InvalidDeflate,
    /// Deflate blocks that are marked as the last, with more behind them.
    #[cfg_attr(not(feature = "deflate"), allow(dead_code, reason = "only what is decompressed has blocks"))]
    TooManyLastBlocks,
    HalfCloseCode,
    CloseCode(CloseCode),
}

impl ProtocolError {
    /// A compressed message that can't be decompressed (RFC 7692 §7.2.2; 1007: data inconsistent with what it should be).
    #[cold]
    pub(crate) fn invalid_deflate() -> Self {
        Self(Violation::InvalidDeflate)
    }

    /// The code to close with.
    pub(crate) fn code(self) -> CloseCode {
        match self.0 {
            Violation::InvalidText { .. } | Violation::InvalidReason | Violation::InvalidDeflate => {
                CloseCode::INVALID_PAYLOAD
            }
            Violation::FrameTooLarge { .. } | Violation::MessageTooLarge { .. } => CloseCode::TOO_LARGE,
            Violation::TooManyFragments { .. } | Violation::TooManyLastBlocks => CloseCode::POLICY,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl From<Violation> for ProtocolError {
    #[cold]
    fn from(violation: Violation) -> Self {
        Self(violation)
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Violation::Unmasked => f.write_str("expected a masked frame, got an unmasked one"),
            Violation::ReservedBits(bits) => write!(f, "expected no reserved bits, got {bits:03b}"),
            Violation::ReservedOpcode(opcode) => write!(f, "expected a known opcode, got {opcode:#x}"),
            Violation::FragmentedControl => f.write_str("expected a whole control frame, got a fragment"),
            Violation::LongControl => f.write_str("expected at most 125 bytes in a control frame, got more"),
            Violation::PaddedLength => f.write_str("expected a length in its shortest form, got a longer form"),
            Violation::HugeLength => f.write_str("expected a length of 63 bits, got 64"),
            Violation::StrayContinuation => f.write_str("expected the start of a message, got a continuation"),
            Violation::UnfinishedMessage => f.write_str("expected a continuation, got the start of a message"),
            Violation::TooManyFragments { limit } => {
                write!(f, "expected at most {limit} frames in a message, got more")
            }
            Violation::FrameTooLarge { limit } => write!(f, "expected at most {limit} bytes in a frame, got more"),
            Violation::MessageTooLarge { limit } => write!(f, "expected at most {limit} bytes in a message, got more"),
            Violation::InvalidText { at } => write!(f, "expected text in utf-8, got another byte at {at}"),
            Violation::InvalidReason => f.write_str("expected a close reason in utf-8, got other bytes"),
            Violation::InvalidDeflate => f.write_str("expected deflate data, got other bytes"),
            Violation::TooManyLastBlocks => f.write_str("expected few last blocks in a compressed message, got more"),
            Violation::HalfCloseCode => f.write_str("expected a close code of two bytes, got one byte"),
            Violation::CloseCode(code) => write!(f, "expected a close code that may be sent, got {}", code.as_u16()),
        }
    }
}

impl std::error::Error for ProtocolError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_two_words() {
        assert!(size_of::<ProtocolError>() <= 16);
    }

    #[test]
    fn texts_fit_a_close_frame() {
        for violation in [
            Violation::Unmasked,
            Violation::ReservedBits(7),
            Violation::ReservedOpcode(15),
            Violation::FragmentedControl,
            Violation::LongControl,
            Violation::PaddedLength,
            Violation::HugeLength,
            Violation::StrayContinuation,
            Violation::UnfinishedMessage,
            Violation::TooManyFragments { limit: u32::MAX },
            Violation::FrameTooLarge { limit: usize::MAX },
            Violation::MessageTooLarge { limit: usize::MAX },
            Violation::InvalidText { at: usize::MAX },
            Violation::InvalidReason,
            Violation::InvalidDeflate,
            Violation::TooManyLastBlocks,
            Violation::HalfCloseCode,
            Violation::CloseCode(CloseCode::new(u16::MAX)),
        ] {
            let text = ProtocolError(violation).to_string();
            assert!(text.len() <= 123 && text.starts_with("expected ") && text.contains(", got "), "{text}");
        }
    }
}
