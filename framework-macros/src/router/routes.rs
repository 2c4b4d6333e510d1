//! The handlers of a module, as far as their attributes tell.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Item, LitStr, Meta, Type};

use crate::argument::last_segment;
use crate::cfg::cfg_attr;
use crate::kind::Kind;
use crate::path::{self, Path, Role};

/// A marked function.
pub(super) struct Route {
    pub(super) kind: Kind,
    pub(super) name: Ident,
    /// An event handler: the type that an instance is made of.
    pub(super) instance: Option<Box<Type>>,
    pub(super) literal: Option<LitStr>,
    /// Broken if there is no literal; its own macro reports that.
    pub(super) path: Path,
    /// The `#[cfg]`s under which there is a handler.
    pub(super) cfgs: Vec<TokenStream>,
}

impl Route {
    pub(super) fn read(item: &Item) -> Option<Route> {
        let (attrs, name, instance) = match item {
            Item::Fn(function) => (&function.attrs, function.sig.ident.clone(), None),
            Item::Impl(block) => {
                (&block.attrs, last_segment(&block.self_ty)?.ident.clone(), Some(block.self_ty.clone()))
            }
            _ => return None,
        };
        let mut cfgs = Vec::new();
        let mut mark = None;
        for attribute in attrs {
            if attribute.path().is_ident("cfg") {
                cfgs.push(attribute.to_token_stream());
            } else if let Some(kind) = Kind::of(attribute.path()) {
                mark.get_or_insert((kind, attribute.meta.clone()));
            } else {
                conditional(attribute, &mut mark, &mut cfgs);
            }
        }
        let (kind, meta) = mark?;
        let literal = literal(&meta);
        let text = literal.as_ref().map(LitStr::value);
        let path = match text {
            Some(text) => path::parse(&text, Role::Route).0,
            None => Path { broken: true, ..Path::default() },
        };
        // On a block, the others are a mistake that they report.
        (instance.is_none() || kind.is_socket()).then_some(Route { kind, name, instance, literal, path, cfgs })
    }
}

/// `#[cfg_attr(condition, get("/x"))]`, and `#[cfg_attr(condition, cfg(…))]`.
fn conditional(attribute: &Attribute, mark: &mut Option<(Kind, Meta)>, cfgs: &mut Vec<TokenStream>) {
    let Some((condition, metas)) = cfg_attr(attribute) else {
        return;
    };
    for meta in metas {
        if meta.path().is_ident("cfg") {
            cfgs.push(quote!(#[cfg_attr(#condition, #meta)]));
        } else if let Some(kind) = Kind::of(meta.path()) {
            cfgs.push(quote!(#[cfg(#condition)]));
            mark.get_or_insert((kind, meta));
        }
    }
}

/// The path of a handler's attribute.
fn literal(meta: &Meta) -> Option<LitStr> {
    let read = |input: ParseStream<'_>| {
        let literal: LitStr = input.parse()?;
        input.parse::<TokenStream>()?;
        Ok(literal)
    };
    read.parse2(meta.require_list().ok()?.tokens.clone()).ok()
}
