//! Without a user, against a server in memory whose part the test plays, while the clock stands still.

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sockeye::time::{interval, timeout};
use tokio::{
    io::{DuplexStream, duplex},
    task::JoinHandle,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
    },
};

use super::*;
use crate::screen::Target;

type Attempts = mpsc::UnboundedReceiver<DuplexStream>;

/// A connection, seen from the server.
struct Peer {
    socket: WebSocketStream<DuplexStream>,
    query: String,
}

/// The program: what is said to it, where it connects to, and how it ends.
fn program() -> (mpsc::Sender<Line>, Attempts, JoinHandle<Result<()>>) {
    let (sender, attempts) = mpsc::unbounded_channel();
    let builder = Client::builder("ws://stage/").over(move || {
        let (ours, theirs) = duplex(64 * 1024);
        let sent = sender.send(theirs).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused));
        async { sent.map(|()| ours) }
    });
    let (lines, input) = mpsc::channel(1);
    let running = sockeye::spawn(async move {
        let args = Args::parse_from(["chat-cli", "--user-id", "1"]);
        let session = Session::by(builder, &args, false).await?;
        session.run(input, &mut Screen::new(Target::Lines)).await
    });
    (lines, attempts, running)
}

async fn accept(attempts: &mut Attempts) -> Peer {
    let stream = attempts.recv().await.expect("an attempt to connect");
    let mut query = String::new();
    let look = |request: &Request, response: Response| {
        query = request.uri().query().unwrap_or_default().to_owned();
        Ok(response)
    };
    let socket = accept_hdr_async(stream, look).await.expect("a handshake");
    Peer { socket, query }
}

impl Peer {
    async fn send(&mut self, event: Value) {
        self.socket.send(Message::text(event.to_string())).await.expect("a connection");
    }

    async fn greet(&mut self) {
        self.send(json!({ "type": "connected", "data": { "active_users": [] } })).await;
    }

    async fn history(&mut self, messages: Value) {
        self.send(json!({ "type": "history", "data": { "messages": messages, "recovered": true, "more": false } }))
            .await;
    }

    async fn refuse(&mut self, code: &str, client_id: &Value) {
        self.send(json!({ "type": "error", "data": { "message": "x", "code": code, "client_id": client_id } })).await;
    }

    /// What the program says within this time.
    async fn heard(&mut self, time: Duration) -> Vec<Value> {
        let end = Instant::now() + time;
        let mut heard = Vec::new();
        while let Ok(next) = timeout(end - Instant::now(), self.socket.next()).await {
            match next.expect("a connection").expect("a message") {
                Message::Text(said) => heard.push(serde_json::from_str(&said).expect("JSON")),
                other => assert!(other.is_ping(), "{other:?}"),
            }
        }
        heard
    }

    /// Waits until the program has gone.
    async fn goodbye(mut self) {
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    /// Like a chat whose store is away: tries again each second, and refuses what is said, until the program has gone.
    async fn be_without_a_store(mut self) {
        let mut tries = interval(Duration::from_secs(1));
        loop {
            select! {
                _ = tries.tick() => {
                    self.greet().await;
                    self.refuse("storage_unavailable", &Value::Null).await;
                }
                said = self.socket.next() => match said {
                    Some(Ok(Message::Text(said))) => {
                        let said: Value = serde_json::from_str(&said).expect("JSON");
                        self.refuse("storage_unavailable", &said["client_id"]).await;
                    }
                    _ => return,
                }
            }
        }
    }
}

fn posted(id: u64) -> Value {
    json!({ "id": id, "user_id": 2, "username": "Bob", "content": "x", "created_at": "2026-11-21T10:30:00.123Z" })
}

/// Whether the input has ended or not.
#[sockeye::test(start_paused = true)]
async fn a_line_that_is_never_stored_is_an_end_without_success() -> Result<()> {
    for has_ended in [true, false] {
        let (lines, mut attempts, running) = program();
        let begun = Instant::now();
        lines.send(Ok("done".to_owned())).await.expect("somebody reads");
        let _open = (!has_ended).then_some(lines);
        let serving = sockeye::spawn(async move { accept(&mut attempts).await.be_without_a_store().await });
        let error = timeout(Duration::from_secs(300), running).await.expect("an end")?.unwrap_err();
        assert_eq!(error.to_string(), "one message was not confirmed by the server");
        let lasted = begun.elapsed();
        assert!((LAST_LINES..LAST_LINES + Duration::from_secs(2)).contains(&lasted), "{lasted:?}");
        serving.await?;
    }
    Ok(())
}

/// Each line has its time; between them there is no end.
#[sockeye::test(start_paused = true)]
async fn a_slow_server_and_a_slow_input_are_no_end() -> Result<()> {
    let (lines, mut attempts, running) = program();
    let mut peer = accept(&mut attempts).await;
    peer.greet().await;
    peer.history(json!([])).await;
    for id in 1..=3 {
        lines.send(Ok(format!("line {id}"))).await.expect("somebody reads");
        let said = peer.heard(LAST_LINES - Duration::from_secs(1)).await;
        assert!(said.len() > 1 && said.iter().all(|again| again == &said[0]), "{said:?}");
        let client_id = &said[0]["client_id"];
        peer.send(json!({ "type": "message_sent", "message_id": id, "timestamp": "", "client_id": client_id })).await;
        assert!(peer.heard(3 * LAST_LINES).await.is_empty());
    }
    drop(lines);
    peer.goodbye().await;
    running.await?
}

/// Who comes into a room in which nothing was said so far, asks for all of it when the connection was lost.
#[sockeye::test(start_paused = true)]
async fn nothing_of_a_room_that_was_empty_is_missed() -> Result<()> {
    let (_lines, mut attempts, _running) = program();
    let pages = [("", json!([])), ("&since=0", json!([])), ("&since=0", json!([posted(1), posted(2)]))];
    for (since, page) in pages {
        let mut peer = accept(&mut attempts).await;
        assert_eq!(peer.query, format!("user_id=1{since}"));
        peer.greet().await;
        peer.history(page).await;
        peer.heard(Duration::from_secs(10)).await;
    }
    assert_eq!(accept(&mut attempts).await.query, "user_id=1&since=2");
    Ok(())
}

/// Nothing confirms it: so it is told again on the next connection, and some time after it was refused.
#[sockeye::test(start_paused = true)]
async fn how_far_was_read_is_told_until_it_can_be_noted() -> Result<()> {
    let (_lines, mut attempts, _running) = program();
    let while_quiet = Duration::from_secs(60);
    let told = [json!({ "type": "read", "message_id": 2 })];
    let mut peer = accept(&mut attempts).await;
    peer.greet().await;
    peer.history(json!([posted(1), posted(2)])).await;
    assert_eq!(peer.heard(while_quiet).await, told);
    drop(peer);
    let mut peer = accept(&mut attempts).await;
    peer.greet().await;
    peer.history(json!([])).await;
    assert_eq!(peer.heard(while_quiet).await, told);
    for code in ["storage_unavailable", "rate_limited"] {
        peer.refuse(code, &Value::Null).await;
        assert_eq!(peer.heard(while_quiet).await, told);
    }
    peer.refuse("too_long", &Value::Null).await;
    assert!(peer.heard(while_quiet).await.is_empty());
    Ok(())
}
