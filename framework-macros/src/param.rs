//! `#[derive(Param)]`: types that are written as one piece of text.

mod attribute;
mod case;
mod expand;
mod model;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::errors::Errors;
use attribute::Container;
use model::Model;

/// parse → model (which validates) → expand or fallback.
pub(crate) fn run(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::new();
    let container = Container::read(&input.attrs, &mut errors);
    let model = Model::read(&input, &container, &mut errors);
    let mut output: TokenStream = errors.finish().into_iter().collect();
    let found = !output.is_empty();
    output.extend(match model {
        Some(model) if !found => expand::expand(&input, &container, &model),
        _ => expand::fallback(&input, &container),
    });
    output
}
