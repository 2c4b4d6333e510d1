//! `send_stream`: an answer in parts.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sockeye::{Limits, Text, prelude::*};
use tokio::sync::mpsc;

use crate::robustness::raw::{Raw, soon};

type Said = mpsc::UnboundedSender<&'static str>;

/// Says so when it is dropped.
struct Held(Said);

impl Drop for Held {
    fn drop(&mut self) {
        // The test may be over.
        let _heard_or_not = self.0.send("dropped");
    }
}

#[websocket("/words")]
async fn words(mut ws: WebSocket) -> Result<()> {
    while let Some(text) = ws.iter_text().next().await {
        let text = text?;
        ws.send_stream(stream::iter(text.split_inclusive(' '))).await?;
    }
    Ok(())
}

async fn steps(ws: &mut sockeye::TestSocket) -> Result<Vec<Value>> {
    let mut steps: Vec<Value> = Vec::new();
    while steps.last().is_none_or(|step| step["type"] != "done" && step["type"] != "error") {
        steps.push(ws.receive_json().await?);
    }
    Ok(steps)
}

fn chunk(content: &str) -> Value {
    json!({ "type": "chunk", "content": content })
}

#[sockeye::test]
async fn start_chunks_done() -> Result<()> {
    let client = TestClient::new(App::new().route(words));
    let mut ws = client.websocket_connect("/words").await?;
    // The second question waits until the first is answered.
    ws.send_text("a \"b\" é\n").await?;
    ws.send_text("").await?;
    let (start, done) = (json!({ "type": "start" }), json!({ "type": "done" }));
    let expected = [&start, &chunk("a "), &chunk("\"b\" "), &chunk("é\n"), &done];
    assert_eq!(steps(&mut ws).await?.iter().collect::<Vec<_>>(), expected);
    assert_eq!(steps(&mut ws).await?, [start, done]);
    ws.close(1000).await
}

#[websocket("/kinds")]
async fn kinds(ws: WebSocket) -> Result<()> {
    ws.send_stream(stream::iter([Cow::Borrowed("cow")])).await?;
    ws.send_stream(stream::iter([Text::from("text")])).await?;
    ws.send_stream(stream::iter([Ok::<_, Error>(String::from("string"))])).await?;
    ws.sender().send_stream(stream::iter(['c'])).await?;
    ws.split().0.send_stream(stream::iter([Ok::<Arc<str>, u8>("arc".into()), Err(7), Ok("never".into())])).await
}

#[sockeye::test]
async fn texts_of_all_kinds_and_errors() -> Result<()> {
    let client = TestClient::new(App::new().route(kinds));
    let mut ws = client.websocket_connect("/kinds").await?;
    for content in ["cow", "text", "string", "c"] {
        assert_eq!(steps(&mut ws).await?[1], chunk(content));
    }
    let expected = [json!({ "type": "start" }), chunk("arc"), json!({ "type": "error", "message": "7" })];
    assert_eq!(steps(&mut ws).await?, expected);
    ws.expect_close(1000).await?;
    Ok(())
}

#[websocket("/fails")]
async fn fails(mut ws: WebSocket) -> Result<()> {
    loop {
        ws.receive_text().await?;
        ws.send_stream(stream::iter([Ok("so far"), Err("out of words")])).await?;
    }
}

#[sockeye::test]
async fn the_socket_stays_open_after_an_error() -> Result<()> {
    let client = TestClient::new(App::new().route(fails));
    let mut ws = client.websocket_connect("/fails").await?;
    for _ in 0..2 {
        ws.send_text("?").await?;
        assert_eq!(steps(&mut ws).await?[2], json!({ "type": "error", "message": "out of words" }));
    }
    ws.close(1000).await
}

/// Each part leaves when it comes, not when there are more.
#[websocket("/slow")]
async fn slow(mut ws: WebSocket) -> Result<()> {
    let sender = ws.sender();
    let parts = stream::unfold(&mut ws, |ws| async {
        let text = ws.receive_text().await.ok()?;
        (&*text != "end").then_some((text, ws))
    });
    sender.send_stream(parts).await
}

