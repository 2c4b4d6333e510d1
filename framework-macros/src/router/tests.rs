use super::run;
use crate::testing::{assert_expansion, formatted, tokens};

#[test]
fn a_module() {
    let module = tokens(
        "/// Chat.
        pub mod chat {
            use sockeye::prelude::*;
            #[websocket(\"/ws\")]
            async fn ws(mut ws: WebSocket) {}
            #[cfg(unix)]
            #[sockeye::get(\"/users/<id>\")]
            async fn user(id: u32) {}
            #[cfg_attr(windows, post(\"/users\"))]
            async fn add() {}
            async fn helper() {}
        }",
    );
    let attribute = tokens("prefix = \"/api\", tag = \"chat\"");
    assert_expansion("router", run(attribute, module));
}

fn errors(attribute: &str, inside: &str) -> Vec<String> {
    let module = format!("mod m {{ {inside} }}");
    let text = run(tokens(attribute), tokens(&module)).to_string();
    let parts = text.split("compile_error ! {").skip(1);
    parts.map(|part| part.split('}').next().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn collisions_are_found_where_they_are_sure() {
    let two =
        |first: &str, second: &str| errors("", &format!("{first} async fn a() {{}} {second} async fn b() {{}}")).len();
    assert_eq!(two("#[get(\"/<a>\")]", "#[get(\"/<b>\")]"), 1);
    assert_eq!(two("#[get(\"/<a>\")]", "#[post(\"/<b>\")]"), 0);
    assert_eq!(two("#[get(\"/<a>\")]", "#[get(\"/b\")]"), 0);
    assert_eq!(two("#[get(\"/<a>\")]", "#[get(\"/<a..>\")]"), 0);
    assert_eq!(two("#[cfg(x)] #[get(\"/\")]", "#[cfg(not(x))] #[get(\"/\")]"), 0);
    assert_eq!(two("#[get(\"/<a\")]", "#[get(\"/<a\")]"), 0);
}

#[test]
fn other_mistakes() {
    let good = "#[get(\"/\")] async fn a() {}";
    assert_eq!(errors("prefix = \"/a\"", good).len(), 0);
    assert_eq!(errors("prefix = \"a/\"", good).len(), 2);
    assert_eq!(errors("", "fn a() {}").len(), 1);
    assert_eq!(errors("", &format!("{good} const router: u8 = 1;")).len(), 1);
    assert_eq!(errors("prefix = \"/<a>\"", "#[get(\"/<a>\")] async fn x() {}").len(), 1);
}

#[test]
fn other_items_are_left_alone() {
    let text = formatted(run(tokens(""), tokens("struct X;")));
    assert!(text.contains("expected a module, found a struct"));
    assert!(text.contains("struct X;"));
    let text = formatted(run(tokens(""), tokens("mod m;")));
    assert!(text.contains("pub fn router()") && !text.contains("compile_error"));
}
