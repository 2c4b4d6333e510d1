//! The test client is honest: what went wrong in a handler or on the way fails the test.

use std::{net::SocketAddr, sync::Arc};

use sockeye::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::robustness::raw::soon;

/// Says that it was reached, then panics in the same turn: a test on the same thread runs only after it.
#[websocket("/boom")]
async fn boom(mut ws: WebSocket, reached: State<Arc<Notify>>) -> Result<()> {
    ws.receive_text().await?;
    reached.notify_one();
    panic!("boom")
}

#[websocket("/fine")]
async fn fine(mut ws: WebSocket) -> Result<()> {
    ws.receive_text().await?;
    Ok(())
}

fn app() -> (App, Arc<Notify>) {
    let reached = Arc::new(Notify::new());
    (App::new().state(reached.clone()).route(boom).route(fine), reached)
}

/// What one socket expects does not excuse another.
#[sockeye::test]
#[should_panic(expected = "boom")]
async fn a_failure_survives_the_close_that_another_socket_expects() {
    let (app, reached) = app();
    let client = TestClient::new(app);
    let mut fails = client.websocket_connect("/boom").await.unwrap();
    let mut ends = client.websocket_connect("/fine").await.unwrap();
    fails.send_text("x").await.unwrap();
    soon("the panic", reached.notified()).await;
    ends.send_text("x").await.unwrap();
    ends.expect_close(1000).await.unwrap();
}

/// The handler has not run yet when the test is over.
#[sockeye::test]
#[should_panic(expected = "boom")]
async fn a_panic_right_at_the_end_fails_the_test() {
    let client = TestClient::new(app().0);
    let mut ws = client.websocket_connect("/boom").await.unwrap();
    ws.send_text("x").await.unwrap();
}

#[sockeye::test]
#[should_panic(expected = "boom")]
async fn a_panic_over_tcp_fails_the_test() {
    let (app, reached) = app();
    let client = TestClient::tcp(app).await.unwrap();
    let mut ws = client.websocket_connect("/boom").await.unwrap();
    ws.send_text("x").await.unwrap();
    soon("the panic", reached.notified()).await;
}

/// Passes the handshake on and then breaks off at the client's first frame.
async fn breaks_off(listener: TcpListener, server: SocketAddr) -> std::io::Result<()> {
    let (mut client, _) = listener.accept().await?;
    let mut server = TcpStream::connect(server).await?;
    pass_head(&mut client, &mut server).await?;
    pass_head(&mut server, &mut client).await?;
    client.read_u8().await?;
    Ok(())
}

async fn pass_head(from: &mut TcpStream, to: &mut TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        from.read_buf(&mut head).await?;
    }
    to.write_all(&head).await
}

#[sockeye::test]
async fn closing_fails_if_the_server_breaks_off() -> Result<()> {
    let server = app().0.serve(TcpListener::bind("127.0.0.1:0").await?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TestClient::connect_to(listener.local_addr()?);
    sockeye::spawn(breaks_off(listener, server.local_addr()));
    let mut ws = client.websocket_connect("/fine").await?;
    assert!(ws.close(1000).await.is_err(), "closed well, although no close frame came");
    Ok(())
}
