//! The orderly stop.

use std::time::Duration;

use sockeye::prelude::*;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
};

use super::{
    client::{Site, Transport},
    over_all_transports,
};
use crate::robustness::{
    bytes::{CLOSE, PING, PONG, close, frame},
    raw::soon,
};

/// As good as never.
const NEVER: Duration = Duration::from_secs(3600);

over_all_transports!(
    every_socket_gets_1001,
    the_deadline_ends_what_is_left,
    a_handshake_under_way_is_closed_too,
    who_has_asked_for_nothing_does_not_delay,
);

async fn every_socket_gets_1001(over: Transport) -> Result<()> {
    let (say, mut said) = mpsc::unbounded_channel();
    let app = App::new().websocket("/", move |mut ws: WebSocket| {
        let say = say.clone();
        async move {
            let error = ws.receive_text().await.unwrap_err();
            say.send(error.is_disconnect())?;
            Ok::<_, Error>(())
        }
    });
    let site = Site::serve(over, app).await;
    let mut sockets = vec![site.open("/").await, site.open("/").await];
    if over.is_http2() {
        let session = site.session().await;
        for _ in 0..5 {
            sockets.push(session.open("/").await);
        }
    }
    for raw in &mut sockets {
        raw.send(frame(PING, "")).await;
        assert_eq!(raw.frame().await.first, PONG);
    }
    let count = sockets.len();
    let stopped = sockeye::spawn(site.server.shutdown(NEVER));
    for raw in &mut sockets {
        let got = raw.frame().await;
        assert_eq!((got.first, &got.payload[..2]), (CLOSE, &1001_u16.to_be_bytes()[..]));
        raw.send(close(1001, b"")).await;
    }
    soon("the stop", stopped).await??;
    for _ in 0..count {
        assert_eq!(said.recv().await, Some(true));
    }
    Ok(())
}

async fn the_deadline_ends_what_is_left(over: Transport) -> Result<()> {
    let app = App::new().websocket("/", async |ws: WebSocket| -> Result<()> {
        ws.send_text("open").await?;
        std::future::pending().await
    });
    let site = Site::serve(over, app).await;
    let mut raw = site.open("/").await;
    assert_eq!(raw.frame().await.payload, b"open");
    soon("the stop", site.server.shutdown(Duration::from_millis(50))).await
}

/// It is accepted only after the stop was asked for.
async fn a_handshake_under_way_is_closed_too(over: Transport) -> Result<()> {
    let (give, mut given) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
    let app = App::new().websocket("/", async |ws: WebSocket| ws.send_text("open").await).state(give).route(waits);
    let Site { server, door } = Site::serve(over, app).await;
    let opening = sockeye::spawn(async move { door.open("/waits").await });
    let accept = soon("the handler", given.recv()).await.expect("a question");
    let stopped = sockeye::spawn(server.shutdown(NEVER));
    while TcpStream::connect(door.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    accept.send(()).expect("a handler");
    let mut raw = opening.await?;
    let got = raw.frame().await;
    assert_eq!((got.first, &got.payload[..2]), (CLOSE, &1001_u16.to_be_bytes()[..]));
    raw.send(close(1001, b"")).await;
    soon("the stop", stopped).await?
}

#[websocket("/waits")]
async fn waits(up: Upgrade, give: State<mpsc::UnboundedSender<oneshot::Sender<()>>>) -> Result<()> {
    let (accept, accepted) = oneshot::channel();
    give.send(accept)?;
    accepted.await?;
    up.accept().await.closed().await;
    Ok(())
}

async fn who_has_asked_for_nothing_does_not_delay(over: Transport) -> Result<()> {
    let mut limits = Limits::default();
    (limits.first_byte_timeout, limits.head_timeout) = (NEVER, NEVER);
    let Site { server, door } = Site::serve(over, App::new().limits(limits)).await;
    let _silent = TcpStream::connect(door.address).await?;
    let _idle = door.connect().await;
    let _session = if over.is_http2() { Some(door.session().await) } else { None };
    // It comes after all the others.
    assert_eq!(door.handshake("/", &[]).await.status, 404);
    soon("the stop", server.shutdown(NEVER)).await
}
