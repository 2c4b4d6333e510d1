//! `App`: everything that is served together.

mod service;
#[cfg(feature = "tls")]
mod tls;

use std::{
    env,
    io::Write,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Buf;
use tokio::net::TcpListener;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    broker::Broker,
    browser,
    config::{Compression, Limits, Origins},
    error::{BoxError, Error, Result},
    extract::TypeMap,
    history::History,
    http::{Body, Response},
    hub::{Hub, RoomOptions},
    route::{BuildError, Context, IntoRoute, RouteService, Router, Table},
    server::{Built, Server},
    tls::TlsConfig,
    ws::{Sockets, WebSocket},
};

/// Where `run` listens unless it is told otherwise.
const DEFAULT_ADDRESS: &str = "127.0.0.1:8000";

/// An app: routes, state and settings, ready to be run, tested or mounted elsewhere.
///
/// It is a [`tower_service::Service`] of HTTP requests, so that it mounts in axum and other servers.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[websocket("/echo")]
/// async fn echo(mut ws: WebSocket) -> Result<()> {
///     while let Some(message) = ws.next().await {
///         ws.send(&message?).await?;
///     }
///     Ok(())
/// }
///
/// let app = App::new().route(echo);
/// # app.check().unwrap();
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "an app does nothing until it is run, served or mounted"]
pub struct App {
    router: Router,
    states: TypeMap,
    limits: Limits,
    origins: Origins,
    compression: Compression,
    address: Option<String>,
    hub: Hub,
    tls: Option<TlsConfig>,
    /// Built at the first use, and then shared by all clones.
    built: Arc<OnceLock<std::result::Result<Arc<Built>, Arc<BuildError>>>>,
}

