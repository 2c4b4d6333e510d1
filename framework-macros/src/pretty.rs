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
    let arrow = punct == '>' && text.ends_with(['-', '=']);
    let path = punct == ':' && (text.ends_with("::") || spacing == Spacing::Joint);
    match punct {
        '>' if arrow => {
            text.push('>');
            *glued = false;
        }
        ',' | ';' | '?' => {
            text.push(punct);
            *glued = false;
        }
        '<' | '>' | '.' | '!' => {
            let space = punct == '<' && text.ends_with("->");
            text.push_str(if space { " <" } else { "" });
            if !space {
                text.push(punct);
            }
            *glued = punct != '>';
        }
        ':' if path => {
            text.push(':');
            *glued = true;
        }
        ':' => {
            // The second half of `::`, else a type follows.
            *glued = text.ends_with(':');
            text.push(':');
        }
        '&' | '\'' | '#' | '*' => {
            if !*glued {
                text.push(' ');
            }
            text.push(punct);
            *glued = true;
        }
        _ => {
            if !*glued || spacing == Spacing::Joint {
                text.push(' ');
            }
            text.push(punct);
            *glued = spacing == Spacing::Joint;
        }
    }
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
            "<A as B>::C",
        ] {
            let tokens = text.parse().expect("tokens");
            assert_eq!(pretty(tokens), text);
        }
    }
}
