//! A connection in memory.

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use sockeye::App;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tower_service::Service;

use super::{
    bytes::handshake,
    raw::{Ended, parse_answer, soon},
};

/// The client's end, and what has come through it. The app's end is served by a server of hyper's.
pub(crate) struct Pipe {
    pub(crate) stream: DuplexStream,
    pub(crate) read: Vec<u8>,
}

impl Pipe {
    pub(super) fn new(app: App, size: usize) -> Self {
        let (stream, server) = duplex(size);
        let service = service_fn(move |request| {
            let mut app = app.clone();
            async move { app.call(request).await }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(server), service).with_upgrades());
        Self { stream, read: Vec::new() }
    }

    /// A socket on `path`.
    pub(crate) async fn open(mut self, path: &str) -> Self {
        self.send(&handshake(path)).await;
        self.switched().await;
        self
    }

    /// Sends as long as the server takes it; gives whether it took all.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Closes our side.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.expect("can't shut down");
    }

    pub(crate) async fn switched(&mut self) {
        loop {
            if let Some((size, answer)) = parse_answer(&self.read) {
                assert_eq!(answer.status, 101, "{answer:?}");
                self.read.drain(..size);
                return;
            }
            let count = self.stream.read_buf(&mut self.read).await.expect("can't read");
            assert!(count > 0, "got the end instead of an answer");
        }
    }

    /// All frames to the end of the stream.
    pub(crate) async fn ended(&mut self) -> Ended {
        soon("the end", self.stream.read_to_end(&mut self.read)).await.expect("can't read");
        Ended::parse(&std::mem::take(&mut self.read))
    }
}
