//! A server that pretends to be a model's, and does what a test tells it to.

use std::time::Duration;

use serde_json::Value;
use sockeye::{Result, spawn, time::timeout};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// Longer than anything takes.
const SOON: Duration = Duration::from_secs(20);

/// The head of an answer in chunks.
const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

pub(super) struct Fake {
    pub(super) url: String,
    requests: mpsc::UnboundedReceiver<Request>,
}

/// A request of the assistant, and the connection to answer on.
pub(super) struct Request {
    pub(super) head: String,
    pub(super) body: Value,
    stream: TcpStream,
}

impl Fake {
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v1/", listener.local_addr()?);
        let (sender, requests) = mpsc::unbounded_channel();
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(request) = Request::read(stream).await {
                    // The test may be over.
                    let _taken_or_not = sender.send(request);
                }
            }
        });
        Ok(Self { url, requests })
    }

    pub(super) async fn request(&mut self) -> Request {
        let request = timeout(SOON, self.requests.recv()).await.expect("the assistant asks nobody");
        request.expect("the fake server has ended")
    }

    pub(super) fn has_no_request(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

impl Request {
    async fn read(mut stream: TcpStream) -> Result<Self> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8(bytes[..end].to_vec())?;
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                if bytes.len() - end - 4 >= length.unwrap_or(0) {
                    let body = serde_json::from_slice(&bytes[end + 4..])?;
                    return Ok(Self { head, body, stream });
                }
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(sockeye::Error::other("half a request"));
            }
        }
    }

    /// Sends bytes as they are, at once.
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        Ok(self.stream.write_all(bytes.as_ref()).await?)
    }

    /// Begins a good answer.
    pub(super) async fn begin(&mut self) -> Result<()> {
        self.send(STREAM).await
    }

    /// Sends a part of the answer's body, in a chunk of its own.
    pub(super) async fn part(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        let bytes = bytes.as_ref();
        self.send([format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()).await
    }

    /// Sends an event with a word of the answer.
    pub(super) async fn word(&mut self, word: &str) -> Result<()> {
        let data = serde_json::json!({ "choices": [{ "delta": { "content": word } }] });
        self.part(format!("data: {data}\n\n")).await
    }

    /// Ends the answer as it should be.
    pub(super) async fn done(&mut self) -> Result<()> {
        self.part("data: [DONE]\n\n").await?;
        self.send("0\r\n\r\n").await
    }

    /// Waits until the assistant has closed the connection.
    pub(super) async fn left(mut self) {
        let mut rest = Vec::new();
        // A reset is an end too.
        let _end = timeout(SOON, self.stream.read_to_end(&mut rest)).await.expect("the assistant stays connected");
        assert_eq!(rest, b"");
    }
}
