//! Stopping in good order.

use std::time::Duration;

use sockeye::{Server, prelude::*};
use tokio::{net::TcpListener, sync::mpsc};

async fn serve(app: App) -> Result<(Server, TestClient)> {
    let server = app.serve(TcpListener::bind("127.0.0.1:0").await?);
    let client = TestClient::connect_to(server.local_addr());
    Ok((server, client))
}

#[sockeye::test]
async fn every_socket_gets_1001_and_its_handler_ends() -> Result<()> {
    let (sender, mut ended) = mpsc::unbounded_channel();
    let app = App::new().websocket("/", move |mut ws: WebSocket| {
        let sender = sender.clone();
        async move {
            ws.send_text("open").await?;
            let error = ws.receive_text().await.unwrap_err();
            sender.send(error.is_disconnect())?;
            Ok::<_, Error>(())
        }
    });
    let (server, client) = serve(app).await?;
    let mut sockets = Vec::new();
    for _ in 0..10 {
        let mut ws = client.websocket_connect("/").await?;
        assert_eq!(ws.receive_text().await?, "open");
        sockets.push(ws);
    }
    let address = server.local_addr();
    let stopped = sockeye::spawn(server.shutdown(Duration::from_secs(30)));
    for ws in &mut sockets {
        ws.expect_close(1001).await?;
    }
    stopped.await??;
    for _ in 0..10 {
        assert_eq!(ended.recv().await, Some(true));
    }
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    Ok(())
}

#[sockeye::test]
async fn requests_that_run_are_finished() -> Result<()> {
    let (started, mut running) = mpsc::unbounded_channel();
    let app = App::new().state(started).route(slow);
    let (server, client) = serve(app).await?;
    let request = sockeye::spawn(async move { client.get("/slow").await.map(|response| response.text()) });
    let finish: tokio::sync::oneshot::Sender<()> = running.recv().await.unwrap();
    let stopped = sockeye::spawn(server.shutdown(Duration::from_secs(30)));
    tokio::task::yield_now().await;
    finish.send(()).unwrap();
    assert_eq!(request.await??, "done");
    stopped.await?
}

#[get("/slow")]
async fn slow(started: State<mpsc::UnboundedSender<tokio::sync::oneshot::Sender<()>>>) -> Result<&'static str> {
    let (finish, finished) = tokio::sync::oneshot::channel();
    started.send(finish)?;
    finished.await?;
    Ok("done")
}

/// A handler that never ends is ended at the deadline; so is a peer that never answers.
#[sockeye::test]
async fn the_deadline_holds() -> Result<()> {
    let app = App::new().websocket("/", async |ws: WebSocket| -> Result<()> {
        ws.send_text("open").await?;
        std::future::pending().await
    });
    let (server, client) = serve(app).await?;
    let mut ws = client.websocket_connect("/").await?;
    assert_eq!(ws.receive_text().await?, "open");
    tokio::time::timeout(Duration::from_secs(5), server.shutdown(Duration::from_millis(50))).await?
}
