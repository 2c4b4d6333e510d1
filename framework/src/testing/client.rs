//! The client, and its request for a socket.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::net::TcpListener;

use super::{
    Refused, TestRequest, TestSocket,
    http::{TestResponse, request},
    transport::Transport,
};
use crate::{
    app::App,
    error::{Error, Result},
    ws::Failures,
};

/// How long every wait lasts at most, unless the client is told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client for tests: several may share one app, and clones share everything.
///
/// It speaks with the app in memory, through the real HTTP server, handshake and wire format, with the codec of
/// tungstenite on its side; [`TestClient::tcp`] does the same over a real port. It reports what a browser would see: a
/// refusal before the upgrade is an HTTP answer.
///
/// Every wait has a limit, 5 s unless [`patience`](Self::patience) says otherwise, and says what it waited for. A handler
/// that panics or fails makes the test fail with its message: at the wait it disturbs, or when the client is dropped.
/// A test that means it says so with [`expect_close(1011)`](TestSocket::expect_close) or by looking at the
/// [`status`](super::TestResponse::status).
///
/// ```
/// use sockeye::prelude::*;
///
/// #[websocket("/ws/<room>")]
/// async fn room(mut ws: WebSocket, room: String) -> Result<()> {
///     let text = ws.receive_text().await?;
///     ws.send_text(format!("[{room}] {text}")).await
/// }
///
/// #[sockeye::test]
/// async fn answers() -> Result<()> {
///     let client = TestClient::new(App::new().route(room));
///     let mut ws = client.websocket_connect("/ws/lobby").await?;
///     ws.send_text("Hello").await?;
///     assert_eq!(ws.receive_text().await?, "[lobby] Hello");
///     ws.expect_close(1000).await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct TestClient {
    pub(super) shared: Arc<Shared>,
}

/// What the clones of a client, its sockets and responses share.
pub(super) struct Shared {
    pub(super) transport: Transport,
    pub(super) patience: Duration,
}

impl TestClient {
    /// A client of `app`, in memory. Call it inside a runtime: `#[sockeye::test]` has one.
    ///
    /// # Panics
    ///
    /// If the app can't be served; the message lists every problem.
    #[track_caller]
    pub fn new(app: App) -> Self {
        match app.built() {
            Ok(built) => Self::with(Transport::memory(built)),
            Err(problems) => panic!("{problems}"),
        }
    }

    /// Serves `app` on a free port of the loopback and gives a client for it. Without its TLS, if it has any.
    ///
    /// # Errors
    ///
    /// If there is no port, or the app can't be served.
    pub async fn tcp(app: App) -> Result<Self> {
        app.check()?;
        let built = app.built().ok();
        let app = app.without_tls();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let server = app.serve(listener);
        let address = server.local_addr();
        tokio::spawn(server);
        Ok(Self::with(Transport::tcp(address, built)))
    }

    /// A client of a server that runs elsewhere.
    pub fn connect_to(address: SocketAddr) -> Self {
        Self::with(Transport::tcp(address, None))
    }

    fn with(transport: Transport) -> Self {
        Self { shared: Arc::new(Shared { transport, patience: PATIENCE }) }
    }

    /// Sets how long every wait lasts at most. For the client's first use: what it has opened keeps the old limit.
    pub fn patience(self, patience: Duration) -> Self {
        match Arc::try_unwrap(self.shared) {
            Ok(mut shared) => {
                shared.patience = patience;
                Self { shared: Arc::new(shared) }
            }
            Err(_) => panic!("`patience` must be set before the client is used or cloned"),
        }
    }

    /// Opens a socket.
    ///
    /// # Errors
    ///
    /// If the app refuses; [`websocket`](Self::websocket) gives the refusal to look at.
    pub async fn websocket_connect(&self, path: &str) -> Result<TestSocket> {
        Ok(self.websocket(path).connect().await?)
    }

    /// A request for a socket, to be given headers before it is sent.
    pub fn websocket(&self, path: &str) -> SocketRequest {
        SocketRequest { client: self.clone(), path: path.to_owned(), headers: HeaderMap::new(), mistake: None }
    }

    /// A GET request; await it to send it.
    pub fn get(&self, path: &str) -> TestRequest {
        self.request(Method::GET, path)
    }

    /// A POST request; await it to send it.
    pub fn post(&self, path: &str) -> TestRequest {
        self.request(Method::POST, path)
    }

    /// A PUT request; await it to send it.
    pub fn put(&self, path: &str) -> TestRequest {
        self.request(Method::PUT, path)
    }

