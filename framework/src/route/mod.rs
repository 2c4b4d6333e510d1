//! Which handler answers which request.

mod context;
mod endpoint;
mod info;
mod into_route;
mod layer;
mod leaf;
pub(crate) mod pattern;
mod problem;
mod router;
mod table;

pub(crate) use context::Context;
pub use endpoint::{Call, Endpoint, Handler, Running};
pub use info::{HttpMethod, Invalid, RouteInfo, RouteKind, RouteOptions};
pub(crate) use into_route::Target;
pub use into_route::{IntoRoute, Route};
pub use layer::RouteService;
pub(crate) use leaf::Matched;
pub use problem::{BuildError, Conflict, Problem};
pub use router::Router;
pub(crate) use table::{Found, Refusal, Table};
