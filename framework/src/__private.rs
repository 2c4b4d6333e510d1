//! What the macros may name. Not for people: it changes without notice.

pub use std::{borrow::Cow, boxed::Box};

use crate::extract::{Rejection, cookie_values, header_values, path_argument, query_values, run_dependency};
pub use crate::{
    Router,
    extract::{
        ArgInfo, Dependency, DependencyFn, FromPath, FromRequest, FromValues, Location, Needs, Param, ParamError,
        Place, Request,
    },
    http::{IntoResponse, Response},
    route::{
        Call, Endpoint, Handler, HttpMethod, Invalid, RouteInfo, RouteKind, RouteOptions, Running, respond, settle,
        settle_plain,
    },
    rt::{BoxFuture, Flavor, RuntimeOptions, block_on},
    ws::{SocketArg, SocketOutcome, Upgrade},
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

type Read<T> = fn(&Request, &ArgInfo) -> Result<T, Rejection>;

macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident<$bound:path> -> $value:ty = $read:expr;)*) => {$(
        $(#[$doc])*
        pub const fn $name<T: $bound>() -> Extractor<$value> {
            Extractor {
                body: false,
                needs: nothing,
                extract: |request, arg| {
                    let read: Read<$value> = $read;
                    let result = refuse(read(request, arg));
                    Box::pin(std::future::ready(result))
                },
            }
        }
    )*};
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

plain! {
    /// A parameter of the route's own path.
    path_value<FromPath> -> T = path_argument::<T>;
    /// `#[query]`.
    query_value<FromValues> -> T = query::<T>;
    /// `#[header]`.
    header_value<FromValues> -> T = header::<T>;
    /// `#[cookie]`.
    cookie_value<FromValues> -> T = cookie::<T>;
    /// `#[query(default = …)]`.
    query_default<Param> -> Option<T> = query::<Option<T>>;
    /// `#[header(default = …)]`.
    header_default<Param> -> Option<T> = header::<Option<T>>;
    /// `#[cookie(default = …)]`.
    cookie_default<Param> -> Option<T> = cookie::<Option<T>>;
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

/// Makes the socket argument.
pub fn socket<T: SocketArg>(upgrade: Upgrade, _: &'static RouteInfo) -> T {
    crate::ws::socket(upgrade)
}