    /// A PATCH request; await it to send it.
    pub fn patch(&self, path: &str) -> TestRequest {
        self.request(Method::PATCH, path)
    }

    /// A DELETE request; await it to send it.
    pub fn delete(&self, path: &str) -> TestRequest {
        self.request(Method::DELETE, path)
    }

    /// A request of any method; await it to send it.
    pub fn request(&self, method: Method, path: &str) -> TestRequest {
        TestRequest::new(self.clone(), method, path)
    }
}

impl Shared {
    /// Waits for `what` no longer than the client's patience.
    pub(super) async fn wait<T>(&self, what: &str, future: impl Future<Output = T>) -> Result<T> {
        match tokio::time::timeout(self.patience, future).await {
            Ok(value) => Ok(value),
            Err(_) => Err(Error::timeout(format!("waited {:?} for {what}{}", self.patience, self.failures()))),
        }
    }

    /// What handlers have failed with, as the tail of a message.
    pub(super) fn failures(&self) -> String {
        let failures = self.transport.failures().map(Failures::all).unwrap_or_default();
        failures.iter().map(|failure| format!("; {failure}")).collect()
    }

    /// The test has said that the handler of this peer fails.
    pub(super) fn expected_failure(&self, own: SocketAddr) {
        if let Some(failures) = self.transport.failures() {
            failures.take_of(own);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let failures = self.transport.failures().map(Failures::take).unwrap_or_default();
        if !failures.is_empty() && !std::thread::panicking() {
            panic!("{}", failures.join("; "));
        }
    }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestClient").field(&self.shared.transport).finish()
    }
}

/// A request for a socket.
#[derive(Debug)]
#[must_use = "`connect` sends it"]
pub struct SocketRequest {
    client: TestClient,
    path: String,
    headers: HeaderMap,
    mistake: Option<String>,
}

impl SocketRequest {
    /// Adds a header.
    pub fn header<K, V>(mut self, name: K, value: V) -> Self
    where
        K: TryInto<HeaderName, Error: fmt::Display>,
        V: TryInto<HeaderValue, Error: fmt::Display>,
    {
        match header_pair(name, value) {
            Ok((name, value)) => drop(self.headers.append(name, value)),
            Err(mistake) => self.mistake = Some(mistake),
        }
        self
    }

    /// Offers a subprotocol; several are offered in the order of the calls.
    pub fn subprotocol(self, protocol: &str) -> Self {
        self.header(header::SEC_WEBSOCKET_PROTOCOL, protocol)
    }

    /// Says that a page of this origin asks, as a browser would.
    pub fn origin(self, origin: &str) -> Self {
        self.header(header::ORIGIN, origin)
    }

    /// Sends a cookie.
    pub fn cookie(self, name: &str, value: &str) -> Self {
        self.header(header::COOKIE, format!("{name}={value}"))
    }

    /// Opens the socket.
    ///
    /// # Errors
    ///
    /// What the app answered instead of 101; or what kept it from answering.
    pub async fn connect(self) -> Result<TestSocket, Refused> {
        if let Some(mistake) = self.mistake {
            return Err(Refused::Failed(Error::other(mistake)));
        }
        let shared = self.client.shared.clone();
        let key = tungstenite::handshake::client::generate_key();
        let mut head = request(&shared, Method::GET, &self.path, self.headers).map_err(Refused::Failed)?;
        let headers = head.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(header::SEC_WEBSOCKET_KEY, HeaderValue::from_str(&key).map_err(|e| Refused::Failed(e.into()))?);
        let what = format!("the handshake of {}", self.path);
        let opened = shared.wait(&what, async {
            let (response, own) = shared.transport.send(head).await?;
            if response.status() == ::http::StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Ok(TestSocket::open(shared.clone(), self.path, own, &key, response).await?));
            }
            Ok(Err(TestResponse::read(shared.clone(), own, response).await?))
        });
        match opened.await.and_then(|opened: Result<_>| opened).map_err(Refused::Failed)? {
            Ok(socket) => Ok(socket),
            Err(response) => Err(Refused::Denied(Box::new(response))),
        }
    }
}

/// A header line, or what is wrong with it.
pub(super) fn header_pair<K, V>(name: K, value: V) -> std::result::Result<(HeaderName, HeaderValue), String>
where
    K: TryInto<HeaderName, Error: fmt::Display>,
    V: TryInto<HeaderValue, Error: fmt::Display>,
{
    let name = name.try_into().map_err(|error| format!("bad header name: {error}"))?;
    let value = value.try_into().map_err(|error| format!("bad value for the header `{name}`: {error}"))?;
    Ok((name, value))
}
