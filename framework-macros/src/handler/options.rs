//! The options of a handler.

use syn::{Expr, ExprLit, Lit, LitStr};

use crate::errors::Errors;
use crate::kind::Kind;
use crate::options::{Allowed, Entry};

/// What is not given stays as the runtime has it.
#[derive(Default)]
pub(crate) struct Options {
    /// The variant of the runtime's `Invalid`.
    pub(crate) invalid: Option<&'static str>,
    pub(crate) protocols: Vec<LitStr>,
    pub(crate) strict_protocol: bool,
    pub(crate) max_message: Option<Expr>,
    pub(crate) max_frame: Option<Expr>,
    pub(crate) max_body: Option<Expr>,
    /// `true`, `false` or a value of the runtime's `Compression`.
    pub(crate) compression: Option<Expr>,
    /// The variant of the runtime's `Overflow`.
    pub(crate) overflow: Option<&'static str>,
    pub(crate) tag: Option<LitStr>,
    pub(crate) krate: Option<syn::Path>,
}

impl Options {
    pub(crate) fn allowed(kind: Kind) -> Allowed {
        let names: &[&str] = if kind.is_socket() {
            &[
                "invalid",
                "protocols",
                "strict_protocol",
                "max_message",
                "max_frame",
                "compression",
                "overflow",
                "tag",
                "crate",
            ]
        } else {
            &["max_body", "tag", "crate"]
        };
        Allowed { owner: kind.attribute(), names }
    }

    pub(crate) fn read(list: &[Entry], errors: &mut Errors) -> Self {
        let mut options = Options::default();
        for entry in list {
            options.set(entry, errors);
        }
        let strict = list.iter().find(|entry| entry.key() == "strict_protocol");
        if let (Some(strict), true) = (strict, options.strict_protocol) {
            if !list.iter().any(|entry| entry.key() == "protocols") {
                errors.push(
                    &strict.name,
                    "`strict_protocol` refuses clients that offer none of `protocols`, and there are none\n\nhelp: add `protocols = [\"chat.v1\"]`",
                );
            }
        }
        options
    }

    fn set(&mut self, entry: &Entry, errors: &mut Errors) {
        match entry.key().as_str() {
            "invalid" => {
                let word = entry.word(&["reply", "close", "pass"], errors);
                self.invalid = word.map(|index| ["Reply", "Close", "Pass"][index]);
            }
            "protocols" => self.protocols = protocols(entry, errors),
            "strict_protocol" => self.strict_protocol = entry.flag(errors),
            "max_message" => self.max_message = entry.expect("64 * 1024", errors).cloned(),
            "max_frame" => self.max_frame = entry.expect("64 * 1024", errors).cloned(),
            "max_body" => self.max_body = entry.expect("64 * 1024", errors).cloned(),
            "compression" => {
                self.compression = entry.value.clone().or_else(|| Some(syn::parse_quote!(true)));
            }
            "overflow" => {
                let word = entry.word(&["disconnect", "drop_oldest", "drop_newest"], errors);
                self.overflow = word.map(|index| ["Disconnect", "DropOldest", "DropNewest"][index]);
            }
            "tag" => self.tag = entry.text("\"chat\"", errors),
            "crate" => self.krate = entry.krate(errors),
            _ => {}
        }
    }
}

/// `["chat.v1", "chat.v2"]`: each a token of HTTP, none twice.
fn protocols(entry: &Entry, errors: &mut Errors) -> Vec<LitStr> {
    const EXAMPLE: &str = "[\"chat.v1\"]";
    let Some(value) = entry.expect(EXAMPLE, errors) else {
        return Vec::new();
    };
    let Expr::Array(array) = value else {
        let message = format!("`protocols` is a list: write `protocols = {EXAMPLE}`");
        errors.push(value, message);
        return Vec::new();
    };
    if array.elems.is_empty() {
        errors.push(value, "`protocols` is empty: name a protocol, or take the option out");
    }
    let mut list: Vec<LitStr> = Vec::new();
    for element in &array.elems {
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = element else {
            errors.push(element, "a protocol is a string literal");
            continue;
        };
        let name = text.value();
        if !is_token(&name) {
            let message =
                "a protocol is one word of letters, digits and `!#$%&'*+-.^_`|~`, since it is sent as a header";
            errors.push(text, message);
        } else if list.iter().any(|before| before.value() == name) {
            errors.push(text, format!("the protocol \"{name}\" is given twice"));
        } else {
            list.push(text.clone());
        }
    }
    list
}

/// RFC 9110, section 5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    let special = "!#$%&'*+-.^_`|~";
    let good = |letter: char| letter.is_ascii_alphanumeric() || special.contains(letter);
    !text.is_empty() && text.chars().all(good)
}

#[cfg(test)]
mod tests {
    use super::{Options, is_token};
    use crate::errors::Errors;
    use crate::kind::Kind;
    use crate::options::entries_of;

    fn read(text: &str) -> (Options, Vec<String>) {
        let mut errors = Errors::new();
        let tokens = text.parse().expect("tokens");
        let list = entries_of(tokens, Options::allowed(Kind::WebSocket), &mut errors);
        let options = Options::read(&list, &mut errors);
        (options, errors.messages())
    }

    #[test]
    fn options_are_read() {
        let (options, messages) = read(
            "invalid = \"pass\", protocols = [\"a\", \"b\"], strict_protocol = true, max_frame = 1, overflow = \"drop_oldest\", tag = \"t\", crate = x",
        );
        assert_eq!(messages, [""; 0]);
        assert_eq!(options.invalid, Some("Pass"));
        assert_eq!(options.overflow, Some("DropOldest"));
        assert_eq!(options.protocols.len(), 2);
        assert!(options.strict_protocol && options.max_frame.is_some());
        assert!(options.tag.is_some() && options.krate.is_some());
    }

    #[test]
    fn protocols_are_checked() {
        let (_, messages) = read("protocols = [\"a b\", \"c\", \"c\", D]");
        assert_eq!(messages.len(), 3, "{messages:#?}");
        assert_eq!(read("protocols = \"a\"").1.len(), 1);
        assert_eq!(read("protocols = []").1.len(), 1);
        assert_eq!(read("strict_protocol = true").1.len(), 1);
        assert!(is_token("graphql-transport-ws") && !is_token(""));
    }
}
