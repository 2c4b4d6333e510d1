//! What the macro makes of an `impl` block.

use std::{future::ready, sync::Arc};

use super::Peer;
use crate::{
    error::Error,
    extract::{Needs, Request},
    http::{IntoResponse, Response},
    route::{Route, RouteInfo},
    rt::BoxFuture,
    ws::{CloseFrame, Failure, Message, Upgrade},
};

/// A type whose `impl` block has `#[websocket("/path")]`: an instance of it is what `route(…)` takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` handles no events",
    label = "not an event handler",
    note = "add `#[websocket(\"/path\")]` to an `impl` block of `{Self}`"
)]
pub trait EventHandler: Send + Sync + Sized + 'static {
    #[doc(hidden)]
    fn event_route(handler: Arc<Self>) -> Route;
}

/// The methods of a handler, those that are not there as their defaults.
///
/// It is implemented for a type of the macro's own, since it names the types of arguments, which may be more private
/// than the handler.
pub trait Events: 'static {
    /// The type with the user's `impl` block.
    type Handler: Send + Sync + 'static;
    /// The arguments of all methods.
    type Args: Send + Sync + 'static;

    /// What `#[on]` takes.
    const TYPES: &'static [&'static str] = &[];
    /// There is an `upgrade`.
    const UPGRADE: bool = false;
    /// There is a `message`.
    const MESSAGE: bool = false;
    /// There is an `error`.
    const ERROR: bool = false;

    /// What the macro knows of the route.
    fn info() -> &'static RouteInfo;

    /// What the arguments need from the app.
    fn needs(needs: &mut Needs);

    /// Gets the arguments, or the refusal.
    fn args(request: &mut Request) -> BoxFuture<'_, Result<Self::Args, Response>>;

    /// May refuse before the upgrade.
    fn upgrade(
        _: &Self::Handler,
        _: &mut Upgrade,
        _: &Self::Args,
    ) -> impl Future<Output = Result<(), Response>> + Send {
        ready(Ok(()))
    }

    /// The peer is there.
    fn open(_: &Self::Handler, _: &Peer, _: &Self::Args) -> impl Future<Output = Result<(), Fault>> + Send {
        ready(Ok(()))
    }

    /// A text came that is JSON with this `type`, one of [`TYPES`](Self::TYPES).
    fn on(
        _: &Self::Handler,
        _: &Peer,
        _: &Self::Args,
        _: &'static str,
        _: Message,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        ready(Ok(()))
    }

    /// Any other message came.
    fn message(
        _: &Self::Handler,
        _: &Peer,
        _: &Self::Args,
        _: Message,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        ready(Ok(()))
    }

    /// The peer is gone.
    fn close(
        _: &Self::Handler,
        _: &Peer,
        _: &Self::Args,
        _: Option<CloseFrame>,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        ready(Ok(()))
    }

    /// Something went wrong.
    fn error(_: &Self::Handler, _: &Peer, _: &Self::Args, _: &Error) -> impl Future<Output = Result<(), Fault>> + Send {
        ready(Ok(()))
    }
}

/// Why an event was not handled.
#[derive(Debug)]
pub enum Fault {
    /// The message does not parse: the route's option `invalid` says what happens.
    Invalid(Error),
    /// The message is of the wrong kind, which closes the connection.
    Refused(Error),
    /// The method gave back an error, or panicked.
    Failed(Failure),
}

/// What `upgrade` may return: nothing, or a `Result` whose error is the refusal.
#[diagnostic::on_unimplemented(
    message = "`upgrade` can't return `{Self}`",
    label = "not what `upgrade` returns",
    note = "return nothing, or `Result<(), R>` where `R` is a response: a `StatusCode`, say"
)]
pub trait UpgradeOutcome: Send {
    #[doc(hidden)]
    fn into_refusal(self) -> Result<(), Response>;
}

impl UpgradeOutcome for () {
    fn into_refusal(self) -> Result<(), Response> {
        Ok(())
    }
}

impl<R: IntoResponse + Send> UpgradeOutcome for Result<(), R> {
    fn into_refusal(self) -> Result<(), Response> {
        self.map_err(IntoResponse::into_response)
    }
}
