//! An instance of an event handler as a route.

use std::sync::Arc;

use super::{EventHandler, Events, roster::Roster, session};
use crate::{
    extract::Needs,
    http::IntoResponse,
    hub::Hub,
    route::{IntoRoute, Route, Running},
};

/// Says that an instance is the handler.
#[derive(Debug)]
pub enum Instance {}

/// Says that a shared instance is the handler.
#[derive(Debug)]
pub enum Shared {}

/// The instance is shared by all peers.
impl<H: EventHandler> IntoRoute<Instance> for H {
    fn into_route(self) -> Route {
        H::event_route(Arc::new(self))
    }
}

/// For whoever keeps a handle to the instance.
impl<H: EventHandler> IntoRoute<Shared> for Arc<H> {
    fn into_route(self) -> Route {
        H::event_route(self)
    }
}

/// The route of an instance.
pub fn event_route<E: Events>(handler: Arc<E::Handler>) -> Route {
    let mut needs = Needs::default();
    E::needs(&mut needs);
    let roster = Arc::<Roster>::default();
    Route::socket(E::info(), needs, move |request, upgrade| {
        let (handler, roster) = (handler.clone(), roster.clone());
        Box::pin(async move {
            let hub = Hub::of(request).map_err(IntoResponse::into_response)?;
            let args = E::args(request).await?;
            Ok(Running(Box::pin(session::run::<E>(handler, args, upgrade, roster, hub))))
        })
    })
}
