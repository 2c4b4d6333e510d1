//! How a session ends, and who learns of it.

use std::{sync::Arc, time::Duration};

use sockeye::prelude::*;

use super::{Log, next};

#[derive(Default)]
struct Fails {
    log: Log,
}

#[websocket("/fails")]
impl Fails {
    async fn open(&self, peer: &Peer, at: String) -> Result<()> {
        self.log.note("open");
        fail(&at, "open")
    }

    async fn message(&self, peer: &Peer, _: String, at: String) -> Result<()> {
        fail(&at, "message")?;
        peer.send_text("fine").await
    }

    #[on("x")]
    async fn x(&self, peer: &Peer, _: serde_json::Value, at: String) -> Result<()> {
        fail(&at, "on")
    }

    async fn error(&self, peer: &Peer, error: &Error, at: String) -> Result<()> {
        assert!(peer.send_text("too late").await.unwrap_err().is_disconnect());
        self.log.note(format!("error {error}"));
        fail(&at, "error")
    }

    async fn close(&self, peer: &Peer, frame: Option<CloseFrame>, at: String) -> Result<()> {
        self.log.note("close");
        fail(&at, "close")
    }
}

/// `at` is a list of `METHOD` and `METHOD!`: those that fail, and those that panic.
fn fail(at: &str, method: &str) -> Result<()> {
    for word in at.split(' ') {
        if word == method {
            return Err(Error::other(format!("{method} failed")));
        }
        assert!(word.strip_suffix('!') != Some(method), "{method} panicked");
    }
    Ok(())
}

