//! Questions both ways.

use std::time::Duration;

use serde_json::{Value, json};
use sockeye::{
    client::{Client, Event},
    prelude::*,
    time::{sleep, timeout},
};

use super::{
    stage::{Peer, stage},
    until,
};

const LONG: Duration = Duration::from_secs(10);

async fn json(peer: &mut Peer) -> Value {
    serde_json::from_str(&peer.text().await).unwrap()
}

/// Waits for a question, and answers it.
async fn answer(peer: &mut Peer, kind: &str, data: Value) {
    let question = json(peer).await;
    peer.send(&json!({ "type": kind, "id": question["id"], "data": data }).to_string()).await;
}

#[sockeye::test(start_paused = true)]
async fn answers_find_their_questions() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client<Value, Value> = builder.start()?;
    let mut peer = stage.accept().await;
    let ask = |number: u32| {
        let sender = client.sender();
        async move { sender.request::<u32>(&json!({ "type": "double", "number": number }), LONG).await }
    };
    let answering = async {
        let mut asked = Vec::new();
        for _ in 0..3 {
            asked.push(json(&mut peer).await);
        }
        peer.send(r#"{"type":"between"}"#).await;
        // In any order.
        for question in asked.iter().rev() {
            assert_eq!(question["type"], "double");
            let number = question["number"].as_u64().unwrap();
            peer.send(&json!({ "type": "reply", "id": question["id"], "data": 2 * number }).to_string()).await;
        }
        // Too late, and to nobody: the one goes nowhere, the other is a message like any other.
        peer.send(&json!({ "type": "reply", "id": asked[0]["id"], "data": 5 }).to_string()).await;
        peer.send(r#"{"type":"reply","id":"q77"}"#).await;
    };
    let (one, two, three, ()) = tokio::join!(ask(1), ask(2), ask(3), answering);
    assert_eq!((one?, two?, three?), (2, 4, 6));
    assert_eq!(client.receive().await?["type"], "between");
    assert_eq!(client.receive().await?["id"], "q77");
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn what_can_go_wrong_is_told_apart() -> Result<()> {
    let (builder, mut stage) = stage();
    let client: Client<Value, Value> = builder.start()?;
    let mut peer = stage.accept().await;
    let event = json!({ "type": "x" });
    let ask = || client.request::<u32>(&event, LONG);

    let busy = json!({ "code": "busy", "message": "not now" });
    let (answered, ()) = tokio::join!(ask(), answer(&mut peer, "error", busy));
    let error = answered.unwrap_err();
    assert_eq!((error.is_answer(), error.code(), &*error.to_string()), (true, Some("busy"), "not now"));

    let (answered, ()) = tokio::join!(ask(), answer(&mut peer, "reply", json!("text")));
    assert!(answered.unwrap_err().is_invalid_message());

    let error = ask().await.unwrap_err();
    assert!(error.is_timeout() && error.to_string() == "expected an answer within 10s, got none", "{error}");
    json(&mut peer).await;

    for event in [json!([1]), json!("x"), json!({}), json!({ "type": "x", "id": 1 })] {
        let error = client.request::<u32>(&event, LONG).await.unwrap_err();
        assert!(error.to_string().starts_with("expected an event "), "{error}");
    }

    let (answered, ()) = tokio::join!(ask(), async {
        json(&mut peer).await;
        drop(peer);
    });
    assert!(answered.unwrap_err().is_offline());

    // Asked without a connection, it waits for one.
    let (answered, ()) = tokio::join!(ask(), async {
        let mut peer = stage.accept().await;
        answer(&mut peer, "reply", json!(7)).await;
        peer.close(1000, "").await;
    });
    assert_eq!(answered?, 7);

    let (answered, closed) = tokio::join!(ask(), client.close(1000));
    assert!(answered.unwrap_err().is_offline());
    assert!(closed.is_ok(), "nobody waits for an answer any more, so the question is not missing: {closed:?}");
    Ok(())
}

/// Whoever has given up is not asked for.
#[sockeye::test(start_paused = true)]
async fn a_question_that_nobody_waits_for_is_not_sent() -> Result<()> {
    let (builder, mut stage) = stage();
    let client: Client<Value, Value> = builder.start()?;
    let short = Duration::from_millis(10);
    assert!(client.request::<u32>(&json!({ "type": "a" }), short).await.unwrap_err().is_timeout());
    assert!(timeout(short, client.request::<u32>(&json!({ "type": "b" }), LONG)).await.is_err());
    client.send(&json!({ "type": "c" })).await?;
    assert_eq!(stage.accept().await.text().await, r#"{"type":"c"}"#);
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn open_questions_are_bounded() -> Result<()> {
    let (builder, _stage) = stage();
    let client: Client<Value, Value> = builder.queue(2000, 1 << 20).start()?;
    let event = json!({ "type": "x" });
    let asked: Vec<_> = (0..1024).map(|_| client.request::<Value>(&event, LONG)).collect();
    let all = futures_util::future::join_all(asked);
    let (answers, ()) = tokio::join!(all, async {
        sleep(Duration::from_secs(1)).await;
        let error = client.request::<Value>(&event, LONG).await.unwrap_err();
        assert!(error.is_limit() && error.to_string().contains("at most 1024 questions"), "{error}");
    });
    assert!(answers.into_iter().all(|answer| answer.unwrap_err().is_timeout()));
    // They are no longer open.
    assert!(client.request::<Value>(&event, LONG).await.unwrap_err().is_timeout());
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_full_queue_without_a_connection_drops_questions_too() -> Result<()> {
    let (builder, mut stage) = stage();
    let client: Client<Value, Value> = builder.queue(1, 1000).start()?;
    stage.leave();
    let event = json!({ "type": "x" });
    let (asked, sent) = tokio::join!(client.request::<Value>(&event, LONG), client.send(&event));
    sent?;
    let error = asked.unwrap_err();
    assert!(error.is_offline() && error.to_string().contains("dropped from the queue"), "{error}");
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn the_server_may_ask_too() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client<Value> = builder.questions(["version"]).start()?;
    let mut peer = stage.accept().await;
    peer.send(r#"{"type":"version","id":"q1","of":"client"}"#).await;
    peer.send(r#"{"type":"version","id":2}"#).await;
    peer.send(r#"{"type":"version"}"#).await;
    peer.send(r#"{"type":"other","id":"q3"}"#).await;
    let question = async |client: &mut Client<Value>| {
        soon_question(client).await.unwrap_or_else(|message| panic!("expected a question, got {message}"))
    };
    let (event, first) = question(&mut client).await;
    assert_eq!(event["of"], "client");
    first.answer(&json!({ "major": 1 })).await?;
    let (_, second) = question(&mut client).await;
    second.refuse("unknown", "nobody knows").await?;
    assert_eq!(peer.text().await, r#"{"type":"reply","id":"q1","data":{"major":1}}"#);
    let expected = json!({ "type": "error", "id": 2, "data": { "code": "unknown", "message": "nobody knows" } });
    assert_eq!(json(&mut peer).await, expected);
    for _ in 0..2 {
        assert!(soon_question(&mut client).await.is_err(), "a message like any other");
    }

    // An answer is for the connection on which was asked.
    peer.send(r#"{"type":"version","id":"q4"}"#).await;
    let (_, late) = question(&mut client).await;
    drop(peer);
    let mut peer = stage.accept().await;
    client.opened().await?;
    let error = late.answer(&1).await.unwrap_err();
    assert!(error.is_offline() && error.to_string().contains("is gone"), "{error}");
    client.send_text("next").await?;
    assert_eq!(peer.text().await, "next");
    Ok(())
}

async fn soon_question(client: &mut Client<Value>) -> Result<(Value, sockeye::client::Question), Value> {
    loop {
        match client.next().await.unwrap().unwrap() {
            Event::Question(event, question) => return Ok((event, question)),
            Event::Message(message) => return Err(message),
            _ => {}
        }
    }
}

/// An answer that waits while the connection breaks does not get to the next.
#[sockeye::test(start_paused = true)]
async fn answers_in_the_queue_die_with_their_connection() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client<Value> = builder.questions(["a"]).start()?;
    let mut peer = stage.accept().await;
    peer.send(r#"{"type":"a","id":1}"#).await;
    let question = until(&mut client, "a question", |event| matches!(event, Event::Question(..)).then_some(())).await;
    let () = question;
    peer.send(r#"{"type":"a","id":2}"#).await;
    let (_, question) = soon_question(&mut client).await.unwrap();
    // The server does not read: the pipe fills, and then the queue.
    for _ in 0..32 {
        client.send_text("x".repeat(1024)).await?;
    }
    question.answer(&"late").await?;
    drop(peer);
    let mut peer = stage.accept().await;
    client.send_text("end").await?;
    loop {
        match &*peer.text().await {
            "end" => return Ok(()),
            text => assert!(text.starts_with('x'), "{text}"),
        }
    }
}
