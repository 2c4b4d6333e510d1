//! How a test client reaches its app: in memory, or over a real port.

use std::{
    cell::RefCell,
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use ::http::{Request, Response};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::watch, time::timeout};

use crate::{
    error::{Error, Result},
    http::Body,
    server::{Built, Caller, serve_stream},
    ws::{Failures, Sockets},
};

/// What the in-memory pipe holds before a writer waits.
const PIPE: usize = 64 * 1024;

thread_local! {
    /// The sockets of the apps that this thread's test has clients of. They outlive the apps.
    static UNDER_TEST: RefCell<Vec<Arc<Sockets>>> = const { RefCell::new(Vec::new()) };
}

/// How long a test waits at its end for handlers that have not noticed yet that their client is gone.
const SETTLE: Duration = Duration::from_millis(200);

/// Where the app is.
pub(super) struct Transport {
    /// Unknown of an app in another process.
    built: Option<Arc<Built>>,
    way: Way,
}

enum Way {
    Memory {
        /// Tells the connections to stop: never, but they listen for it.
        stopping: watch::Sender<Option<Duration>>,
        next_port: AtomicU16,
    },
    Tcp(SocketAddr),
}

impl Transport {
    pub(super) fn memory(built: Arc<Built>) -> Self {
        watch_over(&built);
        let way = Way::Memory { stopping: watch::channel(None).0, next_port: AtomicU16::new(1) };
        Self { built: Some(built), way }
    }

    pub(super) fn tcp(address: SocketAddr, built: Option<Arc<Built>>) -> Self {
        built.iter().for_each(watch_over);
        Self { built, way: Way::Tcp(address) }
    }

    /// What handlers have failed with.
    pub(super) fn failures(&self) -> Option<&Failures> {
        self.built.as_ref().map(|built| &built.context.sockets.failures)
    }

    /// The value of `Host`.
    pub(super) fn host(&self) -> String {
        match &self.way {
            Way::Memory { .. } => "testserver".to_owned(),
            Way::Tcp(address) => address.to_string(),
        }
    }

    /// Sends one request over a connection of its own, and gives the head of the answer and the address that the server
    /// knows us by.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<(Response<Incoming>, SocketAddr)> {
        match (&self.way, &self.built) {
            (Way::Memory { stopping, next_port }, Some(built)) => {
                let (client, server) = tokio::io::duplex(PIPE);
                let own = SocketAddr::from(([127, 0, 0, 1], next_port.fetch_add(1, Ordering::Relaxed)));
                let (built, stopping) = (built.clone(), stopping.subscribe());
                let caller = Caller { peer: own, built, stopping, guard: Arc::new(()), secure: false };
                tokio::spawn(serve_stream(server, caller));
                Ok((exchange(client, request).await?, own))
            }
            (Way::Memory { .. }, None) => Err(Error::other("an app in memory is always known")),
            (Way::Tcp(address), _) => {
                let stream =
                    TcpStream::connect(address).await.map_err(|error| Error::bind(&address.to_string(), error))?;
                stream.set_nodelay(true)?;
                let own = stream.local_addr()?;
                Ok((exchange(stream, request).await?, own))
            }
        }
    }
}

fn watch_over(built: &Arc<Built>) {
    let sockets = &built.context.sockets;
    sockets.failures.keep();
    UNDER_TEST.with_borrow_mut(|all| all.push(sockets.clone()));
}

/// The end of a test: handlers that fail only now fail it too.
///
/// # Panics
///
/// With what they failed with.
pub(crate) async fn settle() {
    for sockets in UNDER_TEST.take() {
        // Handlers that go on without their client are none of the test's business.
        let _ended_or_not = timeout(SETTLE, sockets.all_closed()).await;
        let failures = sockets.failures.take();
        assert!(failures.is_empty(), "{}", failures.join("; "));
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
        match &self.way {
            Way::Memory { .. } => f.write_str("memory"),
            Way::Tcp(address) => address.fmt(f),
        }
    }
}
