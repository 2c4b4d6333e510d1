//! A user who talks, hears what others say, loses the connection or drops it, and comes back for what was missed.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::chat::{
    log::Log,
    socket::{Came, Event, Lost, Socket},
};

/// Until it tries again: at first, and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Until it says again what was refused.
const RETRY: Duration = Duration::from_millis(300);
/// Messages that wait for a receipt at a time.
const WAITING: usize = 4;
/// From the connection until all that was missed has come, while nothing else comes.
const ENTRY: Duration = Duration::from_secs(30);

/// What all clients of a test do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) clients: usize,
    pub(crate) rooms: Vec<String>,
    /// Where the chat is; with several, any of them each time, unless each client is at home at one.
    pub(crate) doors: Vec<SocketAddr>,
    pub(crate) are_at_home: bool,
    /// Between two messages, on average.
    pub(crate) pause: Duration,
    /// How long it stays until it goes by itself, on average, and how long it is away then.
    pub(crate) stay: Option<(Duration, Duration)>,
    /// Bytes in a message, about.
    pub(crate) length: usize,
}

impl Plan {
    pub(crate) fn new(doors: &[SocketAddr]) -> Self {
        let rooms = ["tea", "tea for two"].map(str::to_owned).to_vec();
        let pause = Duration::from_millis(30);
        Self { clients: 16, rooms, doors: doors.to_vec(), are_at_home: false, pause, stay: None, length: 40 }
    }
}

/// What clients are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Talk, come and go.
    Talk,
    /// Stay, listen, and say again what was not acknowledged.
    Listen,
    /// Leave.
    Leave,
}

pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) user: u64,
    pub(crate) room: String,
    pub(crate) plan: Arc<Plan>,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) log: Arc<Mutex<Log>>,
    pub(crate) random: Random,
}

/// How a connection ends.
enum End {
    Lost(Lost),
    /// By its own wish.
    Left,
    /// All is done.
    Over,
}

