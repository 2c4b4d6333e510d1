//! Who is woken when: the driver by what other tasks do to its socket, the handler and the senders by its end.

use std::{
    future::Future,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use sockeye::{Sender, Server, prelude::*};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{Notify, mpsc},
};

use crate::robustness::{
    bytes::{BINARY, CLOSE, PING, PONG, TEXT, close, frame},
    raw::{Raw, soon},
};

/// As good as never: what ends sooner was woken.
const NEVER: Duration = Duration::from_secs(3600);
/// More than the kernel takes at once.
const LARGE: usize = 20_000_000;

/// Limits of time that help nobody out.
fn patient() -> Limits {
    let mut limits = Limits::default();
    (limits.close_timeout, limits.stall_timeout, limits.ping_interval) = (NEVER, NEVER, None);
    limits
}

async fn serve(app: App) -> (Server, SocketAddr) {
    let server = app.serve(TcpListener::bind("127.0.0.1:0").await.expect("can't bind"));
    let address = server.local_addr();
    (server, address)
}

/// A socket whose handler only waits for its end.
struct Idle {
    raw: Raw,
    /// What the handler has given away.
    sender: Sender,
    ended: mpsc::UnboundedReceiver<()>,
    server: Server,
}

impl Idle {
    async fn open() -> Self {
        let (give, mut given) = mpsc::unbounded_channel();
        let (end, ended) = mpsc::unbounded_channel();
        let app = App::new().limits(patient()).websocket("/", move |ws: WebSocket| {
            let (give, end) = (give.clone(), end.clone());
            async move {
                give.send(ws.sender())?;
                ws.closed().await;
                end.send(())?;
                Ok::<_, Error>(())
            }
        });
        let (server, address) = serve(app).await;
        let mut raw = Raw::open(address, "/").await;
        settled(&mut raw).await;
        let sender = soon("the handler", given.recv()).await.expect("the server is gone");
        Self { raw, sender, ended, server }
    }
}

/// The driver has its stream and answers; then there is nothing left for it to do.
async fn settled(raw: &mut Raw) {
    raw.send(frame(PING, "")).await;
    assert_eq!(raw.frame().await.first, PONG);
}

async fn receives_large(raw: &mut Raw) {
    let frame = raw.frame().await;
    assert_eq!((frame.first, frame.payload.len()), (BINARY, LARGE));
}

/// What another task sends does not wait for a handler that blocks its thread.
#[sockeye::test(worker_threads = 2)]
async fn a_handler_that_blocks_holds_up_nobody_else() {
    let (block, blocks) = std::sync::mpsc::channel::<()>();
    let blocks = Arc::new(std::sync::Mutex::new(blocks));
    let app = App::new().limits(patient()).websocket("/", move |mut ws: WebSocket| {
        let blocks = blocks.clone();
        async move {
            ws.receive().await?;
            let sender = ws.sender();
            sockeye::spawn(async move { sender.send_text("meanwhile").await });
            tokio::task::block_in_place(|| blocks.lock().unwrap().recv().unwrap_err());
            ws.send_text("afterwards").await
        }
    });
    let (_server, address) = serve(app).await;
    let mut raw = Raw::open(address, "/").await;
    raw.send(frame(TEXT, "go")).await;
    assert_eq!(raw.frame().await.payload, b"meanwhile");
    drop(block);
    assert_eq!(raw.frame().await.payload, b"afterwards");
}

/// The first part leaves from the task that sends; the driver must learn that there is more.
#[sockeye::test(worker_threads = 2)]
async fn a_large_message_of_another_task_leaves_whole() {
    let Idle { mut raw, sender, server: _server, .. } = Idle::open().await;
    soon("the outbox", sender.send_bytes(vec![1; LARGE])).await.unwrap();
    receives_large(&mut raw).await;
}

/// The same from inside of another driver's poll.
#[sockeye::test(worker_threads = 2)]
async fn a_large_message_of_another_handler_leaves_whole() {
    let Idle { raw: mut receives, sender, server: _server, .. } = Idle::open().await;
    let sent = Arc::new(Notify::new());
    let seen = sent.clone();
    let app = App::new().websocket("/", move |mut ws: WebSocket| {
        let (sender, sent) = (sender.clone(), sent.clone());
        async move {
            ws.receive().await?;
            sender.send_bytes(vec![0; LARGE]).await?;
            sent.notify_one();
            ws.closed().await;
            Ok::<_, Error>(())
        }
    });
    let (_server, address) = serve(app).await;
    let mut asks = Raw::open(address, "/").await;
    asks.send(frame(TEXT, "go")).await;
    soon("the outbox", seen.notified()).await;
    receives_large(&mut receives).await;
}

/// More messages than the inbox takes, in one segment. The driver stops reading behind the pong.
async fn fill_inbox(raw: &mut Raw, behind: &[u8]) {
    raw.send([&frame(PING, "")[..], &frame(TEXT, "unread").repeat(40), behind].concat()).await;
    assert_eq!(raw.frame().await.first, PONG);
}

async fn close_from_outside() {
    let Idle { mut raw, sender, server: _server, .. } = Idle::open().await;
    fill_inbox(&mut raw, b"").await;
    sender.close(1000).await.unwrap();
    assert_eq!(raw.frame().await.first, CLOSE);
    raw.send(close(1000, b"")).await;
    assert_eq!(raw.rest().await, b"");
}

/// A driver that nobody wakes looks after its full inbox once a second: ten of them would take twice this time.
#[sockeye::test(worker_threads = 2)]
async fn a_close_from_outside_is_completed_behind_a_full_inbox() -> Result<()> {
    let all = async {
        for _ in 0..10 {
            close_from_outside().await;
        }
    };
    Ok(tokio::time::timeout(Duration::from_secs(5), all).await?)
}

