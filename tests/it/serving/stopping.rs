//! Stopping in good order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sockeye::{Server, prelude::*};
use tokio::{net::TcpListener, sync::mpsc};

use crate::robustness::raw::{Raw, soon};

/// As good as never.
const NEVER: Duration = Duration::from_secs(3600);

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

#[get("/")]
async fn index() -> &'static str {
    "index"
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// Without limits of time that would end an idle connection.
async fn serve_patiently() -> Result<Server> {
    let mut limits = Limits::default();
    (limits.first_byte_timeout, limits.head_timeout) = (NEVER, NEVER);
    Ok(serve(App::new().route(index).limits(limits)).await?.0)
}

#[sockeye::test]
async fn a_connection_that_has_asked_for_nothing_does_not_delay() -> Result<()> {
    let server = serve_patiently().await?;
    let mut silent = Raw::connect(server.local_addr()).await;
    // It is accepted before one that comes later and has its answer.
    let mut later = Raw::connect(server.local_addr()).await;
    later.send(REQUEST).await;
    assert_eq!(later.answer().await.status, 200);
    soon("the stop", server.shutdown(NEVER)).await?;
    assert_eq!(silent.rest().await, b"");
    Ok(())
}

#[sockeye::test]
async fn a_connection_between_two_requests_does_not_delay() -> Result<()> {
    let server = serve_patiently().await?;
    let mut raw = Raw::connect(server.local_addr()).await;
    for _ in 0..2 {
        raw.send(REQUEST).await;
        assert_eq!(raw.answer().await.body, "index");
    }
    soon("the stop", server.shutdown(NEVER)).await?;
    assert_eq!(raw.rest().await, b"");
    Ok(())
}

/// What a handler holds, a transaction say, which takes its time to go.
struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        // Long enough to be overtaken by a stop that does not wait.
        std::thread::sleep(Duration::from_millis(200));
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A handler that goes on after the end of its socket is ended at the deadline.
async fn what_a_handler_holds_is_gone_after_the_stop() -> Result<()> {
    let is_gone = Arc::new(AtomicBool::new(false));
    let goes = is_gone.clone();
    let app = App::new().websocket("/", move |ws: WebSocket| {
        let held = Held(goes.clone());
        async move {
            let _held = held;
            ws.closed().await;
            std::future::pending().await
        }
    });
    let (server, client) = serve(app).await?;
    let _ws = client.websocket_connect("/").await?;
    soon("the stop", server.shutdown(Duration::from_millis(50))).await?;
    assert!(is_gone.load(Ordering::SeqCst), "the server has stopped before the handler is gone");
    Ok(())
}

#[sockeye::test]
async fn handlers_are_gone_after_the_stop() -> Result<()> {
    what_a_handler_holds_is_gone_after_the_stop().await
}

#[sockeye::test(worker_threads = 2)]
async fn handlers_of_other_threads_are_gone_after_the_stop() -> Result<()> {
    what_a_handler_holds_is_gone_after_the_stop().await
}
