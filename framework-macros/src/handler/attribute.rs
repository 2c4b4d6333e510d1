//! What stands in `#[websocket("/path", option = value)]`.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{LitStr, Token};

use super::options::Options;
use crate::errors::Errors;
use crate::kind::Kind;
use crate::options::{self, entries};
use crate::path::{self, Path, Role};

/// The attribute of a handler, as far as it could be read.
pub(crate) struct RouteAttribute {
    pub(crate) kind: Kind,
    pub(crate) literal: Option<LitStr>,
    pub(crate) path: Path,
    pub(crate) options: Options,
}

impl RouteAttribute {
    pub(crate) fn read(kind: Kind, tokens: TokenStream, errors: &mut Errors) -> Self {
        let read = |input: ParseStream<'_>| {
            let literal = literal(kind, input, errors);
            let list = entries(input, Options::allowed(kind), errors);
            Ok((literal, Options::read(&list, errors)))
        };
        let (literal, options) = Parser::parse2(read, tokens).unwrap_or_default();
        let path = match &literal {
            Some(literal) => parse_path(literal, Role::Route, errors),
            None => Path { broken: true, ..Path::default() },
        };
        RouteAttribute { kind, literal, path, options }
    }
}

/// Parses the path in `literal`, and marks it for each mistake.
pub(crate) fn parse_path(literal: &LitStr, role: Role, errors: &mut Errors) -> Path {
    let text = literal.value();
    let (path, mistakes) = path::parse(&text, role);
    for mistake in mistakes {
        errors.push(literal, mistake.describe(&text));
    }
    path
}

/// The path, which comes first. Leaves `input` at the first option.
fn literal(kind: Kind, input: ParseStream<'_>, errors: &mut Errors) -> Option<LitStr> {
    let example = format!("#[{}(\"/path\")]", kind.word());
    if let Ok(literal) = input.parse::<LitStr>() {
        after_path(input, errors);
        return Some(literal);
    }
    if input.is_empty() || option_follows(input) {
        let message = format!("the path is missing: write `{example}`");
        errors.absorb(syn::Error::new(Span::call_site(), message));
        return None;
    }
    if input.peek(Ident::peek_any) && input.peek2(Token![=]) {
        let name = input.call(Ident::parse_any).ok()?;
        let message = format!("the path comes first, and without a name: write `{example}`");
        errors.push(name, message);
        options::skip_to_comma(input);
        return None;
    }
    let mut found = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        found.extend(input.parse::<TokenTree>().ok());
    }
    let _ = input.parse::<Token![,]>();
    errors.push(found, format!("the path is a string literal, as it is checked while compiling: write `{example}`"));
    None
}

fn after_path(input: ParseStream<'_>, errors: &mut Errors) {
    if input.is_empty() || input.parse::<Token![,]>().is_ok() {
        return;
    }
    let token = input.cursor().token_tree().map(|(token, _)| token);
    errors.push(token, "after the path, options follow a comma: `name = value`");
    options::skip_to_comma(input);
}

/// Whether the first thing is one of the options, so that it is the path that is missing.
fn option_follows(input: ParseStream<'_>) -> bool {
    let names = Kind::ALL.into_iter().flat_map(|kind| Options::allowed(kind).names);
    let known: Vec<_> = names.collect();
    let fork = input.fork();
    let name = fork.call(Ident::parse_any).map(|name| name.to_string());
    name.is_ok_and(|name| known.iter().any(|known| **known == name))
}

#[cfg(test)]
mod tests {
    use super::RouteAttribute;
    use crate::errors::Errors;
    use crate::kind::Kind;

    fn read(tokens: &str) -> (RouteAttribute, Vec<String>) {
        let mut errors = Errors::new();
        let tokens = tokens.parse().expect("tokens");
        let attribute = RouteAttribute::read(Kind::WebSocket, tokens, &mut errors);
        (attribute, errors.messages())
    }

    fn mistake(tokens: &str) -> String {
        let (attribute, messages) = read(tokens);
        assert_eq!(messages.len(), 1, "{tokens}: {messages:#?}");
        assert!(attribute.path.broken || attribute.literal.is_some());
        messages.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn a_path_and_options() {
        let (attribute, messages) = read(r##"r#"/ws/<id>"#, invalid = "close", max_message = 1 << 20,"##);
        assert_eq!(messages, [""; 0]);
        assert!(attribute.path.param("id").is_some());
        assert!(attribute.options.max_message.is_some());
    }

    #[test]
    fn a_missing_path() {
        assert!(mistake("").starts_with("the path is missing"));
        assert!(mistake("tag = \"x\"").starts_with("the path is missing"));
        assert!(mistake("path = \"/x\"").starts_with("the path comes first"));
        assert!(mistake("PATH").starts_with("the path is a string literal"));
        assert!(mistake("concat!(\"/a\", \"b\")").starts_with("the path is a string literal"));
        assert!(mistake("\"/a\" \"/b\"").starts_with("after the path"));
    }

    #[test]
    fn path_and_options_are_reported_together() {
        let (_, messages) = read("\"x/<\", invlid = 3");
        assert_eq!(messages.len(), 3);
    }
}
