//! The attributes that say where an argument comes from.

use proc_macro2::Ident;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, LitStr, Meta, Token};

use super::Place;
use crate::errors::Errors;
use crate::handler::is_token;
use crate::options::{Allowed, Entry, entries};
use crate::suggest;

const WORDS: [&str; 5] = ["query", "header", "cookie", "depends", "socket"];

/// `#[query(…)]` and its kin.
pub(super) enum Mark {
    Socket(Ident),
    Depends(syn::Path),
    Value { word: Ident, place: Place, name: Option<LitStr>, default: Option<Expr> },
}

/// Whether an attribute's path is one of ours.
pub(crate) fn is_mark(path: &syn::Path) -> bool {
    word(path).is_some()
}

fn word(path: &syn::Path) -> Option<&'static str> {
    WORDS.into_iter().find(|word| path.is_ident(word))
}

/// The mark of an argument, and the attributes that are not ours. Documentation is dropped: rustc
/// refuses it on arguments, and here it would be a pity to.
pub(super) fn read_all(attributes: &[Attribute], errors: &mut Errors) -> (Option<Mark>, Vec<Attribute>) {
    let mut mark: Option<(&'static str, Option<Mark>)> = None;
    let mut others = Vec::new();
    for attribute in attributes {
        let path = attribute.path();
        if let Some(word) = word(path) {
            match &mark {
                Some((before, _)) => {
                    errors.push(path, format!("an argument comes from one place: `#[{before}]` already says which"))
                }
                None => mark = Some((word, read(word, attribute, errors))),
            }
        } else if let Some(meant) = slip(path) {
            let typed = &path.segments[0].ident;
            errors.push(path, format!("unknown attribute `{typed}`: did you mean `{meant}`?"));
        } else if !path.is_ident("doc") {
            others.push(attribute.clone());
        }
    }
    (mark.and_then(|(_, mark)| mark), others)
}

/// The mark that a misspelt attribute was meant to be.
fn slip(path: &syn::Path) -> Option<&'static str> {
    let builtin = ["allow", "cfg", "cfg_attr", "deny", "doc", "expect", "forbid", "warn"];
    let typed = path.get_ident()?.to_string();
    if builtin.contains(&typed.as_str()) {
        return None;
    }
    suggest::nearest(&typed, WORDS)
}

fn read(word: &'static str, attribute: &Attribute, errors: &mut Errors) -> Option<Mark> {
    let ident = attribute.path().get_ident()?.clone();
    match word {
        "socket" => {
            if !matches!(attribute.meta, Meta::Path(_)) {
                errors.push(&attribute.meta, "`#[socket]` takes no options");
            }
            Some(Mark::Socket(ident))
        }
        "depends" => match attribute.parse_args::<syn::Path>() {
            Ok(path) => Some(Mark::Depends(path)),
            Err(_) => {
                errors.push(
                    &attribute.meta,
                    "`#[depends]` names a function marked `#[dependency]`: write `#[depends(current_user)]`",
                );
                None
            }
        },
        _ => Some(value(ident, attribute, errors)),
    }
}

fn value(word: Ident, attribute: &Attribute, errors: &mut Errors) -> Mark {
    let place = match word.to_string().as_str() {
        "header" => Place::Header,
        "cookie" => Place::Cookie,
        _ => Place::Query,
    };
    let (name, default) = match &attribute.meta {
        Meta::Path(_) => (None, None),
        Meta::List(list) => {
            let read = |input: ParseStream<'_>| Ok(parts(place, input, errors));
            Parser::parse2(read, list.tokens.clone()).unwrap_or_default()
        }
        Meta::NameValue(pair) => {
            let text = quote::ToTokens::to_token_stream(&pair.value);
            let message = format!("write `#[{word}({text})]`");
            errors.push(&attribute.meta, message);
            (None, None)
        }
    };
    if let Some(name) = &name {
        check_name(place, name, errors);
    }
    Mark::Value { word, place, name, default }
}

/// `"name", default = EXPR`, the name also as `rename = "name"`.
fn parts(place: Place, input: ParseStream<'_>, errors: &mut Errors) -> (Option<LitStr>, Option<Expr>) {
    let mut name = None;
    if input.peek(LitStr) {
        name = input.parse().ok();
        if !input.is_empty() {
            errors.keep(input.parse::<Token![,]>());
        }
    }
    let mut default = None;
    for entry in entries(input, allowed(place), errors) {
        match entry.key().as_str() {
            "default" => default = entry.expect("20", errors).cloned(),
            _ => again(&mut name, &entry, errors),
        }
    }
    (name, default)
}

fn again(name: &mut Option<LitStr>, entry: &Entry, errors: &mut Errors) {
    let text = entry.text("\"userId\"", errors);
    if name.is_some() {
        errors.push(&entry.name, "the name is given twice: keep one");
    } else {
        *name = text;
    }
}

fn allowed(place: Place) -> Allowed {
    match place {
        Place::Query => Allowed { owner: "`#[query]`", names: &["default", "rename"] },
        Place::Header => Allowed { owner: "`#[header]`", names: &["name", "default"] },
        Place::Cookie => Allowed { owner: "`#[cookie]`", names: &["name", "default"] },
    }
}

fn check_name(place: Place, name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    if text.is_empty() {
        errors.push(name, "this name is empty");
    } else if place != Place::Query && !is_token(&text) {
        let what = match place {
            Place::Cookie => "cookie",
            _ => "header",
        };
        errors.push(name, format!("no {what} has this name: it is made of letters, digits and `!#$%&'*+-.^_`|~`"));
    }
}
