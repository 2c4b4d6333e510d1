//! Where generated tokens stand. Most resolve and stand where the macro was called. Some stand at
//! the user's tokens instead: an error about them belongs there, and is told as the user's own.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// The first token's place.
pub(crate) fn first(tokens: impl ToTokens) -> Span {
    let first = tokens.into_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |token| token.span())
}

/// `tokens`, as if they were written at `place`. Not for the names of locals, which would no longer
/// be found if `place` came out of a macro.
pub(crate) fn placed(tokens: TokenStream, place: Span) -> TokenStream {
    let each = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), placed(group.stream(), place));
            inner.set_span(place);
            TokenTree::Group(inner)
        }
        // Its span says which crate it is.
        TokenTree::Ident(name) if name == "$crate" => TokenTree::Ident(name),
        mut token => {
            token.set_span(place);
            token
        }
    });
    each.collect()
}
