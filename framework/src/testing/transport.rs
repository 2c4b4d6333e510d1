//! How a test client reaches its app: in memory, or over a real port.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

use ::http::{Request, Response};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::watch};

use crate::{
    error::{Error, Result},
    http::Body,
    server::{Built, serve_stream},
};

/// What the in-memory pipe holds before a writer waits.
const PIPE: usize = 64 * 1024;

/// Where the app is.
pub(super) enum Transport {
    Memory {
        built: Arc<Built>,
        /// Tells the connections to stop: never, but they listen for it.
        stopping: watch::Sender<Option<std::time::Duration>>,
        next_port: AtomicU16,
    },
    Tcp(SocketAddr),
}

impl Transport {
    pub(super) fn memory(built: Arc<Built>) -> Self {
        built.context.sockets.keep_failures();
        Self::Memory { built, stopping: watch::channel(None).0, next_port: AtomicU16::new(1) }
    }

    /// What handlers have failed with since the last time. Unknown of an app in another process.
    pub(super) fn take_failures(&self) -> Vec<String> {
        match self {
            Self::Memory { built, .. } => built.context.sockets.take_failures(),
            Self::Tcp(_) => Vec::new(),
        }
    }

    /// The value of `Host`.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Memory { .. } => "testserver".to_owned(),
            Self::Tcp(address) => address.to_string(),
        }
    }

    /// Sends one request over a connection of its own, and gives the head of the answer.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>> {
        match self {
            Self::Memory { built, stopping, next_port } => {
                let (client, server) = tokio::io::duplex(PIPE);
                let peer = SocketAddr::from(([127, 0, 0, 1], next_port.fetch_add(1, Ordering::Relaxed)));
                tokio::spawn(serve_stream(server, peer, built.clone(), stopping.subscribe(), Arc::new(())));
                exchange(client, request).await
            }
            Self::Tcp(address) => {
                let stream =
                    TcpStream::connect(address).await.map_err(|error| Error::bind(&address.to_string(), error))?;
                stream.set_nodelay(true)?;
                exchange(stream, request).await
            }
        }
    }
}

async fn exchange<S>(stream: S, request: Request<Body>) -> Result<Response<Incoming>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer's body, or with the socket's hand-over; its errors reach whoever reads those.
    tokio::spawn(connection.with_upgrades());
    Ok(sender.send_request(request).await?)
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory { .. } => f.write_str("memory"),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}
