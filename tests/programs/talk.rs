//! Rooms whose messages are kept, and questions both ways: what `tests/clients` drives with the client for browsers, the
//! network cut and the server killed. The store is the file that `TALK_DB` names.

use std::{env, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sockeye::{Offset, Resume, RoomOptions, SqliteHistory, Stored, prelude::*};

#[derive(Default)]
struct Talk;

#[derive(Deserialize, Serialize)]
struct Say {
    text: String,
}

#[derive(Deserialize)]
struct Double {
    number: u32,
}

#[derive(Deserialize)]
struct Slow {
    ms: u64,
}

fn shown(stored: &Stored) -> Value {
    json!({ "type": "said", "offset": stored.offset, "text": stored.json::<String>().unwrap_or_default() })
}

#[websocket("/talk/<room>")]
impl Talk {
    /// A token, where there is one, has to be new each time.
    async fn upgrade(&self, up: &mut Upgrade, token: Option<String>) -> Result<()> {
        match token.as_deref() {
            Some("old") => up.close(4001, "expected a new token").await,
            _ => Ok(()),
        }
    }

    async fn open(&self, peer: &Peer, room: String, #[query(default = 0)] since: u64, hub: Hub) -> Result<()> {
        let resume = Resume::since(since).page_size(50).pages(|page| {
            let messages: Vec<_> = page.messages.iter().map(shown).collect();
            json!({ "type": "history", "messages": messages, "recovered": page.recovered, "more": page.more })
        });
        let resumed = hub.room(&room).resume(peer, resume).await?;
        peer.extensions().insert(resumed.member);
        Ok(())
    }

    #[on("say")]
    async fn say(&self, peer: &Peer, Say { text }: Say, room: String, hub: Hub) -> Result<Offset> {
        hub.room(&room).publish(&text).await
    }

    #[on("double")]
    async fn double(&self, peer: &Peer, Double { number }: Double) -> Result<u32> {
        number.checked_mul(2).ok_or_else(|| Error::answer("too_large", "expected a number below 2^31"))
    }

    /// The question goes back.
    #[on("ask_me")]
    async fn ask_me(&self, peer: &Peer, question: Value) -> Result<Value> {
        peer.request(&question["question"], Duration::from_secs(5)).await
    }

    #[on("slow")]
    async fn slow(&self, peer: &Peer, Slow { ms }: Slow) -> Result<()> {
        sockeye::time::sleep(Duration::from_millis(ms)).await;
        Ok(())
    }

    async fn message(&self, peer: &Peer, message: Message) -> Result<()> {
        peer.send(&message).await
    }
}

#[post("/say/<room>")]
async fn say(room: String, text: String, hub: Hub) -> Result<String> {
    Ok(hub.room(&room).publish(&text).await?.to_string())
}

#[get("/connections")]
async fn connections(hub: Hub) -> String {
    hub.stats().current_connections.to_string()
}

/// A page that allows no script but those of its own origin.
#[get("/")]
async fn page() -> impl IntoResponse {
    let policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'";
    ([("content-security-policy", policy)], Html("<!doctype html><title>Talk</title>"))
}

#[get("/worker.js")]
async fn worker() -> impl IntoResponse {
    let script = r#"
        import { Client } from "/sockeye/client.js";
        const client = new Client("/talk/worker");
        client.request({ type: "double", number: 21 }).then((answer) => postMessage(answer));
    "#;
    ([("content-type", "text/javascript")], script)
}

#[sockeye::main]
async fn main() -> Result<()> {
    let file = env::var("TALK_DB").map_err(|_| Error::other("expected the file of the store in TALK_DB"))?;
    App::new()
        .history(SqliteHistory::open(file)?)
        .rooms(RoomOptions::new().render(shown))
        .browser_client()
        .route(Talk)
        .route(say)
        .route(connections)
        .route(page)
        .route(worker)
        .run()
        .await
}
