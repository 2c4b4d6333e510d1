//! A send followed by a long wait leaves at once, whatever the handler waits for.

use std::time::Duration;

use futures_util::future::join;
use sockeye::{Sender, prelude::*};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};

use super::{
    client::{RawSocket, Site, Transport},
    over_all_transports,
};
use crate::robustness::{
    bytes::{BINARY, CLOSE, PING, PONG, TEXT, close, frame},
    raw::soon,
};

over_all_transports!(
    before_a_sleep,
    before_a_channel,
    before_another_task,
    inside_of_join,
    inside_of_select,
    from_a_spawned_sender,
    from_another_handler,
    while_a_receive_waits,
    a_large_message_of_another_task_leaves_whole,
    a_close_from_outside_is_completed_behind_a_full_inbox,
    every_send_of_a_burst_leaves,
    a_broadcast_reaches_every_member,
);

/// As good as never: what ends sooner was woken.
const NEVER: Duration = Duration::from_secs(3600);
/// More than anything on the way takes at once.
const LARGE: usize = 8_000_000;

/// Limits of time that help nobody out.
fn app() -> App {
    let mut limits = Limits::default();
    (limits.close_timeout, limits.stall_timeout, limits.ping_interval) = (NEVER, NEVER, None);
    App::new().limits(limits)
}

/// Asks twice: the first message comes in the same poll as the handshake, the second does not.
async fn asks(over: Transport, app: App) -> Result<()> {
    let site = Site::serve(over, app).await;
    let mut raw = site.open("/").await;
    for _ in 0..2 {
        raw.send(frame(TEXT, "go")).await;
        assert_eq!(raw.frame().await.payload, b"sent");
    }
    Ok(())
}

async fn before_a_sleep(over: Transport) -> Result<()> {
    let app = app().websocket("/", async |mut ws: WebSocket| -> Result<()> {
        ws.receive_text().await?;
        ws.send_text("sent").await?;
        ws.receive_text().await?;
        ws.send_text("sent").await?;
        sleep(NEVER).await;
        Ok(())
    });
    asks(over, app).await
}

async fn before_a_channel(over: Transport) -> Result<()> {
    let app = app().websocket("/", async |mut ws: WebSocket| -> Result<()> {
        ws.receive_text().await?;
        ws.send_text("sent").await?;
        ws.receive_text().await?;
        let (_sender, mut receiver) = mpsc::channel::<()>(1);
        ws.send_text("sent").await?;
        receiver.recv().await;
        Ok(())
    });
    asks(over, app).await
}

async fn before_another_task(over: Transport) -> Result<()> {
    let app = app().websocket("/", async |mut ws: WebSocket| -> Result<()> {
        ws.receive_text().await?;
        ws.send_text("sent").await?;
        ws.receive_text().await?;
        ws.send_text("sent").await?;
        sockeye::spawn(sleep(NEVER)).await?;
        Ok(())
    });
    asks(over, app).await
}

async fn inside_of_join(over: Transport) -> Result<()> {
    let app = app().websocket("/", async |mut ws: WebSocket| -> Result<()> {
        let sender = ws.sender();
        let work = async {
            loop {
                ws.receive_text().await?;
                sender.send_text("sent").await?;
            }
            #[allow(unreachable_code)]
            Ok::<_, Error>(())
        };
        join(work, sleep(NEVER)).await.0
    });
    asks(over, app).await
}

async fn inside_of_select(over: Transport) -> Result<()> {
    let app = app().websocket("/", async |mut ws: WebSocket| -> Result<()> {
        loop {
            tokio::select! {
                // A question.
                text = ws.receive_text() => drop(text?),
                // Never.
                () = sleep(NEVER) => return Ok(()),
            }
            tokio::select! {
                // The answer.
                sent = ws.send_text("sent") => sent?,
                // Never.
                () = sleep(NEVER) => return Ok(()),
            }
        }
    });
    asks(over, app).await
}

async fn from_a_spawned_sender(over: Transport) -> Result<()> {
    let app = app().websocket("/", async |mut ws: WebSocket| -> Result<()> {
        loop {
            ws.receive_text().await?;
            let (sender, (done, _waits)) = (ws.sender(), oneshot::channel::<()>());
            sockeye::spawn(async move {
                sleep(Duration::from_millis(5)).await;
                sender.send_text("sent").await.unwrap();
                drop(done);
                sleep(NEVER).await;
            });
        }
    });
    asks(over, app).await
}

