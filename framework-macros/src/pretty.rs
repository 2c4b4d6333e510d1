//! Tokens as a person would have typed them, for the signatures that messages show.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// `tokens` on one line. Knows what types, patterns and signatures need, not all of Rust.
pub(crate) fn pretty(tokens: TokenStream) -> String {
    let mut text = String::new();
    let mut glued = true;
    write(tokens, &mut text, &mut glued);
    text
}

/// `glued`: no space goes before the next token.
fn write(tokens: TokenStream, text: &mut String, glued: &mut bool) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::None => ("", ""),
                };
                // `f(x)` and `Json(x)`, but `-> (A, B)` and `: [u8]`.
                let word = text.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>');
                let call = word && !text.ends_with("->");
                let joined = *glued || (call && open == "(");
                if !joined {
                    text.push(' ');
                }
                text.push_str(open);
                *glued = true;
                write(group.stream(), text, glued);
                text.push_str(close);
                *glued = false;
            }
            TokenTree::Punct(punct) => write_punct(punct.as_char(), punct.spacing(), text, glued),
            other => {
                if !*glued {
                    text.push(' ');
                }
                text.push_str(&other.to_string());
                *glued = false;
            }
        }
    }
}

fn write_punct(punct: char, spacing: Spacing, text: &mut String, glued: &mut bool) {
    let joint = spacing == Spacing::Joint;
    let (space_before, glued_after) = match punct {
        '<' if text.ends_with("->") => (true, true),
        '<' | '.' | '!' => (false, true),
        '>' | ',' | ';' | '?' => (false, false),
        // The first half of `::`, which stands apart only where a path begins with it.
        ':' if joint => (!*glued && (text.ends_with([':', ',']) || text.ends_with("->")), true),
        // The second half, else a type follows.
        ':' => (false, text.ends_with(':')),
        '&' | '\'' | '#' | '*' => (!*glued, true),
        _ => (!*glued || joint, joint),
    };
    if space_before {
        text.push(' ');
    }
    text.push(punct);
    *glued = glued_after;
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn signatures_look_typed() {
        for text in [
            "async fn room(mut ws: WebSocket, room_id: String) -> Result<()>",
            "async fn f(Json(x): Json<Vec<u8>>, a: sockeye::State<Foo<'static>>)",
            "fn f(x: &'static str, y: [u8; 4], z: (A, B)) -> impl IntoResponse + Send",
            "Box<dyn Fn(u8) -> u8>",
            "pub async fn f(ws: WebSocket<In, Out>) -> ()",
            "::std::string::String",
            "fn f(x: ::std::string::String, y: Vec<u8>) -> ::core::result::Result<(), E>",
            "<A as B>::C",
        ] {
            let tokens = text.parse().expect("tokens");
            assert_eq!(pretty(tokens), text);
        }
    }
}
