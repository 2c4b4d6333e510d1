//! What the methods of an event handler take from the request: each name once.

use proc_macro2::Ident;
use quote::ToTokens;

use crate::argument::{Argument, Source};
use crate::errors::Errors;
use crate::pretty::pretty;

/// The arguments of all methods.
#[derive(Default)]
pub(crate) struct Pool {
    pub(crate) arguments: Vec<Argument>,
    /// The method that named each first, and whether one without `#[cfg]` names it.
    named: Vec<(Ident, bool)>,
}

impl Pool {
    /// The place of `argument`, which the method `method` takes. `sure`: there is no condition on the method.
    pub(super) fn add(&mut self, argument: Argument, method: &Ident, sure: bool, errors: &mut Errors) -> usize {
        let name = argument.text();
        let same = |known: &Argument| !name.is_empty() && known.text() == name;
        let Some(at) = self.arguments.iter().position(same) else {
            self.arguments.push(argument);
            self.named.push((method.clone(), sure));
            return self.arguments.len() - 1;
        };
        let (known, (first, is_sure)) = (&mut self.arguments[at], &mut self.named[at]);
        *is_sure |= sure;
        let ty = |argument: &Argument| pretty(argument.ty.to_token_stream());
        if ty(known) != ty(&argument) {
            let message = format!(
                "`{name}` is `{}` here and `{}` in `{first}`: an argument has one type in all methods",
                ty(&argument),
                ty(known),
            );
            errors.push(&argument.ty, message);
        } else if matches!(known.source, Source::Request) {
            known.source = argument.source;
        } else if !matches!(argument.source, Source::Request) && !same_source(&known.source, &argument.source) {
            let message = format!(
                "`{name}` comes from somewhere else in `{first}`: an argument has one source in all methods\n\nhelp: say in one method where it comes from, and only name it in the others"
            );
            errors.push(&argument.pat, message);
        }
        at
    }

    /// An argument that is not there in every configuration would be asked for in every one.
    pub(super) fn check(&self, errors: &mut Errors) {
        for (argument, (method, is_sure)) in self.arguments.iter().zip(&self.named) {
            if !is_sure {
                let message = format!(
                    "only methods under `#[cfg]` take this argument, such as `{method}`, and it is taken from the request before any method runs\n\nhelp: put the `#[cfg]` on the `impl` block, and write it twice"
                );
                errors.push(&argument.pat, message);
            }
        }
    }
}

fn same_source(a: &Source, b: &Source) -> bool {
    match (a, b) {
        (Source::Path { .. }, Source::Path { .. }) => true,
        (Source::Depends(a), Source::Depends(b)) => text(a) == text(b),
        (Source::Value { place, name, default }, Source::Value { place: p, name: n, default: d }) => {
            (place, name) == (p, n) && default.as_ref().map(text) == d.as_ref().map(text)
        }
        _ => false,
    }
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}
