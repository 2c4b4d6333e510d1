//! Which method gets a message, and what becomes of those that none takes.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use sockeye::{Text, prelude::*};

use super::{Log, next};

#[derive(Deserialize)]
struct Move {
    x: f64,
    #[serde(default)]
    tags: Value,
}

macro_rules! game {
    ($name:ident, $path:literal, $invalid:literal) => {
        #[derive(Default)]
        struct $name {
            log: Log,
        }

        #[websocket($path, invalid = $invalid)]
        impl $name {
            #[on("move")]
            async fn moved(&self, peer: &Peer, event: Move) -> Result<()> {
                peer.send_json(&json!({"x": event.x, "deep": !event.tags.is_null()})).await
            }

            #[sockeye::on("ping")]
            async fn ping(&self, peer: &Peer) -> Result<()> {
                peer.send_text("pong").await
            }

            async fn error(&self, peer: &Peer, error: &Error) {
                self.log.note(error.to_string());
            }
        }
    };
}

game!(Game, "/reply", "reply");
game!(Closing, "/close", "close");
game!(Passing, "/pass", "pass");

fn deep() -> String {
    format!("{{\"type\":\"move\",\"x\":1,\"tags\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000))
}

/// What no method takes, and what is said of it.
fn bad() -> Vec<(String, &'static str)> {
    vec![
        ("hello".into(), "expected an object with a `type`"),
        ("[\"ping\"]".into(), "expected an object with a `type`"),
        ("{\"type\":\"pong\"}".into(), "unknown variant `pong`, expected `move` or `ping`"),
        ("{\"type\":7}".into(), "invalid type: integer `7`"),
        ("{\"type\":\"ping\",\"type\":\"move\"}".into(), "duplicate field `type`"),
        ("{\"type\":\"move\"}".into(), "missing field `x`"),
        ("{\"type\":\"move\",\"x\":\"1\"}".into(), "invalid type: string \"1\""),
        ("{\"type\":\"move\",\"x\":1e400}".into(), "number out of range"),
        ("{\"type\":\"move\",\"x\":1,\"x\":2}".into(), "duplicate field `x`"),
        (deep(), "recursion limit exceeded"),
        ("{".repeat(100_000), "key must be a string"),
    ]
}

#[sockeye::test]
async fn by_default_it_is_answered_and_on_we_go() -> Result<()> {
    let handler = Arc::new(Game::default());
    let mut log = handler.log.listen();
    let client = TestClient::new(App::new().route(handler));
    let mut ws = client.websocket_connect("/reply").await?;
    for (text, said) in bad() {
        ws.send_text(&text).await?;
        let reply: Value = ws.receive_json().await?;
        assert_eq!((&reply["type"], &reply["data"]["code"]), (&json!("error"), &json!("invalid_message")));
        let message = reply["data"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(said), "{said}: {message}");
    }
    ws.send_bytes(b"{\"type\":\"ping\"}").await?;
    assert!(ws.receive_text().await?.contains("expected a text message, got a binary one"));
    ws.send_text("{\"type\":\"ping\", \"more\": [1]}").await?;
    assert_eq!(ws.receive_text().await?, "pong");
    ws.send_text("{\"x\":1.5,\"type\":\"move\"}").await?;
    assert_eq!(ws.receive_json::<Value>().await?, json!({"x": 1.5, "deep": false}));
    assert!(log.try_recv().is_err(), "no error of the handler");
    Ok(())
}

#[sockeye::test]
async fn it_closes_where_the_route_says_so() -> Result<()> {
    let handler = Arc::new(Closing::default());
    let mut log = handler.log.listen();
    let client = TestClient::new(App::new().route(handler));
    for (text, said) in bad() {
        let mut ws = client.websocket_connect("/close").await?;
        ws.send_text(&text).await?;
        ws.expect_close(1007).await?;
        let error = next(&mut log).await;
        assert!(error.contains(said), "{said}: {error}");
    }
    let mut ws = client.websocket_connect("/close").await?;
    ws.send_bytes([1]).await?;
    ws.expect_close(1003).await?;
    assert!(next(&mut log).await.contains("got a binary one"));
    Ok(())
}

#[sockeye::test]
async fn it_is_given_to_error_where_the_route_says_so() -> Result<()> {
    let handler = Arc::new(Passing::default());
    let mut log = handler.log.listen();
    let client = TestClient::new(App::new().route(handler));
    let mut ws = client.websocket_connect("/pass").await?;
    for (text, said) in bad() {
        ws.send_text(&text).await?;
        let error = next(&mut log).await;
        assert!(error.contains(said), "{said}: {error}");
    }
    ws.send_text("{\"type\":\"ping\"}").await?;
    assert_eq!(ws.receive_text().await?, "pong", "and on we go");
    Ok(())
}

#[derive(Default)]
struct Quiet;

#[websocket("/quiet", invalid = "pass")]
impl Quiet {
    #[on("x")]
    async fn x(&self, peer: &Peer) {}
}

#[derive(Default)]
struct Deaf;

#[websocket("/deaf")]
impl Deaf {
    async fn open(&self, peer: &Peer) -> Result<()> {
        peer.send_text("hello").await
    }
}

#[sockeye::test]
async fn without_a_method_for_it() -> Result<()> {
    let client = TestClient::new(App::new().route(Quiet).route(Deaf));
    let mut ws = client.websocket_connect("/quiet").await?;
    ws.send_text("{}").await?;
    ws.expect_close(1007).await?;
    let mut ws = client.websocket_connect("/deaf").await?;
    assert_eq!(ws.receive_text().await?, "hello");
    ws.send_text("{}").await?;
    assert!(ws.receive_text().await?.contains("nothing is taken here"));
    Ok(())
}

macro_rules! takes {
    ($($name:ident $path:literal $type:ty;)*) => {$(
        #[derive(Default)]
        struct $name;

        #[websocket($path)]
        impl $name {
            async fn message(&self, peer: &Peer, message: $type) -> Result<()> {
                peer.send_text(format!("{message:?}")).await
            }
        }
    )*};
}

takes! {
    TakesString "/string" String;
    TakesText "/text" Text;
    TakesVec "/vec" Vec<u8>;
    TakesBytes "/bytes" Bytes;
    TakesMessage "/message" Message;
    TakesJson "/json" Json<Vec<u8>>;
}

#[sockeye::test]
async fn a_message_is_taken_in_many_forms() -> Result<()> {
    let app = App::new().route(TakesString).route(TakesText).route(TakesVec);
    let client = TestClient::new(app.route(TakesBytes).route(TakesMessage).route(TakesJson));
    for (path, text, binary) in [
        ("/string", Some("\"[1]\""), None),
        ("/text", Some("\"[1]\""), None),
        ("/vec", None, Some("[91, 49, 93]")),
        ("/bytes", None, Some("b\"[1]\"")),
        ("/message", Some("Text(\"[1]\")"), Some("Binary(b\"[1]\")")),
        ("/json", Some("Json([1])"), None),
    ] {
        let mut ws = client.websocket_connect(path).await?;
        ws.send_text("[1]").await?;
        match text {
            Some(text) => assert_eq!(ws.receive_text().await?, text, "{path}"),
            None => drop(ws.expect_close(1003).await?),
        }
        let mut ws = client.websocket_connect(path).await?;
        ws.send_bytes("[1]").await?;
        match binary {
            Some(binary) => assert_eq!(ws.receive_text().await?, binary, "{path}"),
            // JSON goes by the route's `invalid`, which answers.
            None if path == "/json" => assert!(ws.receive_text().await?.contains("invalid_message")),
            None => drop(ws.expect_close(1003).await?),
        }
    }
    Ok(())
}

/// What no `#[on]` takes goes to `message`, whatever it is.
#[sockeye::test]
async fn the_rest_goes_to_message() -> Result<()> {
    #[derive(Default)]
    struct Rest;

    #[websocket("/rest")]
    impl Rest {
        #[on("x")]
        async fn x(&self, peer: &Peer) -> Result<()> {
            peer.send_text("x").await
        }

        async fn message(&self, peer: &Peer, message: Message) -> Result<()> {
            peer.send(&message).await
        }
    }

    let client = TestClient::new(App::new().route(Rest));
    let mut ws = client.websocket_connect("/rest").await?;
    for (text, _) in bad().iter().filter(|(text, _)| text.len() < 10_000) {
        ws.send_text(text).await?;
        assert_eq!(ws.receive_text().await?, text.as_str());
    }
    ws.send_text("{\"type\":\"x\"}").await?;
    assert_eq!(ws.receive_text().await?, "x");
    ws.send_bytes([7]).await?;
    assert_eq!(ws.receive_bytes().await?, [7][..]);
    Ok(())
}
