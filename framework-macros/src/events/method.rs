//! One method of an event handler: which event it handles, and what it takes.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, FnArg, LitStr, PatType};

use super::arguments::Pool;
use super::block::Block;
use super::without_self;
use crate::argument::{Argument, Host, bound_name, is_mark};
use crate::errors::Errors;
use crate::function::Function;
use crate::handler::RouteAttribute;
use crate::suggest::nearest;

/// What a method handles.
#[derive(Clone)]
pub(crate) enum Event {
    Upgrade,
    Open,
    On(LitStr),
    Message,
    Close,
    Error,
}

const HOOKS: [(&str, Event); 5] = [
    ("upgrade", Event::Upgrade),
    ("open", Event::Open),
    ("message", Event::Message),
    ("close", Event::Close),
    ("error", Event::Error),
];

/// A method, ready to be expanded.
pub(crate) struct Method<'m> {
    pub(crate) function: &'m Function,
    pub(crate) event: Event,
    /// The first argument: the peer, or the upgrade.
    pub(crate) peer: Option<PatType>,
    /// The second: the message, the close frame, the error.
    pub(crate) subject: Option<PatType>,
    /// Another argument stands in the second one's place, which was reported.
    pub(crate) misplaced: bool,
    /// The places of the others in the pool.
    pub(crate) arguments: Vec<usize>,
}

/// `#[on]`, `#[sockeye::on]`.
pub(super) fn is_on(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == "on")
}

/// Whether the second argument is one that comes with the event.
pub(super) fn has_subject(function: &Function) -> bool {
    let name = function.name();
    function.attrs.iter().any(is_on) || HOOKS.iter().any(|(hook, event)| *hook == name && event.subject().is_some())
}

impl Event {
    /// The second argument as it is written: its name, its type.
    pub(super) fn subject(&self) -> Option<(&'static str, TokenStream)> {
        match self {
            Event::Upgrade | Event::Open => None,
            Event::On(_) => Some(("event", quote!(MyEvent))),
            Event::Message => Some(("message", quote!(Message))),
            Event::Close => Some(("frame", quote!(Option<CloseFrame>))),
            Event::Error => Some(("error", quote!(&Error))),
        }
    }

    /// Whether a method can do without its second argument.
    pub(super) fn is_optional(&self) -> bool {
        !matches!(self, Event::Message | Event::Error)
    }
}

impl<'m> Method<'m> {
    pub(super) fn read(
        function: &'m Function,
        attribute: &RouteAttribute,
        block: &Block,
        pool: &mut Pool,
        errors: &mut Errors,
    ) -> Option<Self> {
        let event = event(function, errors)?;
        let typed = function.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed.clone()),
            FnArg::Receiver(_) => None,
        });
        let mut typed = typed.map(|mut typed| {
            let ty = &typed.ty;
            // A type stays one when another takes the place of a part.
            typed.ty = syn::parse2(without_self(quote!(#ty), &block.ty)).unwrap_or_else(|_| ty.clone());
            typed
        });
        let peer = typed.next();
        let subject = event.subject().and_then(|_| typed.next());
        let mut method = Method { function, event, peer, subject, misplaced: false, arguments: Vec::new() };
        let host = Host { owner: attribute.kind.attribute(), socket: true, path: &attribute.path };
        method.check_subject(&host, errors);
        let sure = function.cfgs.is_empty();
        for input in typed {
            let argument = Argument::read(&input, &host, errors);
            if argument.is_socket() {
                let message = "an event handler has its peer in place of a socket: send with `peer`";
                errors.push(&argument.pat, message);
                continue;
            }
            if input.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) {
                let message = "an argument of an event handler can't stand under `#[cfg]`\n\nhelp: put the `#[cfg]` on the method, or on the `impl` block";
                errors.push(&argument.pat, message);
                continue;
            }
            method.arguments.push(pool.add(argument, &function.sig.ident, sure, errors));
        }
        Some(method)
    }

    /// The second argument stands where another one could: it is known by its place.
    fn check_subject(&mut self, host: &Host<'_>, errors: &mut Errors) {
        let (Some(subject), Some((name, ty))) = (&self.subject, self.event.subject()) else {
            return;
        };
        let (bound, plain) = bound_name(&subject.pat);
        let in_path = bound.is_some_and(|bound| plain && host.param(&bound.to_string()).is_some());
        if in_path || subject.attrs.iter().any(|attribute| is_mark(attribute.path())) {
            let message = format!(
                "the argument behind the peer is the {name}: add `{name}: {}` before this one",
                crate::pretty::pretty(ty)
            );
            errors.push(&subject.pat, message);
            self.misplaced = true;
        }
    }

    pub(super) fn name(&self) -> &Ident {
        &self.function.sig.ident
    }
}

/// What a method handles, if it can be told.
fn event(function: &Function, errors: &mut Errors) -> Option<Event> {
    let mut marks = function.attrs.iter().filter(|attribute| is_on(attribute));
    if let Some(mark) = marks.next() {
        if let Some(second) = marks.next() {
            errors.push(
                &second.meta,
                "a method takes one type of event\n\nhelp: write a second method that calls this one",
            );
        }
        return match mark.parse_args() {
            Ok(kind) => Some(Event::On(kind)),
            Err(_) => {
                let message = "`#[on]` names the `type` that the method takes: write `#[on(\"typing\")]`";
                errors.push(&mark.meta, message);
                None
            }
        };
    }
    let name = function.name();
    let known = HOOKS.into_iter().find(|(hook, _)| *hook == name);
    if known.is_none() {
        let hooks = HOOKS.into_iter().map(|(hook, _)| hook);
        let guess = nearest(&name, hooks).map(|hook| format!(": did you mean `{hook}`?")).unwrap_or_default();
        let help = "events are `upgrade`, `open`, `message`, `close`, `error`, and methods with `#[on(\"type\")]`; any other method stands in an `impl` block of its own";
        errors.push(&function.sig.ident, format!("`{name}` is no event{guess}\n\nhelp: {help}"));
    }
    known.map(|(_, event)| event)
}
