//! The items that a sound dependency becomes.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{GenericArgument, PathArguments, PathSegment, ReturnType, Type};

use super::Dependency;
use crate::argument::last_segment;
use crate::callable::Callable;
use crate::spans;

pub(super) const MARKER: &str = "__sockeye_dep_";

pub(super) fn expand(dependency: &Dependency<'_>) -> Vec<TokenStream> {
    let Dependency { function, arguments, private } = dependency;
    let callable = Callable::new(function, arguments, MARKER, private.clone());
    let (marker, tables) = (&callable.marker, callable.tables());
    let mut items = vec![
        callable.marker_item(),
        callable.inner(&TokenStream::new()),
        callable.outer(),
        quote_spanned!(Span::mixed_site()=> impl #marker { #tables }),
        dependency.implementation(&callable),
    ];
    items.extend(callable.one_body());
    items
}

impl Dependency<'_> {
    fn implementation(&self, callable: &Callable<'_>) -> TokenStream {
        let Callable { marker, private, .. } = callable;
        let (value, needs, takes_body) = (self.value(), callable.needs(), callable.takes_body());
        let (request, extractions) = (callable.request(), callable.extractions());
        let result = self.settled(callable);
        quote_spanned! {Span::mixed_site()=>
            #[allow(deprecated)]
            impl #private::Dependency for #marker {
                type Value = #value;
                const BODY: bool = #takes_body;
                #needs
                fn resolve<'r>(
                    #request: &'r mut #private::Request,
                ) -> #private::BoxFuture<'r, ::core::result::Result<Self::Value, #private::Response>> {
                    #private::Box::pin(async move {
                        #extractions
                        #result
                    })
                }
            }
        }
    }

    /// The result of the call, its error turned into a response. The bound of the error is checked
    /// where its type is written, once; behind an alias that hides it, at the whole return type.
    fn settled(&self, callable: &Callable<'_>) -> TokenStream {
        let (private, call, place) = (&callable.private, callable.call(), callable.returns_at());
        let Some(result) = self.result() else {
            return quote_spanned! {Span::mixed_site()=>
                ::core::result::Result::<_, #private::Response>::Ok(#call.await)
            };
        };
        let refuse = match types(result).get(1) {
            Some(error) if !crate::adaptor::has_impl(error.to_token_stream()) => {
                quote_spanned! {Span::mixed_site()=> {
                    let refuse: fn(_) -> #private::Response = <#error as #private::IntoResponse>::into_response;
                    refuse(error)
                }}
            }
            _ => {
                let refuse = spans::placed(quote!(#private::IntoResponse::into_response), place);
                let error = quote_spanned!(Span::mixed_site().located_at(place)=> error);
                quote_spanned!(place=> #refuse(#error))
            }
        };
        quote_spanned! {Span::mixed_site()=>
            match #call.await {
                ::core::result::Result::Ok(value) => ::core::result::Result::Ok(value),
                ::core::result::Result::Err(error) => ::core::result::Result::Err(#refuse),
            }
        }
    }

    /// The type of the value: what is returned, or what is in its `Ok`.
    pub(super) fn value(&self) -> TokenStream {
        let ReturnType::Type(_, ty) = &self.function.sig.output else {
            return quote_spanned!(self.function.sig.ident.span()=> ());
        };
        match self.result().map(types) {
            None => ty.to_token_stream(),
            Some(types) => match types.first() {
                Some(value) => value.to_token_stream(),
                None => {
                    let private = &self.private;
                    quote_spanned!(Span::mixed_site()=> <#ty as #private::ResultParts>::Value)
                }
            },
        }
    }

    /// The return type, if it is called `Result`.
    fn result(&self) -> Option<&PathSegment> {
        match &self.function.sig.output {
            ReturnType::Type(_, ty) => last_segment(ty).filter(|segment| segment.ident == "Result"),
            ReturnType::Default => None,
        }
    }
}

fn types(segment: &PathSegment) -> Vec<&Type> {
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => {
            let types = arguments.args.iter().filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            });
            types.collect()
        }
        _ => Vec::new(),
    }
}
