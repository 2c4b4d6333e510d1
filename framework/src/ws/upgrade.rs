//! Between the request and the socket: what a handler decides, and the hand-over to the driver.

use std::{
    any::Any,
    fmt,
    future::{Future, Ready, poll_fn, ready},
    io,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use bytes::Bytes;

use super::{
    CloseCode, ConnectionId, HandlerFuture, Message, Params, RouteOptions, Sockets, WebSocket,
    connection::Connection,
    driver::Driver,
    extensions::Extensions,
    facts::Facts,
    handshake::{Handshake, accepted},
    io::Stream,
    outcome::{End, Outcome, panicked},
    proto::Agreed,
    typed::{Inbound, Outbound},
};
use crate::{
    config::Limits,
    error::Result,
    extract::Request,
    http::{IntoResponse, Response, internal_error, server_error},
    rt::BoxFuture,
    sync::lock,
};

/// The stream of a connection, once the 101 has left.
pub(crate) type Upgrading = BoxFuture<'static, io::Result<Attached>>;

/// What the driver gets.
pub(crate) struct Attached {
    pub(crate) stream: Stream,
    /// The bytes that came right behind the handshake.
    pub(crate) early: Bytes,
    /// Kept as long as the connection is open: its place among the server's connections.
    pub(crate) guard: Option<Arc<dyn Any + Send + Sync>>,
}

/// Puts an [`Upgrading`] into a request's extensions: they must be `Clone`, it can be taken once.
#[derive(Clone)]
pub(crate) struct UpgradeHandle(pub(crate) Arc<Mutex<Option<Upgrading>>>);

/// A socket that has not been accepted yet, for what must be decided first.
///
/// As an argument it stands in for the [`WebSocket`]. Until the handler decides, no answer leaves.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[websocket("/ws")]
/// async fn guarded(up: Upgrade, token: Option<String>) -> Result<()> {
///     let Some(token) = token else {
///         return up.deny(StatusCode::UNAUTHORIZED).await;
///     };
///     if token != "secret" {
///         return up.close(4001, "unauthorized").await;
///     }
///     let ws = up.header("set-cookie", "seen=1").accept().await;
///     ws.send_text("welcome").await
/// }
/// # App::new().route(guarded).check().unwrap();
/// ```
#[must_use = "a socket that is neither accepted nor denied is answered with 500"]
pub struct Upgrade<In = Message, Out = Message> {
    slot: Arc<Slot>,
    connection: Arc<Connection>,
    types: PhantomData<fn(Out) -> In>,
}

/// Where the decision is left.
#[derive(Debug)]
struct Slot {
    decision: Mutex<Decision>,
    offered: Vec<String>,
    extensions: Extensions,
}

#[derive(Debug, Default)]
struct Decision {
    headers: Vec<(HeaderName, HeaderValue)>,
    verdict: Option<Verdict>,
}

#[derive(Debug)]
enum Verdict {
    Accept,
    Deny(Box<Response>),
}

/// A decision that was made: to be awaited or dropped, it makes no difference.
#[derive(Debug)]
pub struct Decided(Ready<()>);

impl Future for Decided {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll(cx).map(Ok)
    }
}

impl<In, Out> Upgrade<In, Out> {
    /// The header lines of the handshake.
    pub fn headers(&self) -> &HeaderMap {
        self.connection.facts.headers()
    }

    /// The query's values.
    pub fn query_params(&self) -> &Params {
        self.connection.facts.query()
    }

    /// The path's parameters.
    pub fn path_params(&self) -> &Params {
        self.connection.facts.path()
    }

    /// The URI of the handshake.
    pub fn uri(&self) -> &Uri {
        self.connection.facts.uri()
    }

    /// The peer's address, where the server knows it.
    pub fn peer_addr(&self) -> Option<std::net::SocketAddr> {
        self.connection.facts.peer()
    }

    /// The id that the socket will have.
    pub fn id(&self) -> ConnectionId {
        ConnectionId(self.connection.id)
    }

    /// The subprotocols that the client offers, in the order of its preference.
    pub fn protocols(&self) -> &[String] {
        &self.slot.offered
    }

    /// Values that the peer of event handlers will have: what `upgrade` puts in, the other methods find in
    /// [`Peer::extensions`](crate::Peer::extensions).
    pub fn extensions(&self) -> &Extensions {
        &self.slot.extensions
    }

