//! What a member is told of its own message.

use serde_json::{Value, json};
use sockeye::{MemoryHistory, RoomOptions, prelude::*};

use crate::rooms::until;

/// Publishes what comes: `key text`, where `-` is no key.
#[websocket("/say/<room>")]
async fn say(mut ws: WebSocket, room: String, hub: Hub) -> Result<()> {
    let member = hub.room(&room).join(&ws).await?;
    while let Some(message) = ws.next().await {
        let message = message?;
        let (key, text) = message.as_text().and_then(|text| text.split_once(' ')).expect("two words");
        let shout = text == "panic";
        let receipt = move |appended: &sockeye::Appended| {
            assert!(!shout, "told to");
            json!({ "receipt": appended.stored.offset, "new": appended.is_new })
        };
        let appended = member.publish_with(Some(key).filter(|key| *key != "-"), text, receipt).await?;
        // Behind both.
        ws.send_json(&json!({ "done": appended.stored.offset })).await?;
    }
    Ok(())
}

fn client() -> (TestClient, Hub) {
    let rooms = RoomOptions::new().render(|stored| json!({ "message": stored.offset }));
    let app = App::new().history(MemoryHistory::new()).rooms(rooms).route(say);
    let hub = app.hub();
    (TestClient::new(app), hub)
}

#[sockeye::test(worker_threads = 4)]
async fn comes_before_the_message_and_to_nobody_else() -> Result<()> {
    const EACH: usize = 100;
    let (client, hub) = client();
    let mut members = Vec::new();
    for _ in 0..4 {
        members.push(client.websocket_connect("/say/a").await?);
    }
    until("four members", || hub.room("a").len() == 4).await;
    let talking = members.into_iter().map(|mut ws| {
        sockeye::spawn(async move {
            for _ in 0..EACH {
                ws.send_text("- x").await?;
            }
            let (mut messages, mut receipts) = (0, Vec::new());
            let mut done = 0;
            while messages < 4 * EACH || done < EACH {
                let event: Value = ws.receive_json().await?;
                if let Some(offset) = event["receipt"].as_u64() {
                    assert!(offset as usize > messages, "the receipt of {offset} came behind the message");
                    receipts.push(offset);
                } else if let Some(offset) = event["done"].as_u64() {
                    assert_eq!(receipts[done], offset);
                    assert!(offset as usize <= messages, "{offset} was done before it was sent");
                    done += 1;
                } else {
                    messages += 1;
                    assert_eq!(event["message"], messages);
                }
            }
            Ok::<_, Error>(receipts)
        })
    });
    let talking: Vec<_> = talking.collect();
    let mut receipts = Vec::new();
    for talker in talking {
        receipts.extend(talker.await??);
    }
    receipts.sort_unstable();
    assert!(receipts.into_iter().eq(1..=4 * EACH as u64), "each message has one receipt");
    Ok(())
}

#[sockeye::test]
async fn comes_alone_for_what_was_there_before() -> Result<()> {
    let (client, hub) = client();
    let mut ann = client.websocket_connect("/say/a").await?;
    let mut bob = client.websocket_connect("/say/a").await?;
    until("two members", || hub.room("a").len() == 2).await;
    for (at, is_new) in [(0, true), (1, false), (2, false)] {
        ann.send_text("key x").await?;
        assert_eq!(ann.receive_json::<Value>().await?, json!({ "receipt": 1, "new": is_new }), "{at}");
        if is_new {
            assert_eq!(ann.receive_json::<Value>().await?, json!({ "message": 1 }));
        }
        assert_eq!(ann.receive_json::<Value>().await?, json!({ "done": 1 }));
    }
    ann.send_text("other x").await?;
    for offset in 1..=2 {
        assert_eq!(bob.receive_json::<Value>().await?, json!({ "message": offset }));
    }
    Ok(())
}

#[sockeye::test]
async fn a_panic_costs_the_receipt_and_no_more() -> Result<()> {
    let (client, _hub) = client();
    let mut ws = client.websocket_connect("/say/a").await?;
    ws.send_text("- panic").await?;
    assert_eq!(ws.receive_json::<Value>().await?, json!({ "message": 1 }));
    assert_eq!(ws.receive_json::<Value>().await?, json!({ "done": 1 }));
    ws.send_text("- x").await?;
    assert_eq!(ws.receive_json::<Value>().await?, json!({ "receipt": 2, "new": true }));
    Ok(())
}
