//! A bad network for tests: a proxy between a client and a server that refuses, cuts, stalls, and disturbs what Redis pushes.

mod disturb;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use self::disturb::Disturber;
pub use self::disturb::Odds;

/// How long a message that others are to overtake waits for one.
const OVERTAKE: Duration = Duration::from_millis(20);

/// A proxy on a port of its own, for as long as it is held. It does nothing but hand on until it is told to.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    server: u16,
    /// Connections that are still to be refused.
    refuse: AtomicUsize,
    /// Another number: all connections of the time before are cut.
    era: watch::Sender<u64>,
    stalled: watch::Sender<Stalled>,
    odds: Mutex<Odds>,
    seed: AtomicU64,
    tally: Tally,
}

/// What is not handed on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stalled {
    Nothing,
    Answers,
    Everything,
}

/// What has become of the messages that Redis has pushed, so far.
#[derive(Debug, Default)]
pub struct Tally {
    pub passed: AtomicUsize,
    pub lost: AtomicUsize,
    pub doubled: AtomicUsize,
    pub overtaken: AtomicUsize,
}

impl Proxy {
    /// Before a server on a port of 127.0.0.1. The seed decides what is disturbed.
    pub async fn start(server: u16, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            server,
            refuse: AtomicUsize::new(0),
            era: watch::Sender::new(0),
            stalled: watch::Sender::new(Stalled::Nothing),
            odds: Mutex::default(),
            seed: AtomicU64::new(seed),
            tally: Tally::default(),
        });
        let task = tokio::spawn(accept(listener, state.clone()));
        Ok(Self { address, state, task })
    }

    /// Where clients connect to.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Refuses the next connections, so many of them.
    pub fn refuse(&self, connections: usize) {
        self.state.refuse.store(connections, Relaxed);
    }

    /// Cuts all connections that there are.
    pub fn cut(&self) {
        self.state.era.send_modify(|era| *era += 1);
    }

    /// Hands nothing on until told otherwise, in either direction. What comes meanwhile waits, and connections stay.
    pub fn stall(&self, stalled: bool) {
        self.state.stalled.send_replace(if stalled { Stalled::Everything } else { Stalled::Nothing });
    }

    /// Hands on what clients say, and none of what the server answers, until told otherwise.
    pub fn mute(&self, muted: bool) {
        self.state.stalled.send_replace(if muted { Stalled::Answers } else { Stalled::Nothing });
    }

    /// From now on disturbs what Redis pushes. Everything else passes as it is.
    pub fn disturb(&self, odds: Odds) {
        *self.state.odds.lock().unwrap_or_else(PoisonError::into_inner) = odds;
    }

    pub fn tally(&self) -> &Tally {
        &self.state.tally
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        if state.refuse.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            // A reset, as from a port where nobody listens.
            client.set_zero_linger().ok();
            continue;
        }
        let (state, mut era) = (state.clone(), state.era.subscribe());
        let now = *era.borrow();
        tokio::spawn(async move {
            tokio::select! {
                // Whatever the reason: to both it looks like a connection that was closed.
                _ = connection(client, &state) => {}
                _ = era.wait_for(|era| *era != now) => {}
            }
        });
    }
}

async fn connection(mut client: TcpStream, state: &State) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", state.server)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    let disturber = Disturber::new(state.seed.fetch_add(1, Relaxed));
    tokio::select! {
        ended = forward(from_client, to_server, state, None) => ended,
        ended = forward(from_server, to_client, state, Some(disturber)) => ended,
    }
}

async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    state: &State,
    mut disturber: Option<Disturber>,
) -> io::Result<()> {
    let mut stalled = state.stalled.subscribe();
    let is_answer = disturber.is_some();
    let flows = |stalled: &Stalled| *stalled == Stalled::Nothing || *stalled == Stalled::Answers && !is_answer;
    let (mut buffer, mut out) = (vec![0; 64 * 1024], Vec::new());
    loop {
        // Its sender lives as long as we do.
        stalled.wait_for(flows).await.ok();
        let holds = disturber.as_ref().is_some_and(Disturber::holds);
        let read = tokio::select! {
            read = from.read(&mut buffer) => read?,
            () = tokio::time::sleep(OVERTAKE), if holds => {
                disturber.iter_mut().for_each(|disturber| disturber.release(&mut out));
                to.write_all(&out).await?;
                out.clear();
                continue;
            }
        };
        if read == 0 {
            return Ok(());
        }
        stalled.wait_for(flows).await.ok();
        match &mut disturber {
            None => out.extend_from_slice(&buffer[..read]),
            Some(disturber) => {
                let odds = *state.odds.lock().unwrap_or_else(PoisonError::into_inner);
                disturber.pass(&buffer[..read], odds, &state.tally, &mut out);
            }
        }
        to.write_all(&out).await?;
        out.clear();
    }
}
