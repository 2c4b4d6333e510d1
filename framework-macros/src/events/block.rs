//! The first stage: an `impl` block, taken apart no further than needed. Bodies stay groups of tokens.

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, FnArg, Generics, ImplItem, Token, Type, WhereClause};

use super::method::{has_subject, is_on};
use crate::argument::is_mark;
use crate::cfg::cfg_attr;
use crate::function::{Function, item_name};

/// An `impl` block.
pub(crate) struct Block {
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) safety: Option<Token![unsafe]>,
    pub(crate) impl_token: Token![impl],
    pub(crate) generics: Generics,
    /// The trait and its `for`.
    pub(crate) for_trait: Option<TokenStream>,
    pub(crate) ty: Type,
    bounds: Option<WhereClause>,
    inner: Vec<Attribute>,
    braces: Span,
    pub(crate) entries: Vec<Entry>,
}

/// What stands in the block.
pub(crate) enum Entry {
    Method(Box<Function>),
    Other(Box<ImplItem>),
}

/// Whether an item is an `impl` block.
pub(crate) fn is_block(item: &TokenStream) -> bool {
    item_name(item.clone()).0 == "an `impl` block"
}

impl Parse for Block {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let (cfgs, attrs) = attrs.into_iter().partition(|attribute| attribute.path().is_ident("cfg"));
        let safety = input.parse()?;
        let impl_token = input.parse()?;
        let generics = input.parse()?;
        let negative: Option<Token![!]> = input.parse()?;
        let mut ty: Type = input.parse()?;
        let mut for_trait = None;
        if let Some(word) = input.parse::<Option<Token![for]>>()? {
            for_trait = Some(quote!(#negative #ty #word));
            ty = input.parse()?;
        }
        let bounds = input.parse()?;
        let body: Group = input.parse()?;
        let read = |input: ParseStream<'_>| {
            let inner = input.call(Attribute::parse_inner)?;
            let mut entries = Vec::new();
            while !input.is_empty() {
                entries.push(input.parse()?);
            }
            Ok((inner, entries))
        };
        let (inner, entries) = read.parse2(body.stream())?;
        let braces = body.span();
        Ok(Block { cfgs, attrs, safety, impl_token, generics, for_trait, ty, bounds, inner, braces, entries })
    }
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        if let Ok(function) = ahead.parse() {
            input.advance_to(&ahead);
            return Ok(Entry::Method(Box::new(function)));
        }
        input.parse().map(|item| Entry::Other(Box::new(item)))
    }
}

impl Block {
    /// The last name in the type, which the route has too.
    pub(crate) fn name(&self) -> Ident {
        let name = crate::argument::last_segment(&self.ty).map(|segment| segment.ident.clone());
        name.unwrap_or_else(|| Ident::new("events", self.impl_token.span))
    }

    /// The block as rustc gets it: without the attributes that are ours.
    pub(crate) fn cleaned(&self) -> TokenStream {
        let Block { attrs, safety, impl_token, generics, for_trait, ty, bounds, inner, .. } = self;
        let entries = self.entries.iter().map(|entry| match entry {
            Entry::Method(function) => cleaned(function).into_token_stream(),
            Entry::Other(item) => item.to_token_stream(),
        });
        let mut body = Group::new(proc_macro2::Delimiter::Brace, quote!(#(#inner)* #(#entries)*));
        body.set_span(self.braces);
        quote!(#(#attrs)* #safety #impl_token #generics #for_trait #ty #bounds #body)
    }
}

fn cleaned(function: &Function) -> Function {
    let mut function = function.clone();
    let has_subject = has_subject(&function);
    function.attrs.retain(|attribute| !is_on(attribute));
    for input in &mut function.sig.inputs {
        let attrs = match input {
            FnArg::Receiver(receiver) => &mut receiver.attrs,
            FnArg::Typed(typed) => &mut typed.attrs,
        };
        attrs.retain(is_kept);
    }
    // The shape is ours, so who needs no peer should not be told to write `_peer`.
    let typed = function.sig.inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    for given in typed.take(if has_subject { 2 } else { 1 }) {
        given.attrs.push(syn::parse_quote!(#[allow(unused_variables)]));
    }
    function
}

/// Whether rustc knows an argument's attribute. The others are ours, or were reported.
fn is_kept(attribute: &Attribute) -> bool {
    let path = attribute.path();
    let ours = |attribute: &Attribute| {
        cfg_attr(attribute).is_some_and(|(_, metas)| metas.iter().any(|meta| is_mark(meta.path())))
    };
    ["allow", "deny", "expect", "forbid", "warn"].iter().any(|known| path.is_ident(known))
        || (path.is_ident("cfg_attr") && !ours(attribute))
}
