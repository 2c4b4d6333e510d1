use super::run;
use crate::testing::{assert_expansion, formatted, tokens};

#[test]
fn a_dependency_that_may_refuse() {
    let function = tokens(
        "pub async fn user(#[header(\"authorization\")] token: String) -> Result<User, StatusCode> {
            User::of(token).await
        }",
    );
    assert_expansion("dependency", run(tokens(""), function));
}

fn value(returns: &str) -> String {
    let text = formatted(run(tokens(""), tokens(&format!("async fn x() {returns} {{}}"))));
    let line = text.lines().find_map(|line| line.trim().strip_prefix("type Value = "));
    line.expect("a value").trim_end_matches(';').to_owned()
}

#[test]
fn the_value_is_what_is_in_ok() {
    assert_eq!(value(""), "()");
    assert_eq!(value("-> User"), "User");
    assert_eq!(value("-> Result<User, E>"), "User");
    assert_eq!(value("-> auth::Result<User>"), "User");
    assert_eq!(value("-> Result<User, impl IntoResponse>"), "User");
    assert_eq!(value("-> Result"), "<Result as ::sockeye::__private::ResultParts>::Value");
}

#[test]
fn a_dependency_with_mistakes_still_has_its_value() {
    let text = formatted(run(tokens("x"), tokens("fn x(ws: WebSocket) -> User { user }")));
    assert_eq!(text.matches("compile_error!").count(), 3, "{text}");
    assert!(text.contains("type Value = User;"));
}
