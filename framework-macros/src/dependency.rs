//! `#[dependency]`: an async function whose result is an argument of others.

mod expand;
mod fallback;
#[cfg(test)]
mod tests;
mod validate;

use proc_macro2::TokenStream;
use syn::FnArg;

use crate::argument::{Argument, Host, is_mark};
use crate::attributes::under;
use crate::cfg;
use crate::errors::Errors;
use crate::function::Function;
use crate::options::{Allowed, entries_of, private};
use crate::path::Path;
use crate::refuse::refuse;

const OWNER: &str = "`#[dependency]`";

/// A dependency, read but not yet judged.
pub(crate) struct Dependency<'d> {
    pub(crate) function: &'d Function,
    pub(crate) arguments: Vec<Argument>,
    /// `::sockeye::__private`.
    pub(crate) private: TokenStream,
}

/// parse → model → validate → expand or fallback.
pub(crate) fn run(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let private = options(attribute, &mut errors);
    let function = match Function::read(item.clone()) {
        Ok(function) => function,
        Err(reason) => return refuse(OWNER, reason, item, errors),
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
        output.extend(one(&private, function, broken));
    }
    output
}

fn options(attribute: TokenStream, errors: &mut Errors) -> TokenStream {
    let allowed = Allowed { owner: OWNER, names: &["crate"] };
    let entries = entries_of(attribute, allowed, errors);
    let krate = entries.first().and_then(|entry| entry.krate(errors));
    private(krate.as_ref())
}

fn one(private: &TokenStream, function: &Function, broken: bool) -> TokenStream {
    let mut errors = Errors::new();
    let dependency = Dependency::read(private, function, &mut errors);
    validate::check(&dependency, &mut errors);
    let failed = broken || !errors.is_empty();
    let mut items = errors.finish();
    items.extend(if failed { fallback::expand(&dependency) } else { expand::expand(&dependency) });
    under(&function.cfgs, &items)
}

impl<'d> Dependency<'d> {
    pub(crate) fn read(private: &TokenStream, function: &'d Function, errors: &mut Errors) -> Self {
        let host = Host {
            owner: OWNER,
            socket: false,
            // Routes of many paths may depend on it, so it knows none.
            path: &Path::default(),
        };
        let typed = function.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        let arguments = typed.map(|typed| Argument::read(typed, &host, errors)).collect();
        Dependency { function, arguments, private: private.clone() }
    }
}
