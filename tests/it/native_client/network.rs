//! Over TCP: servers that stop and come back, paths that are cut or go dead, refusals of an app.

use std::time::Duration;

use sockeye::{
    Server, StatusCode,
    client::{Cause, Client, Event, State},
    prelude::*,
    time::{Instant, sleep},
};
use sockeye_tests::proxy::Proxy;
use tokio::net::TcpListener;

use super::until;
use crate::robustness::raw::soon;

#[websocket("/echo")]
async fn echo(mut ws: WebSocket) -> Result<()> {
    loop {
        let text = ws.receive_text().await?;
        ws.send_text(text).await?;
    }
}

#[websocket("/refuse/<status>")]
async fn refuse(up: Upgrade, status: u16) -> Result<()> {
    up.deny(StatusCode::from_u16(status)?);
    Ok(())
}

#[websocket("/close/<code>")]
async fn close(ws: WebSocket, code: u16) -> Result<()> {
    ws.close_with(code, "told to").await
}

async fn serve(listener: TcpListener) -> Server {
    App::new().route(echo).route(refuse).route(close).serve(listener)
}

async fn start() -> (Server, String) {
    let server = serve(TcpListener::bind("127.0.0.1:0").await.unwrap()).await;
    let url = format!("ws://{}", server.local_addr());
    (server, url)
}

fn is_open(event: &Event) -> Option<()> {
    matches!(event, Event::State(State::Open { .. })).then_some(())
}

fn cause(event: &Event) -> Option<Cause> {
    match event {
        Event::State(state) => state.cause().cloned(),
        _ => None,
    }
}

