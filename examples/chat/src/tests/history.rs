//! What was said before.

use serde_json::{Value, json};
use sockeye::{MemoryHistory, Result, Retention, SqliteHistory, TestClient, TestSocket, prelude::*};

use super::{client, contents, error, guest, ids, nothing, receive, say};
use crate::{Rate, routes};

async fn says(client: &TestClient, count: u64) -> Result<()> {
    let mut ann = guest(client, "a", 1, "Ann").await?;
    for at in 0..count {
        say(&mut ann, &at.to_string()).await?;
    }
    ann.close(1000).await
}

async fn joins(client: &TestClient, since: &str) -> Result<TestSocket> {
    let mut ws = client.websocket_connect(&format!("/ws/a?user_id=9{since}")).await?;
    receive(&mut ws, "connected").await?;
    Ok(ws)
}

async fn asks(ws: &mut TestSocket, request: Value) -> Result<Value> {
    ws.send_json(&request).await?;
    receive(ws, "history").await
}

#[sockeye::test]
async fn the_newcomer_gets_the_latest_fifty() -> Result<()> {
    let client = client();
    says(&client, 30).await?;
    let mut ws = joins(&client, "").await?;
    let history = receive(&mut ws, "history").await?;
    assert_eq!(
        (ids(&history), &history["recovered"], &history["more"]),
        ((1..31).collect(), &true.into(), &false.into())
    );
    ws.close(1000).await?;
    says(&client, 40).await?;
    let mut ws = joins(&client, "").await?;
    let history = receive(&mut ws, "history").await?;
    assert_eq!(ids(&history), (21..71).collect::<Vec<_>>());
    let message = &history["messages"][0];
    assert_eq!(
        (&message["user_id"], &message["username"], &message["content"]),
        (&1.into(), &"Ann".into(), &"20".into())
    );
    nothing(&mut ws).await
}

#[sockeye::test]
async fn who_was_away_gets_all_that_was_said_since_in_pages() -> Result<()> {
    let client = client();
    says(&client, 450).await?;
    for since in [0, 50, 399, 449, 450] {
        let mut ws = joins(&client, &format!("&since={since}")).await?;
        let mut next = since + 1;
        loop {
            let history = receive(&mut ws, "history").await?;
            let end = (next + 200).min(451);
            assert_eq!((ids(&history), &history["recovered"]), ((next..end).collect(), &true.into()), "since {since}");
            assert_eq!(history["more"], end < 451, "since {since}");
            if end == 451 {
                break;
            }
            next = end;
        }
        nothing(&mut ws).await?;
        ws.close(1000).await?;
    }
    Ok(())
}

/// Whatever is said meanwhile comes once, behind the last page.
#[sockeye::test(worker_threads = 4)]
async fn nothing_is_lost_between_the_pages_and_what_is_live() -> Result<()> {
    let client = TestClient::new(routes(Rate::UNLIMITED).history(MemoryHistory::new()));
    says(&client, 300).await?;
    let talking = {
        let client = client.clone();
        sockeye::spawn(async move {
            let mut bob = guest(&client, "a", 2, "Bob").await?;
            for _ in 0..1000 {
                bob.send_json(&json!({ "type": "message", "content": "live" })).await?;
                while bob.receive_json::<Value>().await?["type"] != "message_sent" {}
            }
            Ok::<_, sockeye::Error>(())
        })
    };
    for since in [0, 120, 299] {
        let mut ws = client.websocket_connect(&format!("/ws/a?user_id=2&since={since}")).await?;
        receive(&mut ws, "connected").await?;
        let mut last = since;
        loop {
            let history = receive(&mut ws, "history").await?;
            for id in ids(&history) {
                last += 1;
                assert_eq!(id, last);
            }
            if history["more"] == false {
                break;
            }
        }
        for _ in 0..100 {
            last += 1;
            assert_eq!(receive(&mut ws, "message").await?["id"], last);
        }
        drop(ws);
    }
    talking.await?
}

