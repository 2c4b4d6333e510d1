//! Sending and receiving.

use std::sync::atomic::{AtomicU32, Ordering};

use sockeye::prelude::*;

fn app() -> App {
    App::new()
        .websocket("/echo", async |mut ws: WebSocket| -> Result<()> {
            while let Some(message) = ws.next().await {
                ws.send(&message?).await?;
            }
            Ok(())
        })
        .websocket("/text", async |mut ws: WebSocket| -> Result<()> {
            loop {
                let text = ws.receive_text().await?;
                ws.send_text(format!("Echo: {text}")).await?;
            }
        })
        .websocket("/boom", async |_ws: WebSocket| -> Result<()> { panic!("boom") })
}

#[tokio::test]
async fn echoes_in_memory_and_over_tcp() -> Result<()> {
    for client in [TestClient::new(app()), TestClient::tcp(app()).await?] {
        let mut ws = client.websocket_connect("/echo").await?;
        for size in [0, 1, 125, 126, 65_535, 65_536, 200_000, 1 << 20] {
            ws.send_text("é".repeat(size / 2)).await?;
            assert_eq!(ws.receive_text().await?.len(), size / 2 * 2);
            ws.send_bytes(vec![7; size]).await?;
            assert_eq!(ws.receive_bytes().await?.len(), size);
        }
        for n in 0..1000 {
            ws.send_text(n.to_string()).await?;
        }
        for n in 0..1000 {
            assert_eq!(ws.receive_text().await?, n.to_string());
        }
        ws.close(1000).await?;
        assert_eq!(ws.close_frame().unwrap().code, 1000);
    }
    Ok(())
}

/// Where a large message has come, the next is read into a buffer of its own, whatever it is.
#[tokio::test]
async fn what_follows_a_large_message_may_be_anything() -> Result<()> {
    for client in [TestClient::new(app()), TestClient::tcp(app()).await?] {
        let mut ws = client.websocket_connect("/echo").await?;
        for sizes in [&[20_000, 20_000][..], &[20_000, 9_000], &[9_000, 5, 0, 100_000], &[1 << 20, 1 << 20, 3, 1 << 20]]
        {
            // One by one, and all at once.
            for (step, size) in (1..).zip(sizes) {
                let sent: Vec<u8> = (0..*size).map(|at| (at * step) as u8).collect();
                ws.send_bytes(&sent).await?;
                assert_eq!(ws.receive_bytes().await?, sent);
            }
            for size in sizes {
                ws.send_text("é".repeat(size / 2)).await?;
            }
            for size in sizes {
                assert_eq!(ws.receive_text().await?, "é".repeat(size / 2));
            }
        }
        ws.close(1000).await?;
    }
    Ok(())
}

#[tokio::test]
async fn binary_where_text_is_expected_closes_1003() -> Result<()> {
    let client = TestClient::new(app());
    let mut ws = client.websocket_connect("/text").await?;
    ws.send_bytes([1, 2]).await?;
    let frame = ws.expect_close(1003).await?;
    assert_eq!(frame.reason, "expected a text message, got a binary one");
    Ok(())
}

#[tokio::test]
async fn a_panic_closes_1011() -> Result<()> {
    let client = TestClient::new(app());
    let mut ws = client.websocket_connect("/boom").await?;
    ws.expect_close(1011).await?;
    Ok(())
}

#[websocket("/callback/<name>")]
async fn callback(mut ws: WebSocket, name: String) -> Result<()> {
    let count = AtomicU32::new(0);
    ws.on_message(async |ws, text| {
        let count = count.fetch_add(1, Ordering::Relaxed) + 1;
        ws.send_text(format!("{name} {count} {text}")).await
    })
    .await
}

#[websocket("/callback-fails")]
async fn callback_fails(mut ws: WebSocket) -> Result<()> {
    ws.on_message(async |_, text| {
        text.parse::<u32>()?;
        Ok(())
    })
    .await
}

