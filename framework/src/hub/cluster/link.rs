//! The connection to the broker, as the rest of the hub sees it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{error::Error, sync::lock};

/// Who has not heard itself for so long has a broker that hands nothing on, whatever its socket says.
pub(super) const SILENCE: Duration = Duration::from_secs(5);
/// Within this time after it has heard itself a node knows the others, which answer its greeting at once.
const SETTLING: Duration = Duration::from_millis(150);

#[derive(Debug)]
pub(super) struct Link {
    state: watch::Sender<State>,
    /// When we heard ourselves last, or the session began.
    heard: Mutex<Instant>,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) status: Status,
    /// When the status last went from or to [`Status::Up`].
    pub(super) since: SystemTime,
    pub(super) error: Option<Arc<str>>,
    /// The number of the session.
    pub(super) session: u64,
    /// Sessions that were up.
    pub(super) ups: u64,
    up_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Nobody has tried.
    Idle,
    /// For the first time, or the first time since the session was lost.
    Connecting,
    /// We hear ourselves.
    Up,
    /// It could not be reached.
    Away,
}

impl Default for Link {
    fn default() -> Self {
        let since = SystemTime::now();
        let state = State { status: Status::Idle, since, error: None, session: 0, ups: 0, up_at: None };
        Self { state: watch::Sender::new(state), heard: Mutex::new(Instant::now()) }
    }
}

impl State {
    fn turn(&mut self, status: Status) {
        if (self.status == Status::Up) != (status == Status::Up) {
            self.since = SystemTime::now();
        }
        self.status = status;
    }
}

impl Link {
    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(super) fn session(&self) -> u64 {
        self.state.borrow().session
    }

    /// Somebody begins to try.
    pub(super) fn begin(&self) {
        self.state.send_modify(|state| state.turn(Status::Connecting));
    }

    /// A session begins; gives its number.
    pub(super) fn open(&self) -> u64 {
        *lock(&self.heard) = Instant::now();
        self.state.send_modify(|state| state.session += 1);
        self.session()
    }

    /// We have heard ourselves. Whether it is the first time in this session.
    pub(super) fn hear(&self) -> bool {
        let now = Instant::now();
        *lock(&self.heard) = now;
        self.state.send_if_modified(|state| {
            let is_first = state.status != Status::Up;
            if is_first {
                state.turn(Status::Up);
                (state.error, state.up_at) = (None, Some(now));
                state.ups += 1;
            }
            is_first
        })
    }

    /// How long we have not heard ourselves.
    pub(super) fn silence(&self) -> Duration {
        lock(&self.heard).elapsed()
    }

    /// The session is over, or there was none. Whether it was up.
    pub(super) fn lose(&self, error: &Error) -> bool {
        let mut was_up = false;
        self.state.send_modify(|state| {
            was_up = state.status == Status::Up;
            state.turn(if was_up { Status::Connecting } else { Status::Away });
            (state.error, state.up_at) = (Some(error.to_string().into()), None);
        });
        was_up
    }

    /// Nobody tries any more.
    pub(super) fn end(&self) {
        self.state.send_modify(|state| {
            state.turn(Status::Idle);
            state.up_at = None;
        });
    }

    /// Whether messages go out and come in.
    pub(super) fn is_up(&self) -> bool {
        self.state.borrow().status == Status::Up && self.silence() < SILENCE
    }

    /// Whether there is nothing to wait for.
    pub(super) fn is_away(&self) -> bool {
        matches!(self.state.borrow().status, Status::Away | Status::Idle)
    }

    /// Waits until the other nodes have had the time to make themselves known.
    pub(super) async fn settled(&self) {
        let mut link = self.watch();
        let up = link.wait_for(|state| state.up_at.is_some() || matches!(state.status, Status::Away | Status::Idle));
        let up_at = up.await.ok().and_then(|state| state.up_at);
        if let Some(up_at) = up_at {
            sleep_until(up_at + SETTLING).await;
        }
    }
}
