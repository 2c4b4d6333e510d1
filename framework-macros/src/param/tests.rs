use super::run;
use crate::testing::{assert_expansion, tokens};

#[test]
fn an_enum() {
    let input = tokens(
        "#[param(rename_all = \"kebab-case\")]
        enum Color { DarkRed, #[param(rename = \"Blue!\")] Blue }",
    );
    assert_expansion("param_enum", run(input));
}

#[test]
fn a_wrapper() {
    assert_expansion("param_wrapper", run(tokens("struct Id<T>(T) where T: Copy;")));
}

#[test]
fn a_type_with_from_str() {
    let input = tokens("#[param(from_str, expected = \"an address\")] struct Address { a: u8, b: u8 }");
    assert_expansion("param_from_str", run(input));
}

fn errors(text: &str) -> usize {
    run(tokens(text)).to_string().matches("compile_error").count()
}

#[test]
fn words_are_told_apart() {
    assert_eq!(errors("enum A { Newest, #[param(rename = \"NEWEST\")] B }"), 1);
    assert_eq!(errors("enum A { #[param(rename = \"newest\")] A, #[param(rename = \"NEWEST\")] B }"), 0);
    assert_eq!(errors("#[param(rename_all = \"lowercase\")] enum A { Ab, AB }"), 1);
}

#[test]
fn what_is_no_text() {
    assert_eq!(errors("enum A {}"), 1);
    assert_eq!(errors("enum A { B(u8), C { d: u8 } }"), 2);
    assert_eq!(errors("struct A;"), 1);
    assert_eq!(errors("struct A(u8, u8);"), 1);
    assert_eq!(errors("union A { b: u8 }"), 1);
    assert_eq!(errors("struct A(#[param(rename = \"x\")] u8);"), 1);
    assert_eq!(errors("#[param(rename_all = \"lowercase\")] struct A(u8);"), 1);
    assert_eq!(errors("#[param(from_str, rename_all = \"lowercase\")] enum A { B(u8) }"), 1);
    assert_eq!(errors("#[param = 1] enum A { B }"), 1);
    assert_eq!(errors("#[param(rename_all = \"lowercase\")] #[param(rename_all = \"UPPERCASE\")] enum A { B }"), 1);
}
