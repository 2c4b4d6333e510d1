//! What is sent, and when.

use std::{convert::Infallible, future::poll_fn, pin::pin, time::Duration};

use futures_util::{StreamExt, stream};
use http_body::Body as _;
use sockeye::{Event, EventStream, LastEventId, prelude::*};

use crate::robustness::raw::Raw;

#[get("/said")]
async fn said(texts: State<Vec<String>>) -> Sse {
    Sse::new(stream::iter(Vec::clone(&texts)))
}

#[sockeye::test]
async fn every_text_arrives_as_it_is() -> Result<()> {
    let texts = [
        "",
        " ",
        "plain",
        "  two spaces",
        "two\nlines",
        "\n",
        "\n\n",
        "trailing\n",
        "\nleading",
        "a\n\nevent: forged\ndata: b",
        "event: forged",
        "data: x",
        "id: 9",
        "retry: 1",
        ":comment",
        "a:b: c",
        "nul\0inside",
        "é€😀\u{2028}\u{feff}",
        "\u{feff}",
    ];
    let texts = texts.map(str::to_owned).to_vec();
    let client = TestClient::new(App::new().state(texts.clone()).route(said));
    let mut events = client.get("/said").events().await?;
    for text in &texts {
        let event = events.next().await?;
        assert_eq!((event.name.as_str(), event.id.as_str(), &event.data), ("message", "", text));
    }
    events.expect_end().await;
    Ok(())
}

/// The format has one line end only.
#[sockeye::test]
async fn a_carriage_return_forges_nothing() -> Result<()> {
    let pairs = [
        ("a\rb", "a\nb"),
        ("a\r\nb", "a\nb"),
        ("a\r\revent: forged\rdata: b\r\r", "a\n\nevent: forged\ndata: b\n\n"),
        ("a\r\r\nb", "a\n\nb"),
        ("\r", "\n"),
        ("a\n\rb", "a\n\nb"),
    ];
    let texts = pairs.map(|(sent, _)| sent.to_owned()).to_vec();
    let client = TestClient::new(App::new().state(texts).route(said));
    let mut events = client.get("/said").events().await?;
    for (_, expected) in pairs {
        assert_eq!(events.next().await?.data, expected);
    }
    events.expect_end().await;
    Ok(())
}

#[test]
fn ids_and_names_that_would_end_a_line_are_refused() {
    for id in ["a\nb", "a\r", "\n", "a\0"] {
        let error = Event::new("x").id(id).unwrap_err().to_string();
        assert!(error.starts_with("expected an event's id without line ends and NUL, got "), "{error}");
    }
    for name in ["a\nb", "\r"] {
        let error = Event::new("x").name(name).unwrap_err().to_string();
        assert!(error.starts_with("expected an event's name without a line end, got "), "{error}");
    }
    let comment = Event::comment("a\ndata: forged\r\rdata: b").to_string();
    assert_eq!(comment, ": a\n: data: forged\n: \n: data: b\n\n");
}

#[get("/all")]
async fn all() -> Result<Sse> {
    let events = [
        Event::new("one").id(1)?,
        Event::comment("nobody sees this"),
        Event::json(&serde_json::json!({ "n": 2, "text": "a\r\nb" }))?.name("numbers")?.id("zwei")?,
        Event::new("three").retry(Duration::from_millis(1500)),
        Event::new("four").id("")?,
    ];
    Ok(Sse::new(stream::iter(events)).retry(Duration::from_secs(3)))
}

#[sockeye::test]
async fn events_have_names_ids_and_a_time_to_come_again() -> Result<()> {
    let client = TestClient::new(App::new().route(all));
    let mut events = client.get("/all").events().await?;
    let headers = events.headers();
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["x-accel-buffering"], "no");
    let one = events.next().await?;
    assert_eq!((one.name.as_str(), one.data.as_str(), one.id.as_str()), ("message", "one", "1"));
    assert_eq!(events.retry(), Some(Duration::from_secs(3)));
    let two = events.next().await?;
    assert_eq!((two.name.as_str(), two.id.as_str()), ("numbers", "zwei"));
    assert_eq!(two.json::<serde_json::Value>(), serde_json::json!({ "n": 2, "text": "a\r\nb" }));
    let three = events.next().await?;
    assert_eq!((three.name.as_str(), three.id.as_str()), ("message", "zwei"));
    assert_eq!(events.retry(), Some(Duration::from_millis(1500)));
    assert_eq!(events.next().await?.id, "");
    events.expect_end().await;
    Ok(())
}

