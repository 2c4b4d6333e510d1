//! The chat, the clock and the page, as a client sees them.

use std::time::Duration;

use serde_json::{Value, json};
use sockeye::{TestSocket, prelude::*, time::Instant};

use crate::{app, clock::time_of_day};

/// A peer that has been welcomed, and its id.
async fn join(client: &TestClient) -> Result<(TestSocket, String)> {
    let mut ws = client.websocket_connect("/api/ws/chat").await?;
    let welcome: Value = ws.receive_json().await?;
    let message = welcome["message"].as_str().unwrap_or_default().to_owned();
    let id = message.strip_prefix("Welcome ").and_then(|rest| rest.strip_suffix('!'));
    let id = id.unwrap_or_else(|| panic!("no welcome: {welcome}")).to_owned();
    assert_eq!(welcome, json!({"user": "server", "message": format!("Welcome {id}!")}));
    assert!(!id.is_empty() && !id.contains(char::is_whitespace), "an id is one word: {id}");
    Ok((ws, id))
}

async fn hears(ws: &mut TestSocket, user: &str, message: &str) -> Result<()> {
    let heard: Value = ws.receive_json().await?;
    assert_eq!(heard, json!({"user": user, "message": message}));
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn who_comes_and_goes_is_told_to_the_others() -> Result<()> {
    let client = TestClient::new(app());
    let (mut ada, _) = join(&client).await?;
    let (mut bob, bob_id) = join(&client).await?;
    hears(&mut ada, "server", &format!("{bob_id} joined!")).await?;
    bob.expect_silence(Duration::from_secs(1)).await?;
    bob.close(1000).await?;
    hears(&mut ada, "server", &format!("{bob_id} left!")).await?;

    // Without a close frame too, and once.
    let (carol, carol_id) = join(&client).await?;
    hears(&mut ada, "server", &format!("{carol_id} joined!")).await?;
    drop(carol);
    hears(&mut ada, "server", &format!("{carol_id} left!")).await?;
    ada.expect_silence(Duration::from_secs(1)).await
}

#[sockeye::test(start_paused = true)]
async fn each_message_comes_once_to_everybody() -> Result<()> {
    let client = TestClient::new(app());
    let (mut ada, ada_id) = join(&client).await?;
    let (mut bob, bob_id) = join(&client).await?;
    hears(&mut ada, "server", &format!("{bob_id} joined!")).await?;
    for text in ["hello", "", "{\"type\":\"x\"}", "zwölf Boxkämpfer"] {
        ada.send_text(text).await?;
        hears(&mut ada, &ada_id, text).await?;
        hears(&mut bob, &ada_id, text).await?;
    }
    ada.expect_silence(Duration::from_secs(1)).await?;
    bob.expect_silence(Duration::from_secs(1)).await
}

#[sockeye::test(start_paused = true)]
async fn ping_is_answered_to_its_sender_alone() -> Result<()> {
    let client = TestClient::new(app());
    let (mut ada, _) = join(&client).await?;
    let (mut bob, bob_id) = join(&client).await?;
    hears(&mut ada, "server", &format!("{bob_id} joined!")).await?;
    for text in ["ping", "shopping"] {
        bob.send_text(text).await?;
        hears(&mut bob, "server", "pong").await?;
    }
    ada.expect_silence(Duration::from_secs(1)).await
}

#[sockeye::test]
async fn only_text_is_taken() -> Result<()> {
    let client = TestClient::new(app());
    let (mut ada, _) = join(&client).await?;
    ada.send_bytes([1]).await?;
    ada.expect_close(1003).await?;
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn the_clock_ticks_each_second() -> Result<()> {
    let client = TestClient::new(app());
    let mut events = client.get("/api/sse").events().await?;
    let first = events.next().await?;
    let mut second: u64 = first.id.parse()?;
    assert_eq!(first.data, format!("Message @ {}", time_of_day(second)));
    for _ in 0..5 {
        let before = Instant::now();
        let event = events.next().await?;
        second += 1;
        assert_eq!((event.id, event.data), (second.to_string(), format!("Message @ {}", time_of_day(second))));
        assert!(before.elapsed() <= Duration::from_secs(2));
    }
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_client_that_comes_back_gets_what_it_has_missed() -> Result<()> {
    let client = TestClient::new(app());
    let now: u64 = client.get("/api/sse").events().await?.next().await?.id.parse()?;
    // What was missed long ago is not made up for; what is no second, or is to come, is as good as nothing. The clock on
    // the wall goes on meanwhile.
    for (last, first) in [
        ((now - 3).to_string(), now - 2..=now - 2),
        ("1".to_owned(), now - 60..=now - 50),
        ("x".to_owned(), now..=now + 10),
        ((now + 1000).to_string(), now..=now + 10),
    ] {
        let mut events = client.get("/api/sse").header("last-event-id", &last).events().await?;
        let mut second = events.next().await?.id.parse()?;
        assert!(first.contains(&second), "{last}: {second}");
        while second < now {
            let next: u64 = events.next().await?.id.parse()?;
            assert_eq!(next, second + 1);
            second = next;
        }
    }
    Ok(())
}

#[test]
fn the_time_of_day() {
    assert_eq!(time_of_day(0), "00:00:00");
    assert_eq!(time_of_day(86_399), "23:59:59");
    assert_eq!(time_of_day(1_700_000_000), "22:13:20");
}

#[sockeye::test]
async fn the_page_is_complete_and_asks_no_other_host() -> Result<()> {
    let client = TestClient::new(app());
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/script.js", "text/javascript; charset=utf-8"),
    ] {
        let response = client.get(path).await?;
        assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &content_type.parse()?));
        assert!(response.headers()["content-security-policy"].to_str()?.starts_with("default-src 'self';"));
        let text = response.text();
        assert!(!text.contains("//cdn") && !text.contains("http://") && !text.contains("https://"), "{path}");
    }
    Ok(())
}
