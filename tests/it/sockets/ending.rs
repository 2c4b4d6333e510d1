//! How sockets end, and who learns of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sockeye::{ErrorKind, prelude::*};
use tokio::sync::mpsc;

#[derive(Debug)]
struct Mine;

impl std::fmt::Display for Mine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("mine")
    }
}

impl std::error::Error for Mine {}

#[websocket("/ok")]
async fn ok(ws: WebSocket) {
    let _sent = ws.send_text("bye").await;
}

#[websocket("/own-error")]
async fn own_error(_ws: WebSocket) -> Result<(), Mine> {
    Err(Mine)
}

#[websocket("/anyhow")]
async fn anyhow_error(mut ws: WebSocket) -> anyhow::Result<()> {
    loop {
        let text = ws.receive_text().await?;
        anyhow::ensure!(text == "fine", "not fine");
        ws.send_text(text).await?;
    }
}

#[websocket("/question")]
async fn question(mut ws: WebSocket) -> Result<()> {
    let number: u32 = ws.receive_text().await?.parse()?;
    ws.send_text((number + 1).to_string()).await
}

#[websocket("/codes/<code>")]
async fn codes(ws: WebSocket, code: u16) -> Result<()> {
    if let Err(error) = ws.close_with(code, "é".repeat(100)).await {
        assert_eq!(error.kind(), ErrorKind::InvalidClose);
        ws.send_text(error.to_string()).await?;
    }
    assert!(ws.send_text("after the close").await.is_err() || code == 1005 || code == 1006 || code == 0);
    Ok(())
}

struct Seen(mpsc::UnboundedSender<String>);

#[websocket("/watch")]
async fn watch(ws: WebSocket, seen: State<Seen>) -> Result<()> {
    ws.send_text("watching").await?;
    ws.closed().await;
    seen.0.0.send(format!("closed {:?}", ws.close_frame().map(|frame| frame.code.as_u16())))?;
    let error = ws.send_text("too late").await.unwrap_err();
    assert!(error.is_disconnect());
    Err(error)
}

#[websocket("/receive")]
async fn receive(mut ws: WebSocket, seen: State<Seen>) -> Result<()> {
    let error = loop {
        match ws.receive_text().await {
            Ok(text) => seen.0.0.send(text.to_string())?,
            Err(error) => break error,
        }
    };
    assert!(error.is_disconnect() && ws.is_closed());
    seen.0.0.send(format!("{:?}", error.close_frame().map(|frame| (frame.code.as_u16(), frame.reason.to_string()))))?;
    Ok(())
}

struct CountsDrops(Arc<AtomicUsize>);

