//! Alarms over a connection's life.

use std::future::pending;

use tokio::{
    io::{AsyncWriteExt, duplex},
    time::sleep,
};

use super::*;
use crate::ws::{Sockets, Stream, fake, upgrade::Attached};

/// What begins may set an earlier alarm; the later one that it leaves behind must not beget others.
#[tokio::test(start_paused = true)]
async fn alarms_do_not_pile_up() {
    let limits = crate::config::Limits { message_timeout: Duration::from_secs(2), ..Default::default() };
    let sockets = std::sync::Arc::<Sockets>::default();
    let connection = fake::connection(sockets.next_id(), &limits.into(), &sockets.traffic);
    connection.abandon();
    let (mut peer, ours) = duplex(64 * 1024);
    let upgrading = Box::pin(async move {
        Ok(Attached { stream: Stream::Boxed(Box::new(ours)), early: bytes::Bytes::new(), guard: None })
    });
    Driver::new(connection.clone(), &sockets, upgrading, None, Some(Box::pin(pending()))).spawn();
    for _ in 0..100 {
        // An empty text, cut in two, and some that are whole.
        peer.write_all(&[0x81]).await.unwrap();
        sleep(Duration::from_millis(500)).await;
        peer.write_all(&[0x80, 1, 2, 3, 4]).await.unwrap();
        for _ in 0..25 {
            sleep(Duration::from_millis(97)).await;
            peer.write_all(&[0x81, 0x80, 1, 2, 3, 4]).await.unwrap();
        }
    }
    assert!(!connection.is_gone());
    let set = sockets.alarms.set();
    // Those of the last ping interval, at most.
    assert!(set <= 8, "{set} alarms are set");
}
