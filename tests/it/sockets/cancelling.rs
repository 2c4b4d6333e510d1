//! Every waiting call may be dropped before it is done: nothing is lost, nothing is sent twice.

use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use futures_util::{FutureExt, StreamExt, poll};
use sockeye::{Limits, prelude::*};
use tokio::sync::Notify;

/// Receives `$count` texts, dropping `$receive` after a single poll again and again.
macro_rules! impatient {
    ($name:ident, $path:literal, |$ws:ident| $receive:expr) => {
        #[websocket($path)]
        async fn $name(mut $ws: WebSocket) -> Result<()> {
            let mut texts = Vec::new();
            while texts.len() < 100 {
                let received = { poll!(pin!($receive)) };
                match received {
                    Poll::Ready(text) => texts.push(text),
                    Poll::Pending => tokio::task::yield_now().await,
                }
            }
            $ws.send_json(&texts).await
        }
    };
}

impatient!(by_text, "/text", |ws| ws.receive_text().map(|text| text.unwrap().to_string()));
impatient!(by_bytes, "/bytes", |ws| ws
    .receive_bytes()
    .map(|bytes| String::from_utf8(bytes.unwrap().to_vec()).unwrap()));
impatient!(by_json, "/json", |ws| ws.receive_json::<u32>().map(|number| number.unwrap().to_string()));
impatient!(by_receive, "/receive", |ws| ws.receive().map(|message| message.unwrap().as_text().unwrap().to_string()));
impatient!(by_next, "/next", |ws| ws.next().map(|message| message.unwrap().unwrap().as_text().unwrap().to_string()));
impatient!(by_stream, "/stream", |ws| StreamExt::next(&mut ws).map(|m| m
    .unwrap()
    .unwrap()
    .as_text()
    .unwrap()
    .to_string()));

#[websocket("/iter")]
async fn by_iter(mut ws: WebSocket) -> Result<()> {
    let mut texts = Vec::new();
    while texts.len() < 100 {
        let mut iter = ws.iter_text();
        let received = { poll!(pin!(iter.next())) };
        match received {
            Poll::Ready(text) => texts.push(text.unwrap()?.to_string()),
            Poll::Pending => tokio::task::yield_now().await,
        }
    }
    ws.send_json(&texts).await
}

#[websocket("/select")]
async fn by_select(mut ws: WebSocket) -> Result<()> {
    let mut texts = Vec::new();
    while texts.len() < 100 {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            text = ws.receive_text() => texts.push(text?.to_string()),
        }
    }
    ws.send_json(&texts).await
}

/// What was handed to the socket goes along with it.
#[websocket("/handles")]
async fn by_several(mut ws: WebSocket) -> Result<()> {
    // Passes when nobody has anything left to do: the inbox is full.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let mut texts = Vec::new();
    texts.extend(ws.iter_text().next().await.transpose()?.map(|text| text.to_string()));
    texts.push(ws.receive_text().await?.to_string());
    let mut ws = ws.typed::<u32, Vec<String>>();
    texts.push(ws.receive().await?.to_string());
    let (sender, mut receiver) = ws.split();
    while texts.len() < 100 {
        texts.push(receiver.receive_text().await?.to_string());
    }
    sender.send(&texts).await
}

#[sockeye::test(start_paused = true)]
async fn receiving_loses_nothing() -> Result<()> {
    let app =
        App::new().route(by_text).route(by_bytes).route(by_json).route(by_receive).route(by_next).route(by_stream);
    let client = TestClient::new(app.route(by_iter).route(by_select).route(by_several));
    let expected: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    for path in ["/text", "/bytes", "/json", "/receive", "/next", "/stream", "/iter", "/select", "/handles"] {
        let mut ws = client.websocket_connect(path).await?;
        for text in &expected {
            match path {
                "/bytes" => ws.send_bytes(text).await?,
                _ => ws.send_text(text).await?,
            }
        }
        assert_eq!(ws.receive_json::<Vec<String>>().await?, expected, "{path}");
    }
    Ok(())
}

