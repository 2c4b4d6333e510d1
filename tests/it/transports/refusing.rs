//! Refusals before the upgrade are HTTP answers, whatever the HTTP.

use sockeye::prelude::*;

use super::{
    client::{Site, Transport},
    over_all_transports,
};

over_all_transports!(refusals_are_answers, only_own_pages_are_let_in, the_connection_lives_on_after_a_refusal);

#[websocket("/guarded")]
async fn guarded(up: Upgrade, token: Option<String>) -> Result<()> {
    if token.as_deref() != Some("secret") {
        return up.deny(StatusCode::UNAUTHORIZED).await;
    }
    up.header("set-cookie", "seen=1").accept().await.send_text("in").await
}

#[websocket("/number/<number>")]
async fn number(ws: WebSocket, number: u32, times: Option<u32>) -> Result<()> {
    ws.send_text((number * times.unwrap_or(1)).to_string()).await
}

#[websocket("/strict", protocols = ["chat"], strict_protocol = true)]
async fn strict(ws: WebSocket) -> Result<()> {
    ws.send_text("strict").await
}

#[get("/page")]
async fn page() -> &'static str {
    "page"
}

fn app() -> App {
    App::new().route(guarded).route(number).route(strict).route(page)
}

async fn refusals_are_answers(over: Transport) -> Result<()> {
    let site = Site::serve(over, app()).await;
    for (path, lines, status) in [
        ("/guarded", &[][..], 401),
        ("/nowhere", &[], 404),
        ("/number/1?times=x", &[], 422),
        ("/strict", &[], 400),
        ("/number/1", &[("Sec-WebSocket-Version", "12")], 426),
        ("/number/1", &[("Origin", "http://evil.example")], 403),
        ("/number/1", &[("Content-Length", "5")], 400),
    ] {
        // hyper resets what is against HTTP/2.
        if over.is_http2() && status == 400 && !lines.is_empty() {
            continue;
        }
        let refused = site.handshake(path, lines).await;
        assert_eq!(refused.status, status, "{path} {lines:?} {:?}", refused.headers);
        if status == 426 {
            assert_eq!(refused.headers["sec-websocket-version"], "13");
        }
    }
    let mut opened = site.open_with("/guarded?token=secret", &[]).await;
    assert_eq!(opened.headers["set-cookie"], "seen=1");
    assert!(!over.is_http2() || !opened.headers.contains_key("sec-websocket-accept"));
    assert_eq!(opened.raw.frame().await.payload, b"in");
    Ok(())
}

/// Where the server speaks TLS it knows that pages of its own come over TLS too.
async fn only_own_pages_are_let_in(over: Transport) -> Result<()> {
    let site = Site::serve(over, app()).await;
    let is_secure = matches!(over, Transport::Tls | Transport::H2);
    for (origin, allowed) in [
        ("https://good.example", true),
        ("https://GOOD.example:443", true),
        ("http://good.example", !is_secure),
        ("https://good.example:8443", false),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let opened = site.handshake("/number/1", &[("Origin", origin)]).await;
        assert_eq!(opened.status != 403, allowed, "{origin}");
    }
    Ok(())
}

async fn the_connection_lives_on_after_a_refusal(over: Transport) -> Result<()> {
    let site = Site::serve(over, app()).await;
    if over.is_http2() {
        let session = site.session().await;
        assert_eq!(session.handshake("/nowhere", &[]).await.status, 404);
        assert_eq!(session.open("/number/7").await.frame().await.payload, b"7");
    } else {
        let mut raw = site.handshake("/nowhere", &[]).await.raw;
        raw.send(crate::robustness::bytes::handshake("/number/7")).await;
        raw.switched().await;
        assert_eq!(raw.frame().await.payload, b"7");
    }
    Ok(())
}
