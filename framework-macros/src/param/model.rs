//! What a type means as a piece of text, and what it cannot mean.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::{Data, DataEnum, DataStruct, DeriveInput, Fields, Type, Variant};

use super::attribute::{self, Container};
use crate::errors::Errors;

pub(super) enum Model {
    /// One of some words.
    Words(Vec<Word>),
    /// Whatever the type inside of it is, built by this expression from `value`.
    Inner { ty: Box<Type>, build: TokenStream },
    /// What `FromStr` reads.
    FromStr,
}

pub(super) struct Word {
    pub(super) variant: Ident,
    pub(super) text: String,
    /// Only as written; else capitals do not count.
    pub(super) exact: bool,
}

impl Model {
    pub(super) fn read(input: &DeriveInput, container: &Container, errors: &mut Errors) -> Option<Self> {
        if let Some(word) = &container.from_str {
            if let Some((name, _)) = &container.rename_all {
                errors.push(name, format!("`{word}` reads the text, so there is nothing to rename"));
            }
            return Some(Model::FromStr);
        }
        match &input.data {
            Data::Enum(data) => Model::words(input, data, container, errors),
            Data::Struct(data) => Model::inner(input, data, container, errors),
            Data::Union(data) => {
                errors.push(
                    data.union_token,
                    "a union is not one piece of text\n\nhelp: derive `Param` on an enum of plain variants, or on a wrapper around one value",
                );
                None
            }
        }
    }

    fn words(input: &DeriveInput, data: &DataEnum, container: &Container, errors: &mut Errors) -> Option<Self> {
        if data.variants.is_empty() {
            errors.push(&input.ident, "an enum without variants is never read: add a variant");
        }
        let mut words: Vec<Word> = Vec::new();
        for variant in &data.variants {
            if !matches!(variant.fields, Fields::Unit) {
                errors.push(
                    &variant.fields,
                    format!("`{}` is not one piece of text: a variant has no fields here\n\nhelp: take them out, or implement `FromStr` and add `#[param(from_str)]` to the enum", variant.ident),
                );
            }
            let word = Word::read(variant, container, errors);
            if let Some(before) = words.iter().find(|before| before.meets(&word)) {
                errors.push(
                    &variant.ident,
                    format!("`{}` and `{}` are both written `{}`", before.variant, word.variant, word.text),
                );
            }
            words.push(word);
        }
        Some(Model::Words(words))
    }

    fn inner(input: &DeriveInput, data: &DataStruct, container: &Container, errors: &mut Errors) -> Option<Self> {
        if let Some((name, _)) = &container.rename_all {
            errors.push(name, "`rename_all` is for enums: a struct has no words to rename");
        }
        let mut fields = data.fields.iter();
        let (Some(field), None) = (fields.next(), fields.next()) else {
            errors.push(
                &input.ident,
                "a struct is one piece of text only if it wraps one value\n\nhelp: take several query values as `Query<T>`, or implement `FromStr` and add `#[param(from_str)]`",
            );
            return None;
        };
        attribute::none(&field.attrs, errors);
        let build = match &field.ident {
            Some(name) => quote_spanned!(Span::mixed_site()=> Self { #name: value }),
            None => quote_spanned!(Span::mixed_site()=> Self(value)),
        };
        Some(Model::Inner { ty: Box::new(field.ty.clone()), build })
    }
}

impl Word {
    fn read(variant: &Variant, container: &Container, errors: &mut Errors) -> Self {
        let name = variant.ident.unraw().to_string();
        let renamed = attribute::rename(&variant.attrs, errors).map(|text| text.value());
        let cased = container.rename_all.as_ref().map(|(_, case)| case.apply(&name));
        let exact = renamed.is_some() || cased.is_some();
        Word { variant: variant.ident.clone(), text: renamed.or(cased).unwrap_or_else(|| name.to_lowercase()), exact }
    }

    /// Whether some text would be both words.
    fn meets(&self, other: &Word) -> bool {
        if self.exact && other.exact { self.text == other.text } else { self.text.eq_ignore_ascii_case(&other.text) }
    }
}
