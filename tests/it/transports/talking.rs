//! Messages both ways, and how sockets end.

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress};
use futures_util::{SinkExt, StreamExt};
use sockeye::prelude::*;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{
    Message as Frame,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{
    client::{Site, Transport},
    over_all_transports,
};
use crate::robustness::{
    bytes::{CLOSE, TEXT, close, frame},
    raw::soon,
};

over_all_transports!(
    echoes_every_size,
    many_at_once_keep_their_order,
    a_subprotocol_is_agreed_on,
    compressed_messages_go_both_ways,
    the_peers_close_code_comes_back,
    the_handlers_end_has_its_code,
    a_socket_that_is_dropped_ends_its_handler,
    the_end_of_the_stream_ends_the_handler,
    the_end_is_seen_behind_a_full_inbox,
    the_handshake_is_known,
    a_cancelled_receive_loses_nothing,
);

fn app() -> App {
    App::new().route(echo)
}

#[websocket("/echo", protocols = ["chat", "superchat"])]
async fn echo(mut ws: WebSocket) -> Result<()> {
    while let Some(message) = ws.next().await {
        ws.send(&message?).await?;
    }
    Ok(())
}

async fn echoes_every_size(over: Transport) -> Result<()> {
    let site = Site::serve(over, app()).await;
    let mut socket = site.socket("/echo").await;
    for size in [0, 1, 125, 126, 16_383, 16_385, 65_535, 65_536, 1 << 20] {
        for sent in [Frame::text("x".repeat(size)), Frame::binary(vec![7; size])] {
            soon("the server to take a message", socket.send(sent.clone())).await?;
            let got = soon("an echo", socket.next()).await.expect("an echo")?;
            assert!(got == sent, "{size} bytes");
        }
    }
    soon("the close frame", socket.close(None)).await?;
    Ok(())
}

async fn many_at_once_keep_their_order(over: Transport) -> Result<()> {
    let site = Site::serve(over, app()).await;
    let (mut send, mut receive) = site.socket("/echo").await.split();
    let sending = sockeye::spawn(async move {
        for n in 0..2000 {
            send.feed(Frame::text(n.to_string())).await.unwrap();
        }
        send.flush().await.unwrap();
        send
    });
    for n in 0..2000 {
        let got = soon("an echo", receive.next()).await.expect("an echo")?;
        assert_eq!(got.into_text()?, n.to_string());
    }
    drop(sending.await?);
    Ok(())
}

async fn a_subprotocol_is_agreed_on(over: Transport) -> Result<()> {
    let site = Site::serve(over, app()).await;
    let opened = site.open_with("/echo", &[("Sec-WebSocket-Protocol", "other, superchat, chat")]).await;
    assert_eq!(opened.headers["sec-websocket-protocol"], "superchat");
    let none = site.open_with("/echo", &[("Sec-WebSocket-Protocol", "other")]).await;
    assert!(!none.headers.contains_key("sec-websocket-protocol"));
    Ok(())
}

async fn compressed_messages_go_both_ways(over: Transport) -> Result<()> {
    let site = Site::serve(over, app()).await;
    let opened = site.open_with("/echo", &[("Sec-WebSocket-Extensions", "permessage-deflate")]).await;
    let answer = opened.headers["sec-websocket-extensions"].to_str()?.to_owned();
    assert!(answer.starts_with("permessage-deflate"), "{answer}");
    let mut raw = opened.raw;
    for text in ["a".repeat(1000), "b".repeat(300_000)] {
        let mut compressed = Vec::with_capacity(text.len() + 100);
        let mut compress = Compress::new(flate2::Compression::default(), false);
        compress.compress_vec(text.as_bytes(), &mut compressed, FlushCompress::Sync)?;
        // RFC 7692 section 7.2.1: the empty block's end is left out.
        compressed.truncate(compressed.len() - 4);
        raw.send(frame(0x40 | TEXT, &compressed)).await;
        let echo = raw.frame().await;
        assert_eq!(echo.first, 0x40 | TEXT);
        assert!(echo.payload.len() < 2000);
        let mut back = Vec::with_capacity(text.len() + 100);
        let tail = [&echo.payload[..], &[0, 0, 0xff, 0xff]].concat();
        Decompress::new(false).decompress_vec(&tail, &mut back, FlushDecompress::Sync)?;
        assert!(back == text.as_bytes());
    }
    Ok(())
}

async fn the_peers_close_code_comes_back(over: Transport) -> Result<()> {
    let (say, mut said) = mpsc::unbounded_channel();
    let app = App::new().websocket("/", move |mut ws: WebSocket| {
        let say = say.clone();
        async move {
            let error = ws.receive().await.unwrap_err();
            say.send(error.close_frame().map(|frame| (frame.code.as_u16(), frame.reason.to_string())))?;
            Ok::<_, Error>(())
        }
    });
    let site = Site::serve(over, app).await;
    let mut socket = site.socket("/").await;
    socket.close(Some(CloseFrame { code: CloseCode::Library(4001), reason: "enough".into() })).await?;
    let answer = soon("the close frame", socket.next()).await.expect("a close frame")?;
    assert!(matches!(answer, Frame::Close(Some(frame)) if u16::from(frame.code) == 4001));
    assert_eq!(soon("the handler", said.recv()).await, Some(Some((4001, "enough".to_owned()))));
    // And then the stream's end.
    assert!(soon("the end", socket.next()).await.is_none());
    Ok(())
}

async fn the_handlers_end_has_its_code(over: Transport) -> Result<()> {
    let app = App::new()
        .websocket("/good", async |ws: WebSocket| ws.send_text("bye").await)
        .websocket("/bad", async |_: WebSocket| Err(Error::other("on purpose")))
        .websocket("/own", async |ws: WebSocket| ws.close(4000).await)
        .websocket("/kind", async |mut ws: WebSocket| ws.receive_bytes().await.map(drop));
    let site = Site::serve(over, app).await;
    for (path, code) in [("/good", 1000), ("/bad", 1011), ("/own", 4000), ("/kind", 1003)] {
        let mut raw = site.open(path).await;
        raw.send(frame(TEXT, "hello")).await;
        loop {
            let got = raw.frame().await;
            if got.first == CLOSE {
                assert_eq!(got.payload[..2], u16::to_be_bytes(code), "{path}");
                break;
            }
        }
        raw.send(close(code, b"")).await;
        assert_eq!(raw.rest().await, b"", "{path}");
    }
    Ok(())
}

/// An app whose handler says how its socket has ended, once a client has said so.
fn says_its_end() -> (App, mpsc::UnboundedReceiver<bool>) {
    let (say, said) = mpsc::unbounded_channel();
    let app = App::new().websocket("/", move |mut ws: WebSocket| {
        let say = say.clone();
        async move {
            ws.receive_text().await?;
            ws.send_text("seen").await?;
            ws.closed().await;
            let error = loop {
                match ws.receive().await {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            say.send(error.is_disconnect() && error.close_frame().is_none())?;
            Ok::<_, Error>(())
        }
    });
    (app, said)
}

async fn a_socket_that_is_dropped_ends_its_handler(over: Transport) -> Result<()> {
    let (app, mut said) = says_its_end();
    let site = Site::serve(over, app).await;
    let mut raw = site.open("/").await;
    raw.send(frame(TEXT, "hello")).await;
    assert_eq!(raw.frame().await.payload, b"seen");
    drop(raw);
    assert_eq!(soon("the handler's end", said.recv()).await, Some(true));
    Ok(())
}

async fn the_end_of_the_stream_ends_the_handler(over: Transport) -> Result<()> {
    let (app, mut said) = says_its_end();
    let site = Site::serve(over, app).await;
    let mut raw = site.open("/").await;
    raw.send(frame(TEXT, "hello")).await;
    assert_eq!(raw.frame().await.payload, b"seen");
    raw.finish().await;
    assert_eq!(soon("the handler's end", said.recv()).await, Some(true));
    Ok(())
}

/// Nobody receives, so nothing is read any more when the end comes.
async fn the_end_is_seen_behind_a_full_inbox(over: Transport) -> Result<()> {
    let (say, mut said) = mpsc::unbounded_channel();
    let mut limits = Limits::default();
    limits.ping_interval = None;
    let app = App::new().limits(limits).websocket("/", move |ws: WebSocket| {
        let say = say.clone();
        async move {
            ws.send_text("open").await?;
            ws.closed().await;
            say.send(())?;
            Ok::<_, Error>(())
        }
    });
    let site = Site::serve(over, app).await;
    for reset in [false, true] {
        let mut raw = site.open("/").await;
        assert_eq!(raw.frame().await.payload, b"open");
        raw.send(frame(TEXT, "x".repeat(100)).repeat(400)).await;
        if reset {
            drop(raw);
            soon("`closed`", said.recv()).await;
        } else {
            raw.finish().await;
            soon("`closed`", said.recv()).await;
        }
    }
    Ok(())
}

#[websocket("/facts/<name>")]
async fn facts(ws: WebSocket, name: String, tag: String, host: sockeye::Headers, cookies: Cookies) -> Result<()> {
    let host = host["host"].to_str()?;
    let cookies: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    ws.send_text(format!("{name} {tag} {host} {} {}", cookies.join(","), ws.uri().path())).await
}

async fn the_handshake_is_known(over: Transport) -> Result<()> {
    let site = Site::serve(over, App::new().route(facts)).await;
    let mut raw = site.open_with("/facts/a%20b?tag=c", &[("Cookie", "k=1; l=2")]).await.raw;
    assert_eq!(String::from_utf8(raw.frame().await.payload)?, "a b c good.example k=1,l=2 /facts/a%20b");
    Ok(())
}

async fn a_cancelled_receive_loses_nothing(over: Transport) -> Result<()> {
    let app = App::new().websocket("/", async |mut ws: WebSocket| -> Result<()> {
        for expected in 0..500 {
            let text = loop {
                tokio::select! {
                    // A message.
                    text = ws.receive_text() => break text?,
                    // The other one wins now and then.
                    () = tokio::task::yield_now() => {}
                }
            };
            assert_eq!(text, expected.to_string());
        }
        ws.send_text("all").await
    });
    let site = Site::serve(over, app).await;
    let mut raw = site.open("/").await;
    for n in 0..500 {
        raw.send(frame(TEXT, n.to_string())).await;
    }
    assert_eq!(raw.frame().await.payload, b"all");
    Ok(())
}