/// The bytes as they are, to HTTP/1.0 and to `HEAD` as well.
#[sockeye::test]
async fn the_bytes_on_the_wire() -> Result<()> {
    let app = App::new().state(vec!["a\nb".to_owned()]).route(said);
    let server = app.serve(tokio::net::TcpListener::bind("127.0.0.1:0").await?);
    let body = ":\n\ndata: a\ndata: b\n\n";
    let get = async |request: &str| {
        let mut raw = Raw::connect(server.local_addr()).await;
        raw.send(format!("{request}\r\nHost: h\r\nConnection: close\r\n\r\n")).await;
        String::from_utf8(raw.rest().await).unwrap()
    };
    let old = get("GET /said HTTP/1.0").await;
    assert!(old.starts_with("HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n"), "{old}");
    assert!(old.ends_with(&format!("\r\n\r\n{body}")), "{old}");
    let head = get("HEAD /said HTTP/1.1").await;
    assert!(head.contains("\r\ncontent-type: text/event-stream\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let new = get("GET /said HTTP/1.1").await;
    assert!(new.contains("\r\ntransfer-encoding: chunked\r\n"), "{new}");
    assert!(new.ends_with("3\r\n:\n\n\r\n11\r\ndata: a\ndata: b\n\n\r\n0\r\n\r\n"), "{new}");
    Ok(())
}

/// The next part of an answer's body, and when it came.
async fn part(body: &mut sockeye::Body) -> Option<String> {
    let frame = poll_fn(|cx| pin!(&mut *body).poll_frame(cx)).await?;
    let data = frame.unwrap().into_data().unwrap();
    Some(String::from_utf8(data.to_vec()).unwrap())
}

#[sockeye::test(start_paused = true)]
async fn silence_is_broken_by_comments() -> Result<()> {
    let begin = tokio::time::Instant::now();
    let seconds = || begin.elapsed().as_secs();
    let after = |seconds| async move {
        sockeye::time::sleep(Duration::from_secs(seconds)).await;
        Ok::<_, Infallible>("event")
    };
    let events = stream::iter([10, 10, 31]).then(after);
    let mut body = Sse::new(events).into_response().into_body();
    let mut parts = Vec::new();
    while let Some(part) = part(&mut body).await {
        parts.push((seconds(), part));
    }
    let (comment, event) = (":\n\n".to_owned(), "data: event\n\n".to_owned());
    let expected = [(0, &comment), (10, &event), (20, &event), (35, &comment), (50, &comment), (51, &event)];
    assert_eq!(parts, expected.map(|(second, part)| (second, part.clone())));
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn comments_can_be_turned_off() -> Result<()> {
    let begin = tokio::time::Instant::now();
    let events = stream::once(async {
        sockeye::time::sleep(Duration::from_secs(3600)).await;
        "event"
    });
    let mut body = Sse::new(Box::pin(events)).keep_alive(None).into_response().into_body();
    assert_eq!(part(&mut body).await.as_deref(), Some(":\n\n"));
    assert_eq!(part(&mut body).await.as_deref(), Some("data: event\n\n"));
    assert_eq!((begin.elapsed().as_secs(), part(&mut body).await), (3600, None));
    // A time that no clock can tell is no reason to panic.
    let mut body = Sse::from(EventStream::new()).keep_alive(Duration::MAX).into_response().into_body();
    assert_eq!(part(&mut body).await.as_deref(), Some(":\n\n"));
    assert_eq!(part(&mut body).await, None);
    Ok(())
}

#[get("/last")]
async fn last(last: LastEventId) -> String {
    format!("{:?} {:?}", last.get(), last.parse::<u64>())
}

#[sockeye::test]
async fn the_last_event_id_is_what_the_client_says() -> Result<()> {
    let client = TestClient::new(App::new().route(last));
    assert_eq!(client.get("/last").await?.text(), "None None");
    for (sent, expected) in [
        (&b""[..], "None None"),
        (b"7", "Some(\"7\") Some(7)"),
        (b"-1", "Some(\"-1\") None"),
        ("é".as_bytes(), "Some(\"é\") None"),
        (b"\xff", "None None"),
    ] {
        let value = sockeye::HeaderValue::from_bytes(sent)?;
        assert_eq!(client.get("/last").header("Last-Event-ID", value).await?.text(), expected);
    }
    Ok(())
}

#[get("/fails")]
async fn fails() -> Sse {
    Sse::new(stream::iter([Ok("one"), Err("the secret cause"), Ok("never")]))
}

#[get("/panics")]
async fn panics() -> Sse {
    Sse::new(stream::iter([1, 0]).map(|n| format!("{}", 1 / n)))
}

/// An answer that fails is cut short: whoever reads it can tell that there was to be more.
#[sockeye::test]
async fn a_stream_that_fails_is_cut_short() -> Result<()> {
    let client = TestClient::new(App::new().route(fails).route(panics));
    for path in ["/fails", "/panics"] {
        let mut events = client.get(path).events().await?;
        events.next().await?;
        events.expect_failure().await;
    }
    Ok(())
}

/// A test that does not expect it hears of the cause.
#[sockeye::test]
async fn a_test_learns_why() -> Result<()> {
    let client = TestClient::new(App::new().route(fails));
    let mut events = client.get("/fails").events().await?;
    assert_eq!(events.next().await?.data, "one");
    let error = events.next().await.unwrap_err().to_string();
    assert!(error.starts_with("waited for an event on /fails, but the stream broke"), "{error}");
    assert!(error.ends_with("the secret cause"), "{error}");
    events.expect_failure().await;
    Ok(())
}
