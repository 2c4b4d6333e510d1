//! HTTP/2 itself: its requests, its streams side by side, and clients that ask for too much.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use h2::{Reason, ext::Protocol};
use http::Method;
use sockeye::{ArgInfo, FromRequest, Request, prelude::*};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    sync::mpsc,
    time::{sleep, timeout},
};

use super::client::{RawSocket, Session, Site, Transport};
use crate::robustness::{
    bytes::{BINARY, PING, PONG, TEXT, frame},
    raw::{Raw, soon},
};

/// As good as never.
const NEVER: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(300);

#[get("/page")]
async fn page() -> &'static str {
    "page"
}

#[post("/sum")]
async fn sum(numbers: sockeye::Json<Vec<u32>>) -> String {
    numbers.iter().sum::<u32>().to_string()
}

#[websocket("/echo")]
async fn echo(mut ws: WebSocket) -> Result<()> {
    while let Some(message) = ws.next().await {
        ws.send(&message?).await?;
    }
    Ok(())
}

/// A status that denies over HTTP/1.1, and would open the socket here.
#[websocket("/odd")]
async fn oddly_denied(up: sockeye::Upgrade) -> Result<()> {
    up.deny(StatusCode::OK).await
}

/// An extractor whose refusal has the status of a text.
struct Oddly;

impl FromRequest for Oddly {
    type Rejection = &'static str;

    async fn from_request(_: &mut Request, _: &ArgInfo) -> std::result::Result<Self, &'static str> {
        Err("not you")
    }
}

#[websocket("/oddly")]
async fn oddly_refused(_ws: WebSocket, _oddly: Oddly) {}

fn app() -> App {
    App::new().route(page).route(sum).route(echo).route(oddly_denied).route(oddly_refused)
}

async fn echoes(raw: &mut RawSocket, text: &str) {
    raw.send(frame(TEXT, text)).await;
    assert_eq!(raw.frame().await.payload, text.as_bytes());
}

#[sockeye::test]
async fn plain_routes_work() -> Result<()> {
    let site = Site::serve(Transport::H2, app()).await;
    let session = site.session().await;
    for (method, path, status, body) in
        [(Method::GET, "/page", 200, "page"), (Method::HEAD, "/page", 200, ""), (Method::OPTIONS, "/page", 204, "")]
    {
        let (response, got) = session.request(method.clone(), path).await;
        assert_eq!((response.status().as_u16(), got.as_str()), (status, body), "{method} {path}");
    }
    let (response, _) = session.request(Method::HEAD, "/page").await;
    assert_eq!(response.headers()["content-length"], "4");
    let (response, body) = session.request(Method::DELETE, "/page").await;
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET, HEAD, OPTIONS");
    assert!(body.contains("method_not_allowed"), "{body}");
    assert_eq!(session.request(Method::GET, "/nowhere").await.0.status(), 404);

    let head = session.head(Method::POST, "/sum", &[("content-type", "application/json")]);
    let sending = session.post(head, Bytes::from_static(b"[1,2,3]")).await;
    assert_eq!(sending, (200, "6".to_owned()));
    Ok(())
}

