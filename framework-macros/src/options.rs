//! `name = value` lists, as in `#[websocket("/x", invalid = "close")]`: reading them, and what can
//! be wrong with a list or a value.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, Lit, LitStr, Path, Token};

use crate::errors::Errors;
use crate::suggest;

/// One `name = value`, or a bare `name`.
pub(crate) struct Entry {
    pub(crate) name: Ident,
    pub(crate) value: Option<Expr>,
}

/// The names that a list may hold, and whose list it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    pub(crate) owner: &'static str,
    pub(crate) names: &'static [&'static str],
}

impl Entry {
    /// The name without `r#`.
    pub(crate) fn key(&self) -> String {
        self.name.unraw().to_string()
    }

    /// The value, which this option must have.
    pub(crate) fn expect(&self, example: &str, errors: &mut Errors) -> Option<&Expr> {
        if self.value.is_none() {
            errors.push(&self.name, format!("`{0}` needs a value: write `{0} = {example}`", self.key()));
        }
        self.value.as_ref()
    }

    /// A string literal.
    pub(crate) fn text(&self, example: &str, errors: &mut Errors) -> Option<LitStr> {
        let value = self.expect(example, errors)?;
        if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = value {
            return Some(text.clone());
        }
        errors.push(value, format!("`{0}` is a string literal: write `{0} = {example}`", self.key()));
        None
    }

    /// A string literal out of `words`; gives its index.
    pub(crate) fn word(&self, words: &[&str], errors: &mut Errors) -> Option<usize> {
        let example = format!("\"{}\"", words[0]);
        let text = self.text(&example, errors)?;
        let typed = text.value();
        let found = words.iter().position(|word| *word == typed);
        if found.is_none() {
            let all: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            let (last, rest) = all.split_last().expect("an option has words");
            let guess = suggest::nearest(&typed, words.iter().copied())
                .map(|word| format!(": did you mean \"{word}\"?"))
                .unwrap_or_default();
            errors.push(
                &text,
                format!(
                    "\"{typed}\" is no value of `{0}`{guess}\n\nhelp: `{0}` is {1} or {last}",
                    self.key(),
                    rest.join(", ")
                ),
            );
        }
        found
    }

    /// `true` or `false`; a bare name means `true`.
    pub(crate) fn flag(&self, errors: &mut Errors) -> bool {
        match &self.value {
            None => true,
            Some(Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. })) => flag.value,
            Some(other) => {
                errors.push(other, format!("`{}` is either `true` or `false`", self.key()));
                false
            }
        }
    }

    /// The name that the framework has in the user's crate: `crate = my_sockeye`.
    pub(crate) fn krate(&self, errors: &mut Errors) -> Option<Path> {
        let value = self.expect("my_sockeye", errors)?;
        match value {
            Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => Some(path.path.clone()),
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                errors.push(value, format!("`crate` is a path, not a string: write `crate = {}`", text.value()));
                None
            }
            other => {
                errors.push(other, "`crate` is a path: write `crate = my_sockeye`");
                None
            }
        }
    }
}

/// Reads the list in `input` to its end. Unknown and repeated names are reported and left out.
pub(crate) fn entries(input: ParseStream<'_>, allowed: Allowed, errors: &mut Errors) -> Vec<Entry> {
    let mut list: Vec<Entry> = Vec::new();
    while !input.is_empty() {
        let Some(entry) = errors.keep(entry(input)) else {
            skip_to_comma(input);
            continue;
        };
        let name = entry.key();
        if !allowed.names.contains(&name.as_str()) {
            errors.push(&entry.name, unknown(&name, allowed));
        } else if list.iter().any(|before| before.key() == name) {
            errors.push(&entry.name, format!("`{name}` is given twice: keep one"));
        } else {
            list.push(entry);
        }
        if !input.is_empty() {
            comma(input, errors);
        }
    }
    list
}

/// The same for the tokens of a whole attribute.
pub(crate) fn entries_of(tokens: TokenStream, allowed: Allowed, errors: &mut Errors) -> Vec<Entry> {
    let read = |input: ParseStream<'_>| Ok(entries(input, allowed, errors));
    Parser::parse2(read, tokens).unwrap_or_default()
}

