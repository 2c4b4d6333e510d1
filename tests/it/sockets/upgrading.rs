//! What is decided before the socket is open.

use std::sync::Arc;

use sockeye::{header, prelude::*};
use tokio::sync::{Notify, mpsc};

use crate::robustness::raw::soon;

#[websocket("/decide/<how>")]
async fn decide(up: Upgrade, how: String) -> Result<()> {
    match how.as_str() {
        "deny" => return up.deny(StatusCode::FORBIDDEN).await,
        "explain" => return up.deny_with((StatusCode::PAYMENT_REQUIRED, "no coins left")).await,
        "close" => return up.close(4001, "unauthorized").await,
        "bad-close" => return up.close(1006, "no").await,
        "nothing" => return Ok(()),
        "fail" => return Err(Error::other("no luck")),
        "panic" => panic!("oh no"),
        _ => {}
    }
    let agent = up.headers().get("user-agent").map(|agent| agent.to_str().map(ToOwned::to_owned)).transpose()?;
    let color = up.query_params().get("color").unwrap_or("none").to_owned();
    // A decision may wait for something.
    tokio::task::yield_now().await;
    let ws = up.header("set-cookie", "a=1").header(header::SET_COOKIE, "b=2").accept().await;
    ws.send_text(format!("{how} {agent:?} {color}")).await
}

#[websocket("/protocol", protocols = ["chat.v2", "chat.v1"])]
async fn protocol(ws: WebSocket) -> Result<()> {
    ws.send_text(format!("{:?}", ws.subprotocol())).await
}

#[websocket("/strict", protocols = ["chat.v2"], strict_protocol = true)]
async fn strict(ws: WebSocket) -> Result<()> {
    ws.send_text("open").await
}

#[websocket("/chosen")]
async fn chosen(up: Upgrade) -> Result<()> {
    let ws = up.accept_protocol("v9").await;
    ws.send_text(format!("{:?}", ws.subprotocol())).await
}

#[websocket("/facts/<room>/<rest..>")]
async fn facts(ws: WebSocket, room: String, rest: String) -> Result<()> {
    let name = ws.query_params().get("name");
    let all: Vec<_> = ws.query_params().get_all("n").collect();
    let path: Vec<_> = ws.path_params().iter().collect();
    assert_eq!(path, [("room", room.as_str()), ("rest", rest.as_str())]);
    let peer = ws.peer_addr().map(|peer| peer.ip().to_string());
    let host = ws.headers().get("host").map(|host| host.to_str()).transpose()?;
    ws.send_text(format!("{name:?} {all:?} {} {peer:?} {host:?} {}", ws.uri().path(), ws.id())).await
}

#[websocket("/late")]
async fn accept_late(up: Upgrade, ended: State<mpsc::UnboundedSender<bool>>) -> Result<()> {
    up.deny(StatusCode::UNAUTHORIZED).await?;
    let error = up.accept().await.receive_text().await.unwrap_err();
    ended.send(error.is_disconnect())?;
    Ok(())
}

#[websocket("/boom")]
async fn fail_late(up: Upgrade, reached: State<Arc<Notify>>) -> Result<()> {
    up.deny(StatusCode::UNAUTHORIZED).await?;
    // The answer leaves, the handler goes on by itself.
    tokio::task::yield_now().await;
    reached.notify_one();
    Err(Error::other("boom"))
}

fn client() -> TestClient {
    TestClient::new(App::new().route(decide).route(protocol).route(strict).route(chosen).route(facts))
}

#[sockeye::test]
async fn a_refusal_is_an_http_answer() -> Result<()> {
    let client = client();
    client.websocket("/decide/deny").connect().await.expect_denied(403);
    let response = client.websocket("/decide/explain").connect().await.expect_denied(402);
    assert_eq!(response.text(), "no coins left");
    Ok(())
}

/// The first decision counts: what it accepts after the refusal is a socket that has ended.
#[sockeye::test]
async fn accepting_after_a_refusal_gives_a_closed_socket() -> Result<()> {
    let (sender, mut ended) = mpsc::unbounded_channel();
    let client = TestClient::new(App::new().state(sender).route(accept_late));
    client.websocket("/late").connect().await.expect_denied(401);
    assert_eq!(soon("the handler's end", ended.recv()).await, Some(true));
    Ok(())
}

