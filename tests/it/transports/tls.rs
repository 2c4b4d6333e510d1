//! TLS itself: what is agreed on, and peers that do not speak it, or slowly.

use std::time::{Duration, Instant};

use sockeye::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ProtocolVersion, pki_types::ServerName, version::TLS12},
};
use tracing::Level;

use super::{
    certificate::{self, NAME},
    client::{Site, Transport, config, secure},
    logs::Logs,
};
use crate::robustness::raw::{Raw, soon};

const SHORT: Duration = Duration::from_millis(300);
/// As good as never.
const LONG: Duration = Duration::from_secs(3600);

#[get("/")]
async fn index() -> &'static str {
    "index"
}

#[websocket("/echo")]
async fn echo(mut ws: WebSocket) -> Result<()> {
    while let Some(message) = ws.next().await {
        ws.send(&message?).await?;
    }
    Ok(())
}

fn app() -> App {
    App::new().route(index).route(echo)
}

#[sockeye::test]
async fn the_protocol_is_agreed_on() {
    let site = Site::serve(Transport::Tls, app()).await;
    for (offered, agreed) in [
        (&["h2", "http/1.1"][..], Some(&b"h2"[..])),
        (&["http/1.1", "h2"], Some(b"h2")),
        (&["http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = TcpStream::connect(site.address).await.unwrap();
        let stream = secure(stream, offered).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed, "{offered:?}");
        assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    }
    // Without any it is HTTP/1.1.
    let stream = TcpStream::connect(site.address).await.unwrap();
    let mut stream = secure(stream, &[]).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    soon("the answer", stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("index"), "{answer}");
    // What nobody here speaks is refused (RFC 7301 section 3.2).
    let stream = TcpStream::connect(site.address).await.unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    let refused = TlsConnector::from(certificate::client(&["smtp"])).connect(name, stream).await;
    assert!(refused.unwrap_err().to_string().contains("NoApplicationProtocol"));
}

#[sockeye::test]
async fn version_1_2_is_spoken_too() {
    let site = Site::serve(Transport::Tls, app()).await;
    let stream = TcpStream::connect(site.address).await.unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    let old = certificate::client_of(&["http/1.1"], &[&TLS12]);
    let stream = TlsConnector::from(old).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_2));
}

/// Serves with these limits of time, and gives a connection that has sent `bytes`.
async fn slow(first_byte: Duration, head: Duration, bytes: &[u8]) -> (Site, Raw) {
    let mut limits = Limits::default();
    (limits.first_byte_timeout, limits.head_timeout) = (first_byte, head);
    let site = Site::serve(Transport::Tls, app().limits(limits)).await;
    let mut raw = Raw::connect(site.address).await;
    raw.send(bytes).await;
    (site, raw)
}

#[sockeye::test]
async fn a_silent_peer_is_let_go() {
    let since = Instant::now();
    let (_site, mut raw) = slow(SHORT, LONG, b"").await;
    assert_eq!(raw.rest().await, b"");
    assert!(since.elapsed() >= SHORT);
}

#[sockeye::test]
async fn half_a_handshake_is_not_waited_for() {
    let since = Instant::now();
    // A handshake record of 512 bytes, of which five come.
    let (_site, mut raw) = slow(LONG, SHORT, &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3]).await;
    assert_eq!(raw.rest().await, b"");
    assert!(since.elapsed() >= SHORT);
}

#[sockeye::test]
async fn who_says_nothing_after_the_handshake_is_let_go() {
    for protocol in ["http/1.1", "h2"] {
        let mut limits = Limits::default();
        (limits.first_byte_timeout, limits.head_timeout) = (LONG, SHORT);
        let site = Site::serve(Transport::Tls, app().limits(limits)).await;
        let mut stream = secure(TcpStream::connect(site.address).await.unwrap(), &[protocol]).await;
        let since = Instant::now();
        let mut rest = Vec::new();
        // Maybe without close_notify: nothing was said that could be cut.
        drop(soon("the end", stream.read_to_end(&mut rest)).await);
        assert!(since.elapsed() >= SHORT - Duration::from_millis(50), "{protocol}");
    }
}

#[sockeye::test]
async fn plain_http_is_told_so() {
    let logs = Logs::keep();
    let site = Site::serve(Transport::Tls, app()).await;
    for request in ["GET / HTTP/1.1\r\nHost: good.example\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut raw = Raw::connect(site.address).await;
        raw.send(request).await;
        let answer = raw.answer().await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains("https://"), "{answer:?}");
        assert_eq!(raw.rest().await, b"");
    }
    let lines = logs.take(Level::TRACE);
    assert_eq!(lines.iter().filter(|line| line.contains("plain HTTP where TLS is spoken")).count(), 2, "{lines:?}");
}

#[sockeye::test]
async fn what_is_no_tls_is_closed_and_no_error() {
    let logs = Logs::keep();
    let site = Site::serve(Transport::Tls, app()).await;
    for bytes in [&b"\x00\x01\x02\x03 garbage"[..], b"ssh-2.0\r\n", &[0x17, 3, 3, 0, 2, 9, 9], &[0xff; 50_000]] {
        let mut raw = Raw::connect(site.address).await;
        raw.try_send(bytes).await;
        // An alert, or nothing.
        assert!(raw.rest().await.len() < 20);
    }
    assert_eq!(logs.take(Level::INFO), [""; 0]);
    // Others do not notice.
    assert_eq!(site.handshake("/echo", &[]).await.status, 101);
}

/// A peer that closes TCP without saying so in TLS is a lost one, not one that has ended its stream (RFC 8446 section 6.1).
#[sockeye::test]
async fn a_cut_connection_is_a_lost_socket() {
    let (say, mut said) = tokio::sync::mpsc::unbounded_channel();
    let app = App::new().websocket("/", move |mut ws: WebSocket| {
        let say = say.clone();
        async move {
            let error = ws.receive().await.unwrap_err();
            say.send(error.is_disconnect() && error.close_frame().is_none())?;
            Ok::<_, Error>(())
        }
    });
    let site = Site::serve(Transport::Tls, app).await;
    let stream = TcpStream::connect(site.address).await.unwrap();
    let mut raw = Raw { stream: secure(stream, &["http/1.1"]).await, read: Vec::new() };
    raw.send(crate::robustness::bytes::handshake("/")).await;
    raw.switched().await;
    let (tcp, _tls) = raw.stream.into_inner();
    drop(tcp);
    assert_eq!(soon("the handler's end", said.recv()).await, Some(true));
}

/// A test client speaks no TLS, and need not.
#[sockeye::test]
async fn test_clients_see_the_app_without_it() -> Result<()> {
    let app = app().tls(config());
    for client in [TestClient::new(app.clone()), TestClient::tcp(app).await?] {
        assert_eq!(client.get("/").await?.text(), "index");
        let mut ws = client.websocket_connect("/echo").await?;
        ws.send_text("hello").await?;
        assert_eq!(ws.receive_text().await?, "hello");
    }
    Ok(())
}
