//! tungstenite's client codec over an async stream: an independent peer for our own codec.

use std::{
    future::poll_fn,
    io::{self, Read, Write},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::{
    Error as CodecError, Message,
    protocol::{Role, WebSocket, WebSocketConfig},
};

/// The stream below.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// tungstenite over a stream.
pub(super) struct Codec {
    socket: WebSocket<Pipe>,
    stream: Box<dyn Stream>,
}

/// tungstenite reads and writes here, without waiting; `Codec` moves the bytes to and from the stream.
#[derive(Default)]
struct Pipe {
    input: Vec<u8>,
    output: Vec<u8>,
    ended: bool,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return if self.ended { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        let count = buffer.len().min(self.input.len());
        buffer[..count].copy_from_slice(&self.input[..count]);
        self.input.drain(..count);
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Codec {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        // The server's limits are under test, not the client's.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        Self { socket: WebSocket::from_raw_socket(Pipe::default(), Role::Client, Some(config)), stream }
    }

    /// Waits for the next message, control messages included; pings are answered.
    ///
    /// Cancel safety: what has arrived is kept for the next call.
    pub(super) async fn read(&mut self) -> Result<Message, CodecError> {
        loop {
            let read = self.socket.read();
            match read {
                Err(CodecError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => {
                    // Pongs and the answer to a close frame are written by the codec.
                    self.push().await;
                    return done;
                }
            }
            poll_fn(|cx| self.poll_more(cx)).await;
        }
    }

    /// Sends a message, as soon as the stream takes it.
    pub(super) async fn send(&mut self, message: Message) -> Result<(), CodecError> {
        self.socket.send(message)?;
        self.push().await;
        Ok(())
    }

    /// Writes what the codec has given out; a broken stream shows itself at the next read.
    async fn push(&mut self) {
        poll_fn(|cx| {
            // Reading at the same time: the server may wait for us to take what it has written.
            let _more = self.poll_fill(cx);
            self.poll_push(cx)
        })
        .await;
    }

    /// Ready when there is something new to decode.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _pushed = self.poll_push(cx);
        self.poll_fill(cx)
    }

    fn poll_push(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { socket, stream } = self;
        let output = &mut socket.get_mut().output;
        while !output.is_empty() {
            match Pin::new(&mut *stream).poll_write(cx, output) {
                Poll::Ready(Ok(count)) if count > 0 => drop(output.drain(..count)),
                Poll::Ready(_) => output.clear(),
                Poll::Pending => return Poll::Pending,
            }
        }
        Pin::new(stream).poll_flush(cx).map(drop)
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { socket, stream } = self;
        let pipe = socket.get_mut();
        let mut buffer = [0; 16 * 1024];
        let mut read = ReadBuf::new(&mut buffer);
        match Pin::new(stream).poll_read(cx, &mut read) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(())) if !read.filled().is_empty() => pipe.input.extend_from_slice(read.filled()),
            Poll::Ready(_) => pipe.ended = true,
        }
        Poll::Ready(())
    }
}
