//! What the macro makes of an `impl` block.

use std::{future::ready, sync::Arc};

use serde::Serialize;

use super::Peer;
use crate::{
    error::{BoxError, Error},
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

    /// A text came that is JSON with this `type`, one of [`TYPES`](Self::TYPES), and asks for an answer or not.
    fn on(
        _: &Self::Handler,
        _: &Peer,
        _: &Self::Args,
        _: &'static str,
        _: Message,
        _asks: bool,
    ) -> impl Future<Output = Result<Answer, Fault>> + Send {
        ready(Ok(Answer::default()))
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

/// What an `#[on]` method has given back to who has asked, as JSON.
#[derive(Debug, Default)]
pub struct Answer(pub(super) Option<String>);

/// What an `#[on]` method may return: nothing, or a `Result` of nothing or of a value that serde can write, with any error that
/// turns into a boxed one.
///
/// The value goes to who has asked: a client whose message has an `id`. If nobody has, it is not sent.
#[diagnostic::on_unimplemented(
    message = "an `#[on]` method can't return `{Self}`",
    label = "not what an `#[on]` method returns",
    note = "return nothing, `Result<()>`, or `Result<T>`: the `T`, which derives `serde::Serialize`, answers a message with an `id`"
)]
pub trait EventOutcome: Send + Sized {
    #[doc(hidden)]
    fn into_answer(self, asked: bool) -> Result<Answer, Failure>;
}

impl EventOutcome for () {
    fn into_answer(self, _: bool) -> Result<Answer, Failure> {
        Ok(Answer::default())
    }
}

impl<T: Serialize + Send, E: Into<BoxError> + Send + 'static> EventOutcome for Result<T, E> {
    fn into_answer(self, asked: bool) -> Result<Answer, Failure> {
        match self {
            Ok(_) if !asked => Ok(Answer::default()),
            Ok(value) => serde_json::to_string(&value).map(|json| Answer(Some(json))).map_err(Failure::of),
            Err(error) => Err(Failure::of(error)),
        }
    }
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
