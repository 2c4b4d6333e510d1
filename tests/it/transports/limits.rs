//! What a peer may not do, and how long it may take.

use std::time::Duration;

use sockeye::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use super::{
    client::{Site, Transport},
    over_all_transports,
};
use crate::robustness::{
    bytes::{CLOSE, PING, TEXT, TEXT_START, claim, frame},
    raw::soon,
};

over_all_transports!(
    broken_rules_have_their_codes,
    a_silent_peer_is_pinged_and_then_gone,
    a_peer_that_answers_pings_stays,
    a_peer_that_takes_nothing_is_let_go,
    a_slow_reader_gets_all_of_it_in_order,
    a_slow_handler_gets_all_of_it_in_order,
);

#[websocket("/echo", max_message = 1000)]
async fn echo(mut ws: WebSocket) -> Result<()> {
    while let Some(message) = ws.next().await {
        ws.send(&message?).await?;
    }
    Ok(())
}

async fn broken_rules_have_their_codes(over: Transport) -> Result<()> {
    let site = Site::serve(over, App::new().route(echo)).await;
    for (what, bytes, code) in [
        ("no mask", vec![TEXT, 2, b'h', b'i'], 1002),
        ("an unknown opcode", frame(0x83, "x"), 1002),
        ("a reserved bit", frame(0xc1, "x"), 1002),
        ("a message inside of another", [frame(TEXT_START, "a"), frame(TEXT, "b")].concat(), 1002),
        ("a long ping", frame(PING, [0; 126]), 1002),
        ("no UTF-8", frame(TEXT, [0xff]), 1007),
        ("a large message", claim(TEXT, 1001), 1009),
    ] {
        let mut raw = site.open("/echo").await;
        // What was right before is answered.
        raw.send([frame(TEXT, "before"), bytes].concat()).await;
        let ended = raw.ended().await;
        assert_eq!(ended.close, Some(Some(code)), "{what}");
        assert_eq!(ended.frames.iter().map(|frame| &*frame.payload).collect::<Vec<_>>(), [b"before"], "{what}");
    }
    Ok(())
}

/// An app that says how its sockets end, with a fast heartbeat.
fn beating() -> (App, mpsc::UnboundedReceiver<Error>) {
    let (say, said) = mpsc::unbounded_channel();
    let beat = Duration::from_millis(100);
    let app = App::new().heartbeat(beat, beat * 3).websocket("/", move |mut ws: WebSocket| {
        let say = say.clone();
        async move {
            say.send(ws.receive().await.unwrap_err())?;
            Ok::<_, Error>(())
        }
    });
    (app, said)
}

async fn a_silent_peer_is_pinged_and_then_gone(over: Transport) -> Result<()> {
    let (app, mut said) = beating();
    let site = Site::serve(over, app).await;
    let mut raw = site.open("/").await;
    let opened = std::time::Instant::now();
    assert_eq!(raw.frame().await.first, PING);
    let error = soon("the handler's end", said.recv()).await.expect("an error");
    assert!(error.is_disconnect() && error.close_frame().is_none());
    assert!(opened.elapsed() >= Duration::from_millis(350));
    Ok(())
}

async fn a_peer_that_answers_pings_stays(over: Transport) -> Result<()> {
    let (app, mut said) = beating();
    let site = Site::serve(over, app).await;
    let mut raw = site.open("/").await;
    for _ in 0..6 {
        assert_eq!(raw.frame().await.first, PING);
        raw.send(frame(0x8a, "")).await;
    }
    assert!(said.try_recv().is_err());
    Ok(())
}

async fn a_peer_that_takes_nothing_is_let_go(over: Transport) -> Result<()> {
    let (say, mut said) = mpsc::unbounded_channel();
    let mut limits = Limits::default();
    limits.stall_timeout = Duration::from_millis(300);
    limits.ping_interval = None;
    let app = App::new().limits(limits).websocket("/", move |ws: WebSocket| {
        let say = say.clone();
        async move {
            let error = loop {
                if let Err(error) = ws.send_bytes(vec![0; 100_000]).await {
                    break error;
                }
            };
            say.send(error.is_disconnect())?;
            Ok::<_, Error>(())
        }
    });
    let site = Site::serve(over, app).await;
    let _raw = site.open("/").await;
    assert_eq!(soon("the send to fail", said.recv()).await, Some(true));
    Ok(())
}

async fn a_slow_reader_gets_all_of_it_in_order(over: Transport) -> Result<()> {
    let (say, mut said) = mpsc::unbounded_channel();
    let app = App::new().websocket("/", move |ws: WebSocket| {
        let say = say.clone();
        async move {
            for n in 0..400_u32 {
                ws.send_bytes(n.to_be_bytes().repeat(5_000)).await?;
                say.send(n)?;
            }
            Ok::<_, Error>(())
        }
    });
    let site = Site::serve(over, app).await;
    let mut raw = site.open("/").await;
    // 8 MB are more than the way holds: the sends come to wait.
    let mut waiting = 0;
    while let Ok(n) = tokio::time::timeout(Duration::from_millis(300), said.recv()).await {
        waiting = n.expect("a number");
    }
    assert!(waiting < 399, "nothing has waited");
    for n in 0..400_u32 {
        let got = raw.frame().await;
        assert!(got.payload == n.to_be_bytes().repeat(5_000), "message {n}");
    }
    assert_eq!(raw.frame().await.first, CLOSE);
    Ok(())
}

async fn a_slow_handler_gets_all_of_it_in_order(over: Transport) -> Result<()> {
    let (go, wait) = tokio::sync::watch::channel(false);
    let app = App::new().websocket("/", move |mut ws: WebSocket| {
        let mut wait = wait.clone();
        async move {
            wait.wait_for(|go| *go).await?;
            for n in 0..1000_u32 {
                assert!(ws.receive_bytes().await? == n.to_be_bytes().repeat(2_000));
            }
            ws.send_text("all").await
        }
    });
    let site = Site::serve(over, app).await;
    let socket = site.open("/").await;
    let (mut read, mut write) = tokio::io::split(socket.stream);
    let sending = sockeye::spawn(async move {
        for n in 0..1000_u32 {
            let bytes = frame(0x82, n.to_be_bytes().repeat(2_000));
            write.write_all(&bytes).await.unwrap();
        }
        write.flush().await.unwrap();
        write
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!sending.is_finished(), "8 MB were taken that nobody has received");
    go.send_replace(true);
    let mut answer = [0; 5];
    soon("the answer", read.read_exact(&mut answer)).await?;
    assert_eq!(&answer[2..], b"all");
    drop(sending.await?);
    Ok(())
}
