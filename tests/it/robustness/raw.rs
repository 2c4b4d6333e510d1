//! A client that knows nothing and sends what it is told to.

use std::{io, net::SocketAddr, time::Duration};

use sockeye::{HeaderMap, HeaderName};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::bytes::{ACCEPT, handshake};

/// Longer than anything takes, however busy the machine is.
const FOREVER: Duration = Duration::from_secs(30);

/// Waits, but not for ever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(FOREVER, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// A stream, as a rule TCP, that may know of an error after its end.
pub(crate) trait Ends: AsyncRead + AsyncWrite + Unpin {
    fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(None)
    }
}

impl Ends for TcpStream {
    fn take_error(&self) -> io::Result<Option<io::Error>> {
        Self::take_error(self)
    }
}

/// A connection and what has come over it.
pub(crate) struct Raw<S = TcpStream> {
    pub(crate) stream: S,
    pub(crate) read: Vec<u8>,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A frame of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

/// All that came up to the end of the stream.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Frames before the close frame.
    pub(crate) frames: Vec<Frame>,
    /// The close frame's code: `Some(None)` is a close frame without one.
    pub(crate) close: Option<Option<u16>>,
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("can't connect");
        stream.set_nodelay(true).expect("can't set TCP_NODELAY");
        Self { stream, read: Vec::new() }
    }

    /// A socket on `path`.
    pub(crate) async fn open(address: SocketAddr, path: &str) -> Self {
        let mut raw = Self::connect(address).await;
        raw.send(handshake(path)).await;
        raw.switched().await;
        raw
    }

    /// Sends RST.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().expect("can't set SO_LINGER");
    }
}

impl<S: Ends> Raw<S> {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sending = async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        };
        soon("the server to take bytes", sending).await.expect("can't send");
    }

    /// Sends as long as the server takes it: it may have closed in the meantime.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        drop(soon("the server to take bytes", self.stream.write_all(bytes.as_ref())).await);
    }

    /// Sends each byte in a segment of its own, as far as the server takes them.
    pub(crate) async fn trickle(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.try_send([*byte]).await;
            tokio::task::yield_now().await;
        }
    }

    /// Sends FIN and goes on reading.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.expect("can't shut down");
    }

    /// Reads once; `false` at the end of the stream.
    async fn more(&mut self) -> io::Result<bool> {
        Ok(self.stream.read_buf(&mut self.read).await? > 0)
    }

    /// Reads until `parse` finds what it looks for, which is then taken off.
    async fn until<T>(&mut self, what: &str, parse: impl Fn(&[u8]) -> Option<(usize, T)>) -> T {
        loop {
            if let Some((size, found)) = parse(&self.read) {
                self.read.drain(..size);
                return found;
            }
            let more = soon(what, self.more()).await;
            let more = more.unwrap_or_else(|error| panic!("waited for {what}: {error}"));
            assert!(more, "waited for {what}, got the end after {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    /// The next answer, with its body.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.until("an answer", parse_answer).await
    }

    /// The answer to a good handshake.
    pub(crate) async fn switched(&mut self) -> Answer {
        let answer = self.answer().await;
        assert_eq!(answer.status, 101, "{answer:?}");
        assert_eq!(answer.header("sec-websocket-accept"), Some(ACCEPT));
        assert_eq!(answer.header("upgrade"), Some("websocket"));
        assert_eq!(answer.header("connection"), Some("Upgrade"));
        answer
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Frame {
        self.until("a frame", parse_frame).await
    }

    /// All that still comes. The stream must end by FIN, and no RST may follow: on its way it could overtake the rest.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        loop {
            match soon("the end of the stream", self.more()).await {
                Ok(true) => {}
                Ok(false) => {
                    // One that comes at all has most likely come with FIN.
                    let error = self.stream.take_error().expect("can't get SO_ERROR");
                    assert!(error.is_none(), "after FIN came {error:?}");
                    return std::mem::take(&mut self.read);
                }
                Err(error) => panic!("expected FIN, got {error} after {:?}", String::from_utf8_lossy(&self.read)),
            }
        }
    }

    /// All frames to the end of the stream.
    pub(crate) async fn ended(&mut self) -> Ended {
        Ended::parse(&self.rest().await)
    }
}

impl Ended {
    /// Takes the whole of what a server has sent behind its answer to the handshake.
    pub(crate) fn parse(rest: &[u8]) -> Self {
        let (mut at, mut frames, mut close) = (0, Vec::new(), None);
        while let Some((size, frame)) = parse_frame(&rest[at..]) {
            at += size;
            assert_eq!(close, None, "a frame after the close frame: {frame:?}");
            if frame.first == super::bytes::CLOSE {
                close = Some(frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code)));
            } else {
                frames.push(frame);
            }
        }
        assert_eq!(at, rest.len(), "half a frame at the end: {:?}", &rest[at..]);
        Self { frames, close }
    }
}

impl Answer {
    /// All header lines.
    pub(crate) fn headers(&self) -> HeaderMap {
        let pair = |(name, value): &(String, String)| Some((name.parse::<HeaderName>().ok()?, value.parse().ok()?));
        self.headers.iter().filter_map(pair).collect()
    }

    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

pub(crate) fn parse_answer(bytes: &[u8]) -> Option<(usize, Answer)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).expect("an answer's head in ASCII");
    let (line, lines) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{line}"));
    let pairs = lines.split("\r\n").filter_map(|line| line.split_once(':'));
    let headers: Vec<_> = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let body = bytes.get(end + 4..end + 4 + length)?;
    Some((end + 4 + length, Answer { status, headers, body: String::from_utf8_lossy(body).into_owned() }))
}

fn parse_frame(bytes: &[u8]) -> Option<(usize, Frame)> {
    let (&first, rest) = bytes.split_first()?;
    // No mask: RFC 6455 section 5.1.
    let (length, at): (usize, usize) = match *rest.first()? {
        126 => (u16::from_be_bytes(*rest[1..].first_chunk()?) as usize, 4),
        127 => (u64::from_be_bytes(*rest[1..].first_chunk()?) as usize, 10),
        short => (usize::from(short), 2),
    };
    let payload = bytes.get(at..at.checked_add(length)?)?.to_vec();
    Some((at + length, Frame { first, payload }))
}
