//! What is emitted for an event handler with mistakes: the block stays, and `route` still takes an instance.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use super::Events;

pub(super) fn expand(events: &Events<'_>) -> TokenStream {
    if !events.block.generics.params.is_empty() {
        return TokenStream::new();
    }
    let (private, ty) = (events.private(), &events.block.ty);
    quote_spanned! {Span::mixed_site()=>
        impl #private::EventHandler for #ty {
            fn event_route(_: #private::Arc<Self>) -> #private::Route {
                ::core::unreachable!()
            }
        }
    }
}
