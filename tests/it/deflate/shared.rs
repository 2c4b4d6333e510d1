//! Messages for many: compressed once, beside what each socket compresses for itself.

use futures_util::FutureExt;
use sockeye::{Compression, Overflow, RoomOptions, Sender, Server, prelude::*};
use tokio::{net::TcpListener, sync::mpsc};

use super::client::{Client, TEXT, text};

const PLAIN: &str = "permessage-deflate; server_no_context_takeover";
const TAKEOVER: &str = "permessage-deflate";

/// A server whose sockets join one room, the hub, and what sends to each socket alone.
async fn serve(options: RoomOptions) -> (Server, Hub, mpsc::UnboundedReceiver<Sender>) {
    let (give, given) = mpsc::unbounded_channel();
    let mut limits = Limits::default();
    limits.ping_interval = None;
    let app = App::new().limits(limits).compression(Compression::new().takeover(true)).rooms(options);
    let hub = app.hub();
    let rooms = hub.clone();
    let app = app.websocket("/", move |ws: WebSocket| {
        let (hub, give) = (rooms.clone(), give.clone());
        async move {
            let _member = hub.room("a").join(&ws).await?;
            give.send(ws.sender())?;
            ws.closed().await;
            Ok::<_, Error>(())
        }
    });
    (app.serve(TcpListener::bind("127.0.0.1:0").await.expect("can't bind")), hub, given)
}

async fn receives(client: &mut Client, expected: &str, is_compressed: bool) {
    let (opcode, payload, compressed) = client.receive().await;
    assert_eq!((opcode, String::from_utf8(payload).unwrap(), compressed), (TEXT, expected.to_owned(), is_compressed));
}

fn message(seed: u64) -> String {
    String::from_utf8(text(2000, seed)).unwrap()
}

/// What a socket compresses for itself refers to nothing from before a shared message, and all is read.
#[tokio::test]
async fn shared_and_own_messages_take_turns() -> Result<()> {
    let (server, hub, mut senders) = serve(RoomOptions::new()).await;
    let mut clients = Vec::new();
    // With takeover and without, with a smaller window, and without compression.
    for offer in [&[TAKEOVER][..], &[PLAIN], &["permessage-deflate; server_max_window_bits=9"], &[]] {
        let client = Client::open(&server, "/", offer).await;
        clients.push((client, senders.recv().await.expect("a sender"), !offer.is_empty()));
    }
    for turn in 0..30 {
        for (client, sender, is_compressed) in &mut clients {
            sender.send_text(message(turn)).await?;
            receives(client, &message(turn), *is_compressed).await;
        }
        for seed in 0..turn % 3 {
            // The same as the own one, for it to be referred to.
            hub.room("a").broadcast_text(message(turn + seed)).await?;
        }
        hub.room("a").broadcast_text("short").await?;
        for (client, _, is_compressed) in &mut clients {
            for seed in 0..turn % 3 {
                receives(client, &message(turn + seed), *is_compressed).await;
            }
            receives(client, "short", false).await;
        }
    }
    // Once for each of the two windows, however many sockets.
    assert_eq!(hub.stats().compressions, 2 * 30);
    Ok(())
}

/// What is dropped of the shared messages is missed by none of those after it.
#[tokio::test]
async fn shared_messages_can_be_dropped_under_takeover() -> Result<()> {
    let (server, hub, mut senders) = serve(RoomOptions::new().overflow(Overflow::DropOldest)).await;
    let mut client = Client::open(&server, "/", &[TAKEOVER]).await;
    let sender = senders.recv().await.expect("a sender");
    let (room, mut own, mut count) = (hub.room("a"), Vec::new(), 0);
    while room.stats().messages_lost < 200 {
        room.broadcast_text(format!("shared {count} {}", message(count))).await?;
        if count % 7 == 0 {
            let text = format!("own {count} {}", message(count));
            // A full outbox takes none of the own.
            if sender.send_text(&text).now_or_never().transpose()?.is_some() {
                own.push(text);
            }
        }
        count += 1;
        tokio::task::yield_now().await;
    }
    room.broadcast_text("the end").await?;
    let (mut got, mut last) = (Vec::new(), None);
    loop {
        let text = String::from_utf8(client.receive().await.1)?;
        if text == "the end" {
            break;
        }
        if text.starts_with("own") {
            got.push(text);
        } else {
            let number: u64 = text.split(' ').nth(1).expect("a number").parse()?;
            assert_eq!(text, format!("shared {number} {}", message(number)));
            assert!(last < Some(number), "{number} after {last:?}");
            last = Some(number);
        }
    }
    assert!(own.len() > 3, "{} own messages", own.len());
    assert_eq!(got, own);
    Ok(())
}