fn entry(input: ParseStream<'_>) -> syn::Result<Entry> {
    if !input.peek(Ident::peek_any) {
        let token: proc_macro2::TokenTree = input.parse()?;
        return Err(syn::Error::new_spanned(token, "expected an option, written `name = value`"));
    }
    let name = input.call(Ident::parse_any)?;
    if !input.peek(Token![=]) {
        return Ok(Entry { name, value: None });
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new_spanned(&name, format!("the value of `{name}` is missing")));
    }
    // A literal that another macro was given comes in a group without delimiters.
    let mut value = input.parse::<Expr>()?;
    while let Expr::Group(group) = value {
        value = *group.expr;
    }
    Ok(Entry { name, value: Some(value) })
}

fn comma(input: ParseStream<'_>, errors: &mut Errors) {
    if input.parse::<Token![,]>().is_err() {
        let token = input.cursor().token_tree().map(|(token, _)| token);
        errors.push(token, "options are separated by commas: write `, ` before this");
        skip_to_comma(input);
    }
}

pub(crate) fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _ = input.parse::<proc_macro2::TokenTree>();
    }
    let _ = input.parse::<Token![,]>();
}

fn unknown(typed: &str, allowed: Allowed) -> String {
    let guess = suggest::nearest(typed, allowed.names.iter().copied())
        .map(|name| format!(": did you mean `{name}`?"))
        .unwrap_or_default();
    let all = suggest::list(allowed.names.iter().copied(), "and");
    format!("unknown option `{typed}`{guess}\n\nhelp: {} takes {all}", allowed.owner)
}

/// The framework's crate: absolute, unless the user named it.
pub(crate) fn root(krate: Option<&Path>) -> TokenStream {
    match krate {
        Some(path) => path.to_token_stream(),
        None => quote_spanned!(Span::mixed_site()=> ::sockeye),
    }
}

/// The module of what the macros may name.
pub(crate) fn private(krate: Option<&Path>) -> TokenStream {
    let root = root(krate);
    quote_spanned!(Span::mixed_site()=> #root::__private)
}

#[cfg(test)]
mod tests {
    use super::{Allowed, entries_of};
    use crate::errors::Errors;

    const ALLOWED: Allowed = Allowed { owner: "`#[x]`", names: &["invalid", "flag", "crate"] };

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let mut errors = Errors::new();
        let tokens = text.parse().expect("tokens");
        let list = entries_of(tokens, ALLOWED, &mut errors);
        let keys = list.iter().map(super::Entry::key).collect();
        (keys, errors.messages())
    }

    #[test]
    fn lists_are_read() {
        let (keys, errors) = read("invalid = HashMap::<A, B>::new(), flag, crate = a::b,");
        assert_eq!(keys, ["invalid", "flag", "crate"]);
        assert_eq!(errors, [""; 0]);
    }

    #[test]
    fn every_mistake_is_found() {
        let (keys, errors) = read("invlid = 1, flag, flag, 7, invalid =, crate = x y");
        assert_eq!(keys, ["flag", "crate"]);
        assert_eq!(errors.len(), 5, "{errors:#?}");
        assert!(errors[0].starts_with("unknown option `invlid`: did you mean `invalid`?"));
        assert!(errors[0].ends_with("`#[x]` takes `invalid`, `flag` and `crate`"));
        assert!(errors[1].contains("twice"));
        assert!(errors[2].contains("expected an option"));
        assert!(errors[3].contains("the value of `invalid` is missing"));
        assert!(errors[4].contains("commas"));
    }

    #[test]
    fn values_are_checked() {
        let mut errors = Errors::new();
        let tokens = "invalid = \"clos\", flag = 3, crate = \"a\"".parse().expect("tokens");
        let list = entries_of(tokens, ALLOWED, &mut errors);
        assert_eq!(list[0].word(&["reply", "close"], &mut errors), None);
        assert!(!list[1].flag(&mut errors));
        assert!(list[2].krate(&mut errors).is_none());
        let messages = errors.messages();
        assert!(messages[0].contains("did you mean \"close\"?"));
        assert!(messages[1].contains("`true` or `false`"));
        assert!(messages[2].contains("write `crate = a`"));
    }
}