/// No upgrade here: what asks for a socket is a CONNECT (RFC 8441), and the answer has no headers of a connection.
#[sockeye::test]
async fn a_socket_is_asked_for_by_connect() -> Result<()> {
    let site = Site::serve(Transport::H2c, app()).await;
    let session = site.session().await;
    for method in [Method::GET, Method::HEAD] {
        let (response, body) = session.request(method.clone(), "/echo").await;
        assert_eq!(response.status(), 426);
        assert!(!response.headers().contains_key("upgrade") && !response.headers().contains_key("connection"));
        assert!(method == Method::HEAD || body.contains("RFC 8441"), "{body}");
    }
    // Headers of the other way do not make it one.
    let head = session.head(
        Method::GET,
        "/echo",
        &[("sec-websocket-version", "13"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")],
    );
    assert_eq!(session.send(head, true).await?.0.status(), 426);
    for (protocol, status) in [("websocket", 200), ("WebSocket", 200), ("connect-udp", 501)] {
        let mut head = session.head(Method::CONNECT, "/echo", &[("sec-websocket-version", "13")]);
        head.extensions_mut().insert(Protocol::from(protocol));
        assert_eq!(session.send(head, false).await?.0.status(), status, "{protocol}");
    }
    // Where there is no socket, an answer that is not a refusal would open one.
    for (path, status) in [("/page", 405), ("/sum", 405), ("/nowhere", 404), ("/odd", 500), ("/oddly", 500)] {
        let refused = session.handshake(path, &[]).await;
        assert_eq!(refused.status, status, "{path}");
    }
    // A CONNECT to somewhere else: we are no proxy.
    let plain = http::Request::builder().method(Method::CONNECT).uri("other.example:443").body(())?;
    assert_eq!(session.send(plain, false).await?.0.status(), 501);
    Ok(())
}

#[sockeye::test]
async fn the_authority_is_the_host() -> Result<()> {
    let site = Site::serve(Transport::H2c, app()).await;
    let session = site.session().await;
    for (host, status) in [("good.example", 200), ("GOOD.example", 200), ("evil.example", 400), ("a b", 400)] {
        let head = session.head(Method::GET, "/page", &[("host", host)]);
        assert_eq!(session.send(head, true).await?.0.status(), status, "{host}");
    }
    Ok(())
}

#[sockeye::test]
async fn heads_are_limited() -> Result<()> {
    let site = Site::serve(Transport::H2c, app()).await;
    let session = site.session().await;
    let long = "x".repeat(70_000);
    let head = session.head(Method::GET, "/page", &[("x-long", &long)]);
    assert_eq!(session.send(head, true).await?.0.status(), 431);
    let many: Vec<(String, String)> = (0..130).map(|n| (format!("x-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(session.send(session.head(Method::GET, "/page", &many), true).await?.0.status(), 431);
    let path = format!("/{}", "x".repeat(9000));
    assert_eq!(session.send(session.head(Method::GET, &path, &[]), true).await?.0.status(), 414);
    assert_eq!(session.request(Method::GET, "/page").await.1, "page");
    Ok(())
}

#[sockeye::test]
async fn many_sockets_share_a_connection() -> Result<()> {
    let site = Site::serve(Transport::H2, app()).await;
    let session = site.session().await;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        sockets.push(session.open("/echo").await);
    }
    for round in 0..3 {
        for (n, raw) in sockets.iter_mut().enumerate() {
            echoes(raw, &format!("{round} {n}")).await;
        }
    }
    assert_eq!(session.request(Method::GET, "/page").await.1, "page");
    Ok(())
}

/// Nobody takes what comes in on most of them, and the client takes nothing on some: the others do not notice.
#[sockeye::test(worker_threads = 2)]
async fn a_stream_that_stalls_does_not_stall_the_others() -> Result<()> {
    let mut limits = Limits::default();
    (limits.ping_interval, limits.stall_timeout) = (None, NEVER);
    let app = app()
        .limits(limits)
        .websocket("/deaf", async |ws: WebSocket| -> Result<()> {
            sleep(NEVER).await;
            ws.send_text("never").await
        })
        .websocket("/loud", async |ws: WebSocket| -> Result<()> {
            loop {
                ws.send_bytes(vec![0; 10_000]).await?;
            }
        });
    let site = Site::serve(Transport::H2c, app).await;
    let session = site.session().await;
    let mut stalled = Vec::new();
    for path in ["/deaf", "/loud"].repeat(20) {
        let mut raw = session.open(path).await;
        if path == "/deaf" {
            // More than the window and the inbox take.
            let bytes = frame(BINARY, [0; 1000]).repeat(300);
            assert!(
                timeout(Duration::from_millis(20), tokio::io::AsyncWriteExt::write_all(&mut raw.stream, &bytes))
                    .await
                    .is_err()
            );
        }
        stalled.push(raw);
    }
    let mut raw = session.open("/echo").await;
    for n in 0..100 {
        echoes(&mut raw, &n.to_string()).await;
    }
    echoes(&mut raw, &"x".repeat(1 << 20)).await;
    assert_eq!(session.request(Method::GET, "/page").await.1, "page");
    Ok(())
}

/// How the handlers of `/` have ended: whether each was disconnected without a close frame.
fn says_its_end() -> (App, mpsc::UnboundedReceiver<bool>) {
    let (say, said) = mpsc::unbounded_channel();
    let app = app().websocket("/", move |mut ws: WebSocket| {
        let say = say.clone();
        async move {
            let error = ws.receive().await.unwrap_err();
            say.send(error.is_disconnect() && error.close_frame().is_none())?;
            Ok::<_, Error>(())
        }
    });
    (app, said)
}

#[sockeye::test]
async fn the_end_of_one_stream_is_not_that_of_another() -> Result<()> {
    let (app, mut said) = says_its_end();
    let app = app.websocket("/panics", async |_: WebSocket| -> Result<()> { panic!("on purpose") });
    let site = Site::serve(Transport::H2, app).await;
    let session = site.session().await;
    let mut lives = session.open("/echo").await;
    for reason in [Reason::CANCEL, Reason::NO_ERROR, Reason::INTERNAL_ERROR, Reason::STREAM_CLOSED] {
        let (response, stream) = session.connect("/", &[]).await;
        assert_eq!(response.status(), 200);
        stream.reset(reason);
        assert_eq!(soon("the handler's end", said.recv()).await, Some(true), "{reason}");
        echoes(&mut lives, "lives").await;
    }
    assert_eq!(session.open("/panics").await.frame().await.payload[..2], 1011_u16.to_be_bytes());
    echoes(&mut lives, "lives").await;
    Ok(())
}

#[sockeye::test]
async fn the_end_of_the_connection_ends_all_its_sockets() -> Result<()> {
    let (app, mut said) = says_its_end();
    let site = Site::serve(Transport::H2c, app).await;
    let tcp = TcpStream::connect(site.address).await?;
    let cut = tcp.into_std()?;
    let stream = TcpStream::from_std(cut.try_clone()?)?;
    let session = Session::start(Box::new(stream), "http").await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(session.open("/").await);
    }
    cut.shutdown(std::net::Shutdown::Both)?;
    for _ in 0..5 {
        assert_eq!(soon("the handler's end", said.recv()).await, Some(true));
    }
    Ok(())
}

/// What a handler holds is dropped when nobody waits for its answer any more.
#[sockeye::test]
async fn a_request_that_is_reset_is_dropped() -> Result<()> {
    struct Held(mpsc::UnboundedSender<()>);
    impl Drop for Held {
        fn drop(&mut self) {
            // Nobody may look any more.
            let _ = self.0.send(());
        }
    }
    #[get("/slow")]
    async fn slow(started: State<(mpsc::UnboundedSender<()>, mpsc::UnboundedSender<()>)>) -> &'static str {
        let (started, ended) = &*started.0;
        let _held = Held(ended.clone());
        started.send(()).expect("a test");
        sleep(NEVER).await;
        "late"
    }
    let (start, mut started) = mpsc::unbounded_channel::<()>();
    let (end, mut ended) = mpsc::unbounded_channel::<()>();
    let site = Site::serve(Transport::H2c, app().state((start, end)).route(slow)).await;
    let session = site.session().await;
    let asking = session.clone();
    let asking = sockeye::spawn(async move { drop(asking.request(Method::GET, "/slow").await) });
    soon("the handler", started.recv()).await.expect("a handler");
    asking.abort();
    soon("the handler's end", ended.recv()).await.expect("an end");

    // So it is when the server stops.
    let asking = session.clone();
    let asking = sockeye::spawn(async move { drop(asking.send(asking.head(Method::GET, "/slow", &[]), true).await) });
    soon("the handler", started.recv()).await.expect("a handler");
    soon("the stop", site.server.shutdown(Duration::from_millis(50))).await?;
    soon("the handler's end", ended.recv()).await.expect("an end");
    asking.await?;
    Ok(())
}

async fn serve_with(change: impl FnOnce(&mut Limits)) -> Site {
    let mut limits = Limits::default();
    change(&mut limits);
    Site::serve(Transport::H2c, app().limits(limits)).await
}

/// A connection is kept for its streams, and for a while without any.
#[sockeye::test]
async fn an_idle_connection_is_let_go() -> Result<()> {
    let site = serve_with(|limits| limits.head_timeout = SHORT).await;
    let (stream, ended) = Watched::connect(&site).await;
    let session = Session::start(stream, "http").await;
    let mut raw = session.open("/echo").await;
    sleep(SHORT * 2).await;
    echoes(&mut raw, "still here").await;
    assert!(!ended.is_finished());
    let since = Instant::now();
    drop(raw);
    soon("the end of the connection", ended).await?;
    assert!(since.elapsed() >= SHORT);
    Ok(())
}

/// An answer that takes its time is no idleness.
#[sockeye::test]
async fn a_slow_answer_keeps_its_connection() -> Result<()> {
    let drip = axum::Router::new().route(
        "/",
        axum::routing::get(async || {
            Body::from_stream(stream::unfold(0, async |n| {
                sleep(Duration::from_millis(200)).await;
                (n < 8).then(|| (Ok::<_, Infallible>(Bytes::from_static(b"drip ")), n + 1))
            }))
        }),
    );
    let mut limits = Limits::default();
    limits.head_timeout = Duration::from_millis(50);
    let site = Site::serve(Transport::H2, App::new().limits(limits).mount("/drip", drip)).await;
    assert_eq!(site.session().await.request(Method::GET, "/drip").await.1, "drip ".repeat(8));
    Ok(())
}

/// It would go on for ever, and hold the stop up.
#[sockeye::test]
async fn an_endless_answer_ends_with_the_server() -> Result<()> {
    #[get("/ticks")]
    async fn ticks() -> Sse {
        Sse::new(stream::unfold(0, async |n| {
            sleep(Duration::from_millis(10)).await;
            Some((format!("tick {n}"), n + 1))
        }))
    }
    let site = Site::serve(Transport::H2, app().route(ticks)).await;
    let session = site.session().await;
    let (response, mut stream) = session.send(session.head(Method::GET, "/ticks", &[]), true).await?;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut start = [0; 12];
    soon("an event", stream.read_exact(&mut start)).await?;
    soon("the stop", site.server.shutdown(NEVER)).await?;
    let mut rest = String::new();
    soon("the answer's end", stream.read_to_string(&mut rest)).await?;
    assert!((String::from_utf8_lossy(&start) + &*rest).contains("data: tick 0"));
    Ok(())
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[sockeye::test]
async fn half_a_preface_is_not_waited_for() {
    for start in [&PREFACE[..1], &PREFACE[..3], &PREFACE[..4], &PREFACE[..20], PREFACE] {
        let site = serve_with(|limits| (limits.first_byte_timeout, limits.head_timeout) = (SHORT, SHORT)).await;
        let mut raw = Raw::connect(site.address).await;
        let since = Instant::now();
        raw.send(start).await;
        raw.rest().await;
        assert!(since.elapsed() >= SHORT, "{start:?}");
    }
}

/// However the bytes are cut, and whatever a request begins with.
#[sockeye::test]
async fn the_first_bytes_tell_which_http_it_is() -> Result<()> {
    let site = serve_with(|_| {}).await;
    for (method, status) in [("GET", 200), ("POST", 405), ("PUT", 405), ("PRINT", 405), ("P", 405), ("PR", 405)] {
        for trickles in [false, true] {
            let request = format!("{method} /page HTTP/1.1\r\nHost: good.example\r\n\r\n");
            let mut raw = Raw::connect(site.address).await;
            if trickles {
                trickle(&mut raw, request.as_bytes()).await;
            } else {
                raw.send(request).await;
            }
            assert_eq!(raw.answer().await.status, status, "{method}");
        }
    }
    let mut raw = Raw::connect(site.address).await;
    trickle(&mut raw, crate::robustness::bytes::handshake("/echo").as_slice()).await;
    raw.switched().await;
    raw.send(frame(PING, "")).await;
    assert_eq!(raw.frame().await.first, PONG);
    // The preface with empty SETTINGS: SETTINGS come back.
    let mut raw = Raw::connect(site.address).await;
    trickle(&mut raw, &[PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat()).await;
    let mut answer = [0; 4];
    soon("SETTINGS", raw.stream.read_exact(&mut answer)).await?;
    assert_eq!(answer[3], 4);
    // Not quite the preface.
    let mut raw = Raw::connect(site.address).await;
    raw.send("PRI / HTTP/1.1\r\nHost: good.example\r\n\r\n").await;
    drop(soon("the end", raw.stream.read_to_end(&mut Vec::new())).await);
    Ok(())
}

/// Each byte alone: the server gets to see it before the next comes.
async fn trickle(raw: &mut Raw, bytes: &[u8]) {
    for byte in &bytes[..bytes.len().min(30)] {
        raw.send([*byte]).await;
        sleep(Duration::from_millis(1)).await;
    }
    raw.send(&bytes[bytes.len().min(30)..]).await;
}

#[sockeye::test]
async fn streams_are_limited() -> Result<()> {
    let site = serve_with(|limits| limits.max_streams = 2).await;
    let session = site.session().await;
    let first = session.open("/echo").await;
    let mut second = session.open("/echo").await;
    let asking = session.clone();
    let mut third = sockeye::spawn(async move { asking.open("/echo").await });
    assert!(timeout(Duration::from_millis(200), &mut third).await.is_err(), "a third stream");
    drop(first);
    echoes(&mut soon("the third stream", third).await?, "third").await;
    echoes(&mut second, "second").await;
    Ok(())
}

/// A connection counts as one for as long as any of its sockets is open.
#[sockeye::test]
async fn connections_are_counted() -> Result<()> {
    let site = serve_with(|limits| limits.max_connections = 1).await;
    let session = site.session().await;
    let raw = session.open("/echo").await;
    let door = site.door;
    let mut other = sockeye::spawn(async move { door.session().await.request(Method::GET, "/page").await.1 });
    assert!(timeout(Duration::from_millis(200), &mut other).await.is_err(), "a second connection");
    drop((session, raw));
    assert_eq!(soon("the second connection", other).await?, "page");
    Ok(())
}

/// CVE-2023-44487: opened and reset at once, again and again. The connection is closed, the server goes on.
#[sockeye::test]
async fn a_flood_of_resets_ends_its_connection_only() -> Result<()> {
    let site = serve_with(|_| {}).await;
    let mut flood = Raw::connect(site.address).await;
    flood.send([PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat()).await;
    // `:method: GET`, `:scheme: http`, `:path: /`, and an authority (RFC 7541 appendix C.3.1).
    let head = [&[0x82, 0x86, 0x84, 0x41, 0x0c][..], b"good.example"].concat();
    let mut bytes = Vec::new();
    for stream in (1..20_000_u32).step_by(2) {
        let id = stream.to_be_bytes();
        bytes.extend([&[0, 0, head.len() as u8, 1, 5][..], &id, &head].concat());
        bytes.extend([&[0, 0, 4, 3, 0][..], &id, &8_u32.to_be_bytes()].concat());
    }
    flood.try_send(bytes).await;
    let mut rest = Vec::new();
    // It may be reset, since it was not read to its end.
    drop(soon("the end", flood.stream.read_to_end(&mut rest)).await);
    assert_eq!(site.session().await.request(Method::GET, "/page").await.1, "page");
    Ok(())
}

/// It has asked for something that takes its time, and is not heard of again.
#[sockeye::test]
async fn a_silent_client_is_pinged_and_then_gone() -> Result<()> {
    #[get("/")]
    async fn never() -> &'static str {
        sleep(NEVER).await;
        "late"
    }
    let beat = Duration::from_millis(100);
    let site = Site::serve(Transport::H2c, App::new().heartbeat(beat, beat * 2).route(never)).await;
    let mut raw = Raw::connect(site.address).await;
    let head = [&[0x82, 0x86, 0x84, 0x41, 0x0c][..], b"good.example"].concat();
    let head = [&[0, 0, head.len() as u8, 1, 5, 0, 0, 0, 1][..], &head].concat();
    raw.send([PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0], &head].concat()).await;
    let since = Instant::now();
    raw.rest().await;
    assert!(since.elapsed() >= beat * 3 - Duration::from_millis(20));
    Ok(())
}

/// A connection whose end can be waited for.
struct Watched;

impl Watched {
    async fn connect(site: &Site) -> (Box<dyn super::stream::Duplex>, tokio::task::JoinHandle<()>) {
        let mut tcp = TcpStream::connect(site.address).await.expect("can't connect");
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let relay = sockeye::spawn(async move {
            // The client goes on for as long as it likes: it is the server's end that counts.
            let (mut from, mut to) = tcp.split();
            let (mut read, mut write) = tokio::io::split(&mut far);
            tokio::select! {
                // The server has closed.
                _ = tokio::io::copy(&mut from, &mut write) => {}
                // Never: the test keeps its side.
                _ = async { drop(tokio::io::copy(&mut read, &mut to).await); std::future::pending::<()>().await } => {}
            }
        });
        (Box::new(near), relay)
    }
}
