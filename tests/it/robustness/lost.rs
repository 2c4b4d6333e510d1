//! Streams that end without a close frame: 1006 at once (RFC 6455 section 7.1.5), and nobody is bothered with it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tracing::{Event, Level, Metadata, Subscriber, span};

use super::{
    bytes::{BINARY, PING, TEXT, TEXT_START, claim, frame, handshake, masked},
    server::{Bench, End},
};

/// Counts what is logged above debug.
struct Loud(Arc<AtomicUsize>);

impl Subscriber for Loud {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() < Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        eprintln!("logged: {event:?}");
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Where in the stream it ends, after a handshake, and the messages that the handler has got by then.
fn places() -> Vec<(&'static str, Vec<u8>, usize)> {
    vec![
        ("at once", vec![], 0),
        ("after a message", frame(TEXT, "x"), 1),
        ("after one byte", vec![TEXT], 0),
        ("inside a length", vec![BINARY, 0xfe, 1], 0),
        ("inside a key", claim(BINARY, 5)[..4].to_vec(), 0),
        ("before the payload", claim(TEXT, 5), 0),
        ("inside the payload", [claim(TEXT, 5), masked(b"abc")].concat(), 0),
        ("inside a large payload", [claim(BINARY, 500_000), masked(&[1; 40_000])].concat(), 0),
        ("inside a ping", [claim(PING, 5), masked(b"abc")].concat(), 0),
        ("between fragments", frame(TEXT_START, "x"), 0),
        ("inside the second message", [frame(TEXT, "x"), claim(TEXT, 5), masked(b"a")].concat(), 1),
    ]
}

#[tokio::test]
async fn fin_without_a_close_frame() {
    let loud = Arc::new(AtomicUsize::new(0));
    let _guard = tracing::subscriber::set_default(Loud(loud.clone()));
    let mut bench = Bench::new().await;
    for (name, bytes, messages) in places() {
        let mut raw = bench.open("/echo").await;
        raw.send(&bytes).await;
        raw.finish().await;
        assert_eq!(bench.end().await, End { messages, disconnected: true, code: None }, "{name}");
        let ended = raw.ended().await;
        assert_eq!(ended.close, None, "{name}");
        bench.nobody_noticed(name).await;
    }
    assert_eq!(loud.load(Ordering::Relaxed), 0, "logged above debug");
}

#[tokio::test]
async fn rst_without_a_close_frame() {
    let loud = Arc::new(AtomicUsize::new(0));
    let _guard = tracing::subscriber::set_default(Loud(loud.clone()));
    let mut bench = Bench::new().await;
    for (name, bytes, messages) in places() {
        let mut raw = bench.open("/echo").await;
        raw.send(&bytes).await;
        if messages > 0 {
            // A reset would take what has not been read along.
            raw.frame().await;
        }
        raw.reset();
        assert_eq!(bench.end().await, End { messages, disconnected: true, code: None }, "{name}");
        bench.nobody_noticed(name).await;
    }
    assert_eq!(loud.load(Ordering::Relaxed), 0, "logged above debug");
}

/// The handshake itself breaks off: the handler is not called, or sees the end.
#[tokio::test]
async fn lost_during_the_handshake() {
    let loud = Arc::new(AtomicUsize::new(0));
    let _guard = tracing::subscriber::set_default(Loud(loud.clone()));
    let mut bench = Bench::new().await;
    let whole = handshake("/echo");
    for cut in [0, 1, 10, whole.len() / 2, whole.len() - 1] {
        for reset in [false, true] {
            let mut raw = bench.connect().await;
            raw.send(&whole[..cut]).await;
            if reset {
                raw.reset();
            } else {
                raw.finish().await;
                let rest = raw.rest().await;
                assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 400 "), "{:?}", String::from_utf8_lossy(&rest));
            }
            assert_eq!(bench.calls(), 0, "{cut}");
            bench.nobody_noticed("half a handshake").await;
        }
    }
    // The whole of it, and FIN or RST right behind.
    for reset in [false, true] {
        let mut raw = bench.connect().await;
        raw.send(&whole).await;
        if reset {
            raw.reset();
        } else {
            raw.finish().await;
            // Whether a handshake whose sender has closed is still answered, is open.
            let rest = raw.rest().await;
            assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 101 "), "{:?}", String::from_utf8_lossy(&rest));
        }
        bench.nobody_noticed("a handshake and the end").await;
        if bench.calls() == 1 {
            assert_eq!(bench.end().await, End { messages: 0, disconnected: true, code: None });
        }
    }
    assert_eq!(loud.load(Ordering::Relaxed), 0, "logged above debug");
}
