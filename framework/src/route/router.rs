//! Routes under a common prefix.

use std::{borrow::Cow, future::Future, panic::Location as Caller};

use tower_layer::Layer;
use tower_service::Service;

use super::{
    Call, Handler, HttpMethod, IntoRoute, Route, RouteKind, Running,
    endpoint::HttpHandler,
    into_route::Target,
    layer::{HttpService, LayeredService, RouteService},
    leaf::Leaf,
};
use crate::{
    error::{BoxError, Result},
    extract::{Location, Needs},
    http::{Body, MessageBody, Response},
    ws::{RouteOptions, WebSocket, socket},
};

/// Routes that belong together: under one prefix, inside the same layers.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[get("/health")]
/// async fn health() -> &'static str { "ok" }
///
/// let v2 = Router::prefix("/v2").route(health);
/// let app = App::new().include_router(Router::prefix("/api").include_router(v2));
/// # app.check().unwrap();
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a router does nothing until an app includes it"]
pub struct Router {
    prefix: String,
    tag: Option<Cow<'static, str>>,
    pub(crate) routes: Vec<Route>,
    pub(crate) mounts: Vec<Mount>,
}

/// A tower service under a path.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    pub(crate) prefix: String,
    pub(crate) location: Location,
    pub(crate) service: LayeredService,
}

impl Router {
    /// Routes without a prefix.
    pub fn new() -> Self {
        Self::default()
    }

    /// Routes under `/prefix`, which may hold parameters: a plain argument of that name reads them.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        let mut prefix = prefix.into();
        // `/api/` is meant as `/api`: each route brings its own leading slash.
        prefix.truncate(prefix.trim_end_matches('/').len());
        Self { prefix, ..Self::default() }
    }

    /// Adds a handler made by `#[websocket]`, `#[get]` or one of their siblings.
    pub fn route<Args>(mut self, handler: impl IntoRoute<Args>) -> Self {
        let mut route = handler.into_route();
        route.path = self.join(&route.path);
        self.routes.push(route);
        self
    }

    /// Adds a socket without a macro: an async function or closure that takes the [`WebSocket`].
    ///
    /// ```
    /// use sockeye::prelude::*;
    ///
    /// let router = Router::new().websocket("/echo", async |mut ws: WebSocket| {
    ///     while let Some(message) = ws.next().await {
    ///         ws.send(&message?).await?;
    ///     }
    ///     Ok(())
    /// });
    /// # App::new().include_router(router).check().unwrap();
    /// ```
    #[track_caller]
    pub fn websocket<H, F>(mut self, path: &str, handler: H) -> Self
    where
        H: Fn(WebSocket) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let leaf = Leaf::socket(
            move |_, upgrade| {
                let call: Call<(), F::Output> = Call::new(handler(socket(upgrade)));
                Box::pin(async move { Ok(Running::new(call)) })
            },
            RouteOptions::DEFAULT,
        );
        self.routes.push(Route {
            kind: RouteKind::WebSocket,
            path: self.join(path),
            name: Cow::Borrowed(std::any::type_name::<H>()),
            location: caller(),
            needs: Needs::default(),
            target: Target::Leaf(leaf),
        });
        self
    }

    /// Adds a GET route of the framework's own.
    #[track_caller]
    pub(crate) fn get(mut self, path: &str, name: &'static str, call: HttpHandler) -> Self {
        self.routes.push(Route {
            kind: RouteKind::Http(HttpMethod::Get),
            path: self.join(path),
            name: Cow::Borrowed(name),
            location: caller(),
            needs: Needs::default(),
            target: Target::Leaf(Leaf::of(Handler::Http(call), RouteOptions::DEFAULT)),
        });
        self
    }

    /// Adds all routes of another router under this one's prefix.
    pub fn include_router(mut self, router: Router) -> Self {
        for mut route in router.routes {
            route.path = self.join(&route.path);
            self.routes.push(route);
        }
        for mut mount in router.mounts {
            mount.prefix = self.join(&mount.prefix);
            self.mounts.push(mount);
        }
        self
    }

    /// Gives every request at or below `prefix` to a tower service, which sees the path without it.
    #[track_caller]
    pub fn mount<S, B>(mut self, prefix: &str, service: S) -> Self
    where
        S: Service<::http::Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body<Data: bytes::Buf + Send, Error: Into<BoxError>> + Send + 'static,
    {
        let prefix = self.join(prefix.trim_end_matches('/'));
        self.mounts.push(Mount { prefix, location: caller(), service: LayeredService::new(service) });
        self
    }

    /// Puts a tower layer around every route that the router has so far. The layer added last is the outermost.
    ///
    /// A socket's handshake passes through it as the HTTP request it is.
    pub fn layer<L, B>(mut self, layer: L) -> Self
    where
        L: Layer<RouteService>,
        L::Service: Service<::http::Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<::http::Request<Body>>>::Error: Into<BoxError>,
        <L::Service as Service<::http::Request<Body>>>::Future: Send,
        B: http_body::Body<Data: bytes::Buf + Send, Error: Into<BoxError>> + Send + 'static,
    {
        for route in &mut self.routes {
            route.target = wrap(&layer, route.target.clone());
        }
        for mount in &mut self.mounts {
            let Target::Layered(service) = wrap(&layer, Target::Layered(mount.service.clone())) else { continue };
            mount.service = service;
        }
        self
    }

    /// Names the group that the routes are documented under. Kept for the documents, which are still to come.
    pub fn tag(mut self, tag: impl Into<Cow<'static, str>>) -> Self {
        let tag = tag.into();
        self.tag = Some(tag);
        self
    }

    fn join(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

fn wrap<L, B>(layer: &L, target: Target) -> Target
where
    L: Layer<RouteService>,
    L::Service: HttpService + Service<::http::Request<Body>, Response = Response<B>>,
    <L::Service as Service<::http::Request<Body>>>::Error: Into<BoxError>,
    <L::Service as Service<::http::Request<Body>>>::Future: Send,
    B: MessageBody,
{
    Target::Layered(LayeredService::new(layer.layer(RouteService::new(target))))
}

/// Where the user has called us from.
#[track_caller]
fn caller() -> Location {
    let caller = Caller::caller();
    Location { file: caller.file(), line: caller.line(), column: caller.column() }
}
