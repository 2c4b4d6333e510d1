//! A marked function becomes two. The first keeps the user's body untouched; the second, under the
//! user's name, calls it and gives back a `Call`, whose type says which route it belongs to. So the
//! name is an ordinary function: it can be called, shadowed, imported and handed to `route`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Pat, ReturnType, Safety};

use crate::argument::Argument;
use crate::attributes::Attributes;
use crate::function::Function;
use crate::spans;

pub(crate) struct Callable<'c> {
    pub(crate) function: &'c Function,
    pub(crate) arguments: &'c [Argument],
    /// The type that stands for the route or the dependency.
    pub(crate) marker: Ident,
    /// `::sockeye::__private`.
    pub(crate) private: TokenStream,
}

impl<'c> Callable<'c> {
    pub(crate) fn new(function: &'c Function, arguments: &'c [Argument], prefix: &str, private: TokenStream) -> Self {
        let name = function.name();
        let marker = Ident::new(&format!("{prefix}{name}"), Span::mixed_site());
        Callable { function, arguments, marker, private }
    }

    /// What the function returns, as written.
    pub(crate) fn returns(&self) -> TokenStream {
        match &self.function.sig.output {
            ReturnType::Default => quote_spanned!(self.returns_at()=> ()),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        }
    }

    /// The place of the return type: the name, if there is no type.
    pub(crate) fn returns_at(&self) -> Span {
        match &self.function.sig.output {
            ReturnType::Default => self.function.sig.ident.span(),
            ReturnType::Type(_, ty) => spans::first(ty),
        }
    }

    pub(crate) fn marker_item(&self) -> TokenStream {
        let (marker, vis) = (&self.marker, &self.function.vis);
        quote_spanned! {Span::mixed_site()=>
            #[doc(hidden)]
            #[allow(non_camel_case_types, missing_debug_implementations)]
            #vis enum #marker {}
        }
    }

    /// The function with the body. `async` is ours, as rustc is silent about unused functions of
    /// macros: it has already said so of the other function.
    pub(crate) fn inner(&self, extra: &TokenStream) -> TokenStream {
        let Function { attrs, sig, body, .. } = self.function;
        let attrs = Attributes::split(attrs).inner;
        let (marker, name, output) = (&self.marker, &sig.ident, &sig.output);
        let (generics, bounds) = (&sig.generics, &sig.generics.where_clause);
        let safety = matches!(sig.safety, Safety::Unsafe(_)).then(|| &sig.safety);
        let fn_token = &sig.fn_token;
        let inputs = self.arguments.iter().map(|argument| {
            let Argument { attrs, pat, ty, .. } = argument;
            // Whether a socket must be `mut` depends on whether it receives: no need to nag who only sends.
            let lenient = argument.is_socket().then(|| quote!(#[allow(unused_mut)]));
            quote!(#lenient #(#attrs)* #pat: #ty)
        });
        quote_spanned! {Span::mixed_site()=>
            impl #marker {
                #(#attrs)*
                async #safety #fn_token #name #generics (#(#inputs,)* #extra) #output #bounds #body
            }
        }
    }

    /// The function that is called.
    pub(crate) fn outer(&self) -> TokenStream {
        let Function { attrs, vis, sig, .. } = self.function;
        let attrs = Attributes::split(attrs).outer;
        let Callable { marker, private, .. } = self;
        let (fn_token, name, returns) = (&sig.fn_token, &sig.ident, self.returns());
        let names = self.names();
        let types = self.arguments.iter().map(|argument| &argument.ty);
        // Placed at the user's name: there it is reported if the future is not `Send`, or if
        // nobody uses the function.
        let place = name.span();
        let call = spans::placed(quote!(#private::Call), place);
        let inner = spans::placed(quote!(#marker::#name), place);
        let body = quote_spanned!(place=> { #call::new(#inner(#(#names),*)) });
        let output = quote_spanned!(place=> -> #call<#marker, #returns>);
        // Empty, and ours: else rustc suggests to put the name of a type that it cannot find there,
        // and so tells of one missing type in two ways.
        let generics = quote_spanned!(Span::mixed_site()=> <>);
        quote_spanned! {Span::mixed_site()=>
            #(#attrs)*
            #[allow(clippy::too_many_arguments)]
            #vis #fn_token #name #generics (#(#names: #types),*) #output #body
        }
    }

    /// The user's names where they are plain, as editors and documentation show them.
    fn names(&self) -> Vec<Ident> {
        let mut names: Vec<Ident> = Vec::new();
        for (index, argument) in self.arguments.iter().enumerate() {
            let own = match &argument.pat {
                Pat::Ident(pat) => Some(pat.ident.clone()),
                _ => None,
            };
            let free = own.filter(|name| !names.contains(name));
            names.push(free.unwrap_or_else(|| format_ident!("argument_{index}", span = Span::mixed_site())));
        }
        names
    }
}
