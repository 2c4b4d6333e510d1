//! The program itself: killed under load, its messages are as they were promised.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use sockeye::{Result, TestClient, spawn};

const ROUNDS: usize = 4;
const TALKERS: usize = 6;
/// Messages that are promised in a round before the server is killed.
const PROMISED: usize = 300;

/// A folder for the test, and gone after it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chat-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

/// A server, which ends with the test.
struct Server {
    process: Child,
    client: TestClient,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
        command.env("SOCKEYE_ADDR", "127.0.0.1:0").env("CHAT_DB", folder.join("chat.db")).env("CHAT_RATE", "0");
        command.env_remove("DATABASE_URL").env_remove("REDIS_URL").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("a process");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on http://").expect("where it listens");
        let client = TestClient::connect_to(address.parse::<SocketAddr>().expect("an address"));
        Self { process, client }
    }

    fn kill(&mut self) {
        self.process.kill().expect("it is killed");
        self.process.wait().expect("its end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Talks until the server is gone. Gives room, id and text of what was promised to be stored.
async fn talk(
    client: TestClient,
    talker: usize,
    round: usize,
    promised: Arc<AtomicUsize>,
) -> Vec<(usize, u64, String)> {
    let room = talker % 2;
    let path = format!("/ws/{room}?user_id={talker}");
    let mut kept = Vec::new();
    let Ok(mut ws) = client.websocket_connect(&path).await else { return kept };
    for number in 0.. {
        let text = format!("{round}/{talker}/{number}");
        if ws.send_json(&json!({ "type": "message", "content": text })).await.is_err() {
            break;
        }
        // What others say comes in between.
        let id = loop {
            let Ok(event) = ws.receive_json::<Value>().await else { return kept };
            if event["type"] == "message_sent" {
                break event["message_id"].as_u64().expect("an id");
            }
        };
        kept.push((room, id, text));
        promised.fetch_add(1, Ordering::Relaxed);
    }
    kept
}

/// All that a room has stored: id and text.
async fn stored(client: &TestClient, room: usize) -> Result<BTreeMap<u64, String>> {
    let mut ws = client.websocket_connect(&format!("/ws/{room}?user_id=99&since=0")).await?;
    let mut stored = BTreeMap::new();
    loop {
        let event: Value = ws.receive_json().await?;
        if event["type"] != "history" {
            continue;
        }
        assert_eq!(event["data"]["recovered"], true);
        for message in event["data"]["messages"].as_array().expect("messages") {
            let (id, text) = (message["id"].as_u64().expect("an id"), message["content"].as_str().expect("a text"));
            assert_eq!(id, stored.len() as u64 + 1, "they are in order and without a gap");
            stored.insert(id, text.to_owned());
        }
        if event["data"]["more"] == false {
            return Ok(stored);
        }
    }
}

#[sockeye::test(worker_threads = 2)]
async fn what_was_promised_is_there_once_and_in_order() -> Result<()> {
    let scratch = Scratch::new();
    let mut promised = Vec::new();
    for round in 0..ROUNDS {
        let mut server = Server::start(&scratch.0);
        let count = Arc::new(AtomicUsize::new(0));
        let talking: Vec<_> =
            (0..TALKERS).map(|talker| spawn(talk(server.client.clone(), talker, round, count.clone()))).collect();
        while count.load(Ordering::Relaxed) < PROMISED {
            sockeye::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        server.kill();
        for talker in talking {
            promised.extend(talker.await?);
        }
        let mut server = Server::start(&scratch.0);
        for room in 0..2 {
            let stored = stored(&server.client, room).await?;
            for (_, id, text) in promised.iter().filter(|(at, ..)| *at == room) {
                assert_eq!(stored.get(id), Some(text), "round {round}, room {room}, message {id}");
            }
            let mut texts: Vec<_> = stored.values().collect();
            texts.sort_unstable();
            texts.dedup();
            assert_eq!(texts.len(), stored.len(), "round {round}: some are there twice");
            in_order(stored.values());
        }
        server.kill();
    }
    assert!(promised.len() >= ROUNDS * PROMISED);
    Ok(())
}

/// What one talker has said in one round is in its order.
fn in_order<'a>(texts: impl Iterator<Item = &'a String>) {
    let mut next: BTreeMap<&str, u64> = BTreeMap::new();
    for text in texts {
        let (who, number) = text.rsplit_once('/').expect("a number");
        let expected = next.entry(who).or_default();
        assert_eq!(number.parse::<u64>().ok(), Some(*expected), "{text}");
        *expected += 1;
    }
}
