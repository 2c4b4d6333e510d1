//! The judgement: whether path, arguments and shape of a handler fit together.

use proc_macro2::{Ident, Span};
use quote::quote;

use super::Handler;
use crate::argument::{Argument, Source, last_segment};
use crate::errors::Errors;
use crate::function::Function;
use crate::kind::Kind;
use crate::path::{Param, draw};
use crate::shape::{self, Shape};
use crate::suggest::nearest;

/// More than a function should have, and as many as `route` takes.
pub(crate) const MOST_ARGUMENTS: usize = 16;

/// Two routes on one function would need two functions of one name.
pub(super) fn sole(function: &Function, errors: &mut Errors) -> Function {
    let mut function = function.clone();
    function.attrs.retain(|attribute| {
        let path = attribute.path();
        let second = Kind::of(path).is_some() || path.is_ident("dependency");
        if second {
            errors.push(path, "a function serves one route\n\nhelp: write a second handler that calls this one");
        }
        !second
    });
    function
}

pub(super) fn check(handler: &Handler<'_>, errors: &mut Errors) {
    check_shape(handler, errors);
    if shape::receiver(&handler.function.sig).is_none() {
        untaken_params(handler, errors);
    }
    count(&handler.arguments, "a handler", errors);
}

fn check_shape(handler: &Handler<'_>, errors: &mut Errors) {
    let sig = &handler.function.sig;
    let mut shape = Shape::new(errors, handler.expected());
    shape.check(sig, "a handler");
    if !handler.attribute.kind.is_socket() {
        return;
    }
    let mut sockets = handler.sockets();
    if sockets.next().is_none() {
        shape.push(&sig.ident, "this handler takes no socket: add `mut ws: WebSocket`");
    }
    for second in sockets {
        let message = "a handler has one socket: remove this one\n\nhelp: `Upgrade::accept` gives a socket, and `split` makes a sender and a receiver of it";
        shape.errors.push(&second.pat, message);
    }
}

pub(crate) fn count(arguments: &[Argument], what: &str, errors: &mut Errors) {
    if let Some(argument) = arguments.get(MOST_ARGUMENTS) {
        errors.push(
            &argument.pat,
            format!("{what} takes at most {MOST_ARGUMENTS} arguments\n\nhelp: group query values in a struct, and take it as `Query<T>`"),
        );
    }
}

/// Each parameter of the path is the name of an argument, unless `Path<T>` takes them all.
pub(crate) fn untaken_params(handler: &Handler<'_>, errors: &mut Errors) {
    if handler.arguments.iter().any(takes_all) {
        return;
    }
    let text = &handler.attribute.path.text;
    for param in handler.untaken() {
        let message;
        let help;
        match handler.meant(param) {
            Some(argument) => {
                let typed = argument.text();
                message = format!("`{typed}` is not in the path: did you mean `{}`?", param.name);
                help = format!("the argument of a path parameter has its name: `{}`", param.name);
                let drawn = draw(&message, text, param.range.clone(), &help);
                errors.push(&argument.pat, drawn);
            }
            None => {
                message = format!("no argument takes the path parameter `{}`", param.name);
                help = format!("add `{}: String` to the arguments", ident(&param.name));
                let drawn = draw(&message, text, param.range.clone(), &help);
                errors.push(&handler.attribute.literal, drawn);
            }
        }
    }
}

fn takes_all(argument: &Argument) -> bool {
    let is_path = last_segment(&argument.ty).is_some_and(|segment| segment.ident == "Path");
    is_path && matches!(argument.source, Source::Request)
}

/// The name as it is written in Rust.
fn ident(name: &str) -> Ident {
    syn::parse_str(name).unwrap_or_else(|_| Ident::new_raw(name, Span::call_site()))
}

impl Handler<'_> {
    fn sockets(&self) -> impl Iterator<Item = &Argument> {
        let is_socket = |argument: &&Argument| matches!(argument.source, Source::Socket);
        self.arguments.iter().filter(is_socket)
    }

    /// The parameters of the path that no argument takes.
    pub(super) fn untaken(&self) -> Vec<&Param> {
        let taken = |param: &Param| {
            self.arguments.iter().any(|argument| match &argument.source {
                Source::Path { name, .. } => *name == param.name,
                // Reported where the argument was read.
                Source::Socket | Source::Value { .. } | Source::Depends(_) => {
                    argument.plain && argument.text() == param.name
                }
                Source::Request => false,
            })
        };
        let params = self.attribute.path.params();
        let mut untaken: Vec<&Param> = params.filter(|param| !taken(param)).collect();
        untaken.dedup_by_key(|param| &param.name);
        untaken
    }

    /// The argument that was meant to take `param`, and is misspelt.
    fn meant(&self, param: &Param) -> Option<&Argument> {
        self.arguments.iter().find(|argument| {
            let could = argument.plain && matches!(argument.source, Source::Request);
            could && nearest(&argument.text(), [param.name.as_str()]).is_some()
        })
    }

    /// Whether a socket is wanted and missing.
    pub(super) fn lacks_socket(&self) -> bool {
        self.attribute.kind.is_socket() && self.sockets().next().is_none()
    }

    /// The signature with everything put right that is known to be wrong.
    fn expected(&self) -> String {
        let mut inputs = Vec::new();
        if self.lacks_socket() {
            inputs.push(quote!(mut ws: WebSocket));
        }
        let untaken = self.untaken();
        let second = self.sockets().nth(1).map(std::ptr::from_ref);
        for argument in &self.arguments {
            let meant =
                untaken.iter().find(|param| self.meant(param).is_some_and(|meant| std::ptr::eq(meant, argument)));
            if second != Some(std::ptr::from_ref(argument)) {
                inputs.push(argument.expected(meant.map(|param| ident(&param.name))));
            }
        }
        if !self.arguments.iter().any(takes_all) {
            let missing = untaken.iter().filter(|param| self.meant(param).is_none());
            inputs.extend(missing.map(|param| {
                let name = ident(&param.name);
                quote!(#name: String)
            }));
        }
        let returns = if self.attribute.kind.is_socket() { "-> Result<()>" } else { "" };
        shape::expected(&self.function.sig, &inputs, returns)
    }
}
