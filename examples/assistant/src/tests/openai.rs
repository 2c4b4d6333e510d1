//! The assistant with a model's server.

use serde_json::json;
use sockeye::{Result, TestClient, TestSocket};

use super::{answer, chunk, done, error, fake::Fake, start};
use crate::{Model, app};

async fn asked(question: &str) -> Result<(Fake, TestSocket)> {
    let fake = Fake::start().await?;
    let client = TestClient::new(app(Model::openai(&fake.url, Some("the-key"), "the-model")?));
    let mut ws = client.websocket_connect("/api/chat-ws").await?;
    ws.send_text(question).await?;
    Ok((fake, ws))
}

#[sockeye::test]
async fn asks_as_the_api_says() -> Result<()> {
    let (mut fake, mut ws) = asked(r#"{"content":"¿Qué?"}"#).await?;
    let mut request = fake.request().await;
    assert!(request.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", request.head);
    for line in ["\r\nauthorization: Bearer the-key", "\r\ncontent-type: application/json", "\r\nhost: 127.0.0.1:"] {
        assert!(request.head.contains(line), "{}", request.head);
    }
    let messages = json!([{ "role": "user", "content": "¿Qué?" }]);
    assert_eq!(request.body, json!({ "model": "the-model", "stream": true, "messages": messages }));
    request.begin().await?;
    // Each word goes on as soon as it is there.
    assert_eq!(ws.receive_json::<serde_json::Value>().await?, start());
    for word in ["Yes", ", ", "no.\n"] {
        request.word(word).await?;
        assert_eq!(ws.receive_json::<serde_json::Value>().await?, chunk(word));
    }
    request.done().await?;
    assert_eq!(ws.receive_json::<serde_json::Value>().await?, done());
    ws.close(1000).await
}

/// What is between the words does not matter, and neither does how the bytes are cut.
#[sockeye::test]
async fn reads_the_answer_however_it_is_cut() -> Result<()> {
    let body = [
        ": a comment\r\n\r\n",
        "event: x\r\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\r\n\r\n",
        "data:{\"choices\":[{\"delta\":{\"content\":\"é日\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"🐟\\nx\"}}],\"other\":{\"a\":[]}}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":null}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n",
        "data: [DONE]\n\ndata: never read\n\n",
    ];
    let body = body.concat();
    for size in [1, 2, 3, 7, 64, body.len()] {
        let (mut fake, mut ws) = asked("?").await?;
        let mut request = fake.request().await;
        request.begin().await?;
        for part in body.as_bytes().chunks(size) {
            request.part(part).await?;
        }
        request.send("0\r\n\r\n").await?;
        assert_eq!(answer(&mut ws).await?, [start(), chunk("é日"), chunk("🐟\nx"), done()], "{size}");
    }
    Ok(())
}

/// Not every server says the last word.
#[sockeye::test]
async fn a_reason_to_finish_is_an_end_too() -> Result<()> {
    let (mut fake, mut ws) = asked("?").await?;
    let mut request = fake.request().await;
    request.begin().await?;
    request.part("data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n").await?;
    request.send("0\r\n\r\n").await?;
    assert_eq!(answer(&mut ws).await?, [start(), chunk("x"), done()]);
    Ok(())
}

/// The same socket, through every way to fail, and a good answer at the end. The server's own words stay here: they may
/// quote the key.
#[sockeye::test]
async fn a_failing_model_is_an_error_and_the_socket_stays_open() -> Result<()> {
    let mut fake = Fake::start().await?;
    let client = TestClient::new(app(Model::openai(&fake.url, None, "m")?));
    let mut ws = client.websocket_connect("/api/chat-ws").await?;
    let good = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n";
    let refused = |line: &str| format!("HTTP/1.1 {line}\r\ncontent-length: 19\r\n\r\nbad key: sk-123-abc");
    let sized = |body: &str| format!("{good}content-length: {}\r\n\r\n{body}", body.len());
    for (bytes, parts, message) in [
        (refused("401 Unauthorized"), 0, "refused to answer: 401 Unauthorized"),
        (refused("429 Too Many Requests"), 0, "refused to answer: 429 Too Many Requests"),
        (refused("500 Internal Server Error"), 0, "refused to answer: 500 Internal Server Error"),
        (refused("204 No Content"), 0, "refused to answer: 204 No Content"),
        (refused("200 OK"), 0, "expected a stream of events"),
        ("garbage\r\n\r\n".to_owned(), 0, "can't be reached"),
        (String::new(), 0, "can't be reached"),
        (sized("data: {not json}\n\n"), 0, "no part of an answer"),
        (sized("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: \u{0}\n\n"), 1, "no part of an answer"),
        (sized("data: {\"choices\":7}\n\n"), 0, "no part of an answer"),
        (sized("data: {\"error\":{\"message\":\"bad key: sk-123-abc\"}}\n\n"), 0, "reported an error"),
        (sized("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"), 1, "broke off"),
        (sized(""), 0, "broke off"),
        (format!("{good}content-length: 99\r\n\r\ndata: {{\"choices\":[]}}\n\n"), 0, "broke off"),
        (format!("{good}transfer-encoding: chunked\r\n\r\nfff\r\ndata: x"), 0, "broke off"),
        (sized(&format!("data: {}", "x".repeat(2 << 20))), 0, "no part of an answer"),
    ] {
        ws.send_text("?").await?;
        let mut request = fake.request().await;
        assert!(!request.head.contains("authorization"), "{}", request.head);
        // The assistant may have heard enough before the end.
        let _sent_or_not = request.send(&bytes).await;
        drop(request);
        let steps = answer(&mut ws).await?;
        assert_eq!((&steps[0], steps.len()), (&start(), parts + 2), "{bytes:.200}: {steps:?}");
        let text = steps[parts + 1]["message"].as_str().unwrap_or_default();
        assert!(text.contains(message) && !text.contains("sk-123"), "{bytes:.200}: {steps:?}");
    }
    ws.send_text("?").await?;
    let mut request = fake.request().await;
    request.begin().await?;
    request.word("fine").await?;
    request.done().await?;
    assert_eq!(answer(&mut ws).await?, [start(), chunk("fine"), done()]);
    ws.close(1000).await
}

#[sockeye::test]
async fn nobody_there() -> Result<()> {
    // A port that was free a moment ago.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    drop(listener);
    for url in [format!("http://{address}"), format!("https://{address}/v1")] {
        let client = TestClient::new(app(Model::openai(&url, None, "m")?));
        let mut ws = client.websocket_connect("/api/chat-ws").await?;
        ws.send_text("?").await?;
        assert_eq!(answer(&mut ws).await?, [start(), error("the model's server can't be reached")]);
    }
    Ok(())
}

/// Whatever the model is doing, it is told at once that nobody listens any more.
#[sockeye::test]
async fn the_clients_leaving_cancels_the_request() -> Result<()> {
    for (step, way) in [(0, "close"), (1, "close"), (2, "close"), (0, "drop"), (1, "drop"), (2, "drop")] {
        let (mut fake, mut ws) = asked("?").await?;
        // It waits for its turn, which never comes.
        ws.send_text("??").await?;
        let mut request = fake.request().await;
        assert_eq!(ws.receive_json::<serde_json::Value>().await?, start());
        if step >= 1 {
            request.begin().await?;
        }
        if step >= 2 {
            request.word("x").await?;
            assert_eq!(ws.receive_json::<serde_json::Value>().await?, chunk("x"));
        }
        match way {
            "close" => ws.close(1000).await?,
            _ => drop(ws),
        }
        request.left().await;
        assert!(fake.has_no_request(), "asked for somebody who has left");
    }
    Ok(())
}

#[sockeye::test]
async fn a_second_question_is_queued() -> Result<()> {
    let (mut fake, mut ws) = asked("first").await?;
    ws.send_text("second").await?;
    let mut request = fake.request().await;
    request.begin().await?;
    request.word("1").await?;
    assert_eq!(ws.receive_json::<serde_json::Value>().await?, start());
    assert_eq!(ws.receive_json::<serde_json::Value>().await?, chunk("1"));
    assert!(fake.has_no_request(), "both at once");
    request.done().await?;
    assert_eq!(ws.receive_json::<serde_json::Value>().await?, done());
    drop(request);
    let mut request = fake.request().await;
    assert_eq!(request.body["messages"][0]["content"], "second");
    request.begin().await?;
    request.word("2").await?;
    request.done().await?;
    assert_eq!(answer(&mut ws).await?, [start(), chunk("2"), done()]);
    Ok(())
}

#[test]
fn settings_that_can_not_work_are_refused_at_start() {
    for (url, key, expected) in [
        ("localhost:8080", None, "expected OPENAI_BASE_URL to be a URL"),
        ("ftp://example.com", None, "expected OPENAI_BASE_URL to be a URL"),
        ("/v1", None, "expected OPENAI_BASE_URL to be a URL"),
        ("http://a b", None, "expected OPENAI_BASE_URL to be a URL"),
        ("https://example.com", Some("a\nb"), "expected OPENAI_API_KEY to be visible"),
    ] {
        let error = Model::openai(url, key, "m").unwrap_err().to_string();
        assert!(error.starts_with(expected), "{url}: {error}");
    }
    let model = Model::openai("https://user:secret@example.com/v1", Some("the-key"), "m").unwrap();
    assert_eq!(model.to_string(), "m at example.com");
    assert!(!format!("{model:?}").contains("secret") && !format!("{model:?}").contains("the-key"), "{model:?}");
}