#[sockeye::test(worker_threads = 2)]
async fn a_close_of_the_peer_is_seen_behind_a_full_inbox() {
    let Idle { mut raw, mut ended, server: _server, .. } = Idle::open().await;
    fill_inbox(&mut raw, &close(1000, b"")).await;
    soon("`closed`", ended.recv()).await.unwrap();
}

/// The peer does not answer the close frame, so the driver is ended at the deadline.
#[sockeye::test(worker_threads = 2)]
async fn senders_and_the_peer_learn_of_an_aborted_driver() {
    let Idle { mut raw, sender, server, .. } = Idle::open().await;
    soon("the stop", server.shutdown(Duration::from_millis(50))).await.unwrap();
    soon("`closed`", sender.closed()).await;
    assert!(sender.is_closed());
    assert_eq!(raw.ended().await.close, Some(Some(1001)));
}

/// A task that is never woken; it lives as long as anyone keeps its waker.
struct Watcher {
    _alive: Arc<()>,
}

impl Wake for Watcher {
    fn wake(self: Arc<Self>) {}
}

/// `select!` over `closed` in one short task after the other: none is kept once it has stopped waiting.
#[sockeye::test]
async fn who_no_longer_waits_for_the_end_is_forgotten() {
    let Idle { raw: _raw, sender, server: _server, .. } = Idle::open().await;
    let alive = Arc::new(());
    for _ in 0..1000 {
        let waker = Waker::from(Arc::new(Watcher { _alive: alive.clone() }));
        assert!(pin!(sender.closed()).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(Arc::strong_count(&alive), 1, "wakers are left");
}

/// Tokio's timers are not even noted when the task has no budget left.
#[sockeye::test]
async fn a_handler_that_spends_its_budget_at_once_has_a_heartbeat() {
    let app = App::new().heartbeat(Duration::from_millis(100), NEVER).websocket("/", async |ws: WebSocket| {
        for _ in 0..300 {
            tokio::task::consume_budget().await;
        }
        ws.closed().await;
        Ok(())
    });
    let (_server, address) = serve(app).await;
    let mut raw = Raw::open(address, "/").await;
    assert_eq!(raw.frame().await.first, PING);
}

/// One that would need longer for what lies before a ping than it has for the pong: that it takes bytes is a sign of
/// life.
#[sockeye::test(worker_threads = 2)]
async fn a_slow_but_steady_reader_stays() {
    const BEAT: Duration = Duration::from_secs(1);
    let mut limits = Limits::default();
    limits.outbox_bytes = 4 << 20;
    let app = App::new().limits(limits).heartbeat(BEAT, BEAT).websocket("/", async |ws: WebSocket| -> Result<()> {
        loop {
            ws.send_bytes([0; 8000]).await?;
        }
    });
    // Accepted sockets inherit it: with a large buffer progress comes in leaps.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(64 * 1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = app.serve(socket.listen(8).unwrap());
    let mut raw = Raw::open(server.local_addr(), "/").await;
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < BEAT * 3 {
        let got = raw.frame().await;
        match got.first {
            PING => raw.send(frame(PONG, got.payload)).await,
            first => assert_eq!((first, got.payload.len()), (BINARY, 8000)),
        }
        // That it takes its time is the point: about 1 MB a second.
        tokio::time::sleep(Duration::from_millis(8)).await;
    }
}

/// Writing fails since the peer is gone; what it had sent before is received all the same.
#[sockeye::test(worker_threads = 2)]
async fn messages_before_a_broken_write_are_received() {
    let gone = Arc::new(Notify::new());
    let (sender, mut counted) = mpsc::unbounded_channel();
    let waits = gone.clone();
    let app = App::new().websocket("/", move |mut ws: WebSocket| {
        let (gone, sender) = (waits.clone(), sender.clone());
        async move {
            let mut messages = 0;
            while let Some(Ok(_)) = ws.next().await {
                if messages == 0 {
                    gone.notified().await;
                }
                messages += 1;
                drop(ws.send_text("thanks").await);
                // Each answer leaves alone.
                tokio::task::yield_now().await;
            }
            sender.send(messages)?;
            Ok::<_, Error>(())
        }
    });
    let (_server, address) = serve(app).await;
    let mut raw = Raw::open(address, "/").await;
    raw.send([frame(TEXT, "x").repeat(200), close(1000, b"")].concat()).await;
    drop(raw);
    gone.notify_one();
    assert_eq!(soon("the handler's end", counted.recv()).await, Some(200));
}

/// On one thread, with a peer that takes all that it gets: between two turns of another task the handler sends what
/// tokio's budget allows, a few times over.
#[sockeye::test]
async fn a_loop_of_sends_lets_others_run() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counts = sent.clone();
    let app = App::new().websocket("/", move |ws: WebSocket| {
        let sent = counts.clone();
        async move {
            loop {
                ws.send_text("x".repeat(100)).await?;
                sent.fetch_add(1, Ordering::Relaxed);
            }
            #[allow(unreachable_code)]
            Ok::<_, Error>(())
        }
    });
    let (_server, address) = serve(app).await;
    let stream = Raw::open(address, "/").await.stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    let reader = std::thread::spawn(move || std::io::copy(&mut &stream, &mut std::io::sink()));
    let (mut before, mut most) = (sent.load(Ordering::Relaxed), 0);
    while before < 50_000 {
        tokio::task::yield_now().await;
        let now = sent.load(Ordering::Relaxed);
        most = most.max(now - before);
        before = now;
    }
    assert!(most <= 512, "{most} messages between two turns");
    assert!(!reader.is_finished());
}
