//! What the macros make of a handler: a call, and the adaptor that gets its arguments.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::RouteInfo;
use crate::{
    extract::{Needs, Request},
    http::Response,
    rt::BoxFuture,
    ws::{HandlerFuture, Outcome, SocketOutcome, Upgrade},
};

/// A call of a handler: a future of what it returns, which also knows the route it belongs to.
///
/// It is what makes `health().await` and `.route(health)` work for one and the same function: the route is in the
/// return type.
#[must_use = "futures do nothing unless awaited"]
pub struct Call<M, T> {
    future: Pin<Box<dyn Handling<T>>>,
    marker: PhantomData<fn() -> M>,
}

/// A handler's future: of what the handler returns, or, in the same box, of what becomes of a socket by it. A second box
/// would be a second allocation in each connection.
trait Handling<T>: Send {
    fn poll_returned(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T>;

    fn of_socket(self: Pin<Box<Self>>) -> HandlerFuture
    where
        T: SocketOutcome;
}

pin_project! {
    struct Handled<F> {
        #[pin]
        future: F,
    }
}

impl<F> Handling<F::Output> for Handled<F>
where
    F: Future + Send + 'static,
{
    fn poll_returned(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }

    fn of_socket(self: Pin<Box<Self>>) -> HandlerFuture
    where
        F::Output: SocketOutcome,
    {
        self
    }
}

impl<F: Future<Output: SocketOutcome>> Future for Handled<F> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.project().future.poll(cx).map(SocketOutcome::into_outcome)
    }
}

impl<M, T> Call<M, T> {
    /// Boxes the handler's future.
    pub fn new<F>(future: F) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        Self { future: Box::pin(Handled { future }), marker: PhantomData }
    }
}

impl<M, T> Future for Call<M, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.future.as_mut().poll_returned(cx)
    }
}

impl<M, T> fmt::Debug for Call<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}

/// The route behind a handler.
pub trait Endpoint: 'static {
    /// What the macro knows of it.
    fn info() -> &'static RouteInfo;

    /// What its arguments need from the app.
    fn needs(needs: &mut Needs);

    /// The adaptor.
    fn handler() -> Handler;
}

/// An adaptor: gets the arguments from the request and calls the handler.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// Of a socket: gives the running handler, or the refusal.
    Socket(for<'r> fn(&'r mut Request, Upgrade) -> BoxFuture<'r, Result<Running, Response>>),
    /// Of an HTTP route: gives the answer.
    Http(HttpHandler),
}

/// The adaptor of an HTTP route.
pub(super) type HttpHandler = for<'r> fn(&'r mut Request) -> BoxFuture<'r, Response>;

/// A socket handler that has its arguments and has not been polled yet.
pub struct Running(pub(crate) HandlerFuture);

impl Running {
    /// Takes the handler's future out of its call.
    pub fn new<M: 'static, T: SocketOutcome + 'static>(call: Call<M, T>) -> Self {
        Self(call.future.of_socket())
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}
