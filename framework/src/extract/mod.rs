//! From a request to a handler's arguments.

mod de;
mod depends;
mod headers;
mod json;
mod param;
mod path;
mod query;
mod rejection;
mod request;
mod state;

use std::future::Future;

use crate::http::IntoResponse;

pub(crate) use depends::run_dependency;
pub use depends::{Dependency, DependencyFn};
pub use headers::{Cookies, Headers, PeerAddr};
pub(crate) use headers::{cookie_values, header_values};
pub use param::{FromPath, FromValues, Param, ParamError, ValueError};
pub use path::Path;
pub use query::Query;
pub(crate) use query::{path_argument, query_values};
pub use rejection::Rejection;
pub use request::Request;
pub(crate) use request::{PathValue, PathValues, Scope, percent_decode_segment};
pub(crate) use state::TypeMap;
pub use state::{Extension, State};

/// A place in the user's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Location {
    pub file: &'static str,
    pub line: u32,
    pub column: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Where an argument comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Place {
    Path,
    PathRest,
    Query,
    Header,
    Cookie,
    Extractor,
    Dependency,
    Socket,
}

/// A handler's argument, as the macro saw it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ArgInfo {
    /// The name on the wire: the query parameter, header or cookie.
    pub name: &'static str,
    /// The name in the source.
    pub argument: &'static str,
    pub place: Place,
    /// The type, as written.
    pub type_name: &'static str,
    pub required: bool,
    pub has_default: bool,
    pub location: Location,
}

/// What a request can be turned into before the handler runs: the arguments of handlers and dependencies.
///
/// Sockets and HTTP routes see the same extractors; on a socket they run before the upgrade, so a rejection is an HTTP
/// answer and the handler is never called.
///
/// ```
/// use sockeye::{ArgInfo, FromRequest, Request, StatusCode};
///
/// struct UserAgent(String);
///
/// impl FromRequest for UserAgent {
///     type Rejection = StatusCode;
///
///     async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, StatusCode> {
///         let agent = request.headers().get("user-agent").ok_or(StatusCode::BAD_REQUEST)?;
///         Ok(UserAgent(agent.to_str().map_err(|_| StatusCode::BAD_REQUEST)?.to_owned()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be taken from a request",
    label = "not an extractor",
    note = "for a query value: `String`, a number, `bool`, a type with `#[derive(Param)]`, an `Option` or `Vec` of those",
    note = "for more: `State<T>`, `Query<T>`, `Path<T>`, `Json<T>`, `Headers`, `Cookies`, `PeerAddr`, `Extension<T>`, or your own \
            `impl sockeye::FromRequest`"
)]
pub trait FromRequest: Sized + Send + 'static {
    /// The answer when the request does not have it.
    type Rejection: IntoResponse;

    /// Whether it reads the request's body. Only one argument of a handler may.
    const BODY: bool = false;

    /// Takes it from the request.
    fn from_request(request: &mut Request, arg: &ArgInfo)
    -> impl Future<Output = Result<Self, Self::Rejection>> + Send;

    /// What must have been given to the app for this to work; checked before the app serves.
    #[doc(hidden)]
    fn needs(_: &mut Needs) {}
}

/// An extractor that can be left out: what makes `Option<T>` an argument.
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` can't be taken from a request",
    label = "not an optional extractor",
    note = "implement `sockeye::OptionalFromRequest` for `{Self}`"
)]
pub trait OptionalFromRequest: Sized + Send + 'static {
    /// The answer when it is there and wrong.
    type Rejection: IntoResponse;

    /// Whether it reads the request's body.
    const BODY: bool = false;

    /// Takes it from the request; `None` if it is not there.
    fn from_request(
        request: &mut Request,
        arg: &ArgInfo,
    ) -> impl Future<Output = Result<Option<Self>, Self::Rejection>> + Send;
}

impl<T: OptionalFromRequest> FromRequest for Option<T> {
    type Rejection = T::Rejection;
    const BODY: bool = T::BODY;

    async fn from_request(request: &mut Request, arg: &ArgInfo) -> Result<Self, Self::Rejection> {
        T::from_request(request, arg).await
    }
}

/// The request's body as bytes, up to [`Limits::max_body`](crate::Limits::max_body).
impl FromRequest for bytes::Bytes {
    type Rejection = Rejection;
    const BODY: bool = true;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, Rejection> {
        request.read_body().await
    }
}

/// What the arguments of a handler need from the app.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    pub(crate) states: Vec<StateNeed>,
    argument: Option<(&'static str, Location)>,
}

/// A state that an argument needs.
#[derive(Clone, Debug)]
pub(crate) struct StateNeed {
    pub(crate) id: std::any::TypeId,
    pub(crate) type_name: &'static str,
    pub(crate) argument: Option<(&'static str, Location)>,
}

impl Needs {
    /// What follows is needed by this argument.
    pub fn argument(&mut self, arg: &'static ArgInfo) {
        self.argument = Some((arg.argument, arg.location));
    }

    pub(crate) fn state<T: 'static>(&mut self) {
        let (id, type_name) = (std::any::TypeId::of::<T>(), std::any::type_name::<T>());
        self.states.push(StateNeed { id, type_name, argument: self.argument });
    }
}
