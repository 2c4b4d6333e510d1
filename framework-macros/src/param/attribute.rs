//! `#[param(…)]` on a type or a variant.

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, LitStr, Meta};

use super::case::Case;
use crate::errors::Errors;
use crate::options::{Allowed, Entry, entries_of, private};

/// The options of a type.
#[derive(Default)]
pub(super) struct Container {
    pub(super) rename_all: Option<(Ident, Case)>,
    /// The word `from_str`, if it is there.
    pub(super) from_str: Option<Ident>,
    pub(super) expected: Option<LitStr>,
    krate: Option<syn::Path>,
}

impl Container {
    pub(super) fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        const ALLOWED: Allowed =
            Allowed { owner: "`#[param]` on a type", names: &["rename_all", "from_str", "expected", "crate"] };
        let mut container = Container::default();
        for entry in entries(attributes, ALLOWED, errors) {
            match entry.key().as_str() {
                "rename_all" => {
                    let index = entry.word(&Case::NAMES, errors);
                    container.rename_all = index.map(|index| (entry.name.clone(), Case::ALL[index]));
                }
                "from_str" => {
                    if entry.flag(errors) {
                        container.from_str = Some(entry.name.clone());
                    }
                }
                "expected" => container.expected = entry.text("\"a colour\"", errors),
                _ => container.krate = entry.krate(errors),
            }
        }
        container
    }

    pub(super) fn private(&self) -> TokenStream {
        private(self.krate.as_ref())
    }
}

/// The name given to a variant.
pub(super) fn rename(attributes: &[Attribute], errors: &mut Errors) -> Option<LitStr> {
    const ALLOWED: Allowed = Allowed { owner: "`#[param]` on a variant", names: &["rename"] };
    let list = entries(attributes, ALLOWED, errors);
    list.first()?.text("\"name\"", errors)
}

/// A field has none.
pub(super) fn none(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in ours(attributes) {
        errors.push(attribute.path(), "`#[param]` stands on the type, not on its field");
    }
}

fn ours(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    let is_ours = |attribute: &&Attribute| attribute.path().is_ident("param");
    attributes.iter().filter(is_ours)
}

fn entries(attributes: &[Attribute], allowed: Allowed, errors: &mut Errors) -> Vec<Entry> {
    // Joined, so that a name given in two attributes is given twice.
    let mut tokens = TokenStream::new();
    for attribute in ours(attributes) {
        match &attribute.meta {
            Meta::List(list) => {
                let inner = &list.tokens;
                tokens.extend(quote::quote!(#inner,));
            }
            _ => errors.push(&attribute.meta, format!("write `#[param({} = …)]`", allowed.names[0])),
        }
    }
    entries_of(tokens, allowed, errors)
}
