//! What `route(…)` takes.

use std::{borrow::Cow, fmt};

use super::{Call, Endpoint, RouteInfo, RouteKind, Running, layer::LayeredService, leaf::Leaf};
use crate::{
    extract::{Dependency, DependencyFn, Location, Needs, Request},
    http::Response,
    rt::BoxFuture,
    ws::Upgrade,
};

/// A handler with its path: what [`Router::route`](super::Router::route) takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a route",
    label = "not a route",
    note = "add `#[websocket(\"/path\")]`, `#[get(\"/path\")]` or one of their siblings to the function",
    note = "for a type whose methods are events, add `#[websocket(\"/path\")]` to its `impl` block",
    note = "for a closure use `.websocket(\"/path\", closure)`"
)]
pub trait IntoRoute<Args> {
    #[doc(hidden)]
    fn into_route(self) -> Route;
}

/// A handler with its path, ready for a router.
#[derive(Clone)]
pub struct Route {
    pub(crate) kind: RouteKind,
    /// With all prefixes.
    pub(crate) path: String,
    pub(crate) name: Cow<'static, str>,
    pub(crate) location: Location,
    pub(crate) needs: Needs,
    pub(crate) target: Target,
}

/// What a matched request is given to.
#[derive(Clone)]
pub(crate) enum Target {
    Leaf(Leaf),
    /// The leaf inside the user's tower layers.
    Layered(LayeredService),
}

impl Route {
    fn of<E: Endpoint>() -> Self {
        let mut needs = Needs::default();
        E::needs(&mut needs);
        Self::new(E::info(), needs, Leaf::of(E::handler(), E::info().options))
    }

    /// A socket whose adaptor is a closure.
    pub(crate) fn socket<H>(info: &'static RouteInfo, needs: Needs, handler: H) -> Self
    where
        H: for<'r> Fn(&'r mut Request, Upgrade) -> BoxFuture<'r, Result<Running, Response>> + Send + Sync + 'static,
    {
        Self::new(info, needs, Leaf::socket(handler, info.options))
    }

    fn new(info: &'static RouteInfo, needs: Needs, leaf: Leaf) -> Self {
        Self {
            kind: info.kind,
            path: info.path.to_owned(),
            name: Cow::Borrowed(info.name),
            location: info.location,
            needs,
            target: Target::Leaf(leaf),
        }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Route({} {} `{}` at {})", self.kind, self.path, self.name, self.location)
    }
}

impl IntoRoute<()> for Route {
    fn into_route(self) -> Route {
        self
    }
}

macro_rules! callables {
    ($($($arg:ident)*;)*) => {$(
        impl<F, M, T, $($arg),*> IntoRoute<fn($($arg),*) -> T> for F
        where
            F: Fn($($arg),*) -> Call<M, T>,
            M: Endpoint,
        {
            fn into_route(self) -> Route {
                Route::of::<M>()
            }
        }

        impl<F, M, T, $($arg),*> DependencyFn<fn($($arg),*) -> T> for F
        where
            F: Fn($($arg),*) -> Call<M, T>,
            M: Dependency,
        {
            type Dependency = M;
        }
    )*};
}

callables! {
    ;
    A1;
    A1 A2;
    A1 A2 A3;
    A1 A2 A3 A4;
    A1 A2 A3 A4 A5;
    A1 A2 A3 A4 A5 A6;
    A1 A2 A3 A4 A5 A6 A7;
    A1 A2 A3 A4 A5 A6 A7 A8;
    A1 A2 A3 A4 A5 A6 A7 A8 A9;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16;
}