/// Opens a socket that fails at `at`, sends `text`, and gives what the handler noted and what the client is told of it.
async fn fails(at: &str, text: &str) -> Result<(Vec<String>, String)> {
    let handler = Arc::new(Fails::default());
    let mut log = handler.log.listen();
    let client = TestClient::new(App::new().route(handler));
    let mut other = client.websocket_connect("/fails?at=").await?;
    assert_eq!(next(&mut log).await, "open");
    let mut ws = client.websocket_connect(&format!("/fails?at={}", at.replace(' ', "%20"))).await?;
    let _sent_or_closed = ws.send_text(text).await;
    let error = match ws.expect_close(1011).await {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    other.send_text("hello").await?;
    assert_eq!(other.receive_text().await?, "fine", "nobody else is touched");
    drop(ws);
    let mut notes = Vec::new();
    while let Ok(note) = log.try_recv() {
        notes.push(note);
    }
    Ok((notes, error))
}

const TEXT: &str = "hello";
const EVENT: &str = "{\"type\":\"x\"}";

#[sockeye::test]
async fn a_failing_method_is_told_to_error_and_close() -> Result<()> {
    for (at, text, notes) in [
        ("open", TEXT, &["open", "error open failed"][..]),
        ("open!", TEXT, &["open", "error panicked: open panicked"]),
        ("message", TEXT, &["open", "error message failed", "close"]),
        ("message!", TEXT, &["open", "error panicked: message panicked", "close"]),
        ("on", EVENT, &["open", "error on failed", "close"]),
        ("on!", EVENT, &["open", "error panicked: on panicked", "close"]),
        ("message error", TEXT, &["open", "error message failed", "close"]),
        ("message error!", TEXT, &["open", "error message failed", "close"]),
        ("message! error! close!", TEXT, &["open", "error panicked: message panicked", "close"]),
        ("message close", TEXT, &["open", "error message failed", "close"]),
    ] {
        let (noted, _) = fails(at, text).await?;
        assert_eq!(noted, notes, "{at}");
    }
    Ok(())
}

/// The peer leaves: `close` runs once, whatever way it took.
#[sockeye::test]
async fn close_comes_once_however_the_peer_goes() -> Result<()> {
    #[derive(Default)]
    struct Once {
        log: Log,
    }

    #[websocket("/once")]
    impl Once {
        async fn open(&self, peer: &Peer) -> Result<()> {
            peer.send_text("open").await
        }

        async fn message(&self, peer: &Peer, code: Json<u16>) -> Result<()> {
            peer.close(code.0).await?;
            peer.send_text("never").await
        }

        async fn close(&self, peer: &Peer, frame: Option<CloseFrame>) {
            self.log.note(format!("{:?}", frame.map(|frame| frame.code.as_u16())));
        }
    }

    let handler = Arc::new(Once::default());
    let mut log = handler.log.listen();
    let client = TestClient::new(App::new().route(handler.clone()));

    let mut ws = client.websocket_connect("/once").await?;
    assert_eq!(ws.receive_text().await?, "open");
    ws.close(4001).await?;
    assert_eq!(next(&mut log).await, "Some(4001)");

    let mut ws = client.websocket_connect("/once").await?;
    assert_eq!(ws.receive_text().await?, "open");
    drop(ws);
    assert_eq!(next(&mut log).await, "None");

    let mut ws = client.websocket_connect("/once").await?;
    assert_eq!(ws.receive_text().await?, "open");
    ws.send_text("4002").await?;
    ws.expect_close(4002).await?;
    // Answers it, and waits for the end.
    ws.close(4002).await?;
    assert_eq!(next(&mut log).await, "Some(4002)", "the peer has answered with our code");
    drop(client);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let server = App::new().route(handler).serve(listener);
    let client = TestClient::connect_to(server.local_addr());
    let mut ws = client.websocket_connect("/once").await?;
    assert_eq!(ws.receive_text().await?, "open");
    let stop = tokio::spawn(server.shutdown(Duration::from_secs(5)));
    ws.expect_close(1001).await?;
    ws.close(1001).await?;
    assert_eq!(next(&mut log).await, "Some(1001)");
    drop(stop.await?);
    assert!(log.try_recv().is_err());
    Ok(())
}

/// A session that is dropped as it stands calls nothing any more, and leaves nothing behind.
#[sockeye::test]
async fn an_abort_leaves_no_subscription() -> Result<()> {
    #[derive(Default)]
    struct Stuck {
        log: Log,
    }

    #[websocket("/stuck")]
    impl Stuck {
        async fn open(&self, peer: &Peer) -> Result<()> {
            peer.subscribe("chat").await?;
            peer.send_text("open").await
        }

        async fn message(&self, peer: &Peer, _: Message) {
            self.log.note("waiting");
            std::future::pending().await
        }

        async fn close(&self, peer: &Peer) {
            self.log.note("close");
        }
    }

    let handler = Arc::new(Stuck::default());
    let mut log = handler.log.listen();
    let app = App::new().route(handler);
    let hub = app.hub();
    let server = app.serve(tokio::net::TcpListener::bind("127.0.0.1:0").await?);
    let client = TestClient::connect_to(server.local_addr());
    let mut ws = client.websocket_connect("/stuck").await?;
    assert_eq!(ws.receive_text().await?, "open");
    assert_eq!(hub.room("chat").len(), 1);
    ws.send_text("x").await?;
    assert_eq!(next(&mut log).await, "waiting");
    drop(server.shutdown(Duration::from_millis(50)).await);
    assert_eq!(hub.room("chat").len(), 0);
    assert!(log.try_recv().is_err(), "neither close nor anything else");
    Ok(())
}

/// A function's `anyhow` errors and disconnects mean the same in a method.
#[sockeye::test]
async fn other_errors() -> Result<()> {
    #[derive(Default)]
    struct Other {
        log: Log,
    }

    #[websocket("/other")]
    impl Other {
        async fn message(&self, peer: &Peer, text: String) -> anyhow::Result<()> {
            if text == "close" {
                peer.close(4000).await?;
                peer.send_text("too late").await?;
            }
            anyhow::bail!("no {text}")
        }

        async fn error(&self, peer: &Peer, error: &Error) {
            self.log.note(error.to_string());
        }

        async fn close(&self, peer: &Peer) {
            self.log.note("close");
        }
    }

    let handler = Arc::new(Other::default());
    let mut log = handler.log.listen();
    let client = TestClient::new(App::new().route(handler));
    let mut ws = client.websocket_connect("/other").await?;
    ws.send_text("close").await?;
    ws.expect_close(4000).await?;
    ws.close(4000).await?;
    assert_eq!(next(&mut log).await, "close", "a disconnect is no error");
    let mut ws = client.websocket_connect("/other").await?;
    ws.send_text("way").await?;
    ws.expect_close(1011).await?;
    drop(ws);
    assert_eq!((next(&mut log).await, next(&mut log).await), ("no way".into(), "close".into()));
    Ok(())
}
