//! Pings, pongs and the limits of time.

use std::time::Duration;

use sockeye::{Limits, prelude::*, time::Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

fn app(sender: mpsc::UnboundedSender<Duration>) -> App {
    App::new().websocket("/", move |ws: WebSocket| {
        let sender = sender.clone();
        async move {
            let begun = Instant::now();
            ws.closed().await;
            // At its end the test no longer listens.
            let _heard = sender.send(begun.elapsed());
            Ok(())
        }
    })
}

/// The client's codec answers pings only while it reads.
#[sockeye::test(start_paused = true)]
async fn a_silent_peer_is_gone_after_ping_and_pong() -> Result<()> {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let client = TestClient::new(app(sender));
    let ws = client.websocket_connect("/").await?;
    let after = seen.recv().await.unwrap();
    assert!((Duration::from_secs(40)..Duration::from_secs(41)).contains(&after), "{after:?}");
    drop(ws);
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_peer_that_answers_pings_stays() -> Result<()> {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let client = TestClient::new(app(sender));
    let mut ws = client.websocket_connect("/").await?;
    ws.expect_silence(Duration::from_secs(3600)).await?;
    assert!(seen.try_recv().is_err());
    ws.close(1000).await
}

#[sockeye::test(start_paused = true)]
async fn a_peer_that_talks_needs_no_ping() -> Result<()> {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let client = TestClient::new(app(sender));
    let mut ws = client.websocket_connect("/").await?;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(19)).await;
        ws.send_text("here").await?;
    }
    assert!(seen.try_recv().is_err());
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn the_heartbeat_can_be_set_and_turned_off() -> Result<()> {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let quick = app(sender.clone()).heartbeat(Duration::from_secs(1), Duration::from_secs(2));
    let ws = TestClient::new(quick).websocket_connect("/").await?;
    let after = seen.recv().await.unwrap();
    assert!((Duration::from_secs(3)..Duration::from_secs(4)).contains(&after), "{after:?}");
    drop(ws);
    let mut limits = Limits::default();
    limits.ping_interval = None;
    let ws = TestClient::new(app(sender).limits(limits)).websocket_connect("/").await?;
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    assert!(seen.try_recv().is_err());
    drop(ws);
    Ok(())
}

/// A handler that is busy for long does not count as the peer's silence: the inbox is full, nothing was read.
#[sockeye::test(start_paused = true)]
async fn a_busy_handler_is_not_a_silent_peer() -> Result<()> {
    let app = App::new().websocket("/", async |mut ws: WebSocket| -> Result<()> {
        tokio::time::sleep(Duration::from_secs(300)).await;
        for _ in 0..100 {
            ws.receive_text().await?;
        }
        ws.send_text("all there").await
    });
    let client = TestClient::new(app).patience(Duration::from_secs(600));
    let mut ws = client.websocket_connect("/").await?;
    for _ in 0..100 {
        ws.send_text("hello").await?;
    }
    assert_eq!(ws.receive_text().await?, "all there");
    Ok(())
}

/// The process is stopped, or the machine sleeps: nobody is cut off for what could not be heard meanwhile. Who is still not
/// heard then is gone in time.
#[sockeye::test(start_paused = true)]
async fn a_stopped_server_cuts_nobody_off() -> Result<()> {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let client = TestClient::new(app(sender));
    let ws = client.websocket_connect("/").await?;
    // A ping is on its way, and the peer reads nothing.
    tokio::time::sleep(Duration::from_secs(25)).await;
    tokio::time::advance(Duration::from_secs(600)).await;
    tokio::time::sleep(Duration::from_secs(19)).await;
    assert!(seen.try_recv().is_err());
    let after = seen.recv().await.unwrap();
    assert!((Duration::from_secs(645)..Duration::from_secs(646)).contains(&after), "{after:?}");
    drop(ws);
    Ok(())
}

/// We close, the peer never answers: the connection ends all the same.
#[sockeye::test]
async fn a_close_that_is_not_answered_ends_the_connection() -> Result<()> {
    let mut limits = Limits::default();
    limits.close_timeout = Duration::from_millis(50);
    let app = App::new().limits(limits).websocket("/", async |ws: WebSocket| ws.close(4000).await);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let server = app.serve(listener);
    let mut stream = TcpStream::connect(server.local_addr()).await?;
    let head = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await??;
    assert!(answer.ends_with(&[0x88, 2, 0x0f, 0xa0]), "{:?}", String::from_utf8_lossy(&answer));
    server.shutdown(Duration::from_secs(5)).await
}
