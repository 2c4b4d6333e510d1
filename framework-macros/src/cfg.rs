//! `#[cfg]` on arguments. rustc would remove such an argument only after this macro has run, and an
//! expansion names each argument in many places. So the function is split: once with the argument
//! and once without it, each under its `#[cfg]`, and everything after this stage knows no `cfg`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Meta, Token, parse_quote};

use crate::function::Function;

/// Each condition doubles the expansion.
const MOST: usize = 4;

/// All shapes that `function` can have. `ours` says which attributes inside of a `cfg_attr` matter.
pub(crate) fn variants(
    function: Function,
    ours: fn(&syn::Path) -> bool,
) -> Result<Vec<Function>, (Box<Function>, syn::Error)> {
    let mut done = Vec::new();
    let mut open = vec![(function, Vec::new())];
    while let Some((mut function, decided)) = open.pop() {
        let Some(condition) = next(&mut function, ours, &decided) else {
            done.push(function);
            continue;
        };
        if decided.len() == MOST {
            let message = format!(
                "more than {MOST} conditions on the arguments of one function\n\nhelp: put the `#[cfg]` on the function, and write it twice"
            );
            let error = syn::Error::new_spanned(&condition, message);
            return Err((Box::new(function), error));
        }
        open.push(decide(&function, &decided, &condition, false));
        open.push(decide(&function, &decided, &condition, true));
    }
    Ok(done)
}

type Decided = Vec<(String, bool)>;

fn decide(function: &Function, decided: &Decided, condition: &TokenStream, holds: bool) -> (Function, Decided) {
    let mut function = function.clone();
    let mut decided = decided.clone();
    decided.push((condition.to_string(), holds));
    function.cfgs.push(if holds { parse_quote!(#[cfg(#condition)]) } else { parse_quote!(#[cfg(not(#condition))]) });
    (function, decided)
}

/// Applies what is decided, and gives the first condition that is not.
fn next(function: &mut Function, ours: fn(&syn::Path) -> bool, decided: &Decided) -> Option<TokenStream> {
    let mut undecided = None;
    let inputs = std::mem::take(&mut function.sig.inputs);
    for mut input in inputs {
        let attrs = match &mut input {
            FnArg::Receiver(receiver) => &mut receiver.attrs,
            FnArg::Typed(typed) => &mut typed.attrs,
        };
        let mut stays = true;
        let mut kept = Vec::new();
        for attribute in std::mem::take(attrs) {
            let Some((condition, then)) = conditional(&attribute, ours) else {
                kept.push(attribute);
                continue;
            };
            let text = condition.to_string();
            match decided.iter().find(|(known, _)| *known == text) {
                Some((_, true)) => kept.extend(then),
                Some((_, false)) => stays &= !attribute.path().is_ident("cfg"),
                None => {
                    undecided.get_or_insert(condition);
                    kept.push(attribute);
                }
            }
        }
        *attrs = kept;
        if stays {
            function.sig.inputs.push(input);
        }
    }
    undecided
}

/// The condition of a `cfg` or `cfg_attr`, and the attributes that it adds.
fn conditional(attribute: &Attribute, ours: fn(&syn::Path) -> bool) -> Option<(TokenStream, Vec<Attribute>)> {
    if attribute.path().is_ident("cfg") {
        let condition: Meta = attribute.parse_args().ok()?;
        return Some((condition.into_token_stream(), Vec::new()));
    }
    let (condition, metas) = cfg_attr(attribute)?;
    metas.iter().any(|meta| ours(meta.path())).then(|| {
        let attributes = metas.iter().map(|meta| parse_quote!(#[#meta]));
        (condition, attributes.collect())
    })
}

/// The condition and the attributes of a `cfg_attr`.
pub(crate) fn cfg_attr(attribute: &Attribute) -> Option<(TokenStream, Vec<Meta>)> {
    if !attribute.path().is_ident("cfg_attr") {
        return None;
    }
    let read = |input: ParseStream<'_>| {
        let condition: Meta = input.parse()?;
        input.parse::<Token![,]>()?;
        let metas = Punctuated::<Meta, Token![,]>::parse_terminated(input)?;
        Ok((condition.into_token_stream(), metas.into_iter().collect()))
    };
    let list = attribute.meta.require_list().ok()?;
    read.parse2(list.tokens.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::variants;
    use crate::function::Function;
    use quote::ToTokens;

    fn split(text: &str) -> Result<Vec<String>, String> {
        let function: Function = syn::parse_str(text).expect("a function");
        let ours = |path: &syn::Path| path.is_ident("query");
        variants(function, ours)
            .map(|list| {
                let texts = list.into_iter().map(|f| f.to_token_stream().to_string());
                texts.map(|text| text.replace(' ', "")).collect()
            })
            .map_err(|(_, error)| error.to_string())
    }

    #[test]
    fn without_conditions_nothing_is_split() {
        let list = split("fn f(#[allow(x)] a: u8, #[cfg_attr(p, allow(y))] b: u8) {}");
        assert_eq!(list.map(|list| list.len()), Ok(1));
    }

    #[test]
    fn a_condition_gives_two_functions() {
        let list = split("#[cfg(z)] fn f(a: u8, #[cfg(p)] b: u8) {}");
        let with = "#[cfg(z)]#[cfg(p)]fnf(a:u8,b:u8){}".to_owned();
        let without = "#[cfg(z)]#[cfg(not(p))]fnf(a:u8){}".to_owned();
        assert_eq!(list, Ok(vec![with, without]));
    }

    #[test]
    fn equal_conditions_are_decided_once() {
        let list = split("fn f(#[cfg(p)] a: u8, #[cfg_attr(p, query, allow(x))] b: u8) {}");
        let with = "#[cfg(p)]fnf(a:u8,#[query]#[allow(x)]b:u8){}".to_owned();
        let without = "#[cfg(not(p))]fnf(b:u8){}".to_owned();
        assert_eq!(list, Ok(vec![with, without]));
    }

    #[test]
    fn too_many_conditions_are_refused() {
        let text = "fn f(#[cfg(a)] a: u8, #[cfg(b)] b: u8, #[cfg(c)] c: u8, #[cfg(d)] d: u8, #[cfg(e)] e: u8) {}";
        assert!(split(text).is_err_and(|error| error.starts_with("more than 4")));
    }
}
