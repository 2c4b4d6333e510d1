//! Members that take less than their room sends, over TCP: only they notice.

use std::time::Duration;

use sockeye::{Limits, Overflow, RoomOptions, Server, prelude::*};
use tokio::{io::AsyncReadExt, net::TcpListener};

use super::{silent, until};
use crate::robustness::{
    bytes::TEXT,
    raw::{Raw, soon},
};

/// What one broadcast has: more of them than the kernel takes are made quickly.
const SIZE: usize = 8 * 1024;

struct Bench {
    server: Server,
    hub: Hub,
    /// Reads nothing.
    stuck: Raw,
    /// Reads all.
    well: Raw,
}

async fn bench(options: RoomOptions) -> Bench {
    let mut limits = Limits::default();
    (limits.ping_interval, limits.close_timeout) = (None, Duration::from_millis(300));
    let (app, hub) = silent(App::new().limits(limits).rooms(options));
    let server = app.serve(TcpListener::bind("127.0.0.1:0").await.expect("can't bind"));
    let stuck = Raw::open(server.local_addr(), "/a").await;
    until("stuck", || hub.room("a").len() == 1).await;
    let well = Raw::open(server.local_addr(), "/a").await;
    until("well", || hub.room("a").len() == 2).await;
    Bench { server, hub, stuck, well }
}

impl Bench {
    fn text(number: usize) -> String {
        format!("{number:>SIZE$}")
    }

    /// Broadcasts, and reads at the end that is well, until the room has lost `lost` messages or a member. Gives how many.
    async fn flood(&mut self, lost: u64) -> usize {
        let room = self.hub.room("a");
        for number in 0.. {
            soon("the broadcast", room.broadcast_text(Self::text(number))).await.unwrap();
            let frame = self.well.frame().await;
            assert_eq!((frame.first, String::from_utf8(frame.payload).unwrap()), (TEXT, Self::text(number)));
            if room.stats().messages_lost >= lost {
                return number + 1;
            }
        }
        unreachable!()
    }
}

fn number(payload: &[u8]) -> usize {
    std::str::from_utf8(payload).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn disconnect_is_the_default() {
    let mut bench = bench(RoomOptions::new()).await;
    bench.flood(1).await;
    let ended = bench.stuck.ended().await;
    assert_eq!(ended.close, Some(Some(1013)));
    // Whole messages in their order, and then the end.
    for (at, frame) in ended.frames.iter().enumerate() {
        assert_eq!(number(&frame.payload), at);
    }
    until("left", || bench.hub.room("a").len() == 1).await;
    assert_eq!(bench.hub.room("a").stats().messages_lost, 1);
    drop(bench.server);
}

#[tokio::test]
async fn newest_are_dropped() {
    let mut bench = bench(RoomOptions::new().overflow(Overflow::DropNewest)).await;
    let sent = bench.flood(100).await;
    let lost = bench.hub.room("a").stats().messages_lost;
    // All that was taken arrives, then a gap.
    let took = sent - lost as usize;
    for expected in 0..took {
        assert_eq!(number(&bench.stuck.frame().await.payload), expected);
    }
    bench.hub.room("a").broadcast_text(Bench::text(sent)).await.unwrap();
    assert_eq!(number(&bench.stuck.frame().await.payload), sent);
    assert_counts(&bench.hub, sent + 1, lost);
    drop(bench.server);
}

#[tokio::test]
async fn oldest_are_dropped() {
    let mut bench = bench(RoomOptions::new().overflow(Overflow::DropOldest)).await;
    let sent = bench.flood(100).await;
    let lost = bench.hub.room("a").stats().messages_lost;
    let (mut numbers, mut last) = (Vec::new(), None);
    while last != Some(sent - 1) {
        last = Some(number(&bench.stuck.frame().await.payload));
        numbers.extend(last);
    }
    assert_eq!(numbers.len(), sent - lost as usize);
    // One gap: what the kernel had, and the latest.
    let gaps: Vec<_> = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0][1] - gaps[0][0] - 1, lost as usize);
    assert_counts(&bench.hub, sent, lost);
    drop(bench.server);
}

fn assert_counts(hub: &Hub, sent: usize, lost: u64) {
    let room = hub.room("a");
    let stats = room.stats();
    // What was dropped after it was queued counts as sent and as lost.
    let queued = if stats.messages_sent == 2 * sent as u64 { 0 } else { lost };
    assert_eq!((stats.messages, stats.messages_sent + queued), (sent as u64, 2 * sent as u64));
    assert_eq!(hub.stats().messages_lost, lost);
    let members = room.members();
    assert_eq!((members[0].messages_lost, members[1].messages_lost), (lost, 0));
}

/// One byte at a time is as good as nothing.
#[tokio::test]
async fn a_byte_a_moment_is_too_slow() {
    let mut bench = bench(RoomOptions::new()).await;
    let room = bench.hub.room("a");
    let mut number = 0;
    while room.stats().messages_lost == 0 {
        room.broadcast_text(Bench::text(number)).await.unwrap();
        bench.well.frame().await;
        soon("a byte", bench.stuck.stream.read_u8()).await.unwrap();
        number += 1;
    }
    drop(bench.server);
}

#[websocket("/oldest", overflow = "drop_oldest")]
async fn oldest(ws: WebSocket, hub: Hub) -> Result<()> {
    let _member = hub.room("a").join(&ws).await?;
    ws.closed().await;
    Ok(())
}

/// The route's word counts where the room says nothing.
#[tokio::test]
async fn a_route_has_a_policy() {
    let mut limits = Limits::default();
    (limits.ping_interval, limits.close_timeout) = (None, Duration::from_millis(300));
    for (own, closes) in [(None, false), (Some(Overflow::Disconnect), true)] {
        let app = App::new().limits(limits.clone()).route(oldest);
        let hub = app.hub();
        let server = app.serve(TcpListener::bind("127.0.0.1:0").await.expect("can't bind"));
        let options = own.map_or(RoomOptions::new(), |own| RoomOptions::new().overflow(own));
        let room = hub.room_with("a", options);
        let mut stuck = Raw::open(server.local_addr(), "/oldest").await;
        until("joined", || room.len() == 1).await;
        while room.stats().messages_lost < 3 && !room.is_empty() {
            room.broadcast_text(Bench::text(0)).await.unwrap();
            if closes && room.stats().messages_lost > 0 {
                break;
            }
        }
        if closes {
            assert_eq!(stuck.ended().await.close, Some(Some(1013)));
        } else {
            assert_eq!(stuck.frame().await.first, TEXT);
            assert_eq!(room.len(), 1);
        }
    }
}
