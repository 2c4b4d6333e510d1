//! The judgement: whether block, methods and path fit together.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{FnArg, ImplItem, PatType, Receiver, ReceiverKind, Type};

use super::Events;
use super::block::Entry;
use super::method::{Event, Method};
use crate::argument::{is_scalar, last_segment, owned};
use crate::errors::Errors;
use crate::handler::untaken_params;
use crate::shape::{self, Shape};

pub(super) fn check(events: &Events<'_>, errors: &mut Errors) {
    let block = events.block;
    if let Some(name) = &block.for_trait {
        let message = "events are methods of the type itself, not of a trait\n\nhelp: write `impl Type { … }`, and let its methods call those of the trait";
        errors.push(name, message);
        return;
    }
    if !block.generics.params.is_empty() {
        let message = "an event handler is one type, so it has no parameters for types\n\nhelp: name the types, or keep what varies behind an `Arc<dyn Trait>`";
        errors.push(&block.generics, message);
    }
    if block.entries.is_empty() {
        let message = "this handler has no events\n\nhelp: add `async fn message(&self, peer: &Peer, message: Message) -> Result<()>`";
        errors.push(&block.ty, message);
    }
    for entry in &block.entries {
        if let Entry::Other(item) = entry {
            foreign(item, errors);
        }
    }
    for method in &events.methods {
        signature(events, method, errors);
    }
    twice(events, errors);
    events.pool.check(errors);
    // What a method would take that could not be read is not known.
    if errors.is_empty() {
        untaken_params(&events.handler(), errors);
    }
}

/// What is no method.
fn foreign(item: &ImplItem, errors: &mut Errors) {
    let message = "only events stand in this block\n\nhelp: move this to an `impl` block of its own";
    errors.push(item, message);
}

fn signature(events: &Events<'_>, method: &Method<'_>, errors: &mut Errors) {
    let sig = &method.function.sig;
    let mut shape = Shape::new(errors, expected(events, method));
    shape.check_method(sig, "an event method");
    match receiver(method) {
        None => shape.push(&sig.ident, "an event method takes the handler: add `&self`"),
        Some(receiver) if !is_shared(receiver) => {
            shape.push(
                receiver,
                "the handler is shared by all its peers: take `&self`, and keep what changes in a `Mutex` or an atomic",
            );
        }
        Some(_) => {}
    }
    match &method.peer {
        None => {
            shape.push(&sig.ident, &format!("this method takes no {0}: add `{0}: {1}`", peer(method).0, peer(method).1))
        }
        Some(found) if !is_peer(method, &found.ty) => {
            shape.push(&found.pat, &format!("the first argument is `{}: {}`", peer(method).0, peer(method).1));
        }
        Some(_) => subject(method, &mut shape),
    }
}

fn subject(method: &Method<'_>, shape: &mut Shape<'_>) {
    let Some((name, ty)) = method.event.subject().filter(|_| !method.misplaced) else { return };
    let wanted = crate::pretty::pretty(ty);
    let Some(PatType { ty, pat, .. }) = &method.subject else {
        if !method.event.is_optional() && method.arguments.is_empty() {
            shape.push(method.name(), &format!("this method takes no {name}: add `{name}: {wanted}`"));
        }
        return;
    };
    let is_reference = matches!(**ty, Type::Reference(_));
    match method.event {
        Event::Error if !is_reference => shape.push(pat, &format!("the error is lent: take `{wanted}`")),
        Event::Close if last_segment(ty).is_none_or(|segment| segment.ident != "Option") => {
            shape.push(pat, &format!("the peer may be gone without a close frame: take `{wanted}`"));
        }
        Event::On(_) if is_scalar(ty) => {
            let message = format!(
                "the argument behind the peer is the event, and no JSON object can be `{}`: add `event: MyEvent` before this one",
                crate::pretty::pretty(ty.to_token_stream())
            );
            shape.errors.push(pat, message);
        }
        Event::Message | Event::On(_) if is_reference => {
            shape
                .push(pat, &format!("the {name} is given away, not lent: take `{}`", crate::pretty::pretty(owned(ty))));
        }
        _ => {}
    }
}

/// Two methods that would take the same event.
fn twice(events: &Events<'_>, errors: &mut Errors) {
    for (at, second) in events.methods.iter().enumerate() {
        let Event::On(literal) = &second.event else { continue };
        let same = |first: &&Method<'_>| matches!(&first.event, Event::On(other) if other.value() == literal.value());
        let sure = |first: &&Method<'_>| first.function.cfgs.is_empty() || second.function.cfgs.is_empty();
        if let Some(first) = events.methods[..at].iter().find(|first| same(first) && sure(first)) {
            let message = format!("`{}` already takes the type \"{}\"", first.name(), literal.value());
            errors.push(literal, message);
        }
    }
}

fn receiver<'m>(method: &Method<'m>) -> Option<&'m Receiver> {
    method.function.sig.inputs.iter().find_map(|input| match input {
        FnArg::Receiver(receiver) => Some(receiver),
        FnArg::Typed(_) => None,
    })
}

fn is_shared(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
        ReceiverKind::Typed(_, ty) => matches!(&**ty, Type::Reference(reference) if reference.mutability.is_none()),
        _ => false,
    }
}

/// The first argument as it is written: its name, its type.
fn peer(method: &Method<'_>) -> (&'static str, &'static str) {
    if matches!(method.event, Event::Upgrade) { ("up", "&mut Upgrade") } else { ("peer", "&Peer") }
}

/// What else it could be only rustc can tell: types have many names.
fn is_peer(method: &Method<'_>, ty: &Type) -> bool {
    let Type::Reference(reference) = ty else { return false };
    let is_path = matches!(&*reference.elem, Type::Path(path) if !path.path.is_ident("str"));
    is_path && reference.mutability.is_some() == matches!(method.event, Event::Upgrade)
}

/// The signature with everything put right that is known to be wrong.
fn expected(events: &Events<'_>, method: &Method<'_>) -> String {
    let (name, ty) = peer(method);
    let first = match &method.peer {
        Some(found) if is_peer(method, &found.ty) => found.to_token_stream(),
        _ => format!("{name}: {ty}").parse().unwrap_or_default(),
    };
    let mut inputs: Vec<TokenStream> = vec![quote!(&self), first];
    if let Some((name, ty)) = method.event.subject() {
        // One that stands in the peer's place is the subject itself.
        let misplaced = method.peer.as_ref().filter(|found| !is_peer(method, &found.ty) && method.subject.is_none());
        match method.subject.as_ref().or(misplaced) {
            Some(subject) if !matches!(method.event, Event::Close | Event::Error) => {
                let (pat, ty) = (&subject.pat, owned(&subject.ty));
                inputs.push(quote!(#pat: #ty));
            }
            None if method.event.is_optional() => {}
            _ => inputs.push(format!("{name}: {ty}").parse().unwrap_or_default()),
        }
    }
    inputs.extend(method.arguments.iter().map(|at| events.pool.arguments[*at].expected(None)));
    let returns = match method.event {
        Event::Upgrade => "-> Result<(), StatusCode>",
        Event::Close | Event::Error => "",
        _ => "-> Result<()>",
    };
    shape::expected(&method.function.sig, &inputs, returns)
}
