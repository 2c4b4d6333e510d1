//! The judgement: what a dependency may look like.

use super::Dependency;
use crate::adaptor::has_impl;
use crate::errors::Errors;
use crate::handler::count;
use crate::shape::{self, Shape};

pub(super) fn check(dependency: &Dependency<'_>, errors: &mut Errors) {
    let sig = &dependency.function.sig;
    let inputs: Vec<_> = dependency.arguments.iter().map(|argument| argument.expected(None)).collect();
    let expected = shape::expected(sig, &inputs, "");
    Shape::new(errors, expected).check(sig, "a dependency");
    if has_impl(dependency.value()) {
        errors.push(
            &sig.output,
            "the value of a dependency is an argument of others, so its type has a name\n\nhelp: return a type instead of `impl Trait`",
        );
    }
    count(&dependency.arguments, "a dependency", errors);
}
