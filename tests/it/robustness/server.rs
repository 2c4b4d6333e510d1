//! The server under test, with its two good clients.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sockeye::{Server, prelude::*};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use super::{
    bytes::{self, BINARY, TEXT},
    pipe::Pipe,
    raw::{Raw, soon},
};

/// How a handler saw its socket end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The messages that it got before.
    pub(crate) messages: usize,
    pub(crate) disconnected: bool,
    /// The code of the peer's close frame; `None` is 1006.
    pub(crate) code: Option<u16>,
}

/// A server; routes: `/echo` for the bad, `/good` for the good, `/bye` which closes with 1001 at the first message.
pub(crate) struct Bench {
    pub(crate) address: SocketAddr,
    calls: Arc<AtomicUsize>,
    ends: UnboundedReceiver<End>,
    good: [Raw; 2],
    rounds: usize,
    app: App,
    _server: Server,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With other limits.
    pub(crate) async fn with(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        Self::of(App::new().limits(limits)).await
    }

    /// With an app that has more routes.
    pub(crate) async fn of(app: App) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let (sender, ends) = unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("can't bind");
        let app = routes(app, &calls, &sender);
        let server = app.clone().serve(listener);
        let address = server.local_addr();
        let good = [Raw::open(address, "/good").await, Raw::open(address, "/good").await];
        Self { address, calls, ends, good, rounds: 0, app, _server: server }
    }

    pub(crate) async fn connect(&self) -> Raw {
        Raw::connect(self.address).await
    }

    /// A socket on `path`.
    pub(crate) async fn open(&self, path: &str) -> Raw {
        Raw::open(self.address, path).await
    }

    /// A connection to the same app without a network: time may stand still, and nothing but the server takes bytes.
    pub(crate) fn pipe(&self, size: usize) -> Pipe {
        Pipe::new(self.app.clone(), size)
    }

    /// How often a handler of a bad client was called since the last time.
    pub(crate) fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }

    /// How the next handler of a bad client saw its end.
    pub(crate) async fn end(&mut self) -> End {
        soon("the handler's end", self.ends.recv()).await.expect("the server is gone")
    }

    /// Sends a request's bytes; gives the status of the answer. Any but 101 must not reach the handler.
    pub(crate) async fn status(&mut self, name: &str, request: &[u8]) -> u16 {
        let mut raw = self.connect().await;
        raw.try_send(request).await;
        let status = raw.answer().await.status;
        assert_eq!(self.calls(), usize::from(status == 101), "calls of the handler: {name}");
        drop(raw);
        self.nobody_noticed(name).await;
        status
    }

    /// Sends bytes after a handshake that must end the connection with `code`, and no message in them may be answered:
    /// all at once, byte by byte, and with more behind them.
    pub(crate) async fn refuses(&mut self, name: &str, bytes: &[u8], code: u16) {
        for way in 0..3 {
            let name = format!("{name} ({})", ["at once", "byte by byte", "with more behind"][way]);
            let mut raw = self.open("/echo").await;
            match way {
                0 => raw.send(bytes).await,
                1 => raw.trickle(bytes).await,
                _ => {
                    raw.send(bytes).await;
                    raw.try_send(bytes::frame(BINARY, vec![0; 1000]).repeat(30)).await;
                }
            }
            let ended = raw.ended().await;
            assert_eq!(ended.close, Some(Some(code)), "{name}");
            assert_eq!(ended.frames, [], "{name}");
            assert_eq!(self.calls(), 1);
            let end = self.end().await;
            assert_eq!(end, End { messages: 0, disconnected: true, code: None }, "{name}");
            self.nobody_noticed(&name).await;
        }
    }

    /// The good clients still talk.
    pub(crate) async fn nobody_noticed(&mut self, name: &str) {
        self.rounds += 1;
        for (number, good) in self.good.iter_mut().enumerate() {
            let said = format!("{number}: round {}", self.rounds);
            good.send(bytes::frame(TEXT, &said)).await;
            let heard = good.frame().await;
            assert_eq!((heard.first, heard.payload), (TEXT, said.into_bytes()), "a good client noticed: {name}");
        }
    }
}

fn routes(app: App, calls: &Arc<AtomicUsize>, ends: &UnboundedSender<End>) -> App {
    let (calls, ends, bye_ends) = (calls.clone(), ends.clone(), ends.clone());
    app.websocket("/good", async |mut ws: WebSocket| -> Result<()> {
        while let Some(message) = ws.next().await {
            ws.send(&message?).await?;
        }
        Ok(())
    })
    .websocket("/echo", move |ws: WebSocket| {
        calls.fetch_add(1, Ordering::Relaxed);
        watched(ws, ends.clone(), true)
    })
    .websocket("/bye", move |ws: WebSocket| watched(ws, bye_ends.clone(), false))
}

/// Echoes, or closes at the first message and then waits for the end; says how it ended.
async fn watched(mut ws: WebSocket, ends: UnboundedSender<End>, echoes: bool) -> Result<()> {
    let mut messages = 0;
    let error = loop {
        match ws.receive().await {
            Ok(message) if echoes => {
                messages += 1;
                // The end is seen by `receive`.
                drop(ws.send(&message).await);
            }
            Ok(_) => {
                messages += 1;
                ws.close(1001).await?;
            }
            Err(error) => break error,
        }
    };
    let code = error.close_frame().map(|frame| frame.code.as_u16());
    drop(ends.send(End { messages, disconnected: error.is_disconnect(), code }));
    Err(error)
}