/// The handler of one socket sends to another, and then waits.
async fn from_another_handler(over: Transport) -> Result<()> {
    let (idle, mut raw) = Idle::open(over).await;
    let sender = idle.sender.clone();
    let app = app().websocket("/", move |mut ws: WebSocket| {
        let sender = sender.clone();
        async move {
            ws.receive_text().await?;
            sender.send_text("from afar").await?;
            sleep(NEVER).await;
            Ok::<_, Error>(())
        }
    });
    let site = Site::serve(over, app).await;
    let mut asks = site.open("/").await;
    asks.send(frame(TEXT, "go")).await;
    assert_eq!(raw.frame().await.payload, b"from afar");
    Ok(())
}

async fn while_a_receive_waits(over: Transport) -> Result<()> {
    let (idle, mut raw) = Idle::open(over).await;
    for n in 0..20 {
        idle.sender.send_text(n.to_string()).await?;
        assert_eq!(raw.frame().await.payload, n.to_string().as_bytes());
    }
    Ok(())
}

/// A socket whose handler only waits for its end.
struct Idle {
    sender: Sender,
    _site: Site,
}

impl Idle {
    async fn open(over: Transport) -> (Self, RawSocket) {
        let (give, mut given) = mpsc::unbounded_channel();
        let app = app().websocket("/", move |ws: WebSocket| {
            let give = give.clone();
            async move {
                give.send(ws.sender())?;
                ws.closed().await;
                Ok::<_, Error>(())
            }
        });
        let site = Site::serve(over, app).await;
        let mut raw = site.open("/").await;
        // Once it answers there is nothing left for the driver to do.
        raw.send(frame(PING, "")).await;
        assert_eq!(raw.frame().await.first, PONG);
        let sender = soon("the handler", given.recv()).await.expect("a sender");
        (Self { sender, _site: site }, raw)
    }
}

async fn a_large_message_of_another_task_leaves_whole(over: Transport) -> Result<()> {
    let (idle, mut raw) = Idle::open(over).await;
    soon("the outbox", idle.sender.send_bytes(vec![1; LARGE])).await?;
    let got = raw.frame().await;
    assert_eq!((got.first, got.payload.len()), (BINARY, LARGE));
    Ok(())
}

async fn a_close_from_outside_is_completed_behind_a_full_inbox(over: Transport) -> Result<()> {
    let (idle, mut raw) = Idle::open(over).await;
    raw.send([frame(PING, ""), frame(TEXT, "unread").repeat(400)].concat()).await;
    assert_eq!(raw.frame().await.first, PONG);
    idle.sender.close(1000).await?;
    assert_eq!(raw.frame().await.first, CLOSE);
    raw.send(close(1000, b"")).await;
    assert_eq!(raw.rest().await, b"");
    Ok(())
}

/// Tasks that send at the same time: nothing stays behind when they have all stopped.
async fn every_send_of_a_burst_leaves(over: Transport) -> Result<()> {
    let (idle, mut raw) = Idle::open(over).await;
    for _ in 0..20 {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let sender = idle.sender.clone();
                sockeye::spawn(async move { sender.send_text("burst").await })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        for _ in 0..8 {
            assert_eq!(raw.frame().await.payload, b"burst");
        }
    }
    Ok(())
}

/// From a task that has no socket, and from the handler of another; large ones too.
async fn a_broadcast_reaches_every_member(over: Transport) -> Result<()> {
    let app = app().route(news).route(publish);
    let hub = app.hub();
    let site = Site::serve(over, app).await;
    let mut members = Vec::new();
    for _ in 0..5 {
        members.push(site.open("/news").await);
    }
    if over.is_http2() {
        let session = site.session().await;
        for _ in 0..5 {
            members.push(session.open("/news").await);
        }
    }
    let room = hub.room("news");
    let joined = async {
        while room.len() < members.len() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    soon("all members", joined).await;
    for text in ["short".to_owned(), "long".repeat(100_000), "short again".to_owned()] {
        room.broadcast_text(&text).await?;
        for raw in &mut members {
            assert!(raw.frame().await.payload == text.as_bytes());
        }
    }
    let mut publisher = site.open("/publish").await;
    publisher.send(frame(TEXT, "from a handler")).await;
    for raw in &mut members {
        assert_eq!(raw.frame().await.payload, b"from a handler");
    }
    Ok(())
}

#[websocket("/news")]
async fn news(ws: WebSocket, hub: Hub) -> Result<()> {
    let _member = hub.room("news").join(&ws).await?;
    sleep(NEVER).await;
    Ok(())
}

#[websocket("/publish")]
async fn publish(mut ws: WebSocket, hub: Hub) -> Result<()> {
    let text = ws.receive_text().await?;
    hub.room("news").broadcast_text(text).await?;
    sleep(NEVER).await;
    Ok(())
}
