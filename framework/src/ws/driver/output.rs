//! The write side: the outbox to the stream, and the stream's orderly end.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;

use super::{Driver, Stage};
use crate::{
    rt::Moment,
    ws::{io::Io, outbox::Outbox},
};

/// What is still read, and thrown away, after our side is closed.
const DRAIN_BYTES: u32 = 64 * 1024;

impl Driver {
    /// Writes what waits, and closes the stream once the last frame has left.
    pub(super) fn poll_output(&mut self, cx: &mut Context<'_>) {
        let Self { connection, io, .. } = self;
        let mut outbox = connection.end_poll();
        connection.count(&mut outbox);
        let (was_blocked, waiting) = (outbox.blocked, outbox.len());
        match io {
            Io::Tcp(_) => flush_tcp(io, cx, &mut outbox),
            Io::Boxed(stream) => {
                outbox.flush_with(|bytes| Pin::new(&mut *stream).poll_write(cx, bytes));
                if let Poll::Ready(Err(_)) = Pin::new(stream).poll_flush(cx) {
                    outbox.fail();
                }
            }
            Io::Upgrading(_) | Io::Closed => return,
        }
        self.closing = outbox.closing;
        self.clock.note_outbox(outbox.closed_at, outbox.full_since());
        let (broken, done) = (outbox.broken, outbox.is_empty());
        if was_blocked && outbox.len() < waiting {
            // A full socket takes bytes again: the peer has acknowledged some, and is there.
            self.clock.heard_now();
        }
        drop(outbox);
        if broken {
            return self.write_failed(cx);
        }
        let last_frame_sent =
            self.closing.is_complete() || (self.stage == Stage::Closing && !self.closing.may_send_data());
        if done && last_frame_sent && !matches!(self.stage, Stage::Draining { .. }) {
            self.shut_down();
        }
        if matches!(self.stage, Stage::Draining { .. }) {
            self.poll_shutdown(cx);
            self.discard(cx);
        }
    }

    /// Nothing leaves any more; what has arrived before is still read, to the end that the stream has come to.
    #[cold]
    fn write_failed(&mut self, cx: &Context<'_>) {
        if self.stage != Stage::Open {
            return self.over();
        }
        if !self.reads_to_end {
            self.reads_to_end = true;
            cx.waker().wake_by_ref();
        }
    }

    /// Closes our side: the peer sees the end of the stream (RFC 6455 section 7.1.1).
    #[cold]
    pub(super) fn shut_down(&mut self) {
        // Dropping the write half sends FIN.
        self.connection.outbox().writer = None;
        self.connection.set_gone(None);
        self.carry = None;
        self.clock.note(|since| since.drained = Some(Moment::now()));
        self.stage = Stage::Draining { left: DRAIN_BYTES };
    }

    #[cold]
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) {
        if let Io::Boxed(stream) = &mut self.io {
            if let Poll::Ready(Err(_)) = Pin::new(stream).poll_shutdown(cx) {
                self.over();
            }
        }
    }
}

fn flush_tcp(io: &Io, cx: &mut Context<'_>, outbox: &mut Outbox) {
    loop {
        if outbox.blocked {
            match io.poll_writable(cx) {
                Poll::Ready(Ok(())) => outbox.blocked = false,
                Poll::Ready(Err(_)) => return outbox.fail(),
                Poll::Pending => return,
            }
        }
        outbox.flush_socket();
        if !outbox.blocked {
            return;
        }
    }
}
