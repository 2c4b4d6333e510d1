//! `Path<T>`: all path parameters at once.

use serde::de::DeserializeOwned;

use super::{ArgInfo, FromRequest, Rejection, Request, de};

/// All path parameters at once: a struct by name, a tuple by position, or the single value.
///
/// Refused with 404 when they do not parse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send + 'static> FromRequest for Path<T> {
    type Rejection = Rejection;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, Rejection> {
        let pairs: Vec<_> = request.scope.path.0.iter().map(|(name, value)| (&**name, value.text())).collect();
        T::deserialize(de::Pairs(&pairs)).map(Path).map_err(|error| Rejection::path_shape(&error.to_string()))
    }
}

impl<T> std::ops::Deref for Path<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