#[sockeye::test]
async fn parts_leave_at_once() -> Result<()> {
    for client in [TestClient::new(App::new().route(slow)), TestClient::tcp(App::new().route(slow)).await?] {
        let mut ws = client.websocket_connect("/slow").await?;
        assert_eq!(ws.receive_json::<Value>().await?, json!({ "type": "start" }));
        for text in ["one", "two"] {
            ws.send_text(text).await?;
            assert_eq!(ws.receive_json::<Value>().await?, chunk(text));
        }
        ws.send_text("end").await?;
        assert_eq!(ws.receive_json::<Value>().await?, json!({ "type": "done" }));
        ws.expect_close(1000).await?;
    }
    Ok(())
}

#[websocket("/endless")]
async fn endless(ws: WebSocket, said: State<Said>) -> Result<()> {
    let held = Held(Said::clone(&said));
    let parts = stream::once(async { "first" }).chain(stream::once(async move {
        let _held = held;
        std::future::pending().await
    }));
    let error = ws.send_stream(parts).await.unwrap_err();
    said.send(if error.is_disconnect() { "disconnect" } else { "another error" })?;
    Err(error)
}

/// A stream that will never give anything again is dropped when the peer goes, however it goes.
#[sockeye::test]
async fn the_peers_leaving_ends_it() -> Result<()> {
    for way in ["close frame", "fin", "reset", "unread questions"] {
        let (said, mut hears) = mpsc::unbounded_channel();
        let app = App::new().state::<Said>(said).route(endless);
        let server = app.serve(tokio::net::TcpListener::bind("127.0.0.1:0").await?);
        let mut raw = Raw::open(server.local_addr(), "/endless").await;
        assert_eq!(raw.frame().await.payload, br#"{"type":"start"}"#);
        assert_eq!(raw.frame().await.payload, br#"{"type":"chunk","content":"first"}"#);
        assert!(hears.try_recv().is_err(), "dropped too early");
        let close = [0x88, 0x82, 0, 0, 0, 0, 3, 232];
        match way {
            "close frame" => raw.send(close).await,
            "fin" => raw.finish().await,
            "reset" => raw.reset(),
            // Small texts, more than the inbox takes otherwise.
            _ => raw.send([[0x81, 0x82, 0, 0, 0, 0, b'h', b'i'].repeat(50), close.to_vec()].concat()).await,
        }
        assert_eq!(soon("the stream's end", hears.recv()).await, Some("dropped"), "{way}");
        assert_eq!(soon("the call's end", hears.recv()).await, Some("disconnect"), "{way}");
    }
    Ok(())
}

static POLLED: AtomicUsize = AtomicUsize::new(0);

#[websocket("/flood")]
async fn flood(ws: WebSocket) -> Result<()> {
    let parts = stream::repeat_with(|| {
        POLLED.fetch_add(1, Ordering::Relaxed);
        "x".repeat(1 << 16)
    });
    ws.send_stream(parts.take(200)).await
}

/// The stream is asked for no more than the peer takes.
#[sockeye::test(start_paused = true)]
async fn a_slow_peer_slows_the_stream() -> Result<()> {
    let mut limits = Limits::default();
    limits.outbox_bytes = 128 * 1024;
    let client = TestClient::new(App::new().limits(limits).route(flood));
    let mut ws = client.websocket_connect("/flood").await?;
    assert_eq!(ws.receive_json::<Value>().await?, json!({ "type": "start" }));
    // Passes when nobody has anything left to do.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let polled = POLLED.load(Ordering::Relaxed);
    assert!((1..10).contains(&polled), "{polled} of 200 parts for a peer that reads nothing");
    assert_eq!(steps(&mut ws).await?.len(), 201);
    ws.expect_close(1000).await?;
    Ok(())
}
