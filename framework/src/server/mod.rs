//! The only door to hyper: accepts connections, speaks HTTP on them, and stops in good order.

mod accept;
mod connection;
mod dispatch;
mod follow;
#[cfg_attr(not(feature = "http2"), path = "http2_off.rs")]
mod http2;
mod secure;
mod stall;
mod upgrade;
mod wire;

use std::{
    fmt,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    error::{Error, Result},
    hub::Hub,
    route::{Context, Table},
    tls::TlsConfig,
};

#[cfg(feature = "testing")]
pub(crate) use connection::{Caller, serve_stream};
pub(crate) use dispatch::dispatch;

/// An app that can be served: its routes, and what they share.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) table: Table,
    pub(crate) context: Arc<Context>,
}

/// A running server: the handle that [`App::serve`](crate::App::serve) gives.
///
/// Awaited, it ends when the server has stopped: with an error if the app can't be served. Dropped, the server goes on.
///
/// ```
/// use sockeye::prelude::*;
/// use std::time::Duration;
///
/// #[get("/health")]
/// async fn health() -> &'static str { "ok" }
///
/// # #[sockeye::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let server = App::new().route(health).serve(listener);
/// println!("listening on http://{}", server.local_addr());
/// server.shutdown(Duration::from_secs(5)).await
/// # }
/// ```
#[must_use = "await the server, or keep it to stop it"]
pub struct Server {
    local_addr: SocketAddr,
    stop: watch::Sender<Option<Duration>>,
    task: JoinHandle<Result<()>>,
}

impl Server {
    pub(crate) fn start(listener: TcpListener, built: Result<Arc<Built>>, tls: Option<TlsConfig>, hub: Hub) -> Self {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let local_addr = listener.local_addr().unwrap_or(unknown);
        let (stop, stopping) = watch::channel(None);
        let task = tokio::spawn(async move {
            let built = built.inspect_err(|error| tracing::error!("{error}"))?;
            hub.begin();
            accept::run(listener, built, tls, stopping).await;
            hub.end().await;
            Ok(())
        });
        Self { local_addr, stop, task }
    }

    /// The address that it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops: accepts nothing more, lets requests finish, closes every socket with 1001, and after `deadline` ends what
    /// is left. Waits until then.
    ///
    /// # Errors
    ///
    /// If the server had ended with one before.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the stopping goes on by itself.
    pub async fn shutdown(self, deadline: Duration) -> Result<()> {
        self.stop.send_replace(Some(deadline));
        self.await
    }

    /// Asks for the same without waiting.
    pub(crate) fn stop(&self, deadline: Duration) {
        self.stop.send_replace(Some(deadline));
    }
}

impl Future for Server {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.task).poll(cx).map(|joined| joined.unwrap_or_else(|error| Err(Error::other(error))))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.local_addr)
    }
}
