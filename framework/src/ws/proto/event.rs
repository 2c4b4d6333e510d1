//! What comes out of the decoder.

use bytes::Bytes;

use super::{CloseFrame, Message};

/// One thing a peer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A whole message.
    Message(Message),
    /// A whole message whose first frame carried RSV1: still compressed, and text not yet known to be UTF-8. Comes only
    /// where [`Rules::allow_rsv1`](super::Rules::allow_rsv1) is set.
    Compressed {
        text: bool,
        payload: Bytes,
    },
    /// To be answered by a pong with the same payload (RFC 6455 §5.5.2).
    Ping(Bytes),
    Pong(Bytes),
    /// The last frame of the peer; `None` is a close without a code (RFC 6455 §5.5.1).
    Close(Option<CloseFrame>),
}
