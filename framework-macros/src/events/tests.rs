use super::{block::Block, run, validate};
use crate::errors::Errors;
use crate::events::Events;
use crate::handler::RouteAttribute;
use crate::kind::Kind;
use crate::testing::{assert_expansion, formatted, tokens};

const CHAT: &str = "
    /// A chat.
    impl Chat {
        async fn upgrade(&self, up: &mut Upgrade, token: Option<String>) -> Result<(), StatusCode> {
            self.check(token)
        }
        async fn open(&self, peer: &Peer, room: String) -> Result<()> {
            peer.subscribe(room).await
        }
        #[on(\"typing\")]
        #[tracing::instrument]
        async fn typing(&self, peer: &Peer, event: Typing, #[query(default = 20)] page: u32) -> Result<()> {
            peer.publish(\"chat\", &event).await
        }
        #[cfg(unix)]
        #[on(\"ping\")]
        async fn ping(&self, peer: &Peer) {}
        async fn message(&self, peer: &Peer, message: Message, room: String) -> Result<()> {
            peer.send(&message).await
        }
        async fn error(&self, peer: &Peer, error: &Error) {}
        async fn close(&self, peer: &Peer, frame: Option<CloseFrame>) -> impl SocketOutcome {}
    }
";

fn expanded(path: &str, block: &str) -> proc_macro2::TokenStream {
    let mut errors = Errors::new();
    let attribute = RouteAttribute::read(Kind::WebSocket, tokens(path), &mut errors);
    run(&attribute, tokens(block), errors)
}

#[test]
fn an_event_handler() {
    assert_expansion("events", expanded("\"/ws/<room>\", invalid = \"close\"", CHAT));
}

#[test]
fn a_block_with_mistakes_stays() {
    let text = formatted(expanded("\"/\"", "#[cfg(unix)] impl X { #[on(1)] fn a(self, #[query] b: u8) { c } }"));
    assert_eq!(text.matches("compile_error").count(), 1, "{text}");
    assert!(text.contains("fn a(self, #[allow(unused_variables)] b: u8)"), "{text}");
    assert_eq!(text.matches("#[cfg(unix)]").count(), 3, "{text}");
}

#[test]
fn the_crate_can_have_another_name() {
    let text = expanded("\"/ws/<room>\", crate = other", CHAT).to_string();
    assert!(!text.contains("sockeye ::"), "{text}");
}

/// The messages of one stage: the model and its judgement.
fn judged(path: &str, inside: &str) -> Vec<String> {
    let mut errors = Errors::new();
    let attribute = RouteAttribute::read(Kind::WebSocket, tokens(&format!("{path:?}")), &mut errors);
    let block: Block = syn::parse_str(&format!("impl X {{ {inside} }}")).expect("a block");
    let events = Events::read(&attribute, &block, &mut errors);
    validate::check(&events, &mut errors);
    errors.messages()
}

fn mistake(path: &str, inside: &str) -> String {
    let messages = judged(path, inside);
    assert_eq!(messages.len(), 1, "{inside}: {messages:#?}");
    messages.into_iter().next().unwrap_or_default()
}

#[test]
fn sound_blocks_pass() {
    let none: [&str; 0] = [];
    assert_eq!(judged("/", "async fn open(&self, peer: &Peer) {}"), none);
    assert_eq!(judged("/", "#[on(\"message\")] async fn message(&self, _: &sockeye::Peer) {}"), none);
    assert_eq!(judged("/<a>", "async fn close(&self, peer: &Peer, _: Option<CloseFrame>, _a: u8) {}"), none);
    assert_eq!(judged("/", "async fn error(&self, peer: &Peer, error: &Error, hub: Hub) {}"), none);
    let two = "#[cfg(a)] async fn open(&self, peer: &Peer) {} #[cfg(not(a))] async fn open(&self, p: &Peer) {}";
    assert_eq!(judged("/", two), none);
}

#[test]
fn the_expected_signature_is_right() {
    for (inside, expected) in [
        ("fn message(message: &str) {}", "async fn message(&self, peer: &Peer, message: String) -> Result<()>"),
        (
            "async fn message(&mut self, peer: &Peer) {}",
            "async fn message(&self, peer: &Peer, message: Message) -> Result<()>",
        ),
        (
            "async fn upgrade(&self, peer: &Peer) {}",
            "async fn upgrade(&self, up: &mut Upgrade) -> Result<(), StatusCode>",
        ),
        (
            "async fn close(&self, peer: Peer, frame: CloseFrame) {}",
            "async fn close(&self, peer: &Peer, frame: Option<CloseFrame>)",
        ),
        ("async fn error(&self, peer: &Peer, error: Error) {}", "async fn error(&self, peer: &Peer, error: &Error)"),
    ] {
        let messages = judged("/", inside);
        let shown: Vec<_> = messages.iter().filter_map(|text| text.split_once("expected: ")).collect();
        assert_eq!(shown.len(), 1, "{messages:#?}");
        assert_eq!(shown[0].1, expected);
    }
}

#[test]
fn the_second_argument_is_known_by_its_place() {
    let text = mistake("/<a>", "async fn message(&self, peer: &Peer, a: String) {}");
    assert!(text.starts_with("the argument behind the peer is the message"), "{text}");
    let text = mistake("/", "#[on(\"x\")] async fn x(&self, peer: &Peer, #[query] a: String) {}");
    assert!(text.contains("add `event: MyEvent` before this one"), "{text}");
    let text = mistake("/", "#[on(\"x\")] async fn x(&self, peer: &Peer, a: u8) {}");
    assert!(text.contains("no JSON object can be `u8`"), "{text}");
}

#[test]
fn an_argument_is_the_same_everywhere() {
    let two = |a: &str, b: &str| {
        judged(
            "/",
            &format!(
                "async fn open(&self, p: &Peer, {a}) {{}} async fn close(&self, p: &Peer, f: Option<CloseFrame>, {b}) {{}}"
            ),
        )
    };
    assert_eq!(two("#[query] a: u8", "a: u8").len(), 0);
    assert_eq!(two("a: u8", "#[query] a: u8").len(), 0);
    assert_eq!(two("a: u8", "a: u16").len(), 1);
    assert_eq!(two("#[query] a: u8", "#[header] a: u8").len(), 1);
    assert_eq!(two("#[depends(x)] a: u8", "#[depends(x)] a: u8").len(), 0);
    assert_eq!(two("State(a): State<u8>", "State(a): State<u8>").len(), 0);
}