#[websocket("/streams")]
async fn streams(mut ws: WebSocket) -> Result<()> {
    let sender = ws.sender();
    if let Some(text) = ws.iter_text().next().await {
        sender.send_text(text?).await?;
    }
    if let Some(bytes) = ws.iter_bytes().next().await {
        sender.send_bytes(bytes?).await?;
    }
    if let Some(number) = ws.iter_json::<u32>().next().await {
        sender.send_json(&(number? + 1)).await?;
    }
    let rest: Vec<_> = futures_util::StreamExt::collect::<Vec<_>>(ws).await;
    assert!(rest.into_iter().all(|message| message.is_ok()));
    Ok(())
}

/// Four tasks send at once; what each sends arrives in its order.
#[websocket("/many")]
async fn many(ws: WebSocket) -> Result<()> {
    let senders: Vec<_> = (0..4).map(|_| ws.sender()).collect();
    let tasks: Vec<_> = senders
        .into_iter()
        .enumerate()
        .map(|(task, sender)| {
            sockeye::spawn(async move {
                for n in 0..500 {
                    sender.send_json(&(task, n)).await?;
                    if n % 7 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// The socket moves to another task, and the handler waits for that.
#[websocket("/moved")]
async fn moved(ws: WebSocket) -> Result<()> {
    sockeye::spawn(async move {
        let mut ws = ws;
        while let Some(message) = ws.next().await {
            ws.send(&message?).await?;
        }
        Ok(())
    })
    .await?
}

#[sockeye::test]
async fn callbacks() -> Result<()> {
    let client = TestClient::new(App::new().route(callback).route(callback_fails));
    let mut ws = client.websocket_connect("/callback/ann").await?;
    for n in 1..=3 {
        ws.send_text("hi").await?;
        assert_eq!(ws.receive_text().await?, format!("ann {n} hi"));
    }
    ws.close(1000).await?;
    let mut ws = client.websocket_connect("/callback-fails").await?;
    ws.send_text("7").await?;
    ws.send_text("x").await?;
    ws.expect_close(1011).await?;
    Ok(())
}

#[sockeye::test]
async fn messages_as_streams() -> Result<()> {
    let client = TestClient::new(App::new().route(streams));
    let mut ws = client.websocket_connect("/streams").await?;
    ws.send_text("a").await?;
    assert_eq!(ws.receive_text().await?, "a");
    ws.send_bytes("b").await?;
    assert_eq!(ws.receive_bytes().await?, "b");
    ws.send_json(&1).await?;
    assert_eq!(ws.receive_json::<u32>().await?, 2);
    ws.send_text("rest").await?;
    ws.close(1000).await
}

#[sockeye::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_senders_order_is_kept() -> Result<()> {
    for client in [TestClient::new(App::new().route(many)), TestClient::tcp(App::new().route(many)).await?] {
        let mut ws = client.websocket_connect("/many").await?;
        let mut next = [0; 4];
        for _ in 0..2000 {
            let (task, n): (usize, u32) = ws.receive_json().await?;
            assert_eq!(n, next[task]);
            next[task] += 1;
        }
        ws.expect_close(1000).await?;
    }
    Ok(())
}

#[sockeye::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_can_move_to_another_task() -> Result<()> {
    for client in [TestClient::new(App::new().route(moved)), TestClient::tcp(App::new().route(moved)).await?] {
        let mut ws = client.websocket_connect("/moved").await?;
        for n in 0..500 {
            ws.send_text(n.to_string()).await?;
            if n % 50 == 49 {
                for m in n - 49..=n {
                    assert_eq!(ws.receive_text().await?, m.to_string());
                }
            }
        }
        ws.close(1000).await?;
    }
    Ok(())
}

/// Pings are answered whatever the handler does, and do not reach it.
#[sockeye::test]
async fn pings_are_none_of_the_handlers_business() -> Result<()> {
    let client = TestClient::new(app());
    let mut ws = client.websocket_connect("/text").await?;
    for n in 0..20 {
        ws.ping([n; 100]).await?;
    }
    ws.send_text("hi").await?;
    assert_eq!(ws.receive_text().await?, "Echo: hi");
    Ok(())
}
