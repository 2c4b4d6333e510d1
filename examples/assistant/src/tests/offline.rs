//! The echo, and the assistant with the built-in model.

use std::time::Duration;

use sockeye::{Result, TestClient, time::Instant};

use super::{answer, done, error, start};
use crate::{Model, app};

fn client() -> TestClient {
    TestClient::new(app(Model::offline()))
}

#[sockeye::test]
async fn the_echo_says_welcome_first() -> Result<()> {
    let mut ws = client().websocket_connect("/api/eco-ws").await?;
    assert_eq!(ws.receive_text().await?, "¡Bienvenido!");
    for text in ["Hola", "", "¿Qué tal?\n🐟"] {
        ws.send_text(text).await?;
        assert_eq!(ws.receive_text().await?, format!("Eco: {text}"));
    }
    ws.close(1000).await
}

fn said(steps: &[serde_json::Value]) -> String {
    let contents = steps.iter().filter_map(|step| step["content"].as_str());
    contents.collect()
}

#[sockeye::test(start_paused = true)]
async fn answers_word_by_word() -> Result<()> {
    let mut ws = client().websocket_connect("/api/chat-ws").await?;
    for (asked, quoted) in [
        ("Hola", "You said: “Hola”, which is one word."),
        (r#"{"content":"Hola, ¿qué tal?"}"#, "You said: “Hola, ¿qué tal?”, which is 3 words."),
        (r#"{"content":"x","more":[1]}"#, "You said: “x”, which is one word."),
        // What has another shape is a question as it stands.
        (r#"{"content":5}"#, r#"You said: “{"content":5}”, which is one word."#),
        (r#"{"content":"#, r#"You said: “{"content":”, which is one word."#),
        ("<script>1</script>", "You said: “<script>1</script>”, which is one word."),
    ] {
        ws.send_text(asked).await?;
        let steps = answer(&mut ws).await?;
        assert_eq!((&steps[0], steps.last()), (&start(), Some(&done())));
        assert!(steps.len() > 10, "{steps:?}");
        let words = steps[1..steps.len() - 1].iter().map(|step| step["content"].as_str().unwrap_or_default());
        assert!(words.clone().all(|word| word.trim_end().split(' ').count() == 1), "{steps:?}");
        assert!(said(&steps).starts_with(quoted), "{}", said(&steps));
    }
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn long_questions_are_not_repeated() -> Result<()> {
    let mut ws = client().websocket_connect("/api/chat-ws").await?;
    ws.send_text("na ".repeat(20_000)).await?;
    let said = said(&answer(&mut ws).await?);
    assert!(said.contains("na na…”, which is 20000 words.") && said.len() < 500, "{said}");
    ws.send_text("x".repeat(64 * 1024 + 1)).await?;
    ws.expect_close(1009).await?;
    Ok(())
}

#[sockeye::test]
async fn what_is_no_question_gets_an_error_and_the_socket_stays_open() -> Result<()> {
    let mut ws = client().websocket_connect("/api/chat-ws").await?;
    let refusal = error("expected a question as text");
    for text in ["", "  \n", r#"{"content":""}"#] {
        ws.send_text(text).await?;
        assert_eq!(ws.receive_json::<serde_json::Value>().await?, refusal);
    }
    ws.send_bytes(b"Hola").await?;
    assert_eq!(ws.receive_json::<serde_json::Value>().await?, refusal);
    ws.send_text(format!("{}1", "[".repeat(10_000))).await?;
    assert_eq!(answer(&mut ws).await?.last(), Some(&done()));
    ws.close(1000).await
}

/// The words come one by one, and the second question waits for the first one's answer.
#[sockeye::test(start_paused = true)]
async fn a_second_question_is_queued() -> Result<()> {
    let begin = Instant::now();
    let mut ws = client().websocket_connect("/api/chat-ws").await?;
    for asked in ["one", "two", "three"] {
        ws.send_text(asked).await?;
    }
    for asked in ["one", "two", "three"] {
        let steps = answer(&mut ws).await?;
        assert_eq!(steps.iter().filter(|step| **step == start()).count(), 1);
        assert!(said(&steps).contains(&format!("“{asked}”")), "{}", said(&steps));
    }
    assert!(begin.elapsed() > Duration::from_secs(3), "{:?}", begin.elapsed());
    Ok(())
}