impl Drop for CountsDrops {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn client() -> (TestClient, mpsc::UnboundedReceiver<String>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let app = App::new().state(Seen(sender)).route(ok).route(own_error).route(anyhow_error).route(question);
    (TestClient::new(app.route(codes).route(watch).route(receive)), receiver)
}

#[sockeye::test]
async fn a_handler_that_returns_closes_1000() -> Result<()> {
    let mut ws = client().0.websocket_connect("/ok").await?;
    assert_eq!(ws.receive_text().await?, "bye");
    ws.expect_close(1000).await?;
    Ok(())
}

#[sockeye::test]
async fn an_error_closes_1011_and_does_not_say_why() -> Result<()> {
    let (client, _seen) = client();
    let mut ws = client.websocket_connect("/own-error").await?;
    assert_eq!(ws.expect_close(1011).await?.reason, "internal error");
    let mut ws = client.websocket_connect("/anyhow").await?;
    ws.send_text("fine").await?;
    assert_eq!(ws.receive_text().await?, "fine");
    ws.send_text("else").await?;
    ws.expect_close(1011).await?;
    let mut ws = client.websocket_connect("/question").await?;
    ws.send_text("x").await?;
    ws.expect_close(1011).await?;
    Ok(())
}

/// A disconnect or a message of the wrong kind is no failure, also inside `anyhow`.
#[sockeye::test]
async fn what_the_peer_does_is_no_failure() -> Result<()> {
    let (client, _seen) = client();
    let mut ws = client.websocket_connect("/anyhow").await?;
    ws.send_bytes([1]).await?;
    ws.expect_close(1003).await?;
    client.websocket_connect("/anyhow").await?.close(1000).await
}

#[sockeye::test]
#[should_panic(expected = "the handler of /own-error failed: mine")]
async fn an_unexpected_failure_fails_the_test() {
    let mut ws = client().0.websocket_connect("/own-error").await.unwrap();
    ws.receive_text().await.unwrap();
}

#[sockeye::test]
async fn codes_that_may_not_be_sent_are_an_error() -> Result<()> {
    let (client, _seen) = client();
    for code in [1000, 1001, 1003, 1011, 3000, 4999] {
        let mut ws = client.websocket_connect(&format!("/codes/{code}")).await?;
        let frame = ws.expect_close(code).await?;
        // 123 bytes are 61 whole characters.
        assert_eq!(frame.reason.len(), 122);
    }
    for code in [0, 1005, 1006] {
        let mut ws = client.websocket_connect(&format!("/codes/{code}")).await?;
        assert!(ws.receive_text().await?.starts_with(&format!("close code {code} may not be sent")));
    }
    Ok(())
}

#[sockeye::test]
async fn leaving_is_seen_without_receiving() -> Result<()> {
    for tcp in [false, true] {
        let (sender, mut seen) = mpsc::unbounded_channel();
        let app = App::new().state(Seen(sender)).route(watch);
        let client = if tcp { TestClient::tcp(app).await? } else { TestClient::new(app) };
        let mut ws = client.websocket_connect("/watch").await?;
        assert_eq!(ws.receive_text().await?, "watching");
        ws.close(4321).await?;
        assert_eq!(seen.recv().await.as_deref(), Some("closed Some(4321)"));
        let mut ws = client.websocket_connect("/watch").await?;
        assert_eq!(ws.receive_text().await?, "watching");
        drop(ws);
        assert_eq!(seen.recv().await.as_deref(), Some("closed None"));
    }
    Ok(())
}

/// Nobody receives, the inbox is full, and still the end is seen.
#[sockeye::test]
async fn leaving_is_seen_behind_a_full_inbox() -> Result<()> {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let client = TestClient::tcp(App::new().state(Seen(sender)).route(watch)).await?;
    let mut ws = client.websocket_connect("/watch").await?;
    for _ in 0..100 {
        ws.send_text("unread").await?;
    }
    drop(ws);
    let seen = tokio::time::timeout(Duration::from_secs(5), seen.recv()).await?;
    assert_eq!(seen.as_deref(), Some("closed None"));
    Ok(())
}

#[sockeye::test]
async fn what_was_on_its_way_is_received_before_the_end() -> Result<()> {
    let (client, mut seen) = client();
    let mut ws = client.websocket_connect("/receive").await?;
    for n in 0..50 {
        ws.send_text(n.to_string()).await?;
    }
    ws.close_with(4000, "done").await?;
    for n in 0..50 {
        assert_eq!(seen.recv().await, Some(n.to_string()));
    }
    assert_eq!(seen.recv().await.as_deref(), Some(r#"Some((4000, "done"))"#));
    Ok(())
}

#[sockeye::test]
async fn handlers_are_dropped_however_they_end() -> Result<()> {
    let drops = Arc::new(AtomicUsize::new(0));
    let counted = drops.clone();
    let app = App::new().websocket("/", move |mut ws: WebSocket| {
        let guard = CountsDrops(counted.clone());
        async move {
            let _guard = guard;
            match ws.receive_text().await?.as_str() {
                "panic" => panic!("as asked"),
                "error" => Err(Error::other("as asked")),
                _ => Ok(()),
            }
        }
    });
    let client = TestClient::new(app);
    for (text, code) in [("return", 1000), ("error", 1011), ("panic", 1011)] {
        let mut ws = client.websocket_connect("/").await?;
        ws.send_text(text).await?;
        ws.expect_close(code).await?;
    }
    client.websocket_connect("/").await?.close(1000).await?;
    assert_eq!(drops.load(Ordering::SeqCst), 4);
    Ok(())
}
