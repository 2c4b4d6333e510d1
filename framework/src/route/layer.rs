//! Tower services and layers inside the app.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
};

use tower_service::Service;

use super::leaf::{Leaf, Matched};
use crate::{
    error::{BoxError, Error},
    http::{Body, IntoResponse, MessageBody, Response, server_error},
    rt::BoxFuture,
};

/// What a tower service must be to stand inside the app.
pub(crate) trait HttpService: Service<::http::Request<Body>> + Clone + Send + Sync + 'static {}

impl<S: Service<::http::Request<Body>> + Clone + Send + Sync + 'static> HttpService for S {}

/// A tower service with its types rubbed off.
#[derive(Clone)]
pub(crate) struct LayeredService(Arc<dyn Fn(::http::Request<Body>) -> BoxFuture<'static, Response> + Send + Sync>);

impl LayeredService {
    pub(crate) fn new<S, B>(service: S) -> Self
    where
        S: HttpService + Service<::http::Request<Body>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: MessageBody,
    {
        Self(Arc::new(move |request| {
            let service = service.clone();
            Box::pin(answer(service, request))
        }))
    }

    pub(crate) fn call(&self, request: ::http::Request<Body>) -> impl Future<Output = Response> + use<> {
        (self.0)(request)
    }
}

async fn answer<S, B>(mut service: S, request: ::http::Request<Body>) -> Response
where
    S: Service<::http::Request<Body>, Response = Response<B>, Error: Into<BoxError>>,
    B: MessageBody,
{
    if let Err(error) = poll_fn(|cx| service.poll_ready(cx)).await {
        return failed(error);
    }
    match service.call(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => failed(error),
    }
}

fn failed(error: impl Into<BoxError>) -> Response {
    let error: BoxError = error.into();
    tracing::error!(error = &*error, "a tower service failed");
    server_error(error.to_string())
}

impl fmt::Debug for LayeredService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LayeredService")
    }
}

/// A route as a tower service: what a layer on a [`Router`](super::Router) wraps.
#[derive(Clone, Debug)]
pub struct RouteService(Inside);

#[derive(Clone, Debug)]
enum Inside {
    Leaf(Leaf),
    Layered(LayeredService),
}

impl RouteService {
    pub(crate) fn new(target: super::into_route::Target) -> Self {
        use super::into_route::Target;
        Self(match target {
            Target::Leaf(leaf) => Inside::Leaf(leaf),
            Target::Layered(service) => Inside::Layered(service),
        })
    }
}

impl Service<::http::Request<Body>> for RouteService {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: ::http::Request<Body>) -> Self::Future {
        match self.0.clone() {
            Inside::Layered(service) => Box::pin(async move { Ok(service.call(request).await) }),
            Inside::Leaf(leaf) => {
                let matched = request.extensions_mut().remove::<Matched>();
                Box::pin(async move {
                    match matched {
                        Some(matched) => Ok(leaf.call(request, matched).await),
                        // A layer has built a new request instead of passing on the one it got.
                        None => Ok(Error::other("a layer dropped the request's extensions").into_response()),
                    }
                })
            }
        }
    }
}
