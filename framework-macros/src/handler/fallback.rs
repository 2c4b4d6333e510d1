//! What is emitted for a handler with mistakes, so that each of them is the only error it causes.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::Handler;
use super::expand::MARKER;
use crate::options::root;
use crate::stub::Stub;

pub(super) fn expand(handler: &Handler<'_>) -> Vec<TokenStream> {
    let private = handler.private();
    let stub = Stub {
        function: handler.function,
        arguments: &handler.arguments,
        prefix: MARKER,
        private: private.clone(),
        extra: handler.missing(),
    };
    let marker = stub.callable().marker;
    let mut items = stub.expand();
    items.push(quote_spanned! {Span::mixed_site()=>
        impl #private::Endpoint for #marker {
            fn info() -> &'static #private::RouteInfo { ::core::unreachable!() }
            fn needs(_: &mut #private::Needs) {}
            fn handler() -> #private::Handler { ::core::unreachable!() }
        }
    });
    items
}

impl Handler<'_> {
    /// The arguments that the body may already use although they are not there.
    fn missing(&self) -> TokenStream {
        let root = root(self.attribute.options.krate.as_ref());
        let at = self.function.sig.ident.span();
        let taken = |name: &str| self.arguments.iter().any(|argument| argument.text() == name);
        let mut missing = TokenStream::new();
        if self.lacks_socket() && !taken("ws") {
            let ws = format_ident!("ws", span = at);
            missing.extend(quote!(mut #ws: #root::WebSocket,));
        }
        for param in self.untaken() {
            if let (Ok(mut name), false) = (syn::parse_str::<syn::Ident>(&param.name), taken(&param.name)) {
                name.set_span(at);
                missing.extend(quote!(#name: ::std::string::String,));
            }
        }
        missing
    }
}
