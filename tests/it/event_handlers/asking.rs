//! Questions and answers, both ways.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sockeye::{TestSocket, prelude::*};

use tokio::sync::Notify;

use super::{Log, next};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Add {
    a: u32,
    b: u32,
}

#[derive(Serialize)]
struct Sum {
    sum: u32,
}

#[derive(Debug)]
struct Own(Error);

impl std::fmt::Display for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("own")
    }
}

impl std::error::Error for Own {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

macro_rules! clerk {
    ($name:ident, $path:literal, $invalid:literal) => {
        #[derive(Default)]
        struct $name {
            log: Log,
        }

        #[websocket($path, invalid = $invalid)]
        impl $name {
            #[on("add")]
            async fn add(&self, peer: &Peer, Add { a, b }: Add) -> Result<Sum> {
                let sum = a.checked_add(b).ok_or_else(|| Error::answer("too_large", "expected a sum below 2^32"))?;
                Ok(Sum { sum })
            }

            #[on("note")]
            async fn note(&self, peer: &Peer) -> Result<()> {
                peer.send_text("noted").await
            }

            #[on("nothing")]
            async fn nothing(&self, peer: &Peer) {}

            #[on("wrapped")]
            async fn wrapped(&self, peer: &Peer) -> Result<u8, Own> {
                Err(Own(Error::answer("wrapped", "deep inside")))
            }

            #[on("anyhow")]
            async fn anyhow(&self, peer: &Peer) -> anyhow::Result<Option<u8>> {
                Err(Error::answer("anyhow", "deeper"))?
            }

            #[on("unwritable")]
            async fn unwritable(&self, peer: &Peer) -> Result<std::collections::BTreeMap<Vec<u8>, u8>> {
                Ok([(vec![1], 1)].into())
            }

            async fn error(&self, peer: &Peer, error: &Error) {
                self.log.note(error.to_string());
            }
        }
    };
}

clerk!(Clerk, "/clerk", "reply");
clerk!(Passing, "/passing", "pass");

async fn said(ws: &mut TestSocket, text: &str) -> Result<Value> {
    ws.send_text(text).await?;
    ws.receive_json().await
}

#[sockeye::test]
async fn what_a_method_returns_answers_who_has_asked() -> Result<()> {
    let client = TestClient::new(App::new().route(Clerk::default()));
    let mut ws = client.websocket_connect("/clerk").await?;
    let sum = json!({"type": "reply", "id": 7, "data": {"sum": 3}});
    assert_eq!(said(&mut ws, r#"{"type":"add","id":7,"a":1,"b":2}"#).await?, sum);
    let reply = json!({"type": "reply", "id": "x\"\u{0}é", "data": null});
    assert_eq!(said(&mut ws, &json!({"type": "nothing", "id": "x\"\u{0}é"}).to_string()).await?, reply);
    // What the method itself sends comes first.
    ws.send_text(r#"{"type":"note","id":1.5}"#).await?;
    assert_eq!(ws.receive_text().await?, "noted");
    assert_eq!(ws.receive_text().await?, r#"{"type":"reply","id":1.5,"data":null}"#);
    Ok(())
}

#[sockeye::test]
async fn who_has_not_asked_gets_no_answer() -> Result<()> {
    let client = TestClient::new(App::new().route(Clerk::default()));
    let mut ws = client.websocket_connect("/clerk").await?;
    let long = json!({"type": "nothing", "id": "x".repeat(65)}).to_string();
    for text in [
        r#"{"type":"add","a":1,"b":2}"#,
        r#"{"type":"nothing"}"#,
        r#"{"type":"nothing","id":null}"#,
        r#"{"type":"nothing","id":{"id":1}}"#,
        r#"{"type":"nothing","id":[1]}"#,
        r#"{"type":"nothing","id":true}"#,
        &long,
    ] {
        ws.send_text(text).await?;
    }
    ws.send_text(r#"{"type":"note"}"#).await?;
    assert_eq!(ws.receive_text().await?, "noted");
    ws.expect_silence(Duration::from_millis(50)).await
}

#[sockeye::test]
async fn an_error_that_is_an_answer_keeps_the_connection() -> Result<()> {
    let client = TestClient::new(App::new().route(Clerk::default()));
    let mut ws = client.websocket_connect("/clerk").await?;
    let error = json!({"code": "too_large", "message": "expected a sum below 2^32"});
    for (text, answer) in [
        (r#"{"type":"add","id":1,"a":4294967295,"b":1}"#, json!({"type": "error", "id": 1, "data": error})),
        (r#"{"type":"add","a":4294967295,"b":1}"#, json!({"type": "error", "data": error})),
        (
            r#"{"type":"wrapped","id":"w"}"#,
            json!({"type": "error", "id": "w", "data": {"code": "wrapped", "message": "deep inside"}}),
        ),
        (
            r#"{"type":"anyhow","id":2}"#,
            json!({"type": "error", "id": 2, "data": {"code": "anyhow", "message": "deeper"}}),
        ),
    ] {
        assert_eq!(said(&mut ws, text).await?, answer);
    }
    Ok(())
}

/// What can't be written, and any other error, is the server's fault.
#[sockeye::test]
async fn any_other_error_ends_the_connection() -> Result<()> {
    let clerk = Arc::new(Clerk::default());
    let mut log = clerk.log.listen();
    let client = TestClient::new(App::new().route(clerk));
    let mut ws = client.websocket_connect("/clerk").await?;
    ws.send_text(r#"{"type":"unwritable"}"#).await?;
    ws.send_text(r#"{"type":"unwritable","id":1}"#).await?;
    ws.expect_close(1011).await?;
    assert!(next(&mut log).await.contains("key must be a string"));
    Ok(())
}

#[sockeye::test]
async fn what_is_invalid_is_answered_under_its_id() -> Result<()> {
    let passing = Arc::new(Passing::default());
    let mut log = passing.log.listen();
    let client = TestClient::new(App::new().route(Clerk::default()).route(passing));
    for path in ["/clerk", "/passing"] {
        let mut ws = client.websocket_connect(path).await?;
        for (text, id) in [
            (r#"{"type":"add","id":7,"a":1}"#, json!(7)),
            (r#"{"type":"unknown","id":"u"}"#, json!("u")),
            (r#"{"id":8}"#, json!(8)),
            (r#"{"id":9,"type":7}"#, json!(9)),
        ] {
            let error = said(&mut ws, text).await?;
            assert_eq!((&error["type"], &error["id"]), (&json!("error"), &id), "{path} {text}");
            assert_eq!(error["data"]["code"], "invalid_message");
        }
    }
    for _ in 0..4 {
        assert!(next(&mut log).await.starts_with("invalid message: "));
    }
    let mut ws = client.websocket_connect("/clerk").await?;
    assert_eq!(said(&mut ws, r#"{"type":"unknown"}"#).await?.get("id"), None);
    Ok(())
}

/// A typed socket does it too, as far as the framework answers there.
#[sockeye::test]
async fn a_typed_socket_names_the_id() -> Result<()> {
    let handler = async |ws: WebSocket| {
        let mut ws = ws.typed::<Add, Value>();
        ws.receive().await.map(drop)
    };
    let client = TestClient::new(App::new().websocket("/typed", handler));
    let mut ws = client.websocket_connect("/typed").await?;
    assert_eq!(said(&mut ws, r#"{"type":"add","id":7,"a":1}"#).await?["id"], 7);
    Ok(())
}

// ---------------------------------------------------------------- pings

#[derive(Default)]
struct Echo;

#[websocket("/echo")]
impl Echo {
    async fn message(&self, peer: &Peer, message: Message) -> Result<()> {
        peer.send(&message).await
    }
}

#[derive(Default)]
struct Own2;

#[websocket("/own")]
impl Own2 {
    #[on("ping")]
    async fn ping(&self, peer: &Peer) -> Result<&'static str> {
        peer.send_text("mine").await?;
        Ok("mine too")
    }
}

#[sockeye::test]
async fn pings_are_answered_unless_a_method_takes_them() -> Result<()> {
    let client = TestClient::new(App::new().route(Clerk::default()).route(Echo).route(Own2));
    for path in ["/clerk", "/echo"] {
        let mut ws = client.websocket_connect(path).await?;
        assert_eq!(said(&mut ws, r#"{"type":"ping"}"#).await?, json!({"type": "pong"}));
        assert_eq!(said(&mut ws, r#"{"type":"ping","id":1}"#).await?, json!({"type": "reply", "id": 1, "data": null}));
    }
    let mut ws = client.websocket_connect("/echo").await?;
    for text in ["ping", r#"{"kind":"ping"}"#, r#"["ping"]"#, r#"{"type":"pong"}"#] {
        ws.send_text(text).await?;
        assert_eq!(ws.receive_text().await?, text);
    }
    ws.send_bytes(r#"{"type":"ping"}"#).await?;
    assert_eq!(ws.receive_bytes().await?, r#"{"type":"ping"}"#);
    let mut ws = client.websocket_connect("/own").await?;
    ws.send_text(r#"{"type":"ping","id":1}"#).await?;
    assert_eq!(ws.receive_text().await?, "mine");
    assert_eq!(ws.receive_json::<Value>().await?["data"], "mine too");
    Ok(())
}

// ---------------------------------------------------------------- the server asks

/// Asks whatever it is told to ask, and says what came of it.
#[derive(Default)]
struct Asker {
    peer: Mutex<Option<Peer>>,
    log: Log,
    go_on: Notify,
}

impl Asker {
    fn note<T: std::fmt::Debug>(&self, answer: Result<T>) {
        self.log.note(match answer {
            Ok(value) => format!("{value:?}"),
            Err(error) if error.is_disconnect() => "disconnected".into(),
            Err(error) => format!("{:?} {:?}: {error}", error.kind(), error.code()),
        });
    }

    fn peer(&self) -> Peer {
        self.peer.lock().expect("no panic").clone().expect("a peer")
    }
}

#[websocket("/asker")]
impl Asker {
    async fn open(&self, peer: &Peer) {
        *self.peer.lock().expect("no panic") = Some(peer.clone());
        self.log.note("open");
    }

    #[on("ask")]
    async fn ask(&self, peer: &Peer) {
        self.note(peer.request::<u8>(&json!({"type": "number"}), SECOND).await);
    }

    #[on("block")]
    async fn block(&self, peer: &Peer) {
        self.log.note("block");
        self.go_on.notified().await;
    }

    async fn message(&self, peer: &Peer, text: String) {
        self.log.note(format!("message {text}"));
    }

    async fn close(&self, peer: &Peer) {
        self.log.note("close");
    }
}

struct Bench {
    asker: Arc<Asker>,
    log: tokio::sync::mpsc::UnboundedReceiver<String>,
    hub: Hub,
    ws: TestSocket,
}

async fn bench(change: impl FnOnce(&mut sockeye::Limits)) -> Result<Bench> {
    bench_over(false, change).await
}

async fn bench_over(tcp: bool, change: impl FnOnce(&mut sockeye::Limits)) -> Result<Bench> {
    let asker = Arc::new(Asker::default());
    let mut log = asker.log.listen();
    let mut limits = sockeye::Limits::default();
    change(&mut limits);
    let app = App::new().limits(limits).route(asker.clone());
    let hub = app.hub();
    // Over a port: what is sent leaves without waking the driver.
    let client = if tcp { TestClient::tcp(app).await? } else { TestClient::new(app) };
    let ws = client.websocket_connect("/asker").await?;
    assert_eq!(next(&mut log).await, "open");
    Ok(Bench { asker, log, hub, ws })
}

/// A method that waits for an answer is what keeps all other messages waiting, so the answer must get by: more of them than
/// the inbox holds by itself, of which some have filled it before the question.
#[sockeye::test]
async fn a_method_gets_its_answer_while_it_waits() -> Result<()> {
    let Bench { mut log, mut ws, hub, .. } = bench(|_| {}).await?;
    for before in [0, 100] {
        ws.send_text(r#"{"type":"ask"}"#).await?;
        for number in 0..before {
            ws.send_text(number.to_string()).await?;
        }
        let id = ws.receive_json::<Value>().await?["id"].take();
        for number in before..1000 {
            ws.send_text(number.to_string()).await?;
        }
        ws.send_text(json!({"type": "reply", "id": id, "data": 7}).to_string()).await?;
        assert_eq!(next(&mut log).await, "7");
        for number in 0..1000 {
            assert_eq!(next(&mut log).await, format!("message {number}"));
        }
    }
    assert_eq!(hub.stats().stray_answers, 0);
    Ok(())
}

/// The driver has stopped reading, as the inbox is full, and nobody receives.
#[sockeye::test]
async fn a_question_makes_room_for_its_answer() -> Result<()> {
    let Bench { asker, mut log, mut ws, .. } = bench_over(true, |_| {}).await?;
    ws.send_text(r#"{"type":"block"}"#).await?;
    assert_eq!(next(&mut log).await, "block");
    for number in 0..100 {
        ws.send_text(number.to_string()).await?;
    }
    ws.expect_silence(Duration::from_millis(20)).await?;
    let (peer, question) = (asker.peer(), json!({"type": "x"}));
    let answer = async {
        ws.receive_text().await?;
        ws.send_text(r#"{"type":"reply","id":"q1","data":7}"#).await
    };
    // A driver that has stopped looks after its stream once a second.
    let soon = Duration::from_millis(800);
    let (answered, sent) = tokio::join!(peer.request::<u8>(&question, soon), answer);
    sent?;
    assert_eq!(answered?, 7);
    // There is no more room now than there was before, and less than is used.
    for number in 100..200 {
        ws.send_text(number.to_string()).await?;
    }
    ws.expect_silence(Duration::from_millis(20)).await?;
    asker.go_on.notify_one();
    for number in 0..200 {
        assert_eq!(next(&mut log).await, format!("message {number}"));
    }
    Ok(())
}

#[sockeye::test]
async fn answers_of_all_kinds() -> Result<()> {
    let Bench { mut log, mut ws, .. } = bench(|_| {}).await?;
    let long = "x".repeat(10_000);
    for (number, (answer, got)) in [
        (json!({"type": "reply", "data": 7}), "7".into()),
        (
            json!({"type": "reply", "data": "7"}),
            "InvalidMessage None: invalid message: invalid type: string \"7\"".into(),
        ),
        (json!({"type": "reply"}), "InvalidMessage None: invalid message: missing field `data`".into()),
        (
            json!({"type": "error", "data": {"code": "busy", "message": "not now"}}),
            "Answer Some(\"busy\"): not now".to_owned(),
        ),
        (json!({"type": "error", "data": []}), "Answer Some(\"error\"): the peer refused to answer".into()),
        (
            json!({"type": "error", "data": {"code": "long", "message": long}}),
            format!("Answer Some(\"long\"): {}…", &long[..500]),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        ws.send_text(r#"{"type":"ask"}"#).await?;
        let mut answer = answer;
        answer["id"] = ws.receive_json::<Value>().await?["id"].take();
        assert_eq!(answer["id"], format!("q{}", number + 1));
        ws.send_text(answer.to_string()).await?;
        let noted = next(&mut log).await;
        assert!(noted.starts_with(&got), "{answer}: {noted}");
    }
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn late_and_unknown_answers_are_counted_and_not_shown() -> Result<()> {
    let Bench { mut log, mut ws, hub, .. } = bench(|_| {}).await?;
    // Nobody has asked yet, so this is no answer.
    ws.send_text(r#"{"type":"reply","id":"q1"}"#).await?;
    assert_eq!(next(&mut log).await, r#"message {"type":"reply","id":"q1"}"#);
    let before = tokio::time::Instant::now();
    ws.send_text(r#"{"type":"ask"}"#).await?;
    assert_eq!(next(&mut log).await, "Timeout None: expected the peer's answer within 1s, got none");
    assert_eq!(before.elapsed().as_secs(), 1);
    let large = json!({"type": "reply", "id": "q1", "data": "x".repeat(200_000)}).to_string();
    for text in [
        r#"{"type":"reply","id":"q1","data":1}"#,
        r#"{"type":"error","id":"q1"}"#,
        r#"{"type":"reply","id":"q99"}"#,
        r#"{"type":"reply","id":7}"#,
        &large,
    ] {
        ws.send_text(text).await?;
    }
    // These are none.
    for text in [r#"{"type":"error","data":1}"#, r#"{"type":"reply"}"#, r#"{"type":"number","id":"q1"}"#] {
        ws.send_text(text).await?;
        assert_eq!(next(&mut log).await, format!("message {text}"));
    }
    assert_eq!(hub.stats().stray_answers, 5);
    // An answer counts once.
    ws.send_text(r#"{"type":"ask"}"#).await?;
    assert_eq!(ws.receive_json::<Value>().await?["id"], "q1");
    assert_eq!(ws.receive_json::<Value>().await?["id"], "q2");
    for _ in 0..2 {
        ws.send_text(r#"{"type":"reply","id":"q2","data":3}"#).await?;
    }
    assert_eq!(next(&mut log).await, "3");
    ws.send_text("last").await?;
    assert_eq!(next(&mut log).await, "message last");
    assert_eq!(hub.stats().stray_answers, 6);
    Ok(())
}

#[sockeye::test]
async fn answers_may_come_in_any_order() -> Result<()> {
    let Bench { asker, mut ws, .. } = bench(|_| {}).await?;
    let peer = asker.peer();
    let ask = |number: u32| {
        let peer = peer.clone();
        sockeye::spawn(async move { peer.request::<u32>(&json!({"type": "x", "number": number}), SECOND).await })
    };
    let asked: Vec<_> = (0..10).map(ask).collect();
    let mut questions = Vec::new();
    for _ in 0..10 {
        questions.push(ws.receive_json::<Value>().await?);
    }
    for question in questions.iter().rev() {
        let answer = json!({"type": "reply", "id": question["id"], "data": question["number"]});
        ws.send_text(answer.to_string()).await?;
    }
    for (number, asked) in asked.into_iter().enumerate() {
        assert_eq!(asked.await?? as usize, number);
    }
    Ok(())
}

#[sockeye::test]
async fn a_peer_that_goes_answers_nothing() -> Result<()> {
    let Bench { asker, mut log, mut ws, .. } = bench(|_| {}).await?;
    let peer = asker.peer();
    let asked = sockeye::spawn(async move { peer.request::<u8>(&json!({"type": "x"}), 60 * SECOND).await });
    ws.send_text(r#"{"type":"ask"}"#).await?;
    for _ in 0..2 {
        ws.receive_text().await?;
    }
    ws.close(1000).await?;
    assert_eq!(next(&mut log).await, "disconnected");
    assert_eq!(next(&mut log).await, "close");
    assert!(asked.await?.unwrap_err().is_disconnect());
    let error = asker.peer().request::<u8>(&json!({"type": "x"}), SECOND).await.unwrap_err();
    assert!(error.is_disconnect(), "{error}");
    Ok(())
}

#[sockeye::test]
async fn open_questions_are_limited_and_those_withdrawn_do_not_count() -> Result<()> {
    let Bench { asker, mut ws, hub, .. } = bench(|limits| limits.max_open_requests = 2).await?;
    let peer = asker.peer();
    let question = json!({"type": "x"});
    let ask = || peer.request::<u8>(&question, SECOND);
    for _ in 0..5 {
        let (mut one, mut two) = (Box::pin(ask()), Box::pin(ask()));
        for open in [&mut one, &mut two] {
            assert!(futures_util::poll!(open).is_pending());
        }
        let error = ask().await.unwrap_err();
        assert!(error.is_limit(), "{error}");
        assert_eq!(error.to_string(), "expected at most 2 requests to a peer without an answer");
        drop(one);
        let mut three = Box::pin(ask());
        assert!(futures_util::poll!(&mut three).is_pending());
        assert!(ask().await.unwrap_err().is_limit());
    }
    // The answer to what was withdrawn goes nowhere, that to what is open where it belongs.
    let last = ask();
    let answer = async {
        ws.send_text(r#"{"type":"reply","id":"q1","data":1}"#).await?;
        loop {
            let question: Value = ws.receive_json().await?;
            if question["id"] == "q16" {
                break ws.send_text(r#"{"type":"reply","id":"q16","data":16}"#).await;
            }
        }
    };
    let (last, answered) = tokio::join!(last, answer);
    answered?;
    assert_eq!((last?, hub.stats().stray_answers), (16, 1));
    Ok(())
}

#[sockeye::test]
async fn what_is_no_question_is_not_sent() -> Result<()> {
    let Bench { asker, mut ws, .. } = bench(|limits| limits.max_open_requests = 1).await?;
    let peer = asker.peer();
    for (event, said) in [
        (json!(7), "expected an object with a `type`"),
        (json!({}), "missing field `type`"),
        (json!({"type": 7}), "invalid type: integer `7`"),
        (json!({"type": "x", "id": 1}), "got one that has its own"),
    ] {
        let error = peer.request::<u8>(&event, SECOND).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    ws.expect_silence(Duration::from_millis(20)).await
}

/// A function's socket asks in the same way, and so does a sender whose receiver nobody has.
#[sockeye::test]
async fn functions_can_ask_too() -> Result<()> {
    let handler = async |ws: WebSocket| {
        let first: u8 = ws.request(&json!({"type": "first"}), SECOND).await?;
        let (sender, receiver): (Sender, _) = ws.split();
        drop(receiver);
        let second: u8 = sender.request(&json!({"type": "second"}), SECOND).await?;
        sender.send_json(&(first + second)).await
    };
    let client = TestClient::new(App::new().websocket("/ask", handler));
    let mut ws = client.websocket_connect("/ask").await?;
    for (id, data) in [("q1", 3), ("q2", 4)] {
        assert_eq!(ws.receive_json::<Value>().await?["id"], id);
        ws.send_text(json!({"type": "reply", "id": id, "data": data}).to_string()).await?;
    }
    assert_eq!(ws.receive_json::<u8>().await?, 7);
    Ok(())
}
