//! What a function macro says when it stands on something else.

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::errors::Errors;
use crate::function::NotAFunction;

/// The errors, and the item as it was.
pub(crate) fn refuse(owner: &str, reason: NotAFunction, item: TokenStream, mut errors: Errors) -> TokenStream {
    match reason {
        // rustc says what is missing.
        NotAFunction::Bodiless => {}
        NotAFunction::Other(what, token) => errors.push(
            token,
            format!("expected an async function, found {what}\n\nhelp: {owner} marks a function: `async fn name(…)`"),
        ),
        NotAFunction::Unreadable(error) => errors.absorb(error),
    }
    let mut output: TokenStream = errors.finish().into_iter().collect();
    item.to_tokens(&mut output);
    output
}