    /// Sends a header with the 101: a cookie, say. One that holds what no header may hold is left out and logged.
    pub fn header<K, V>(&self, name: K, value: V) -> &Self
    where
        K: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(_), Ok(_)) if lock(&self.slot.decision).verdict.is_some() => {
                tracing::error!("a header for the 101 was left out: the decision was made before");
            }
            (Ok(name), Ok(value)) => lock(&self.slot.decision).headers.push((name, value)),
            _ => tracing::error!("a header for the 101 was left out: its name or value holds what no header may hold"),
        }
        self
    }

    /// Completes the handshake. The 101 leaves when the handler next waits. To be called once: a second socket would take
    /// messages away from the first.
    pub async fn accept(&self) -> WebSocket<In, Out> {
        self.decide(Verdict::Accept);
        WebSocket::new(self.connection.clone())
    }

    /// Completes the handshake with a subprotocol (RFC 6455 section 1.9), if the client offers it; without one if not.
    pub async fn accept_protocol(&self, protocol: impl Into<String>) -> WebSocket<In, Out> {
        let protocol = protocol.into();
        if self.slot.offered.contains(&protocol) {
            self.connection.facts.choose_protocol(protocol);
        }
        self.accept().await
    }

    /// Refuses with an HTTP status. A browser sees close code 1006 and no more.
    pub fn deny(&self, status: StatusCode) -> Decided {
        self.deny_with(status)
    }

    /// Refuses with an HTTP answer. A browser sees close code 1006 and no more.
    ///
    /// Over HTTP/2 a status of 2xx would open the socket (RFC 8441 section 5): 500 takes its place, and the log says so.
    pub fn deny_with(&self, answer: impl IntoResponse) -> Decided {
        self.decide(Verdict::Deny(Box::new(answer.into_response())))
    }

    /// Completes the handshake and closes at once, so that a browser sees the code.
    ///
    /// Of a code that must not be sent (RFC 6455 section 7.4) 1008 takes the place, and the log says so.
    pub fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Decided {
        if let Err(error) = self.connection.close_checked(code.into(), reason) {
            tracing::error!("{error}");
            // 1008 may always be sent.
            let frame = super::CloseFrame { code: CloseCode::POLICY, reason: reason.into() };
            self.connection.close(Some(&frame));
        }
        self.decide(Verdict::Accept)
    }

    /// Whether the handler has decided.
    pub(crate) fn is_decided(&self) -> bool {
        lock(&self.slot.decision).verdict.is_some()
    }

    /// The first decision counts.
    fn decide(&self, verdict: Verdict) -> Decided {
        lock(&self.slot.decision).verdict.get_or_insert(verdict);
        Decided(ready(()))
    }
}

impl<In, Out> fmt::Debug for Upgrade<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upgrade").field(&self.connection).finish()
    }
}

/// The first argument of a socket handler: the socket, or what becomes one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a socket",
    label = "not a socket",
    note = "take `WebSocket`, `WebSocket<In, Out>` or `Upgrade`; `In` must be `serde::Deserialize`, `Out` `serde::Serialize`"
)]
pub trait SocketArg: Sized + Send {
    #[doc(hidden)]
    fn from_upgrade(upgrade: Upgrade) -> Self;
}

impl<In: Inbound, Out: Outbound> SocketArg for Upgrade<In, Out> {
    fn from_upgrade(upgrade: Upgrade) -> Self {
        Upgrade { slot: upgrade.slot, connection: upgrade.connection, types: PhantomData }
    }
}

/// A handler that takes the socket itself has nothing to decide.
impl<In: Inbound, Out: Outbound> SocketArg for WebSocket<In, Out> {
    fn from_upgrade(upgrade: Upgrade) -> Self {
        upgrade.decide(Verdict::Accept);
        WebSocket::new(upgrade.connection)
    }
}

/// Makes the socket argument.
pub(crate) fn socket<T: SocketArg>(upgrade: Upgrade) -> T {
    T::from_upgrade(upgrade)
}

/// A handshake that waits for its decision.
pub(crate) struct Pending {
    accept: Option<String>,
    slot: Arc<Slot>,
    connection: Arc<Connection>,
    sockets: Arc<Sockets>,
    upgrading: Option<Upgrading>,
    deflate: Option<Agreed>,
}

