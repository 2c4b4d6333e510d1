//! The accept loop.

use std::{io, pin::pin, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    Built,
    connection::{self, Caller},
    http2,
};
use crate::tls::TlsConfig;

/// The longest pause after a failed accept; the loop is back within it once the cause is gone.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long an aborted connection may take to be gone: it only waits for its worker thread.
const ABORT_TIME: Duration = Duration::from_secs(1);

/// Accepts until it is told to stop, then sees the connections off.
pub(super) async fn run(
    listener: TcpListener,
    built: Arc<Built>,
    tls: Option<TlsConfig>,
    mut stopping: watch::Receiver<Option<Duration>>,
) {
    let limit = built.context.limits.max_connections.min(Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(limit));
    let mut tasks = JoinSet::new();
    let mut pause = Duration::ZERO;
    let acceptor = tls.as_ref().map(|tls| tls.acceptor(http2::ALPN));
    let mut watching = pin!(watch(tls));
    let deadline = loop {
        // Finished connections leave no trace.
        while tasks.try_join_next().is_some() {}
        let accepted = tokio::select! {
            // The server's handle.
            deadline = asked_to_stop(&mut stopping) => break deadline,
            // Never ends.
            () = watching.as_mut() => continue,
            // A connection, a free place for it, or an error of the listener.
            accepted = accept(&listener, &permits) => accepted,
        };
        match accepted {
            Ok((stream, peer, permit)) => {
                pause = Duration::ZERO;
                let (built, stopping) = (built.clone(), stopping.clone());
                let caller = Caller { peer, built, stopping, guard: permit, secure: false };
                tasks.spawn(connection::serve_tcp(stream, caller, acceptor.clone()));
            }
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                // Out of file descriptors or memory: trying again at once would only spin.
                pause = (pause * 2).clamp(Duration::from_millis(5), LONGEST_PAUSE);
                tracing::error!(%error, ?pause, "can't accept a connection");
                sleep(pause).await;
            }
        }
    };
    drop(listener);
    see_off(&built, tasks, deadline).await;
}

/// Sees to it that a certificate that changes is put to use.
async fn watch(tls: Option<TlsConfig>) {
    match tls {
        Some(tls) => tls.watch().await,
        None => std::future::pending().await,
    }
}

/// Waits until the server is asked to stop; for ever, once nobody is left who could ask.
///
/// Cancel safety: nothing is lost.
pub(super) async fn asked_to_stop(stopping: &mut watch::Receiver<Option<Duration>>) -> Duration {
    let asked = stopping.wait_for(Option::is_some).await.map(|deadline| *deadline);
    match asked {
        Ok(deadline) => deadline.unwrap_or_default(),
        Err(_) => std::future::pending().await,
    }
}

type Accepted = (TcpStream, std::net::SocketAddr, Arc<tokio::sync::OwnedSemaphorePermit>);

/// Cancel safety: a connection is taken only in the last step.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> io::Result<Accepted> {
    // Over the limit connections wait in the listener's backlog.
    let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, Arc::new(permit)))
}

/// Errors of one connection that broke before it was accepted say nothing about the next.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Requests finish, sockets get 1001; what is left at the deadline is ended.
async fn see_off(built: &Built, mut tasks: JoinSet<()>, deadline: Duration) {
    let until = Instant::now().checked_add(deadline);
    let sockets = &built.context.sockets;
    // However short the time is: everybody is told.
    sockets.close_all().await;
    let all = async {
        while tasks.join_next().await.is_some() {
            // One round for all that have ended by now: thousands may, and there may be as many sockets.
            while tasks.try_join_next().is_some() {}
            // A handshake that was under way may have opened one more.
            sockets.close_all().await;
        }
        sockets.all_closed().await;
    };
    match until {
        Some(until) => drop(timeout_at(until, all).await),
        None => all.await,
    }
    tasks.abort_all();
    sockets.abort_all();
    // An aborted task ends when its worker gets to it.
    drop(timeout(ABORT_TIME, sockets.all_closed()).await);
}
