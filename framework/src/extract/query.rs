//! The query, and what plain arguments read from it.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use super::{ArgInfo, FromRequest, FromValues, OptionalFromRequest, Param, Rejection, Request, ValueError};

/// The whole query as a struct; keys may repeat (`Vec`) and be left out (`Option`, `#[serde(default)]`).
///
/// Refused with 422 when it does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send + 'static> FromRequest for Query<T> {
    type Rejection = Rejection;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, Rejection> {
        let query = request.uri().query().unwrap_or_default();
        serde_html_form::from_str(query).map(Query).map_err(|error| Rejection::query_shape(&error))
    }
}

impl<T> std::ops::Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// All values of one name in a query, decoded.
pub(crate) fn query_values<'a>(query: Option<&'a str>, name: &str) -> Vec<Cow<'a, str>> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.filter(|(key, _)| key == name).map(|(_, value)| value).collect()
}

/// A plain argument: the path parameter of that name where a prefix has one, else the query value.
fn plain<T: FromValues>(request: &Request, arg: &ArgInfo) -> Result<T, Rejection> {
    if let Some(value) = request.path_param(arg.name) {
        return T::from_values(&[value]).map_err(|error| match error {
            ValueError::Invalid(error) => Rejection::path(arg.name, &error),
            missing => Rejection::query(arg.name, &missing),
        });
    }
    let values = query_values(request.uri().query(), arg.name);
    T::from_values(&values).map_err(|error| Rejection::query(arg.name, &error))
}

/// The argument that `<name>` in the route's own path stands for.
pub(crate) fn path_argument<T: super::FromPath>(request: &Request, arg: &ArgInfo) -> Result<T, Rejection> {
    let Some(value) = request.scope.path.get(arg.name) else {
        return Err(Rejection::not_provided("path parameter", arg.type_name, "the route's path does not hold it"));
    };
    value.parse().map_err(|error| Rejection::path(arg.name, &error))
}

#[diagnostic::do_not_recommend]
impl<T: Param> FromRequest for T {
    type Rejection = Rejection;

    async fn from_request(request: &mut Request, arg: &ArgInfo) -> Result<Self, Rejection> {
        plain(request, arg)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Param> OptionalFromRequest for T {
    type Rejection = Rejection;

    async fn from_request(request: &mut Request, arg: &ArgInfo) -> Result<Option<Self>, Rejection> {
        plain(request, arg)
    }
}

impl<T: Param> FromRequest for Vec<T> {
    type Rejection = Rejection;

    async fn from_request(request: &mut Request, arg: &ArgInfo) -> Result<Self, Rejection> {
        plain(request, arg)
    }
}