/// Makes the connection of a handshake, and the [`Upgrade`] for its handler.
pub(crate) fn prepare(
    handshake: Handshake,
    request: &Request,
    options: &RouteOptions,
    limits: &Arc<Limits>,
    sockets: &Arc<Sockets>,
) -> (Upgrade, Pending) {
    let upgrading = request.extensions().get::<UpgradeHandle>().and_then(|handle| lock(&handle.0).take());
    let facts = Facts::of(request, handshake.protocol);
    let connection = Connection::new(sockets.next_id(), facts, limits.clone(), options, sockets.traffic.clone());
    let connection = Arc::new(connection);
    connection.outbox().deflater = handshake.deflate.map(|agreed| Box::new(agreed.deflater()));
    let slot =
        Arc::new(Slot { decision: Mutex::default(), offered: handshake.offered, extensions: Extensions::default() });
    let upgrade = Upgrade { slot: slot.clone(), connection: connection.clone(), types: PhantomData };
    let pending = Pending {
        accept: handshake.accept,
        slot,
        connection,
        sockets: sockets.clone(),
        upgrading,
        deflate: handshake.deflate,
    };
    (upgrade, pending)
}

impl Pending {
    /// Runs the handler until it has decided, and gives the answer; an accepted socket goes on in a task of its own.
    ///
    /// Cancel safety: dropped when the client hangs up before the answer, and the handler with it.
    pub(crate) async fn decide(self, mut handler: HandlerFuture) -> Response {
        let slot = self.slot.clone();
        let is_decided = || lock(&slot.decision).verdict.is_some();
        let mut end = None;
        if !is_decided() {
            end = poll_fn(|cx| match poll_caught(&mut handler, cx) {
                Poll::Ready(end) => Poll::Ready(Some(end)),
                Poll::Pending if is_decided() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            })
            .await;
        }
        let Decision { headers, verdict } = std::mem::take(&mut *lock(&self.slot.decision));
        let running = if end.is_none() { Some(handler) } else { None };
        match verdict {
            Some(Verdict::Accept) => self.accept(headers, running, end),
            Some(Verdict::Deny(response)) => {
                self.deny(running, end);
                *response
            }
            None => self.undecided(end),
        }
    }

    fn accept(
        self,
        headers: Vec<(HeaderName, HeaderValue)>,
        handler: Option<HandlerFuture>,
        end: Option<End>,
    ) -> Response {
        let Some(upgrading) = self.upgrading else {
            tracing::error!(
                "the request can't be upgraded: serve the app over HTTP/1.1 or HTTP/2, and keep the request's extensions"
            );
            return server_error("the request can't be upgraded".into());
        };
        let protocol = self.connection.facts.protocol();
        let response = accepted(self.accept.as_deref(), protocol, self.deflate.as_ref(), headers);
        let inflater = self.deflate.map(|agreed| agreed.inflater());
        let mut driver = Driver::new(self.connection, &self.sockets, upgrading, inflater, handler);
        if let Some(end) = end {
            driver.end(&end);
        }
        driver.spawn();
        response
    }

    /// There will be no socket; the handler may have something to clean up.
    fn deny(self, running: Option<HandlerFuture>, end: Option<End>) {
        let Self { connection, sockets, .. } = self;
        connection.set_gone(None);
        connection.outbox().fail();
        let ended = move |end: End| {
            if let End::Failed(message) = end {
                sockets.failed(&connection, &message);
            }
        };
        if let Some(mut handler) = running {
            tokio::spawn(async move { ended(poll_fn(|cx| poll_caught(&mut handler, cx)).await) });
        } else if let Some(end) = end {
            ended(end);
        }
    }

    fn undecided(&self, end: Option<End>) -> Response {
        let message = match end {
            Some(End::Failed(message)) => message,
            Some(End::Close(frame)) => format!("it ended with {frame} before it accepted the socket"),
            _ => "it returned without `accept`, `deny` or `close`".to_owned(),
        };
        self.sockets.failed(&self.connection, &message);
        internal_error()
    }
}

fn poll_caught(handler: &mut HandlerFuture, cx: &mut Context<'_>) -> Poll<End> {
    match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx))) {
        Ok(polled) => polled.map(|Outcome(end)| end),
        Err(payload) => Poll::Ready(panicked(&*payload)),
    }
}
