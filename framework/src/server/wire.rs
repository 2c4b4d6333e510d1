//! The stream as hyper gets it.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::{
    follow::{Follower, Head},
    stall::Stall,
};
use crate::sync::lock;

/// From here on a request line is not read to its end: hyper takes a quarter of it.
const LONGEST_LINE: usize = 256 * 1024;
/// In place of the rest of such a line, so that hyper looks at its length, instead of waiting for its end and then
/// refusing the header lines (RFC 9112 section 3: 414).
const CUT: &[u8] = b" HTTP/1.1\r\n\r\n";

/// What is still read, and thrown away, after our side is closed.
const LINGER_BYTES: usize = 64 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(1);

/// Passes all bytes on, follows the requests in them, and closes in an order in which the last answer arrives.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    /// What was read before, to know what it is.
    early: Vec<u8>,
    follower: Follower,
    heads: Heads,
    stall: Stall,
    closing: Closing,
}

#[derive(Debug)]
enum Closing {
    Open,
    /// Our side is closed. Closing the socket with unread bytes would reset it, and the reset could destroy the answer on its
    /// way (RFC 9112 section 9.6). The clock runs where more may come.
    Lingering {
        left: usize,
        until: Option<Pin<Box<Sleep>>>,
    },
}

/// The heads that hyper has got and not yet made requests of, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Heads(Arc<Mutex<VecDeque<Head>>>);

impl Heads {
    /// The head of the request that hyper has just made; `None` where it could not be followed.
    pub(super) fn next(&self) -> Option<Head> {
        lock(&self.0).pop_front()
    }
}

impl<S> Wire<S> {
    /// `patience` is how long the peer may take nothing of what waits for it.
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self::with_early(stream, Vec::new(), patience)
    }

    /// A stream from whose start these bytes were read.
    pub(super) fn with_early(stream: S, early: Vec<u8>, patience: Duration) -> Self {
        Self {
            stream,
            early,
            follower: Follower::default(),
            heads: Heads::default(),
            stall: Stall::new(patience),
            closing: Closing::Open,
        }
    }

    /// The same, of something else than HTTP/1.1.
    pub(super) fn unfollowed(stream: S, early: Vec<u8>, patience: Duration) -> Self {
        Self { follower: Follower::lost(), ..Self::with_early(stream, early, patience) }
    }

    pub(super) fn heads(&self) -> Heads {
        self.heads.clone()
    }

    pub(super) fn into_stream(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.early.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        } else {
            let count = self.early.len().min(buffer.remaining());
            buffer.put_slice(&self.early[..count]);
            self.early.drain(..count);
        }
        let Self { follower, heads, .. } = &mut *self;
        follower.follow(&buffer.filled()[before..], |head| lock(&heads.0).push_back(head));
        if follower.request_line() > LONGEST_LINE {
            buffer.set_filled(before);
            buffer.put_slice(&CUT[..CUT.len().min(buffer.remaining())]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Reads and throws away, until the peer has closed its side too, nothing is to be expected, or it was enough.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Closing::Lingering { left, until } = &mut self.closing else { return Poll::Ready(()) };
        let mut bytes = [0; 4096];
        while *left > 0 {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    *left = left.saturating_sub(buffer.filled().len());
                    until.get_or_insert_with(|| Box::pin(sleep(LINGER_TIME)));
                }
                Poll::Ready(_) => break,
                Poll::Pending => return until.as_mut().map_or(Poll::Ready(()), |until| until.as_mut().poll(cx)),
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.stall.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.stall.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.stall.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Closing::Open = self.closing {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            // Who is in the middle of a request has more on the way.
            let until = (!self.follower.is_between()).then(|| Box::pin(sleep(LINGER_TIME)));
            self.closing = Closing::Lingering { left: LINGER_BYTES, until };
        }
        self.poll_linger(cx).map(Ok)
    }
}
