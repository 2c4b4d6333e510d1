//! What a peer may send at most.

/// The limits a [`Decoder`](super::Decoder) holds a peer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Bytes in a message, all its frames together.
    pub(crate) max_message: usize,
    /// Bytes in one data frame. A control frame has 125 at most in any case.
    pub(crate) max_frame: usize,
    /// Frames in a message, empty ones too.
    pub(crate) max_fragments: u32,
    /// Whether an extension that gives RSV1 a meaning on the first frame of a message was agreed on (RFC 7692 §6).
    pub(crate) allow_rsv1: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_message: 1 << 20, max_frame: 1 << 20, max_fragments: 131_072, allow_rsv1: false }
    }
}
