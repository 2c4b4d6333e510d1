//! The items that a sound handler becomes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, ExprLit, Lit, LitBool};

use super::Handler;
use crate::adaptor::has_impl;
use crate::attributes::summary;
use crate::callable::Callable;
use crate::spans;
use crate::tables::location;

pub(crate) const MARKER: &str = "__sockeye_";

pub(super) fn expand(handler: &Handler<'_>) -> Vec<TokenStream> {
    let callable = Callable::new(handler.function, &handler.arguments, MARKER, handler.private());
    let (marker, tables) = (&callable.marker, callable.tables());
    let info = handler.info(&callable);
    let mut items = vec![
        callable.marker_item(),
        callable.inner(&TokenStream::new()),
        callable.outer(),
        quote_spanned! {Span::mixed_site()=>
            impl #marker {
                #info
                #tables
            }
        },
        handler.endpoint(&callable),
    ];
    items.extend(if handler.attribute.kind.is_socket() { callable.no_body() } else { callable.one_body() });
    items
}

impl Handler<'_> {
    fn endpoint(&self, callable: &Callable<'_>) -> TokenStream {
        let Callable { marker, private, .. } = callable;
        let needs = callable.needs();
        let handler = if self.attribute.kind.is_socket() { socket(callable) } else { plain(callable) };
        quote_spanned! {Span::mixed_site()=>
            #[allow(deprecated)]
            impl #private::Endpoint for #marker {
                fn info() -> &'static #private::RouteInfo {
                    Self::INFO
                }
                #needs
                fn handler() -> #private::Handler {
                    #handler
                }
            }
        }
    }

    /// The route as plain data.
    pub(crate) fn info(&self, callable: &Callable<'_>) -> TokenStream {
        let private = &callable.private;
        let kind = match self.attribute.kind.method() {
            None => quote!(WebSocket),
            Some(method) => {
                let method = Ident::new(method, Span::mixed_site());
                quote_spanned!(Span::mixed_site()=> Http(#private::HttpMethod::#method))
            }
        };
        let (path, name) = (&self.attribute.path.text, self.function.name());
        let doc = summary(&self.function.attrs);
        let location = location(self.function.sig.ident.span(), private);
        let options = self.options(private);
        quote_spanned! {Span::mixed_site()=>
            const INFO: &'static #private::RouteInfo = &#private::RouteInfo {
                kind: #private::RouteKind::#kind,
                path: #path,
                name: #name,
                doc: #doc,
                location: #location,
                args: Self::ARGUMENTS,
                options: #options,
            };
        }
    }

    fn options(&self, private: &TokenStream) -> TokenStream {
        let options = &self.attribute.options;
        let mut fields = Vec::new();
        if let Some(invalid) = options.invalid {
            let invalid = Ident::new(invalid, Span::mixed_site());
            fields.push(quote_spanned!(Span::mixed_site()=> invalid: #private::Invalid::#invalid));
        }
        if !options.protocols.is_empty() {
            let protocols = &options.protocols;
            fields.push(quote!(protocols: &[#(#protocols),*]));
        }
        if options.strict_protocol {
            fields.push(quote!(strict_protocol: true));
        }
        let mut limit = |name: &str, value: &Option<Expr>| {
            if let Some(value) = value {
                let name = Ident::new(name, Span::mixed_site());
                // Bound first, so that a value of another type is reported in one line.
                let usize = spans::placed(quote!(::core::primitive::usize), spans::first(value));
                fields.push(quote_spanned! {Span::mixed_site()=>
                    #name: {
                        let limit: #usize = #value;
                        ::core::option::Option::Some(limit)
                    }
                });
            }
        };
        limit("max_message", &options.max_message);
        limit("max_frame", &options.max_frame);
        limit("max_body", &options.max_body);
        fields.extend(options.compression.as_ref().map(|value| compression(value, private)));
        if let Some(overflow) = options.overflow {
            let overflow = Ident::new(overflow, Span::mixed_site());
            let some = quote!(::core::option::Option::Some);
            fields.push(quote_spanned!(Span::mixed_site()=> overflow: #some(#private::Overflow::#overflow)));
        }
        if let Some(tag) = &options.tag {
            fields.push(quote!(tag: ::core::option::Option::Some(#tag)));
        }
        if fields.is_empty() {
            return quote_spanned!(Span::mixed_site()=> #private::RouteOptions::DEFAULT);
        }
        quote_spanned! {Span::mixed_site()=>
            #private::RouteOptions { #(#fields,)* ..#private::RouteOptions::DEFAULT }
        }
    }
}

/// The field `compression`, bound first as a limit is.
fn compression(value: &Expr, private: &TokenStream) -> TokenStream {
    let ty = spans::placed(quote!(#private::Compression), spans::first(value));
    let value = match value {
        Expr::Lit(ExprLit { lit: Lit::Bool(LitBool { value: true, .. }), .. }) => quote!(#private::Compression::new()),
        Expr::Lit(ExprLit { lit: Lit::Bool(_), .. }) => quote!(#private::Compression::off()),
        value => value.to_token_stream(),
    };
    quote_spanned! {Span::mixed_site()=>
        compression: {
            let compression: #ty = #value;
            ::core::option::Option::Some(compression)
        }
    }
}

/// A socket's adaptor.
fn socket(callable: &Callable<'_>) -> TokenStream {
    let Callable { marker, private, .. } = callable;
    let (request, extractions, call) = (callable.request(), callable.extractions(), callable.call());
    let (returns, place) = (callable.returns(), callable.returns_at());
    // The bound of the return type is checked where the type is named, which is where the error
    // stands, and nowhere else. A type without a name is inferred: only its place can be given.
    let running = if has_impl(returns.clone()) {
        let new = spans::placed(quote!(#private::Running::new), place);
        quote_spanned!(place=> #new(#call))
    } else {
        quote_spanned! {Span::mixed_site()=> {
            let run: fn(_) -> _ = #private::Running::new::<#marker, #returns>;
            run(#call)
        }}
    };
    quote_spanned! {Span::mixed_site()=>
        fn __sockeye_start<'r>(
            #request: &'r mut #private::Request,
            upgrade: #private::Upgrade,
        ) -> #private::BoxFuture<'r, ::core::result::Result<#private::Running, #private::Response>> {
            #private::Box::pin(async move {
                #extractions
                ::core::result::Result::<_, #private::Response>::Ok(#running)
            })
        }
        #private::Handler::Socket(__sockeye_start)
    }
}

fn plain(callable: &Callable<'_>) -> TokenStream {
    let Callable { private, .. } = callable;
    let (request, extractions, call) = (callable.request(), callable.extractions(), callable.call());
    let response = response(callable, &quote_spanned!(callable.returns_at()=> #call.await));
    quote_spanned! {Span::mixed_site()=>
        async fn __sockeye_answer(
            #request: &mut #private::Request,
        ) -> ::core::result::Result<#private::Response, #private::Response> {
            #extractions
            ::core::result::Result::Ok(#response)
        }
        fn __sockeye_call<'r>(
            request: &'r mut #private::Request,
        ) -> #private::BoxFuture<'r, #private::Response> {
            #private::Box::pin(async move {
                match __sockeye_answer(request).await {
                    ::core::result::Result::Ok(response) | ::core::result::Result::Err(response) => response,
                }
            })
        }
        #private::Handler::Http(__sockeye_call)
    }
}

/// What the handler returned, as a response. As above, the bound is checked once.
fn response(callable: &Callable<'_>, returned: &TokenStream) -> TokenStream {
    let private = &callable.private;
    let (returns, place) = (callable.returns(), callable.returns_at());
    if has_impl(returns.clone()) {
        let respond = spans::placed(quote!(#private::IntoResponse::into_response), place);
        return quote_spanned!(place=> #respond(#returned));
    }
    quote_spanned! {Span::mixed_site()=> {
        let respond: fn(_) -> #private::Response = <#returns as #private::IntoResponse>::into_response;
        respond(#returned)
    }}
}
