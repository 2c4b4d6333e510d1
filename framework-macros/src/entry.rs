//! `#[sockeye::main]` and `#[sockeye::test]`: an async function that brings its own runtime.

mod expand;
mod options;
#[cfg(test)]
mod tests;
mod validate;

use proc_macro2::TokenStream;

use crate::attributes::under;
use crate::errors::Errors;
use crate::function::Function;
use crate::refuse::refuse;
use options::Options;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Main,
    Test,
}

impl Entry {
    fn owner(self) -> &'static str {
        match self {
            Entry::Main => "`#[sockeye::main]`",
            Entry::Test => "`#[sockeye::test]`",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Entry::Main => "`main`",
            Entry::Test => "a test",
        }
    }
}

/// parse → model → validate → expand or fallback.
pub(crate) fn run(entry: Entry, attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let options = Options::read(entry, attribute, &mut errors);
    let function = match Function::read(item.clone()) {
        Ok(function) => function,
        Err(reason) => return refuse(entry.owner(), reason, item, errors),
    };
    let function = validate::check(entry, &function, &mut errors);
    let failed = !errors.is_empty();
    let mut items = errors.finish();
    items.push(if failed { expand::fallback(&function) } else { expand::expand(entry, &options, &function) });
    under(&function.cfgs, &items)
}
