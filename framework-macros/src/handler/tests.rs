use super::{Handler, RouteAttribute, run, validate};
use crate::errors::Errors;
use crate::function::Function;
use crate::kind::Kind;
use crate::testing::{assert_expansion, formatted, tokens};

const ROOM: &str = "
    /// A room.
    pub async fn room(mut ws: WebSocket, room_id: String, token: Option<String>) -> Result<()> {
        ws.send_text(room_id).await
    }
";

#[test]
fn a_socket() {
    let attribute = tokens("\"/ws/<room_id>\", invalid = \"close\", max_message = 1 << 16");
    assert_expansion("websocket", run(Kind::WebSocket, attribute, tokens(ROOM)));
}

#[test]
fn a_plain_handler() {
    let handler = tokens(
        "#[tracing::instrument]
        async fn add(
            Json(user): Json<User>,
            #[query(default = 20)] page: u32,
            #[header] user_agent: String,
            #[depends(session)] session: Session,
        ) -> impl IntoResponse {
            user.save().await
        }",
    );
    assert_expansion("post", run(Kind::Post, tokens("\"/users\""), handler));
}

#[test]
fn a_conditional_argument() {
    let handler = tokens("async fn x(#[cfg(unix)] id: u32) {}");
    let text = formatted(run(Kind::Get, tokens("\"/x\""), handler));
    assert_eq!(text.matches("#[cfg(unix)]").count(), text.matches("#[cfg(not(unix))]").count());
}

#[test]
fn a_handler_with_mistakes() {
    let handler = tokens("fn room(rom_id: String, name: &str) -> Result<()> { ws.send_text(room_id) }");
    assert_expansion("mistakes", run(Kind::WebSocket, tokens("\"/ws/<room_id>\""), handler));
}

#[test]
fn the_crate_can_have_another_name() {
    let attribute = tokens("\"/ws/<room_id>\", crate = other");
    let text = run(Kind::WebSocket, attribute, tokens(ROOM)).to_string();
    assert!(!text.contains("sockeye ::"), "{text}");
    assert!(text.contains("other :: __private"));
}

/// The messages of one stage: the model and its judgement.
fn judged(kind: Kind, path: &str, function: &str) -> Vec<String> {
    let mut errors = Errors::new();
    let attribute = RouteAttribute::read(kind, tokens(&format!("{path:?}")), &mut errors);
    let function: Function = syn::parse_str(function).expect("a function");
    let function = validate::sole(&function, &mut errors);
    let handler = Handler::read(&attribute, &function, &mut errors);
    validate::check(&handler, &mut errors);
    errors.messages()
}

fn mistake(kind: Kind, path: &str, function: &str) -> String {
    let messages = judged(kind, path, function);
    assert_eq!(messages.len(), 1, "{messages:#?}");
    messages.into_iter().next().unwrap_or_default()
}

#[test]
fn sound_handlers_pass() {
    let none: [&str; 0] = [];
    assert_eq!(judged(Kind::Get, "/<a>/<b..>", "async fn x(a: u8, b: String) {}"), none);
    assert_eq!(judged(Kind::Get, "/<a>", "async fn x(_a: u8) {}"), none);
    assert_eq!(judged(Kind::Get, "/<a>/<b>", "async fn x(Path(x): Path<(u8, u8)>) {}"), none);
    assert_eq!(judged(Kind::WebSocket, "/", "async fn x(up: Upgrade<A, B>) {}"), none);
}

#[test]
fn path_and_arguments_fit_together() {
    let text = mistake(Kind::Get, "/<id>", "async fn x() {}");
    assert!(text.ends_with("add `id: String` to the arguments"));
    let text = mistake(Kind::Get, "/<type>", "async fn x() {}");
    assert!(text.ends_with("add `r#type: String` to the arguments"));
    let text = mistake(Kind::Get, "/<user_id>", "async fn x(userid: u8) {}");
    assert!(text.starts_with("`userid` is not in the path: did you mean `user_id`?"));
    // A parameter that stands twice is one mistake, whether or not it is taken.
    assert_eq!(judged(Kind::Get, "/<id>/<id>", "async fn x() {}").len(), 2);
}

#[test]
fn the_expected_signature_is_shown_once_and_is_right() {
    let messages = judged(Kind::WebSocket, "/<room>/<x>", "const unsafe fn chat(rom: &str, #[query] page: Vec<u8>) {}");
    let shown: Vec<_> = messages.iter().filter_map(|text| text.split_once("expected: ")).collect();
    assert_eq!(shown.len(), 1, "{messages:#?}");
    assert_eq!(shown[0].1, "async fn chat(mut ws: WebSocket, room: String, page: Vec<u8>, x: String) -> Result<()>");
}

#[test]
fn one_function_is_one_route() {
    let text = mistake(Kind::Get, "/", "#[sockeye::post(\"/\")] async fn x() {}");
    assert!(text.starts_with("a function serves one route"));
}

#[test]
fn arguments_are_counted() {
    let seventeen: Vec<String> = (0..17).map(|n| format!("a{n}: u8")).collect();
    let function = format!("async fn x({}) {{}}", seventeen.join(", "));
    assert!(mistake(Kind::Get, "/", &function).starts_with("a handler takes at most 16"));
}