#[sockeye::test]
async fn refusals_have_a_status_and_a_reason() -> Result<()> {
    let (_server, url) = start().await;
    for (status, is_final) in [(401, true), (403, true), (404, true), (503, false)] {
        let path = format!("{url}/refuse/{status}");
        let error = Client::<Message>::connect(&path).await.unwrap_err();
        let Some(cause) = error.downcast_ref::<Cause>() else { panic!("{error:?}") };
        let Cause::Refused { status: told, .. } = cause else { panic!("{cause}") };
        assert_eq!((told.as_u16(), cause.is_temporary()), (status, !is_final));
        assert!(error.to_string().contains(&status.to_string()), "{error}");

        let client: Client = Client::builder(path).start()?;
        let states = async {
            while !client.state().is_closed() && !matches!(client.state(), State::Waiting { .. }) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        soon("the refusal", states).await;
        assert_eq!(client.state().is_closed(), is_final, "{status}");
    }
    // A route that is not there, and a port on which nobody listens.
    let error = Client::<Message>::connect(format!("{url}/nowhere")).await.unwrap_err();
    assert!(error.to_string().starts_with("the server refused: 404"), "{error}");
    let nobody = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let error = Client::<Message>::connect(format!("ws://{nobody}/")).await.unwrap_err();
    assert!(error.is_offline() && error.to_string().starts_with(&format!("can't connect to {nobody}")), "{error}");
    Ok(())
}

#[sockeye::test]
async fn a_server_that_speaks_something_else_is_no_server() -> Result<()> {
    use tokio::io::AsyncWriteExt;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let serving = tokio::spawn(async move {
        let endless = "x: y\r\n".repeat(20_000);
        for answer in ["SSH-2.0-x\r\n", "HTTP/1.1 101 x\r\n\r\n", &format!("HTTP/1.1 101 x\r\n{endless}"), ""] {
            let (mut stream, _) = listener.accept().await.unwrap();
            // Who has heard enough hangs up.
            stream.write_all(answer.as_bytes()).await.ok();
            stream.shutdown().await.ok();
            let mut rest = Vec::new();
            tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await.ok();
        }
    });
    for _ in 0..4 {
        let error = soon("a refusal", Client::<Message>::connect(&url)).await.unwrap_err();
        assert!(error.is_offline() && error.to_string().contains("handshake"), "{error}");
    }
    soon("the server", serving).await?;
    Ok(())
}

/// What was sent while it was away arrives in order.
#[sockeye::test]
async fn a_server_is_restarted_on_the_same_port() -> Result<()> {
    let (server, url) = start().await;
    let address = server.local_addr();
    let mut client: Client = Client::connect(format!("{url}/echo")).await?;
    client.send_text("before").await?;
    assert_eq!(client.receive().await?, Message::from("before"));

    server.shutdown(Duration::from_secs(5)).await?;
    let why = until(&mut client, "the stop", cause).await;
    assert_eq!(why.close_frame().map(|frame| frame.code), Some(CloseCode::GOING_AWAY), "{why}");
    for number in 0..100 {
        client.send_text(number.to_string()).await?;
    }
    let why = until(&mut client, "an attempt in vain", cause).await;
    assert!(why.to_string().starts_with("can't connect"), "{why}");

    let _server = serve(TcpListener::bind(address).await?).await;
    client.reconnect();
    for number in 0..100 {
        assert_eq!(soon("an echo", client.receive()).await?, Message::from(number.to_string()));
    }
    soon("the end", client.close(1000)).await
}

#[sockeye::test]
async fn a_path_that_is_cut_is_noticed_at_once() -> Result<()> {
    let (server, _) = start().await;
    let proxy = Proxy::start(server.local_addr().port(), 1).await?;
    let mut client: Client = Client::builder(format!("ws://127.0.0.1:{}/echo", proxy.port())).start()?;
    for _ in 0..3 {
        until(&mut client, "a connection", is_open).await;
        client.send_text("x").await?;
        assert_eq!(soon("an echo", client.receive()).await?, Message::from("x"));
        let before = Instant::now();
        proxy.refuse(1);
        proxy.cut();
        let why = until(&mut client, "the cut", cause).await;
        assert!(matches!(why, Cause::Lost(_)) && before.elapsed() < Duration::from_secs(5), "{why}");
        client.reconnect();
        let why = until(&mut client, "the refusal", cause).await;
        assert!(matches!(why, Cause::Lost(_)), "{why}");
        client.reconnect();
    }
    Ok(())
}

/// Bytes get no further, and nobody says so: only the heartbeat can tell.
#[sockeye::test]
async fn a_path_that_is_dead_is_found_by_the_heartbeat() -> Result<()> {
    let (server, _) = start().await;
    let proxy = Proxy::start(server.local_addr().port(), 1).await?;
    let builder = Client::builder(format!("ws://127.0.0.1:{}/echo", proxy.port()));
    let (silence, patience) = (Duration::from_millis(200), Duration::from_millis(500));
    let mut client: Client = builder.heartbeat(silence, patience).connect_timeout(patience).connect().await?;
    until(&mut client, "a connection", is_open).await;
    // Alive, however long nobody says anything.
    sleep(4 * (silence + patience)).await;
    assert!(client.state().is_open(), "{}", client.state());
    proxy.stall(true);
    assert_eq!(until(&mut client, "the silence", cause).await, Cause::Silent);
    client.send_text("x").await?;
    let why = until(&mut client, "an attempt in vain", cause).await;
    assert_eq!(why.to_string(), "no connection within 500ms");
    proxy.stall(false);
    client.reconnect();
    assert_eq!(soon("an echo", client.receive()).await?, Message::from("x"));
    Ok(())
}

#[sockeye::test]
async fn close_codes_of_an_app_arrive() -> Result<()> {
    let (_server, url) = start().await;
    let client: Client = Client::builder(format!("{url}/close/4001")).start()?;
    let why = soon("the end", client.closed()).await;
    assert_eq!(why.to_string(), "the server has closed the connection: 4001: told to");
    let mut client: Client = Client::builder(format!("{url}/close/1000")).start()?;
    let why = until(&mut client, "a loss", cause).await;
    assert_eq!(why.close_frame().unwrap().code, 1000);
    assert!(!client.state().is_closed());
    Ok(())
}

/// Far more than the buffers between them hold, both ways at the same time.
#[sockeye::test(flavor = "multi_thread")]
async fn both_may_send_much_at_the_same_time() -> Result<()> {
    const COUNT: usize = 300;
    let (_server, url) = start().await;
    let mut client: Client = Client::connect(format!("{url}/echo")).await?;
    let sender = client.sender();
    let text = "x".repeat(100_000);
    let sending = tokio::spawn(async move {
        for number in 0..COUNT {
            sender.send_text(format!("{number} {text}")).await.unwrap();
        }
    });
    for number in 0..COUNT {
        let message = soon("an echo", client.receive()).await?;
        let text = message.as_text().unwrap();
        assert_eq!(text.split_once(' ').unwrap().0, number.to_string());
    }
    sending.await?;
    soon("the end", client.close(1000)).await
}

/// An app in which one server is the client of another: its failures are no disconnects of the app's own peer.
#[sockeye::test]
async fn a_handler_that_loses_its_upstream_fails() -> Result<()> {
    #[websocket("/through")]
    async fn through(_ws: WebSocket, url: String) -> Result<()> {
        let mut upstream: Client = Client::connect(url).await?;
        upstream.receive().await?;
        Ok(())
    }
    let (_server, url) = start().await;
    let client = TestClient::new(App::new().route(through));
    for path in ["refuse/404", "close/4000"] {
        let mut ws = client.websocket_connect(&format!("/through?url={url}/{path}")).await?;
        ws.expect_close(1011).await?;
    }
    Ok(())
}