#[sockeye::test]
#[should_panic(expected = "boom")]
async fn a_failure_after_a_refusal_fails_the_test() {
    let reached = Arc::new(Notify::new());
    let client = TestClient::new(App::new().state(reached.clone()).route(fail_late));
    client.websocket("/boom").connect().await.expect_denied(401);
    soon("the failure", reached.notified()).await;
}

#[sockeye::test]
async fn a_close_completes_the_handshake() -> Result<()> {
    let client = client();
    let mut ws = client.websocket_connect("/decide/close").await?;
    assert_eq!(ws.expect_close(4001).await?.reason, "unauthorized");
    let mut ws = client.websocket_connect("/decide/bad-close").await?;
    ws.expect_close(1008).await?;
    Ok(())
}

#[sockeye::test]
async fn no_decision_is_500() -> Result<()> {
    let client = client();
    for how in ["nothing", "fail", "panic"] {
        client.websocket(&format!("/decide/{how}")).connect().await.expect_denied(500);
    }
    Ok(())
}

#[sockeye::test]
async fn accepted_with_headers() -> Result<()> {
    let client = client();
    let mut ws = client.websocket("/decide/accept?color=red").header("user-agent", "test").connect().await?;
    let cookies: Vec<_> = ws.headers().get_all(header::SET_COOKIE).iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(ws.receive_text().await?, r#"accept Some("test") red"#);
    Ok(())
}

#[sockeye::test]
async fn subprotocols_are_chosen_in_the_clients_order() -> Result<()> {
    let client = client();
    for (offers, chosen) in [
        (&["chat.v1", "chat.v2"][..], Some("chat.v1")),
        (&["other", "chat.v2"], Some("chat.v2")),
        (&["other"], None),
        (&["CHAT.V2"], None),
        (&[], None),
    ] {
        let request = offers.iter().fold(client.websocket("/protocol"), |request, offer| request.subprotocol(offer));
        let mut ws = request.connect().await?;
        assert_eq!(ws.subprotocol(), chosen);
        assert_eq!(ws.receive_text().await?, format!("{chosen:?}"));
    }
    client.websocket("/strict").subprotocol("other").connect().await.expect_denied(400);
    let mut ws = client.websocket("/strict").subprotocol("x, chat.v2").connect().await?;
    assert_eq!(ws.subprotocol(), Some("chat.v2"));
    assert_eq!(ws.receive_text().await?, "open");
    let ws = client.websocket("/chosen").subprotocol("v9").connect().await?;
    assert_eq!(ws.subprotocol(), Some("v9"));
    let ws = client.websocket("/chosen").subprotocol("v8").connect().await?;
    assert_eq!(ws.subprotocol(), None);
    Ok(())
}

#[sockeye::test]
async fn facts_of_the_handshake_stay_known() -> Result<()> {
    let mut ws = client().websocket_connect("/facts/a%2Fb/c/d?name=x%20y&n=1&n=2").await?;
    let expected = r#"Some("x y") ["1", "2"] /facts/a%2Fb/c/d Some("127.0.0.1") Some("testserver") 1"#;
    assert_eq!(ws.receive_text().await?, expected);
    Ok(())
}

#[sockeye::test]
async fn pages_of_other_origins_are_refused() -> Result<()> {
    let own = client();
    own.websocket("/protocol").origin("https://evil.example").connect().await.expect_denied(403);
    own.websocket("/protocol").origin("null").connect().await.expect_denied(403);
    own.websocket("/protocol").origin("http://testserver").connect().await?;
    let app = |origins| TestClient::new(App::new().route(protocol).origins(origins));
    let list = app(Origins::list(["https://app.example"]));
    list.websocket("/protocol").origin("https://app.example").connect().await?;
    list.websocket("/protocol").origin("http://app.example").connect().await.expect_denied(403);
    app(Origins::any()).websocket("/protocol").origin("null").connect().await?;
    Ok(())
}
