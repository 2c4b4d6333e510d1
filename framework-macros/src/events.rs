//! `#[websocket]` on an `impl` block: a method an event.

mod arguments;
mod block;
mod expand;
mod fallback;
mod method;
#[cfg(test)]
mod tests;
mod validate;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Signature, Type, Visibility};

use crate::attributes::under;
use crate::errors::Errors;
use crate::function::Function;
use crate::handler::{Handler, RouteAttribute};
use arguments::Pool;
use block::{Block, Entry};
use method::Method;

pub(crate) use block::is_block;

/// An event handler, read but not yet judged.
pub(crate) struct Events<'e> {
    pub(crate) attribute: &'e RouteAttribute,
    pub(crate) block: &'e Block,
    pub(crate) methods: Vec<Method<'e>>,
    /// What all methods take from the request.
    pub(crate) pool: Pool,
    /// What the route knows of the whole, as if it were a function.
    pub(crate) stand_in: Function,
}

/// parse → model → validate → expand or fallback.
pub(crate) fn run(attribute: &RouteAttribute, item: TokenStream, mut errors: Errors) -> TokenStream {
    let Some(block) = errors.keep(syn::parse2::<Block>(item.clone())) else {
        let mut output: TokenStream = errors.finish().into_iter().collect();
        item.to_tokens(&mut output);
        return output;
    };
    let events = Events::read(attribute, &block, &mut errors);
    validate::check(&events, &mut errors);
    let failed = !errors.is_empty();
    let mut items = errors.finish();
    let expanded = if failed || events.is_broken() { fallback::expand(&events) } else { expand::expand(&events) };
    let unused = failed.then(|| quote::quote!(#[allow(unused, clippy::all)]));
    let cleaned = block.cleaned();
    items.extend([quote::quote!(#unused #cleaned), expanded]);
    under(&block.cfgs, &items)
}

impl<'e> Events<'e> {
    fn read(attribute: &'e RouteAttribute, block: &'e Block, errors: &mut Errors) -> Self {
        let mut pool = Pool::default();
        let functions = block.entries.iter().filter_map(|entry| match entry {
            Entry::Method(function) if block.for_trait.is_none() => Some(&**function),
            _ => None,
        });
        let read = |function| Method::read(function, attribute, block, &mut pool, errors);
        let methods = functions.filter_map(read).collect();
        let name = block.name();
        let sig: Signature = syn::parse_quote!(async fn #name());
        let stand_in = Function {
            cfgs: Vec::new(),
            attrs: block.attrs.clone(),
            vis: Visibility::Inherited,
            sig,
            body: proc_macro2::Group::new(proc_macro2::Delimiter::Brace, TokenStream::new()),
        };
        Events { attribute, block, methods, pool, stand_in }
    }

    /// The whole as a handler, for what is the same for both.
    fn handler(&self) -> Handler<'_> {
        Handler { attribute: self.attribute, function: &self.stand_in, arguments: self.pool.arguments.clone() }
    }

    fn private(&self) -> TokenStream {
        crate::options::private(self.attribute.options.krate.as_ref())
    }

    /// Whether rustc has something to say of the block that would be said again of what we make of it.
    fn is_broken(&self) -> bool {
        let twice = |(at, method): (usize, &Method<'_>)| {
            let name = &method.function.sig.ident;
            let before = self.methods[..at].iter().filter(|before| before.function.sig.ident == *name);
            before.clone().any(|before| before.function.cfgs.is_empty() || method.function.cfgs.is_empty())
        };
        self.methods.iter().enumerate().any(twice)
    }
}

/// `Self` as the type that it stands for: our items stand outside of the block.
fn without_self(tokens: TokenStream, ty: &Type) -> TokenStream {
    let each = tokens.into_iter().map(|token| match token {
        proc_macro2::TokenTree::Ident(word) if word == "Self" => ty.to_token_stream(),
        proc_macro2::TokenTree::Group(group) => {
            let mut inner = proc_macro2::Group::new(group.delimiter(), without_self(group.stream(), ty));
            inner.set_span(group.span());
            TokenStream::from(proc_macro2::TokenTree::Group(inner))
        }
        token => token.into(),
    });
    each.collect()
}

/// `#[on]` that no `#[websocket]` has taken off its method.
pub(crate) fn on_alone(_: TokenStream, item: TokenStream) -> TokenStream {
    let message =
        "`#[on]` stands on a method of an event handler\n\nhelp: put `#[websocket(\"/path\")]` on the `impl` block";
    let mut output = syn::Error::new(proc_macro2::Span::call_site(), message).to_compile_error();
    item.to_tokens(&mut output);
    output
}
