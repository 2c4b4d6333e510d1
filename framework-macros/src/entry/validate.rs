//! The judgement: what `main` and a test may look like.

use syn::FnArg;

use super::Entry;
use crate::errors::Errors;
use crate::function::Function;
use crate::shape::{self, Shape};

/// Finds the mistakes. Gives the function without a `#[test]` of its own.
pub(super) fn check(entry: Entry, function: &Function, errors: &mut Errors) -> Function {
    let (sig, what) = (&function.sig, entry.what());
    let expected = shape::expected(sig, &[], "");
    let mut shape = Shape::new(errors, expected);
    shape.check(sig, what);
    let typed = sig.inputs.iter().find(|input| matches!(input, FnArg::Typed(_)));
    if let Some(input) = typed {
        shape.push(input, &format!("{what} takes no arguments"));
    }
    let mut function = function.clone();
    function.attrs.retain(|attribute| {
        let last = attribute.path().segments.last();
        let is_test = last.is_some_and(|segment| segment.ident == "test");
        if is_test {
            errors.push(attribute.path(), format!("{} is enough: remove this", entry.owner()));
        }
        !is_test
    });
    function
}
