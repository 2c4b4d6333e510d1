//! What the macros may name. Not for people: it changes without notice.

pub use std::{borrow::Cow, boxed::Box, sync::Arc};

use crate::extract::{Rejection, cookie_values, header_values, path_argument, query_values, run_dependency};
pub use crate::{
    Compression, Overflow, Router,
    error::Error,
    events::{
        Answer, EventHandler, EventOutcome, Events, Fault, FromMessage, Peer, UpgradeOutcome, event, event_route,
    },
    extract::{
        ArgInfo, Dependency, DependencyFn, FromPath, FromRequest, FromValues, Location, Needs, Param, ParamError,
        Place, Request,
    },
    http::{IntoResponse, Response},
    route::{Call, Endpoint, Handler, HttpMethod, Invalid, Route, RouteInfo, RouteKind, RouteOptions, Running},
    rt::{BoxFuture, Flavor, RuntimeOptions},
    ws::{CloseFrame, Message, SocketArg, SocketOutcome, Upgrade},
};

/// How one argument is had.
#[allow(missing_debug_implementations)]
pub struct Extractor<T: 'static> {
    /// Whether it reads the body.
    pub body: bool,
    /// What it needs from the app.
    pub needs: fn(&mut Needs),
    /// Gets it, or the refusal.
    pub extract: for<'r> fn(&'r mut Request, &'static ArgInfo) -> BoxFuture<'r, Result<T, Response>>,
}

fn nothing(_: &mut Needs) {}

fn refuse<T>(result: Result<T, impl IntoResponse>) -> Result<T, Response> {
    result.map_err(IntoResponse::into_response)
}

/// Any extractor.
pub const fn extractor<T: FromRequest>() -> Extractor<T> {
    Extractor {
        body: T::BODY,
        needs: T::needs,
        extract: |request, arg| Box::pin(async move { refuse(T::from_request(request, arg).await) }),
    }
}

/// An extractor that has no need to wait.
macro_rules! at_once {
    ($read:expr) => {
        Extractor {
            body: false,
            needs: nothing,
            extract: |request, arg| Box::pin(std::future::ready(refuse($read(request, arg)))),
        }
    };
}

/// A parameter of the route's own path.
pub const fn path_value<T: FromPath>() -> Extractor<T> {
    at_once!(path_argument)
}

/// `#[query]`.
pub const fn query_value<T: FromValues>() -> Extractor<T> {
    at_once!(query)
}

/// `#[header]`.
pub const fn header_value<T: FromValues>() -> Extractor<T> {
    at_once!(header)
}

/// `#[cookie]`.
pub const fn cookie_value<T: FromValues>() -> Extractor<T> {
    at_once!(cookie)
}

/// `#[query(default = …)]`.
pub const fn query_default<T: Param>() -> Extractor<Option<T>> {
    at_once!(query)
}

/// `#[header(default = …)]`.
pub const fn header_default<T: Param>() -> Extractor<Option<T>> {
    at_once!(header)
}

/// `#[cookie(default = …)]`.
pub const fn cookie_default<T: Param>() -> Extractor<Option<T>> {
    at_once!(cookie)
}

fn query<T: FromValues>(request: &Request, arg: &ArgInfo) -> Result<T, Rejection> {
    let values = query_values(request.uri().query(), arg.name);
    T::from_values(&values).map_err(|error| Rejection::query(arg.name, &error))
}

fn header<T: FromValues>(request: &Request, arg: &ArgInfo) -> Result<T, Rejection> {
    let values = header_values(request.headers(), arg.name);
    T::from_values(&values).map_err(|error| Rejection::header(arg.name, &error))
}

fn cookie<T: FromValues>(request: &Request, arg: &ArgInfo) -> Result<T, Rejection> {
    let values = cookie_values(request.headers(), arg.name);
    T::from_values(&values).map_err(|error| Rejection::cookie(arg.name, &error))
}

/// `#[depends(function)]`.
pub const fn depends<F, Args>(_: &F) -> Extractor<<F::Dependency as Dependency>::Value>
where
    F: DependencyFn<Args>,
{
    Extractor {
        body: <F::Dependency as Dependency>::BODY,
        needs: <F::Dependency as Dependency>::needs,
        extract: |request, _| Box::pin(run_dependency::<F::Dependency>(request)),
    }
}

/// The value type of a dependency that returns some alias of `Result`.
pub trait ResultParts {
    /// What is in `Ok`.
    type Value;
}

impl<T, E> ResultParts for Result<T, E> {
    type Value = T;
}

/// An argument for one of several methods.
pub fn copy<T: Clone>(argument: &T) -> T {
    argument.clone()
}

/// How an `#[on]` method ended.
pub fn answered<T: EventOutcome>(returned: T, asked: bool) -> Result<Answer, Fault> {
    returned.into_answer(asked).map_err(Fault::Failed)
}

/// How a method of an event handler ended.
pub fn handled<T: SocketOutcome>(returned: T) -> Result<(), Fault> {
    returned.into_result().map_err(Fault::Failed)
}

/// The event handler of a module with `#[router]`, which has to make the instance itself.
pub fn handlers_in_a_router_are_default<H: EventHandler + Default>() -> H {
    H::default()
}

/// Makes the socket argument.
pub fn socket<T: SocketArg>(upgrade: Upgrade, _: &'static RouteInfo) -> T {
    crate::ws::socket(upgrade)
}

/// Runs a `main` or a test; a test ends when the handlers that it has used have.
pub fn block_on<F: Future>(options: RuntimeOptions, future: F) -> F::Output {
    crate::rt::block_on(options, async move {
        let output = future.await;
        if options.test {
            settle().await;
        }
        output
    })
}

#[cfg(feature = "testing")]
use crate::testing::settle;

#[cfg(not(feature = "testing"))]
async fn settle() {}
