//! `App` as a tower service.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::App;
use crate::{
    error::BoxError,
    http::{Body, Response, server_error},
    route::BuildError,
    rt::BoxFuture,
    server::dispatch,
};

/// Answers requests of any body, for servers of other frameworks. Sockets work where the server is hyper's and keeps the
/// request's extensions, as axum does.
///
/// An app that can't be served answers 500 and says why in the log; [`App::check`] says it before.
impl<B> Service<::http::Request<B>> for App
where
    B: http_body::Body<Data: bytes::Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ::http::Request<B>) -> Self::Future {
        let built = self.built();
        Box::pin(async move {
            Ok(match built {
                Ok(built) => dispatch(&built, request.map(Body::new)).await,
                Err(error) => unfit(&error),
            })
        })
    }
}

fn unfit(error: &Arc<BuildError>) -> Response {
    tracing::error!("{error}");
    server_error(error.to_string())
}
