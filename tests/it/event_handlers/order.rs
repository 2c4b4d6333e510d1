//! What comes when, and how often.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sockeye::prelude::*;

use super::{Log, next};

#[derive(Default)]
struct Slow {
    log: Log,
    running: AtomicUsize,
}

#[websocket("/slow")]
impl Slow {
    async fn open(&self, peer: &Peer) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.log.note("open");
        peer.send_text("open").await
    }

    async fn message(&self, peer: &Peer, text: String) -> Result<()> {
        assert_eq!(self.running.fetch_add(1, Ordering::SeqCst), 0, "two events at once");
        // The later, the faster: only waiting for each keeps the order.
        tokio::time::sleep(Duration::from_millis(1000 - 100 * text.parse::<u64>()?)).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        self.log.note(&*text);
        // Of the last, the peer is gone.
        peer.send_text(text).await
    }

    #[on("x")]
    async fn x(&self, peer: &Peer) {
        self.log.note("x");
    }

    async fn error(&self, peer: &Peer, error: &Error) {
        self.log.note(format!("error {error}"));
    }

    async fn close(&self, peer: &Peer, frame: Option<CloseFrame>) {
        assert_eq!(peer.peers(), []);
        self.log.note(format!("close {frame:?}"));
    }
}

#[sockeye::test(start_paused = true)]
async fn events_of_a_peer_come_one_after_the_other() -> Result<()> {
    let handler = Arc::new(Slow::default());
    let mut log = handler.log.listen();
    let client = TestClient::new(App::new().route(handler));
    let mut ws = client.websocket_connect("/slow").await?;
    for text in ["1", "2", "{\"type\":\"x\"}", "3"] {
        ws.send_text(text).await?;
    }
    assert_eq!(ws.receive_text().await?, "open");
    ws.close(4321).await?;
    for expected in ["open", "1", "2", "x", "3"] {
        assert_eq!(next(&mut log).await, expected);
    }
    assert!(next(&mut log).await.contains("4321"));
    let more = tokio::time::timeout(Duration::from_secs(60), log.recv()).await;
    assert!(more.is_err(), "close came twice: {more:?}");
    Ok(())
}

/// Peers do not wait for each other.
#[sockeye::test(start_paused = true)]
async fn peers_run_side_by_side() -> Result<()> {
    #[derive(Default)]
    struct Side;

    #[websocket("/side")]
    impl Side {
        async fn message(&self, peer: &Peer, seconds: Json<u64>) -> Result<()> {
            tokio::time::sleep(Duration::from_secs(seconds.0)).await;
            peer.send_json(&seconds.0).await
        }
    }

    let client = TestClient::new(App::new().route(Side));
    let mut slow = client.websocket_connect("/side").await?;
    let mut fast = client.websocket_connect("/side").await?;
    slow.send_text("4").await?;
    fast.send_text("1").await?;
    let began = tokio::time::Instant::now();
    assert_eq!(fast.receive_text().await?, "1");
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(slow.receive_text().await?, "4");
    Ok(())
}
