//! The items that a sound event handler becomes, beside the user's own block.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{ReturnType, Type};

use super::method::{Event, Method};
use super::{Events, without_self};
use crate::adaptor::has_impl;
use crate::callable::Callable;
use crate::handler::MARKER;
use crate::spans;

pub(super) fn expand(events: &Events<'_>) -> TokenStream {
    let handler = events.handler();
    let callable = Callable::new(&events.stand_in, &handler.arguments, MARKER, events.private());
    let Callable { marker, private, .. } = &callable;
    let ty = &events.block.ty;
    let (item, info, tables) = (callable.marker_item(), handler.info(&callable), callable.tables());
    let (copies, trait_impl, no_body) = (copies(&callable), trait_impl(events, &callable), callable.no_body());
    quote_spanned! {Span::mixed_site()=>
        const _: () = {
            #item
            #[allow(deprecated)]
            impl #marker {
                #info
                #tables
                #copies
            }
            #trait_impl
            impl #private::EventHandler for #ty {
                fn event_route(handler: #private::Arc<Self>) -> #private::Route {
                    #private::event_route::<#marker>(handler)
                }
            }
            #(#no_body)*
        };
    }
}

/// The constants in which it is checked that an argument can be given to more than one method.
fn copies(callable: &Callable<'_>) -> TokenStream {
    let private = &callable.private;
    let each = callable.arguments.iter().enumerate().map(|(at, argument)| {
        let (name, ty) = (copy_name(at), &argument.ty);
        quote_spanned! {Span::mixed_site()=>
            const #name: fn(&#ty) -> #ty = #private::copy::<#ty>;
        }
    });
    each.collect()
}

fn copy_name(at: usize) -> Ident {
    format_ident!("COPY_{at}", span = Span::mixed_site())
}

fn trait_impl(events: &Events<'_>, callable: &Callable<'_>) -> TokenStream {
    let Callable { marker, private, .. } = callable;
    let (ty, needs) = (&events.block.ty, callable.needs());
    let types = callable.arguments.iter().map(|argument| &argument.ty);
    let (request, extractions) = (callable.request(), callable.extractions());
    let values = callable.values();
    let on = on(events, callable);
    let hooks = events.methods.iter().filter_map(|method| hook(events, callable, method));
    quote_spanned! {Span::mixed_site()=>
        #[allow(deprecated)]
        impl #private::Events for #marker {
            type Handler = #ty;
            type Args = (#(#types,)*);
            fn info() -> &'static #private::RouteInfo {
                Self::INFO
            }
            #needs
            fn args(
                #request: &mut #private::Request,
            ) -> #private::BoxFuture<'_, ::core::result::Result<Self::Args, #private::Response>> {
                #private::Box::pin(async move {
                    #extractions
                    ::core::result::Result::<_, #private::Response>::Ok((#(#values,)*))
                })
            }
            #(#hooks)*
            #on
        }
    }
}

