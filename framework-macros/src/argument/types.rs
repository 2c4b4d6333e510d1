//! What can be told from the tokens of a type. Names may be shadowed, so the trait bounds have the
//! last word; these checks only find what would otherwise be hard to understand.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{PathSegment, Type};

use super::{Argument, Source};
use crate::errors::Errors;
use crate::pretty::pretty;

/// `Json` in `sockeye::Json<T>`.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

/// Whether a request may do without it.
pub(crate) fn is_optional(ty: &Type) -> bool {
    is_named(ty, &["Option", "Vec"])
}

pub(super) fn is_socket(ty: &Type) -> bool {
    is_named(ty, &["WebSocket", "Upgrade"])
}

fn is_named(ty: &Type, names: &[&str]) -> bool {
    last_segment(ty).is_some_and(|segment| names.iter().any(|name| segment.ident == name))
}

/// Text, numbers and the like.
pub(crate) fn is_scalar(ty: &Type) -> bool {
    is_plain(ty) && !is_optional(ty)
}

/// The types that read the query value of the argument's name.
fn is_plain(ty: &Type) -> bool {
    let plain = [
        "String", "Option", "Vec", "bool", "char", "Uuid", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16",
        "i32", "i64", "i128", "isize", "f32", "f64",
    ];
    is_named(ty, &plain)
}

pub(super) fn check(argument: &Argument, errors: &mut Errors) {
    if let Some(message) = unowned(&argument.ty) {
        errors.push(&argument.pat, message);
    }
    match &argument.source {
        Source::Value { default: Some(default), .. } if is_optional(&argument.ty) => errors.push(
            default,
            format!(
                "`{}` does without a value already, so the default is never used\n\nhelp: take the value without `Option`, or take the default out",
                pretty(argument.ty.to_token_stream())
            ),
        ),
        Source::Request if argument.text().is_empty() && is_plain(&argument.ty) => errors.push(
            &argument.pat,
            "this argument reads the query value of its name, and has none\n\nhelp: give it a name",
        ),
        _ => {}
    }
}

/// Whether a type borrows nothing and leaves nothing open.
pub(crate) fn is_owned(ty: &Type) -> bool {
    unowned(ty).is_none()
}

/// What is wrong with a type that borrows or leaves something open.
fn unowned(ty: &Type) -> Option<String> {
    if let Type::Reference(reference) = ty {
        let is_static = reference.lifetime.as_ref().is_some_and(|l| l.ident == "static");
        if !is_static {
            let owned = pretty(owned(ty));
            return Some(format!(
                "an argument owns its value, as the request is gone when the handler runs\n\nhelp: use `{owned}`"
            ));
        }
    }
    match open_part(ty.to_token_stream())? {
        Open::Borrow => Some("an argument owns its value, as the request is gone when the handler runs\n\nhelp: use a type without references and lifetimes".to_owned()),
        Open::Impl => Some("an argument has one type, which `impl Trait` does not say\n\nhelp: name the type".to_owned()),
        Open::Infer => Some("the type of an argument is written out: nothing else could tell how to read it".to_owned()),
    }
}

/// The type that holds what `ty` borrows.
pub(crate) fn owned(ty: &Type) -> TokenStream {
    match ty {
        Type::Reference(reference) => match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => quote!(String),
            Type::Slice(slice) => {
                let element = &slice.elem;
                quote!(Vec<#element>)
            }
            other => other.to_token_stream(),
        },
        other => other.to_token_stream(),
    }
}

enum Open {
    Borrow,
    Impl,
    Infer,
}

fn open_part(tokens: TokenStream) -> Option<Open> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    // The lifetimes of `fn(&str)` and `dyn Fn(&str)` are bound where they stand.
    let callable = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if ["fn", "Fn", "FnMut", "FnOnce"].iter().any(|name| word == name));
    if tokens.iter().any(callable) {
        return None;
    }
    tokens.iter().enumerate().find_map(|(at, token)| match token {
        TokenTree::Ident(word) if word == "impl" => Some(Open::Impl),
        TokenTree::Ident(word) if word == "_" => Some(Open::Infer),
        TokenTree::Punct(punct) if punct.as_char() == '_' => Some(Open::Infer),
        TokenTree::Punct(punct) if punct.as_char() == '&' => (!is_static(&tokens[at + 1..])).then_some(Open::Borrow),
        TokenTree::Punct(punct) if punct.as_char() == '\'' => (!is_static(&tokens[at..])).then_some(Open::Borrow),
        TokenTree::Group(group) => open_part(group.stream()),
        _ => None,
    })
}

/// Whether `'static` comes next.
fn is_static(tokens: &[TokenTree]) -> bool {
    matches!(
        tokens,
        [TokenTree::Punct(quote), TokenTree::Ident(name), ..]
            if quote.as_char() == '\'' && name == "static"
    )
}