impl Client {
    /// Until it is told to leave. Fails if it sees what it should not.
    pub(crate) async fn run(mut self) -> Result<()> {
        let mut back_off = BACK_OFF.0;
        loop {
            let entries = self.log().entries;
            let ended = self.connection().await;
            self.log().is_in = false;
            let end = ended.with_context(|| {
                format!(
                    "client {} (user {}, room {}, after {:?})",
                    self.number,
                    self.user,
                    self.room,
                    self.log().last()
                )
            })?;
            if self.log().entries > entries {
                back_off = BACK_OFF.0;
            }
            let wait = match end {
                End::Over => return Ok(()),
                End::Left => self.plan.stay.map_or(Duration::ZERO, |(_, away)| self.random.about(away)),
                End::Lost(lost) => {
                    self.log().lose(lost)?;
                    let wait = self.random.about(back_off);
                    back_off = BACK_OFF.1.min(back_off * 2);
                    wait
                }
            };
            sleep(wait).await;
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connection(&mut self) -> Result<End> {
        if self.phase() == Phase::Leave {
            return Ok(End::Over);
        }
        let doors = &self.plan.doors;
        let door =
            doors[if self.plan.are_at_home { self.number } else { self.random.below(doors.len()) } % doors.len()];
        // Every other wants all that was ever said in its room.
        let since = self.log().last().or((self.number % 2 == 0).then_some(0));
        let mut socket = match Socket::open(door, &encode(&self.room), self.user, since).await {
            Ok(socket) => socket,
            Err(lost) => return Ok(End::Lost(lost)),
        };
        if let Some(end) = self.enter(&mut socket).await? {
            return Ok(end);
        }
        let end = self.talk(&mut socket).await?;
        if let End::Left | End::Over = end {
            self.go(socket).await;
        }
        Ok(end)
    }

    /// Hears what was missed, and says again what was not acknowledged.
    async fn enter(&mut self, socket: &mut Socket) -> Result<Option<End>> {
        while !self.log().is_in {
            match timeout(ENTRY, socket.next()).await.unwrap_or(Err(Lost::Silent)) {
                Ok(came) => self.take(came)?,
                Err(lost) => return Ok(Some(End::Lost(lost))),
            };
        }
        Ok(self.repeat(socket).await.err().map(End::Lost))
    }

    async fn talk(&mut self, socket: &mut Socket) -> Result<End> {
        let stay = self.plan.stay.map(|(stay, _)| Instant::now() + self.random.about(stay));
        let mut next_word = Instant::now() + self.random.about(self.plan.pause);
        let mut retry = None;
        loop {
            let phase = self.phase();
            if phase == Phase::Leave {
                return Ok(End::Over);
            }
            let is_talking = phase == Phase::Talk;
            let done = tokio::select! {
                came = socket.next() => match came {
                    Ok(came) => {
                        if self.take(came)? {
                            retry.get_or_insert(Instant::now() + RETRY);
                        }
                        Ok(())
                    }
                    Err(lost) => Err(lost),
                },
                () = sleep_until(next_word), if is_talking => {
                    next_word = Instant::now() + self.random.about(self.plan.pause);
                    self.say(socket).await
                }
                () = at(retry), if retry.is_some() => {
                    retry = None;
                    self.repeat(socket).await
                }
                () = at(stay), if is_talking && stay.is_some() => return Ok(End::Left),
                changed = self.phase.changed() => {
                    changed.context("nobody is left to say what to do")?;
                    Ok(())
                }
            };
            if let Err(lost) = done {
                return Ok(End::Lost(lost));
            }
        }
    }

    /// Whether something was refused that is to be said again.
    fn take(&self, came: Came) -> Result<bool> {
        match came {
            Came::Receipt(receipt) => self.log().note(&receipt).map(|()| false),
            Came::Event(event) => {
                let is_refused = matches!(&event, Event::Error { client_id: Some(_), .. });
                self.log().take(event).map(|()| is_refused)
            }
        }
    }

    async fn say(&mut self, socket: &mut Socket) -> Result<(), Lost> {
        match self.random.below(20) {
            0 => return socket.send(&json!({ "type": "typing", "is_typing": true })).await,
            1 => {
                let last = self.log().last();
                let Some(id) = last else { return Ok(()) };
                return socket.send(&json!({ "type": "read", "message_id": id })).await;
            }
            _ => {}
        }
        let id = {
            // Who looks into the log after the end of the talk finds all that was said.
            let mut log = self.log();
            if log.waiting() >= WAITING || self.phase() != Phase::Talk {
                return Ok(());
            }
            let id = format!("{}/{}", self.number, log.said.len());
            log.said.push((id.clone(), None));
            id
        };
        self.post(socket, id).await
    }

    async fn post(&self, socket: &mut Socket, id: String) -> Result<(), Lost> {
        let content = format!("{id} {}", "·".repeat(self.plan.length / 2));
        socket.send(&json!({ "type": "message", "content": content, "client_id": id })).await
    }

    async fn repeat(&mut self, socket: &mut Socket) -> Result<(), Lost> {
        let waiting: Vec<_> = self.log().said.iter().filter(|(_, id)| id.is_none()).map(|(id, _)| id.clone()).collect();
        for id in waiting {
            self.post(socket, id).await?;
        }
        Ok(())
    }

    /// With a goodbye, without, or rudely.
    async fn go(&mut self, socket: Socket) {
        match self.random.below(3) {
            0 => socket.close().await,
            1 => socket.reset(),
            _ => drop(socket),
        }
    }

    fn phase(&self) -> Phase {
        *self.phase.borrow()
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// A room's name as a part of a path.
pub(crate) fn encode(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// The same numbers each time.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1))
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }

    /// Between half and one and a half of it.
    pub(crate) fn about(&mut self, time: Duration) -> Duration {
        time.mul_f64(0.5 + self.below(1000) as f64 / 1000.0)
    }
}
