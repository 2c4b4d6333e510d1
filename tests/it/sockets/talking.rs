//! Sending and receiving.

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
