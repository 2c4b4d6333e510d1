//! The collector: everything that is wrong with one item, reported at once.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// Mistakes found so far. Whoever makes one must [`finish`](Errors::finish) it: a mistake that is
/// collected and then forgotten would let wrong code through, so dropping it unread panics.
#[derive(Debug)]
pub(crate) struct Errors {
    found: Option<Vec<syn::Error>>,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Errors { found: Some(Vec::new()) }
    }

    /// Marks `place` (first to last token) and says `message`.
    pub(crate) fn push(&mut self, place: impl ToTokens, message: impl Display) {
        self.absorb(syn::Error::new_spanned(place, message));
    }

    /// Takes over an error that already knows its place.
    pub(crate) fn absorb(&mut self, error: syn::Error) {
        self.found.as_mut().expect("errors are collected before they are finished").push(error);
    }

    /// Hands the error of `result` to the collector and goes on without the value.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.absorb(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.as_ref().is_none_or(Vec::is_empty)
    }

    /// The `compile_error!` items, one for each mistake; empty if there is none.
    pub(crate) fn finish(mut self) -> Vec<TokenStream> {
        let found = self.found.take().unwrap_or_default();
        found.iter().map(syn::Error::to_compile_error).collect()
    }

    /// The messages alone, for the unit tests of the stages.
    #[cfg(test)]
    pub(crate) fn messages(mut self) -> Vec<String> {
        let found = self.found.take().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        if self.found.is_some() && !std::thread::panicking() {
            panic!("errors were collected and never looked at");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Errors;
    use proc_macro2::{Ident, Span};

    #[test]
    fn every_mistake_becomes_one_item() {
        let mut errors = Errors::new();
        assert!(errors.is_empty());
        errors.push(Ident::new("a", Span::call_site()), "first");
        errors.push(Ident::new("b", Span::call_site()), "second");
        assert!(!errors.is_empty());
        assert_eq!(errors.finish().len(), 2);
    }

    #[test]
    #[should_panic(expected = "never looked at")]
    fn forgetting_to_look_is_a_bug() {
        drop(Errors::new());
    }
}
