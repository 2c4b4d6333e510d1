//! The streams that a driver can run on.

use std::{
    cell::Cell,
    fmt, io,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::buf::Limit;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::{TcpStream, tcp::OwnedReadHalf},
};

use super::upgrade::Upgrading;

/// How much is read at once.
pub(crate) const READ_BUFFER: usize = 64 * 1024;

/// Anything that bytes go through: TLS, HTTP/2, memory.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection's stream, as it comes from the server.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Boxed(Box<dyn Duplex>),
}

/// The driver's end of it. Of TCP it has the read half: the write half is with the outbox, for all who send.
pub(crate) enum Io {
    /// The 101 has not left yet.
    Upgrading(Upgrading),
    Tcp(OwnedReadHalf),
    Boxed(Box<dyn Duplex>),
    Closed,
}

impl Io {
    /// Reads into `buffer`; 0 at the end of the stream.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        let result = match self {
            Self::Tcp(half) => Pin::new(half).poll_read(cx, &mut read),
            Self::Boxed(stream) => Pin::new(stream).poll_read(cx, &mut read),
            Self::Upgrading(_) | Self::Closed => Poll::Ready(Ok(())),
        };
        result.map_ok(|()| read.filled().len())
    }

    /// Reads straight into a message's own buffer.
    pub(crate) fn poll_read_direct(
        &mut self,
        cx: &mut Context<'_>,
        mut buffer: Limit<&mut Vec<u8>>,
    ) -> Poll<io::Result<usize>> {
        // A future of one poll: `read_buf` keeps nothing between polls.
        match self {
            Self::Tcp(half) => pin!(half.read_buf(&mut buffer)).poll(cx),
            Self::Boxed(stream) => pin!(stream.read_buf(&mut buffer)).poll(cx),
            Self::Upgrading(_) | Self::Closed => Poll::Ready(Ok(0)),
        }
    }

    /// Waits until the socket takes bytes again.
    pub(crate) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(half) => half.as_ref().poll_write_ready(cx),
            Self::Boxed(_) | Self::Upgrading(_) | Self::Closed => Poll::Ready(Ok(())),
        }
    }

    /// Whether the peer has closed its side, even though there are bytes that nobody has read. A stream that can't say so
    /// is read ahead until there is no `room`; what has come is to be kept.
    pub(crate) fn is_read_closed(&mut self, room: usize, keep: impl FnMut(&[u8])) -> bool {
        // Nobody waits for more: once the inbox has room, the stream is asked again.
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match self {
            Self::Tcp(half) => match pin!(half.ready(tokio::io::Interest::READABLE)).poll(&mut cx) {
                Poll::Ready(Ok(ready)) => ready.is_read_closed(),
                Poll::Ready(Err(_)) => true,
                Poll::Pending => false,
            },
            Self::Boxed(_) => self.read_ahead(&mut cx, room, keep),
            Self::Upgrading(_) | Self::Closed => false,
        }
    }

    /// Whether the stream's end came within what is read ahead.
    fn read_ahead(&mut self, cx: &mut Context<'_>, mut room: usize, mut keep: impl FnMut(&[u8])) -> bool {
        let mut buffer = Borrowed::take();
        while room > 0 {
            match self.poll_read(cx, buffer.bytes()) {
                Poll::Pending => return false,
                Poll::Ready(Ok(count)) if count > 0 => {
                    keep(&buffer.bytes()[..count]);
                    room = room.saturating_sub(count);
                }
                Poll::Ready(_) => return true,
            }
        }
        false
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Io::Tcp",
            Self::Boxed(_) => "Io::Boxed",
            Self::Upgrading(_) => "Io::Upgrading",
            Self::Closed => "Io::Closed",
        })
    }
}

thread_local! {
    /// The read buffer of this thread; away while a driver uses it.
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// The thread's read buffer, borrowed for one poll. A nested poll finds none and makes another.
pub(crate) struct Borrowed(Option<Box<[u8]>>);

impl Borrowed {
    pub(crate) fn take() -> Self {
        Self(Some(BUFFER.take().unwrap_or_else(|| vec![0; READ_BUFFER].into_boxed_slice())))
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        self.0.as_deref_mut().unwrap_or_default()
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        BUFFER.set(self.0.take());
    }
}
