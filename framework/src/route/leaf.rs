//! The innermost service of a route: turns the HTTP request into the handler's call.

use std::sync::{Arc, OnceLock};

use super::{Context, Handler, Refusal, Running};
use crate::{
    config::Limits,
    extract::{PathValues, Request, Scope},
    http::{Body, IntoResponse, Response},
    rt::BoxFuture,
    ws::{self, RouteOptions, Upgrade},
};

type SocketHandler = dyn for<'r> Fn(&'r mut Request, Upgrade) -> BoxFuture<'r, Result<Running, Response>> + Send + Sync;

/// A handler behind its adaptor, with the limits of its route.
#[derive(Clone)]
pub(crate) struct Leaf {
    call: LeafCall,
    options: RouteOptions,
    /// The app's limits as this route changes them: known once there is an app.
    limits: Arc<OnceLock<OwnLimits>>,
}

#[derive(Clone)]
enum LeafCall {
    Macro(Handler),
    Socket(Arc<SocketHandler>),
}

/// The limits of a route, and those of the app that they were made of.
struct OwnLimits {
    app: Arc<Limits>,
    own: Arc<Limits>,
}

/// What the dispatcher puts into a request's extensions for the leaf: layers stand between the two.
#[derive(Clone)]
pub(crate) struct Matched {
    pub(crate) context: Arc<Context>,
    pub(crate) path: PathValues,
    /// What is answered in place of the handler.
    pub(crate) refusal: Option<Refusal>,
}

impl Leaf {
    pub(crate) fn of(handler: Handler, options: RouteOptions) -> Self {
        Self { call: LeafCall::Macro(handler), options, limits: Arc::default() }
    }

    pub(crate) fn socket<H>(handler: H, options: RouteOptions) -> Self
    where
        H: for<'r> Fn(&'r mut Request, Upgrade) -> BoxFuture<'r, Result<Running, Response>> + Send + Sync + 'static,
    {
        let call = LeafCall::Socket(Arc::new(handler));
        Self { call, options, limits: Arc::default() }
    }

    /// Kept for one app: one that was cloned and given other limits has to make its own each time.
    fn limits(&self, app: &Arc<Limits>) -> Arc<Limits> {
        let make = || OwnLimits { app: app.clone(), own: self.options.limits(app) };
        let kept = self.limits.get_or_init(make);
        if Arc::ptr_eq(&kept.app, app) { kept.own.clone() } else { self.options.limits(app) }
    }

    pub(crate) async fn call(&self, request: ::http::Request<Body>, matched: Matched) -> Response {
        if let Some(refusal) = matched.refusal {
            return refusal.into_response();
        }
        let (parts, body) = request.into_parts();
        let limits = self.limits(&matched.context.limits);
        let scope = Scope { states: matched.context.states.clone(), limits, path: matched.path };
        let request = Request::new(parts, body, scope);
        match &self.call {
            LeafCall::Macro(Handler::Http(call)) => {
                let mut request = request;
                call(&mut request).await
            }
            LeafCall::Macro(Handler::Socket(start)) => {
                self.open(request, &matched.context, |request, upgrade| start(request, upgrade)).await
            }
            LeafCall::Socket(start) => {
                self.open(request, &matched.context, |request, upgrade| start(request, upgrade)).await
            }
        }
    }

    /// The way of a socket: handshake, arguments, decision, connection.
    async fn open<S>(&self, mut request: Request, context: &Arc<Context>, start: S) -> Response
    where
        S: for<'r> Fn(&'r mut Request, Upgrade) -> BoxFuture<'r, Result<Running, Response>>,
    {
        let compression = self.options.compression.as_ref().unwrap_or(&context.compression);
        let handshake = match ws::Handshake::check(&request.parts, &context.origins, compression, &self.options) {
            Ok(handshake) => handshake,
            Err(refusal) => return refusal,
        };
        let (upgrade, pending) =
            ws::prepare(handshake, &request, &self.options, &request.scope.limits, &context.sockets);
        match start(&mut request, upgrade).await {
            Ok(Running(handler)) => {
                // From here on only the connection's own copies are needed: an idle socket must not hold the head.
                drop(request);
                pending.decide(handler).await
            }
            Err(refusal) => refusal,
        }
    }
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Leaf")
    }
}