#[sockeye::test]
async fn a_gap_that_cannot_be_filled_is_said() -> Result<()> {
    let history = MemoryHistory::with(Retention::all().count(10));
    let client = TestClient::new(routes(Rate::default()).history(history));
    says(&client, 30).await?;
    for (since, recovered, expected) in
        [(0, false, 21..31), (19, false, 21..31), (20, true, 21..31), (30, true, 31..31), (31, false, 31..31)]
    {
        let mut ws = joins(&client, &format!("&since={since}")).await?;
        let history = receive(&mut ws, "history").await?;
        assert_eq!((ids(&history), &history["recovered"]), (expected.collect(), &recovered.into()), "since {since}");
        ws.close(1000).await?;
    }
    Ok(())
}

#[sockeye::test]
async fn older_messages_come_in_pages() -> Result<()> {
    let client = client();
    says(&client, 450).await?;
    let mut ws = joins(&client, "").await?;
    receive(&mut ws, "history").await?;
    for (request, expected, more) in [
        (json!({ "type": "history" }), 401..451, true),
        (json!({ "type": "history", "before": 401 }), 351..401, true),
        (json!({ "type": "history", "before": 351, "limit": 10 }), 341..351, true),
        (json!({ "type": "history", "before": 51, "limit": 50 }), 1..51, false),
        (json!({ "type": "history", "before": 2 }), 1..2, false),
        (json!({ "type": "history", "before": 1 }), 1..1, false),
        (json!({ "type": "history", "before": 0 }), 1..1, false),
        (json!({ "type": "history", "before": null, "limit": null }), 401..451, true),
        (json!({ "type": "history", "limit": 0 }), 450..451, true),
        (json!({ "type": "history", "limit": 201 }), 251..451, true),
        (json!({ "type": "history", "before": 1_u64 << 63, "limit": 1_u64 << 63 }), 251..451, true),
        (json!({ "type": "history", "before": u64::MAX, "limit": u64::MAX }), 251..451, true),
    ] {
        let history = asks(&mut ws, request.clone()).await?;
        assert_eq!((ids(&history), &history["more"]), (expected.collect(), &more.into()), "{request}");
        assert_eq!(history["recovered"], true);
    }
    for wrong in [json!(-1), json!("10"), json!(1.5), json!([]), json!({}), json!(true), json!(1e300)] {
        for field in ["before", "limit"] {
            ws.send_json(&json!({ "type": "history", field: wrong })).await?;
            assert_eq!(error(&mut ws).await?, "invalid_message", "{field}: {wrong}");
        }
    }
    Ok(())
}

/// Reading does not count as talking.
#[sockeye::test]
async fn who_reads_all_of_it_is_not_limited() -> Result<()> {
    let client = TestClient::new(routes(Rate::a_second(1)).history(MemoryHistory::new()));
    let mut ann = guest(&client, "a", 1, "Ann").await?;
    for _ in 0..5 {
        say(&mut ann, "x").await?;
    }
    for _ in 0..300 {
        assert_eq!(contents(&asks(&mut ann, json!({ "type": "history", "limit": 200 })).await?).len(), 5);
    }
    say(&mut ann, "x").await.map(drop)
}

#[sockeye::test]
async fn messages_outlive_the_server() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("sockeye-chat-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    for start in 0..3 {
        let file = folder.join("chat.db");
        let client = TestClient::new(routes(Rate::default()).history(SqliteHistory::open(file)?));
        let mut ws = joins(&client, "").await?;
        assert_eq!(ids(&receive(&mut ws, "history").await?), (1..start + 1).collect::<Vec<_>>());
        assert_eq!(say(&mut ws, "x").await?, start + 1);
        ws.close(1000).await?;
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// What other programs have stored there is shown, too.
#[sockeye::test]
async fn messages_of_others_are_shown_as_they_are() -> Result<()> {
    let app = routes(Rate::default()).history(MemoryHistory::new());
    let hub = app.hub();
    let client = TestClient::new(app);
    hub.room("a").publish(&json!({ "news": 1 })).await?;
    let mut ann = client.websocket_connect("/ws/a?user_id=1").await?;
    receive(&mut ann, "connected").await?;
    let history = receive(&mut ann, "history").await?;
    assert_eq!(contents(&history), [r#"{"news":1}"#]);
    hub.room("a").publish(&Message::binary("bytes")).await?;
    let message = receive(&mut ann, "message").await?;
    assert_eq!((&message["content"], &message["username"]), (&"bytes".into(), &"system".into()));
    Ok(())
}
