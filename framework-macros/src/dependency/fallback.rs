//! What is emitted for a dependency with mistakes, so that each of them is the only error it causes.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::Dependency;
use super::expand::MARKER;
use crate::adaptor::has_impl;
use crate::stub::Stub;

pub(super) fn expand(dependency: &Dependency<'_>) -> Vec<TokenStream> {
    let private = &dependency.private;
    let stub = Stub {
        function: dependency.function,
        arguments: &dependency.arguments,
        prefix: MARKER,
        private: private.clone(),
        extra: TokenStream::new(),
    };
    let marker = stub.callable().marker;
    let generic = !dependency.function.sig.generics.params.is_empty();
    let value = match dependency.value() {
        value if generic || has_impl(value.clone()) => quote!(()),
        value => value,
    };
    let mut items = stub.expand();
    items.push(quote_spanned! {Span::mixed_site()=>
        impl #private::Dependency for #marker {
            type Value = #value;
            const BODY: bool = false;
            fn needs(_: &mut #private::Needs) {}
            fn resolve(
                _: &mut #private::Request,
            ) -> #private::BoxFuture<'_, ::core::result::Result<Self::Value, #private::Response>> {
                ::core::unreachable!()
            }
        }
    });
    items
}
