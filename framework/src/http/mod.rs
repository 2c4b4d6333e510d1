//! Bodies and responses. Requests are in `extract`, what serves them in `server`.

mod body;
mod problem;
mod response;

pub use body::Body;
pub(crate) use body::{BodyError, MessageBody};
pub(crate) use problem::Problem;
pub(crate) use response::{Failure, Opens, Unending, internal_error, server_error};
pub use response::{Html, IntoResponse, Json, Redirect};

/// An HTTP response.
pub type Response<B = Body> = ::http::Response<B>;