/// `open`, `message` and the other events that have a method of the trait.
fn hook(events: &Events<'_>, callable: &Callable<'_>, method: &Method<'_>) -> Option<TokenStream> {
    let private = &callable.private;
    let (name, subject, flag) = match method.event {
        Event::Upgrade => ("upgrade", None, Some("UPGRADE")),
        Event::Open => ("open", None, None),
        Event::Message => ("message", Some(quote!(#private::Message)), Some("MESSAGE")),
        Event::Close => ("close", Some(quote!(::core::option::Option<#private::CloseFrame>)), None),
        Event::Error => ("error", Some(quote!(&#private::Error)), Some("ERROR")),
        Event::On(_) => return None,
    };
    let cfgs = &method.function.cfgs;
    let flag = flag.map(|flag| {
        let flag = Ident::new(flag, Span::mixed_site());
        quote_spanned!(Span::mixed_site()=> #(#cfgs)* const #flag: bool = true;)
    });
    let name = Ident::new(name, Span::mixed_site());
    let first = match method.event {
        Event::Upgrade => quote_spanned!(Span::mixed_site()=> peer: &mut #private::Upgrade),
        _ => quote_spanned!(Span::mixed_site()=> peer: &#private::Peer),
    };
    let subject = subject.map(|ty| quote_spanned!(Span::mixed_site()=> subject: #ty,));
    let error = match method.event {
        Event::Upgrade => quote!(#private::Response),
        _ => quote!(#private::Fault),
    };
    let (output, body) = (output(method, &quote!(()), &error), body(events, callable, method));
    Some(quote_spanned! {Span::mixed_site()=>
        #flag
        #(#cfgs)*
        #[allow(unused_variables)]
        fn #name(handler: &Self::Handler, #first, args: &Self::Args, #subject) #output {
            async move { #body }
        }
    })
}

/// All methods with `#[on]`.
fn on(events: &Events<'_>, callable: &Callable<'_>) -> Option<TokenStream> {
    let private = &callable.private;
    let methods = events.methods.iter().filter_map(|method| match &method.event {
        Event::On(kind) => Some((method, kind)),
        _ => None,
    });
    let methods: Vec<_> = methods.collect();
    let (first, _) = methods.first()?;
    let types = methods.iter().map(|(method, kind)| {
        let cfgs = &method.function.cfgs;
        quote!(#(#cfgs)* #kind)
    });
    let arms = methods.iter().map(|(method, kind)| {
        let (cfgs, body) = (&method.function.cfgs, body(events, callable, method));
        quote_spanned!(Span::mixed_site()=> #(#cfgs)* #kind => { #body })
    });
    let output = output(first, &quote!(#private::Answer), &quote!(#private::Fault));
    Some(quote_spanned! {Span::mixed_site()=>
        const TYPES: &'static [&'static ::core::primitive::str] = &[#(#types),*];
        #[allow(unused_variables)]
        fn on(
            handler: &Self::Handler,
            peer: &#private::Peer,
            args: &Self::Args,
            kind: &'static ::core::primitive::str,
            subject: #private::Message,
            asked: ::core::primitive::bool,
        ) #output {
            async move {
                match kind {
                    #(#arms,)*
                    _ => ::core::result::Result::Ok(::core::default::Default::default()),
                }
            }
        }
    })
}

/// The future's type, at the method's name: there it is reported if it is not `Send`.
fn output(method: &Method<'_>, value: &TokenStream, error: &TokenStream) -> TokenStream {
    let place = method.name().span();
    let tokens = quote! {
        -> impl ::core::future::Future<Output = ::core::result::Result<#value, #error>> + ::core::marker::Send
    };
    spans::placed(tokens, place)
}

/// The second argument made, the others copied, the user's method called, and what it returns judged.
fn body(events: &Events<'_>, callable: &Callable<'_>, method: &Method<'_>) -> TokenStream {
    let Callable { marker, private, .. } = callable;
    let subject = method.subject.as_ref().map(|input| made(&method.event, &input.ty, private));
    let given = method.subject.as_ref().map(|_| quote_spanned!(Span::mixed_site()=> subject,));
    let copies = method.arguments.iter().map(|at| {
        let (copy, place) = (copy_name(*at), syn::Index::from(*at));
        quote_spanned!(Span::mixed_site()=> (#marker::#copy)(&args.#place),)
    });
    let place = returns_at(method);
    let (ty, name) = (&events.block.ty, method.name());
    let name = spans::placed(quote!(#name), place);
    let call = quote_spanned!(place=> <#ty>::#name);
    let call = quote_spanned!(Span::mixed_site()=> #call(handler, peer, #given #(#copies)*).await);
    let judge = match method.event {
        Event::Upgrade => quote_spanned!(Span::mixed_site()=> #private::UpgradeOutcome::into_refusal),
        Event::On(_) => quote_spanned!(Span::mixed_site()=> #private::answered),
        _ => quote_spanned!(Span::mixed_site()=> #private::handled),
    };
    // Only an `#[on]` method gives something back to who has asked.
    let (asked, more) = match method.event {
        Event::On(_) => (quote_spanned!(Span::mixed_site()=> , asked), quote!(, _)),
        _ => (TokenStream::new(), TokenStream::new()),
    };
    let judged = match &method.function.sig.output {
        // The bound of the type is checked where it is named, and nowhere else.
        ReturnType::Type(_, returns) if !has_impl(quote!(#returns)) => {
            let returns = without_self(quote!(#returns), ty);
            let judge = match method.event {
                Event::Upgrade => {
                    quote_spanned!(Span::mixed_site()=> <#returns as #private::UpgradeOutcome>::into_refusal)
                }
                _ => quote_spanned!(Span::mixed_site()=> #judge::<#returns>),
            };
            quote_spanned! {Span::mixed_site()=> {
                let judge: fn(_ #more) -> _ = #judge;
                judge(#call #asked)
            }}
        }
        _ => {
            let judge = spans::placed(judge, place);
            quote_spanned!(Span::mixed_site()=> #judge(#call #asked))
        }
    };
    quote_spanned!(Span::mixed_site()=> #subject #judged)
}

/// The second argument, made of what the framework has.
fn made(event: &Event, ty: &Type, private: &TokenStream) -> Option<TokenStream> {
    let make = match event {
        Event::Message => quote_spanned!(Span::mixed_site()=> <#ty as #private::FromMessage>::from_message),
        Event::On(_) => quote_spanned!(Span::mixed_site()=> #private::event::<#ty>),
        Event::Upgrade | Event::Open | Event::Close | Event::Error => return None,
    };
    Some(quote_spanned!(Span::mixed_site()=> let subject = #make(subject)?;))
}

/// The place of the return type: the name, if there is no type.
fn returns_at(method: &Method<'_>) -> Span {
    match &method.function.sig.output {
        ReturnType::Default => method.name().span(),
        ReturnType::Type(_, ty) => spans::first(ty),
    }
}