impl App {
    /// An app without routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes the app; what was built of it before no longer counts.
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self.built = Arc::default();
        self
    }

    /// For a test client, which speaks no TLS.
    #[cfg(feature = "testing")]
    pub(crate) fn without_tls(mut self) -> Self {
        self.tls = None;
        self
    }

    fn with_router(self, change: impl FnOnce(Router) -> Router) -> Self {
        self.with(|app| app.router = change(std::mem::take(&mut app.router)))
    }

    /// Adds a handler made by `#[websocket]`, `#[get]` or one of their siblings.
    pub fn route<Args>(self, handler: impl IntoRoute<Args>) -> Self {
        self.with_router(|router| router.route(handler))
    }

    /// Adds a socket without a macro; see [`Router::websocket`].
    #[track_caller]
    pub fn websocket<H, F>(mut self, path: &str, handler: H) -> Self
    where
        H: Fn(WebSocket) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        // Not through `with_router`: the caller's place would be lost in the closure.
        self.router = std::mem::take(&mut self.router).websocket(path, handler);
        self.with(|_| {})
    }

    /// Serves the client for browsers at `/sockeye/client.js`, an ES module, and its types at `/sockeye/client.d.ts`.
    ///
    /// It connects again by itself, goes on where it was, asks and answers; the book's chapter on it has the details. An app
    /// that does not call this has no such routes. A route of your own at one of these paths collides with it, which
    /// [`check`](Self::check) says. Browsers ask each time whether the file has changed, and pages of other origins can't
    /// load it.
    ///
    /// ```
    /// use sockeye::prelude::*;
    ///
    /// #[get("/")]
    /// async fn page() -> Html<&'static str> {
    ///     Html(r#"<script type="module">import { Client } from "/sockeye/client.js"; new Client("/echo");</script>"#)
    /// }
    ///
    /// let app = App::new().route(page).browser_client();
    /// # app.check().unwrap();
    /// ```
    #[track_caller]
    pub fn browser_client(mut self) -> Self {
        self.router = browser::add_to(std::mem::take(&mut self.router));
        self.with(|_| {})
    }

    /// Adds all routes of a router.
    pub fn include_router(self, router: Router) -> Self {
        self.with_router(|own| own.include_router(router))
    }

    /// Gives every request at or below `prefix` to a tower service; see [`Router::mount`].
    #[track_caller]
    pub fn mount<S, B>(mut self, prefix: &str, service: S) -> Self
    where
        S: Service<::http::Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
    {
        self.router = std::mem::take(&mut self.router).mount(prefix, service);
        self.with(|_| {})
    }

    /// Puts a tower layer around every route that the app has so far; see [`Router::layer`].
    pub fn layer<L, B>(self, layer: L) -> Self
    where
        L: Layer<RouteService>,
        L::Service: Service<::http::Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<::http::Request<Body>>>::Error: Into<BoxError>,
        <L::Service as Service<::http::Request<Body>>>::Future: Send,
        B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
    {
        self.with_router(|router| router.layer(layer))
    }

    /// Provides a value to every handler that takes `State<T>`. One value a type: a second takes the first's place.
    ///
    /// ```
    /// use sockeye::prelude::*;
    ///
    /// struct Settings {
    ///     greeting: &'static str,
    /// }
    ///
    /// #[get("/")]
    /// async fn greet(settings: State<Settings>) -> &'static str { settings.greeting }
    ///
    /// let app = App::new().state(Settings { greeting: "hello" }).route(greet);
    /// # app.check().unwrap();
    /// ```
    pub fn state<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.with(|app| app.states.insert(Arc::new(value)))
    }

    /// Sets all limits.
    pub fn limits(self, limits: Limits) -> Self {
        self.with(|app| app.limits = limits)
    }

    /// Sets how long a peer may be silent before it gets a ping, and how long it then has to be heard.
    ///
    /// On by default, with 20 s each; [`Limits::ping_interval`] turns it off.
    pub fn heartbeat(self, interval: Duration, timeout: Duration) -> Self {
        self.with(|app| {
            app.limits.ping_interval = Some(interval);
            app.limits.pong_timeout = timeout;
        })
    }

    /// Sets which web pages may open a socket; by default those of the same origin.
    pub fn origins(self, origins: Origins) -> Self {
        self.with(|app| app.origins = origins)
    }

    /// Sets whether and how messages are compressed; by default they are, from 256 bytes on.
    ///
    /// ```
    /// use sockeye::{App, Compression};
    ///
    /// let app = App::new().compression(Compression::new().takeover(true).window_bits(11));
    /// # app.check().unwrap();
    /// ```
    pub fn compression(self, compression: Compression) -> Self {
        self.with(|app| app.compression = compression)
    }

    /// The app's rooms, for everybody who is no handler. Clones of the app share them.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sockeye::prelude::*;
    ///
    /// # async fn run() -> Result<()> {
    /// let app = App::new();
    /// let hub = app.hub();
    /// sockeye::spawn(async move {
    ///     loop {
    ///         sockeye::time::sleep(Duration::from_secs(1)).await;
    ///         if let Err(error) = hub.publish("time", "tick").await {
    ///             eprintln!("{error}");
    ///         }
    ///     }
    /// });
    /// app.run().await
    /// # }
    /// ```
    pub fn hub(&self) -> Hub {
        self.hub.clone()
    }

    /// Sets what rooms are like that say nothing themselves. It counts for rooms that come to be afterwards, in all clones
    /// of the app.
    pub fn rooms(self, options: RoomOptions) -> Self {
        self.hub.set_defaults(options);
        self
    }

    /// Sets where messages are stored that are [published](crate::Room::publish) to rooms: in all clones of the app, from
    /// now on.
    ///
    /// ```
    /// use sockeye::{App, MemoryHistory};
    ///
    /// let app = App::new().history(MemoryHistory::new());
    /// # app.check().unwrap();
    /// ```
    pub fn history(self, history: impl History) -> Self {
        self.hub.set_history(Arc::new(history));
        self
    }

    /// Sets what carries messages to other nodes: to other processes that serve the same app, or to other apps of this one.
    /// Whoever is given the same broker shares rooms, users and presence: see the chapter "Several nodes" of the book.
    ///
    /// It counts for all clones of the app, and for rooms that get their first member afterwards. The connection is made
    /// when the app is served, or when somebody joins a room or sends something; if it is lost, it is made again. Local
    /// delivery never waits for it. A second one takes the place of the first at the next connection.
    ///
    /// ```
    /// use sockeye::{App, LocalBroker};
    ///
    /// let broker = LocalBroker::new();
    /// let (one, other) = (App::new().broker(broker.clone()), App::new().broker(broker));
    /// # (one.check().unwrap(), other.check().unwrap());
    /// ```
    pub fn broker(self, broker: impl Broker) -> Self {
        self.hub.set_broker(Arc::new(broker));
        self
    }

    /// Sets where [`run`](Self::run) listens, unless the environment says otherwise.
    pub fn bind(self, address: impl ToString) -> Self {
        self.with(|app| app.address = Some(address.to_string()))
    }

    /// Says everything that keeps the app from being served.
    ///
    /// # Errors
    ///
    /// Routes that collide, state that was never provided, prefixes that are no paths: all of them, each with its place.
    pub fn check(&self) -> std::result::Result<(), BuildError> {
        self.build_error().map_or(Ok(()), |error| Err(BuildError(error.problems().to_vec())))
    }

    fn build_error(&self) -> Option<Arc<BuildError>> {
        self.built().err()
    }

    pub(crate) fn built(&self) -> std::result::Result<Arc<Built>, Arc<BuildError>> {
        let built = self.built.get_or_init(|| {
            let table = Table::build(self.router.clone(), &self.states)?;
            let mut states = self.states.clone();
            states.insert(Arc::new(self.hub.clone()));
            let context = Arc::new(Context {
                states: Arc::new(states),
                limits: Arc::new(self.limits.clone()),
                origins: self.origins.clone(),
                compression: self.compression,
                sockets: Arc::new(Sockets::new(self.hub.traffic().clone())),
            });
            Ok(Arc::new(Built { table, context }))
        });
        built.clone()
    }

    /// Serves the app on a listener and gives the handle. Must be called inside a runtime.
    ///
    /// An app that can't be served ends the server at once: awaited, the handle gives the error.
    pub fn serve(self, listener: TcpListener) -> Server {
        let built = self.built().map_err(|error| Error::unfit(error.to_string()));
        Server::start(listener, built, self.tls, self.hub)
    }

    /// Listens on `SOCKEYE_ADDR`, else on what [`bind`](Self::bind) said, else on `127.0.0.1:8000`, prints
    /// `listening on http://…` (`https://…` with TLS) and serves until SIGINT or SIGTERM. Then every socket is closed with 1001, requests finish,
    /// and what is left after [`Limits::drain_timeout`], or at a second signal, is ended.
    ///
    /// # Errors
    ///
    /// If the app can't be served or the address can't be listened on.
    pub async fn run(self) -> Result<()> {
        self.check().map_err(|error| Error::unfit(error.to_string()))?;
        let drain = self.limits.drain_timeout;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let listener = self.listen().await?;
        let signals = Signals::listen()?;
        let server = self.serve(listener);
        // Not `println!`, which panics when nobody reads stdout any more.
        if let Err(error) = writeln!(std::io::stdout(), "listening on {scheme}://{}", server.local_addr()) {
            tracing::warn!(%error, "can't say on stdout where the server listens");
        }
        signals.run(server, drain).await
    }

    async fn listen(&self) -> Result<TcpListener> {
        let address = env::var("SOCKEYE_ADDR").ok().or_else(|| self.address.clone());
        let address = address.as_deref().unwrap_or(DEFAULT_ADDRESS);
        TcpListener::bind(address).await.map_err(|error| Error::bind(address, error))
    }
}

/// SIGINT and SIGTERM, listened for from the start: one that comes early is not lost.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            // Ctrl-C.
            _ = self.interrupt.recv() => {}
            // What a supervisor sends.
            _ = self.terminate.recv() => {}
        }
    }

    /// Runs the server until a signal; a second one ends the waiting.
    async fn run(mut self, mut server: Server, drain: Duration) -> Result<()> {
        tokio::select! {
            // It ends by itself only if it can't serve.
            ended = &mut server => return ended,
            () = self.wait() => {}
        }
        tracing::info!("stopping");
        server.stop(drain);
        tokio::select! {
            ended = &mut server => ended,
            () = self.wait() => {
                tracing::warn!("stopping at once");
                Ok(())
            }
        }
    }
}