/// Fills the outbox of a peer that does not read; a send that was dropped while it waited is never seen.
#[websocket("/flood")]
async fn flood(ws: WebSocket) -> Result<()> {
    let mut sent = 0u32;
    let mut dropped = 0;
    while dropped < 20 {
        let done = { poll!(pin!(ws.send_text(format!("{sent:0>1000}")))) };
        match done {
            Poll::Ready(result) => {
                result?;
                sent += 1;
            }
            Poll::Pending => {
                dropped += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    ws.send_text(format!("end {sent}")).await
}

#[sockeye::test]
async fn a_dropped_send_has_sent_nothing() -> Result<()> {
    let client = TestClient::new(App::new().route(flood));
    let mut ws = client.websocket_connect("/flood").await?;
    let mut received = 0;
    loop {
        let text = ws.receive_text().await?;
        if let Some(sent) = text.strip_prefix("end ") {
            assert_eq!(sent, received.to_string());
            return Ok(());
        }
        assert_eq!(text, format!("{received:0>1000}"));
        received += 1;
    }
}

/// A full outbox makes the sender wait, and a peer that reads again lets it go on: in order, without loss.
#[sockeye::test]
async fn a_slow_peer_slows_its_sender() -> Result<()> {
    let mut limits = Limits::default();
    (limits.outbox_bytes, limits.outbox_messages) = (4096, 8);
    let app = App::new().limits(limits).websocket("/", async |ws: WebSocket| -> Result<()> {
        for n in 0..2000 {
            ws.send_text(format!("{n:0>500}")).await?;
        }
        Ok(())
    });
    for client in [TestClient::new(app.clone()), TestClient::tcp(app).await?] {
        let mut ws = client.websocket_connect("/").await?;
        for n in 0..2000 {
            assert_eq!(ws.receive_text().await?, format!("{n:0>500}"));
        }
        ws.expect_close(1000).await?;
    }
    Ok(())
}

/// A peer that takes nothing for so long is disconnected with 1013; the handler learns of it.
#[sockeye::test(start_paused = true)]
async fn a_stuck_peer_is_disconnected() -> Result<()> {
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let app = App::new().websocket("/", move |ws: WebSocket| {
        let sender = sender.clone();
        async move {
            let begun = tokio::time::Instant::now();
            let error = loop {
                if let Err(error) = ws.send_text("x".repeat(10_000)).await {
                    break error;
                }
            };
            sender.send((error.is_disconnect(), begun.elapsed()))?;
            Ok::<_, Error>(())
        }
    });
    let ws = TestClient::new(app).websocket_connect("/").await?;
    let (is_disconnect, after) = seen.recv().await.unwrap();
    assert!(is_disconnect);
    assert!((Duration::from_secs(10)..Duration::from_secs(11)).contains(&after), "{after:?}");
    drop(ws);
    Ok(())
}

/// What was sent leaves at once, whatever the handler waits for next.
#[sockeye::test]
async fn a_send_leaves_before_a_long_wait() -> Result<()> {
    let app = App::new()
        .websocket("/sleep", async |ws: WebSocket| -> Result<()> {
            ws.send_text("now").await?;
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Ok(())
        })
        .websocket("/channel", async |ws: WebSocket| -> Result<()> {
            let (_sender, mut receiver) = tokio::sync::mpsc::channel::<()>(1);
            ws.send_text("now").await?;
            receiver.recv().await;
            Ok(())
        })
        .websocket("/task", async |ws: WebSocket| -> Result<()> {
            let task = sockeye::spawn(std::future::pending::<()>());
            ws.send_text("now").await?;
            Ok(task.await?)
        })
        .websocket("/join", async |ws: WebSocket| -> Result<()> {
            let (sent, ()) = tokio::join!(ws.send_text("now"), std::future::pending::<()>());
            sent
        })
        .websocket("/select", async |mut ws: WebSocket| -> Result<()> {
            let sender = ws.sender();
            sender.send_text("now").await?;
            tokio::select! {
                text = ws.receive_text() => { text?; }
                () = std::future::pending() => {}
            }
            Ok(())
        })
        .websocket("/spawn", async |ws: WebSocket| -> Result<()> {
            let sender = ws.sender();
            sockeye::spawn(async move {
                let _sent = sender.send_text("now").await;
                std::future::pending::<()>().await;
            });
            std::future::pending().await
        })
        .websocket("/late", async |ws: WebSocket| -> Result<()> {
            let sender = ws.sender();
            let (wake, woken) = tokio::sync::oneshot::channel::<()>();
            sockeye::spawn(async move {
                let _woken = woken.await;
                let _sent = sender.send_text("now").await;
            });
            tokio::task::yield_now().await;
            drop(wake);
            std::future::pending().await
        });
    for client in [TestClient::new(app.clone()), TestClient::tcp(app).await?] {
        for path in ["/sleep", "/channel", "/task", "/join", "/select", "/spawn", "/late"] {
            let mut ws = client.websocket_connect(path).await?;
            let text = tokio::time::timeout(Duration::from_secs(20), ws.receive_text()).await?;
            assert_eq!(text?, "now", "{path}");
        }
    }
    Ok(())
}

/// While it waits for the end more may pile up than otherwise, and nothing of that is lost when it does so no more.
#[sockeye::test]
async fn what_piled_up_before_the_end_was_given_up_is_received() -> Result<()> {
    let (gave_up, given_up) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, go_on) = (gave_up.clone(), given_up.clone());
    let handler = move |mut ws: WebSocket| {
        let (told, go_on) = (told.clone(), go_on.clone());
        async move {
            let _gone = tokio::time::timeout(Duration::from_millis(100), ws.closed()).await;
            told.notify_one();
            go_on.notified().await;
            for number in 0..200 {
                assert_eq!(ws.receive_text().await?, number.to_string());
            }
            ws.send_text("all").await
        }
    };
    let client = TestClient::tcp(App::new().websocket("/", handler)).await?;
    let mut ws = client.websocket_connect("/").await?;
    for number in 0..100 {
        ws.send_text(number.to_string()).await?;
    }
    gave_up.notified().await;
    for number in 100..200 {
        ws.send_text(number.to_string()).await?;
    }
    ws.expect_silence(Duration::from_millis(20)).await?;
    given_up.notify_one();
    assert_eq!(ws.receive_text().await?, "all");
    Ok(())
}
