//! `#[websocket]`, `#[get]` and the other attributes of handlers.

mod attribute;
mod expand;
mod fallback;
mod options;
#[cfg(test)]
mod tests;
mod validate;

use proc_macro2::TokenStream;
use syn::FnArg;

use crate::argument::{Argument, Host, is_mark};
use crate::attributes::under;
use crate::cfg;
use crate::errors::Errors;
use crate::events;
use crate::function::Function;
use crate::kind::Kind;
use crate::options::private;
use crate::refuse::refuse;

pub(crate) use attribute::{RouteAttribute, parse_path};
pub(crate) use expand::MARKER;
pub(crate) use options::is_token;
pub(crate) use validate::{MOST_ARGUMENTS, count, untaken_params};

/// A handler, read but not yet judged.
pub(crate) struct Handler<'h> {
    pub(crate) attribute: &'h RouteAttribute,
    pub(crate) function: &'h Function,
    pub(crate) arguments: Vec<Argument>,
}

/// parse → model → validate → expand or fallback.
pub(crate) fn run(kind: Kind, attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let attribute = RouteAttribute::read(kind, attribute, &mut errors);
    if kind.is_socket() && events::is_block(&item) {
        return events::run(&attribute, item, errors);
    }
    let function = match Function::read(item.clone()) {
        Ok(function) => function,
        Err(reason) => return refuse(kind.attribute(), reason, item, errors),
    };
    let (variants, broken) = match cfg::variants(function, is_mark) {
        Ok(variants) => (variants, !errors.is_empty()),
        Err((function, error)) => {
            errors.absorb(error);
            (vec![*function], true)
        }
    };
    let mut output: TokenStream = errors.finish().into_iter().collect();
    for function in &variants {
        output.extend(one(&attribute, function, broken));
    }
    output
}

/// One function without conditions on its arguments. `broken`: there are errors already.
fn one(attribute: &RouteAttribute, function: &Function, broken: bool) -> TokenStream {
    let mut errors = Errors::new();
    let function = &validate::sole(function, &mut errors);
    let handler = Handler::read(attribute, function, &mut errors);
    validate::check(&handler, &mut errors);
    let failed = broken || !errors.is_empty();
    let mut items = errors.finish();
    items.extend(if failed { fallback::expand(&handler) } else { expand::expand(&handler) });
    under(&function.cfgs, &items)
}

impl<'h> Handler<'h> {
    pub(crate) fn read(attribute: &'h RouteAttribute, function: &'h Function, errors: &mut Errors) -> Self {
        let host =
            Host { owner: attribute.kind.attribute(), socket: attribute.kind.is_socket(), path: &attribute.path };
        let typed = function.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        let arguments = typed.map(|typed| Argument::read(typed, &host, errors)).collect();
        Handler { attribute, function, arguments }
    }

    pub(crate) fn private(&self) -> TokenStream {
        private(self.attribute.options.krate.as_ref())
    }
}
