//! A function with mistakes, in a form that compiles: the body stays, so that its imports are used
//! and its own errors are shown, and the name still is what `route` takes.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{ReturnType, Type};

use crate::adaptor::has_impl;
use crate::argument::{Argument, is_owned};
use crate::callable::Callable;
use crate::function::Function;
use crate::handler::MOST_ARGUMENTS;
use crate::shape::receiver;

pub(crate) struct Stub<'s> {
    pub(crate) function: &'s Function,
    pub(crate) arguments: &'s [Argument],
    pub(crate) prefix: &'s str,
    pub(crate) private: TokenStream,
    /// Arguments that the body may use and that are missing.
    pub(crate) extra: TokenStream,
}

impl Stub<'_> {
    pub(crate) fn callable(&self) -> Callable<'_> {
        let private = self.private.clone();
        Callable::new(self.function, self.arguments, self.prefix, private)
    }

    /// The marker and the two functions, neither of which is ever run.
    pub(crate) fn expand(&self) -> Vec<TokenStream> {
        let mut items = vec![self.callable().marker_item(), self.outer()];
        items.extend(self.inner());
        items
    }

    fn inner(&self) -> Option<TokenStream> {
        let sig = &self.function.sig;
        let infers = |argument: &Argument| has_infer(argument.ty.to_token_stream());
        // Without these, the body means nothing.
        if receiver(sig).is_some() || sig.variadic.is_some() || self.arguments.iter().any(infers) {
            return None;
        }
        let inner = self.callable().inner(&self.extra);
        Some(quote!(#[allow(unused, clippy::all)] #inner))
    }

    fn outer(&self) -> TokenStream {
        let Callable { marker, private, .. } = self.callable();
        let Function { vis, sig, .. } = self.function;
        let (name, returns) = (&sig.ident, self.returns());
        let many = self.arguments.len() > MOST_ARGUMENTS;
        let types = self.arguments.iter().filter(|_| !many).map(|argument| {
            let sound = sig.generics.params.is_empty() && is_owned(&argument.ty);
            if sound { argument.ty.to_token_stream() } else { quote!(()) }
        });
        quote_spanned! {Span::mixed_site()=>
            #[allow(unused, clippy::all)]
            #vis fn #name(#(_: #types),*) -> #private::Call<#marker, #returns> {
                ::core::unreachable!()
            }
        }
    }

    /// The return type, or `()` if it cannot be named here.
    pub(crate) fn returns(&self) -> TokenStream {
        match &self.function.sig.output {
            ReturnType::Type(_, ty) if self.has_name(ty) => ty.to_token_stream(),
            _ => quote!(()),
        }
    }

    fn has_name(&self, ty: &Type) -> bool {
        self.function.sig.generics.params.is_empty() && !has_impl(ty.to_token_stream()) && is_owned(ty)
    }
}

/// Whether a type leaves something to inference, which signatures must not. `'_` is no such thing.
fn has_infer(tokens: TokenStream) -> bool {
    let mut lifetime = false;
    tokens.into_iter().any(|token| {
        let text = token.to_string();
        let found = match token {
            TokenTree::Group(group) => has_infer(group.stream()),
            _ => text == "_" && !lifetime,
        };
        lifetime = text == "'";
        found
    })
}
