//! The function around the user's async one.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use super::{Entry, options::Options};
use crate::function::Function;
use crate::shape::receiver;

pub(super) fn expand(entry: Entry, options: &Options, function: &Function) -> TokenStream {
    let Function { attrs, vis, sig, body, .. } = function;
    let (fn_token, name, output) = (&sig.fn_token, &sig.ident, &sig.output);
    let (private, runtime) = (options.private(), options.expand(entry));
    let test = (entry == Entry::Test).then(|| quote_spanned!(Span::mixed_site()=> #[::core::prelude::v1::test]));
    quote_spanned! {Span::mixed_site()=>
        #test
        #(#attrs)*
        #vis #fn_token #name() #output {
            async fn #name() #output #body
            #private::block_on(#runtime, #name())
        }
    }
}

/// A function of that name which compiles; the body stays, so that its own errors are shown.
pub(super) fn fallback(function: &Function) -> TokenStream {
    let Function { vis, sig, body, .. } = function;
    let (fn_token, name) = (&sig.fn_token, &sig.ident);
    let (generics, inputs, output) = (&sig.generics, &sig.inputs, &sig.output);
    let bounds = &sig.generics.where_clause;
    let inner = (receiver(sig).is_none() && sig.variadic.is_none())
        .then(|| quote_spanned!(Span::mixed_site()=> async fn #name #generics (#inputs) #output #bounds #body));
    quote_spanned! {Span::mixed_site()=>
        #[allow(unused, clippy::all)]
        #vis #fn_token #name() { #inner }
    }
}
