//! What many get is encoded once, and compressed once.

use super::*;
use crate::{config::Compression, ws::proto};

#[cfg(feature = "deflate")]
#[test]
fn the_compressor_runs_once_for_a_thousand_members() {
    let hub = Hub::default();
    let limits = Arc::<Limits>::default();
    let room = hub.room("a");
    let join = |id: u64| {
        let fake = Fake::new(id, &limits, &hub);
        let offer = if id % 2 == 0 { "permessage-deflate" } else { "permessage-deflate; client_no_context_takeover" };
        let agreed = proto::negotiate([offer.as_bytes()], &Compression::new()).expect("an acceptable offer");
        fake.0.outbox().deflater = Some(Box::new(agreed.deflater()));
        let member = now(room.join(&fake)).unwrap();
        (fake, member)
    };
    let members: Vec<_> = (0..1000).map(join).collect();
    let text = "all the same ".repeat(100);
    now(room.broadcast_text(&text)).unwrap();
    assert_eq!(hub.stats().compressions, 1);
    let first = members[0].0.read(usize::MAX);
    assert!(first.len() < 100 && first[0] == 0xc1, "{first:?}");
    assert!(members[1..].iter().all(|(fake, _)| fake.read(usize::MAX) == first));
    // One that is too short to be compressed, and one to none of them.
    now(room.broadcast_text("short")).unwrap();
    drop(members);
    now(room.broadcast_text(&text)).unwrap();
    assert_eq!(hub.stats().compressions, 1);
}

/// The same bytes in all outboxes, not copies of them.
#[test]
fn an_empty_outbox_shares_the_frame() {
    let hub = Hub::default();
    let limits = Arc::<Limits>::default();
    let room = hub.room("a");
    let fakes: Vec<_> = (0..3).map(|id| Fake::new(id, &limits, &hub)).collect();
    let members: Vec<_> = fakes.iter().map(|fake| now(room.join(fake)).unwrap()).collect();
    now(room.broadcast_text("x".repeat(100_000))).unwrap();
    let mut places: Vec<*const u8> = Vec::new();
    for fake in &fakes {
        fake.0.outbox().flush_with(|bytes| {
            places.push(bytes.as_ptr());
            Poll::Ready(Ok(bytes.len()))
        });
    }
    assert_eq!(places, [places[0]; 3]);
    drop(members);
}
