//! Who has sent a close frame so far (RFC 6455 §5.5.1, §7.1).

/// The closing handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Closing {
    #[default]
    Open,
    /// We have sent a close frame and wait for the peer's.
    Sent,
    /// The peer has sent a close frame and waits for ours.
    Received,
    /// The handshake is complete: the server closes the TCP connection (§7.1.1).
    Both,
}

impl Closing {
    /// A close frame was sent.
    pub(crate) fn sent(&mut self) {
        *self = match self {
            Self::Open | Self::Sent => Self::Sent,
            Self::Received | Self::Both => Self::Both,
        };
    }

    /// A close frame was received.
    pub(crate) fn received(&mut self) {
        *self = match self {
            Self::Open | Self::Received => Self::Received,
            Self::Sent | Self::Both => Self::Both,
        };
    }

    /// No data after our close frame (§5.5.1). After the peer's alone, a message that is on its way may still be ended.
    pub(crate) fn may_send_data(self) -> bool {
        matches!(self, Self::Open | Self::Received)
    }

    /// Both close frames have gone over the wire (§7.1.4).
    pub(crate) fn is_complete(self) -> bool {
        self == Self::Both
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_up_to_four_closes() {
        for order in 0..16u8 {
            let (mut closing, mut sent, mut received) = (Closing::default(), false, false);
            for step in 0..4 {
                if order >> step & 1 == 0 {
                    closing.sent();
                    sent = true;
                } else {
                    closing.received();
                    received = true;
                }
                assert_eq!(closing.may_send_data(), !sent);
                assert_eq!(closing.is_complete(), sent && received);
            }
        }
    }
}
