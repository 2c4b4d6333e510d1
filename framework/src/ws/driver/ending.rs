//! The ends of the reading: by a close frame, a broken rule, or the end of the stream.
//!
//! All of it is cold: what a message goes through is to stay small in the processor's cache.

use std::{
    io,
    task::{Context, Poll},
};

use super::{Driver, Stage};
use crate::ws::{
    io::Borrowed,
    proto::{CloseFrame, ProtocolError},
};

/// How what the peer sent ends the connection.
pub(super) enum Ending {
    /// By its close frame.
    Closes(Option<CloseFrame>),
    /// By breaking a rule, which this tells it.
    Fails(CloseFrame),
    /// By the end of the stream: 1006 (RFC 6455 section 7.1.5).
    Leaves,
}

impl Ending {
    #[cold]
    pub(super) fn of(error: ProtocolError) -> Self {
        Self::Fails(CloseFrame { code: error.code(), reason: error.to_string().into() })
    }
}

impl Driver {
    /// The peer has gone while the inbox was full. What it has sent before is read beyond the limit, so that whoever waits
    /// learns of the end.
    #[cold]
    pub(super) fn read_to_end(&mut self) {
        self.reads_to_end = true;
        self.clock.resume();
        self.connection.outbox().wake_driver();
    }

    /// The peer's last word takes effect. Always `true`: the handler is to see it.
    #[cold]
    pub(super) fn come_to_end(&mut self, end: Option<Ending>) -> bool {
        match end {
            Some(Ending::Closes(frame)) => self.peer_closes(frame),
            Some(Ending::Fails(frame)) => self.fail_with(frame),
            Some(Ending::Leaves) => self.over(),
            None => {}
        }
        true
    }

    /// The peer's close frame is answered with its own code (RFC 6455 section 5.5.1), unless ours came first.
    fn peer_closes(&mut self, frame: Option<CloseFrame>) {
        let mut outbox = self.connection.outbox();
        outbox.closing.received();
        let echo = frame.as_ref().map(|frame| CloseFrame { code: frame.code, reason: "".into() });
        outbox.push_close(echo.as_ref());
        self.closing = outbox.closing;
        drop(outbox);
        self.stage = Stage::Closing;
        self.connection.set_gone(frame);
    }

    /// Fails the connection (RFC 6455 section 7.1.7): says why, then reads no more.
    #[cold]
    pub(super) fn fail_with(&mut self, frame: CloseFrame) {
        tracing::debug!(connection = self.connection.id, %frame, "failing the connection");
        self.connection.outbox().push_close(Some(&frame));
        self.stage = Stage::Closing;
        self.connection.set_gone(None);
    }

    /// The stream has ended without a close frame. A peer that has only closed its own side may still read answers; where
    /// the stream broke, none can leave.
    #[cold]
    pub(super) fn ended(&mut self, end: &io::Result<usize>) -> Option<Ending> {
        let Err(error) = end else { return Some(Ending::Leaves) };
        tracing::debug!(connection = self.connection.id, %error, "the stream broke");
        self.over();
        None
    }

    /// Reads and throws away, until the peer has closed its side too or has sent too much.
    #[cold]
    pub(super) fn discard(&mut self, cx: &mut Context<'_>) {
        let mut buffer = Borrowed::take();
        while let Stage::Draining { left } = &mut self.stage {
            if *left == 0 {
                return self.over();
            }
            match self.io.poll_read(cx, buffer.bytes()) {
                Poll::Pending => return,
                Poll::Ready(Ok(count)) if count > 0 => *left = left.saturating_sub(count as u32),
                Poll::Ready(_) => return self.over(),
            }
        }
    }
}
