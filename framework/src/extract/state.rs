//! What the app and its layers provide.

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::Arc,
};

use super::{ArgInfo, FromRequest, Needs, OptionalFromRequest, Rejection, Request};

/// A value that the app was given with [`App::state`](crate::App::state), shared by all handlers.
///
/// Derefs to `T`. An app whose handlers ask for state that it was never given does not start.
pub struct State<T>(pub Arc<T>);

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Send + Sync + 'static> FromRequest for State<T> {
    type Rejection = Rejection;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, Rejection> {
        let state = request.state::<T>().map(State);
        state.ok_or_else(|| Rejection::not_provided("state", type_name::<T>(), "add `.state(…)` to the app"))
    }

    fn needs(needs: &mut Needs) {
        needs.state::<T>();
    }
}

impl<T: Send + Sync + 'static> OptionalFromRequest for State<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Option<Self>, Self::Rejection> {
        Ok(request.state::<T>().map(State))
    }
}

/// A value that a layer or guard has put into the request's extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extension<T>(pub T);

impl<T> Deref for Extension<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone + Send + Sync + 'static> FromRequest for Extension<T> {
    type Rejection = Rejection;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, Rejection> {
        let value = request.extensions().get::<T>().cloned().map(Extension);
        let how = "no layer has put it into the request's extensions";
        value.ok_or_else(|| Rejection::not_provided("request extension", type_name::<T>(), how))
    }
}

impl<T: Clone + Send + Sync + 'static> OptionalFromRequest for Extension<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Option<Self>, Self::Rejection> {
        Ok(request.extensions().get::<T>().cloned().map(Extension))
    }
}

/// Values by their type.
#[derive(Clone, Default)]
pub(crate) struct TypeMap(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl TypeMap {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: Arc<T>) {
        self.0.insert(TypeId::of::<T>(), value);
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>())?.clone().downcast().ok()
    }

    pub(crate) fn has(&self, id: TypeId) -> bool {
        self.0.contains_key(&id)
    }
}

impl fmt::Debug for TypeMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeMap({} values)", self.0.len())
    }
}
