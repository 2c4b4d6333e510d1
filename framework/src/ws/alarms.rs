//! One clock for all sockets of an app: a timer in each connection would be a quarter of what an idle one holds.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fmt,
    sync::{Arc, Mutex, Weak},
};

use tokio::{sync::Notify, task::yield_now, time::sleep_until};

use super::sockets::Sockets;
use crate::{rt::Moment, sync::lock};

/// Connections that are woken before other tasks get to run.
const BATCH: usize = 256;

/// When which connection is to be woken.
#[derive(Default)]
pub(super) struct Alarms {
    /// Locked to set an alarm and to look for those that are due; never across a wait, nor with another lock inside.
    state: Mutex<State>,
    /// An alarm was set that is earlier than all others, or all are gone.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The ids of connections, the earliest alarm on top. A connection that has ended stays until its alarm is due.
    due: BinaryHeap<Reverse<(Moment, u64)>>,
    /// A task waits for the earliest one.
    ticking: bool,
}

/// What the clock does next.
enum Next {
    /// More are due than one batch.
    Again,
    At(Moment),
    Nothing,
}

impl Alarms {
    /// Takes those that are due out of the list, a batch at most.
    fn take_due(&self, now: Moment, ids: &mut Vec<u64>) -> Next {
        let mut state = lock(&self.state);
        while let Some(&Reverse((at, id))) = state.due.peek() {
            if at > now {
                return Next::At(at);
            }
            if ids.len() == BATCH {
                return Next::Again;
            }
            state.due.pop();
            ids.push(id);
        }
        state.ticking = false;
        Next::Nothing
    }

    /// No connection is left.
    pub(super) fn clear(&self) {
        lock(&self.state).due = BinaryHeap::new();
        self.changed.notify_one();
    }
}

impl Sockets {
    /// Wakes the connection's driver at `at`. An alarm can't be taken back: one that is no longer needed rings for nothing.
    pub(super) fn wake_at(self: &Arc<Self>, at: Moment, id: u64) {
        let mut state = lock(&self.alarms.state);
        let is_first = state.due.peek().is_none_or(|Reverse((first, _))| at < *first);
        state.due.push(Reverse((at, id)));
        let was_ticking = std::mem::replace(&mut state.ticking, true);
        drop(state);
        if !was_ticking {
            let ticking = Ticking { alarms: self.alarms.clone(), is_done: false };
            tokio::spawn(tick(ticking, Arc::downgrade(self)));
        } else if is_first {
            self.alarms.changed.notify_one();
        }
    }
}

/// The clock's task. It ends when no alarm is set.
async fn tick(mut ticking: Ticking, sockets: Weak<Sockets>) {
    let alarms = ticking.alarms.clone();
    let mut ids = Vec::new();
    loop {
        let next = alarms.take_due(Moment::now(), &mut ids);
        ticking.is_done = matches!(next, Next::Nothing);
        let Some(sockets) = sockets.upgrade() else { return };
        for connection in ids.drain(..).filter_map(|id| sockets.get(id)) {
            connection.ring();
        }
        drop(sockets);
        match next {
            Next::Again => yield_now().await,
            Next::Nothing => return,
            Next::At(at) => tokio::select! {
                // The earliest alarm is due.
                () = sleep_until(at.instant()) => {}
                // There is an earlier one, or none.
                () = alarms.changed.notified() => {}
            },
        }
    }
}

/// Lets the next alarm start another clock, should this one end with its runtime.
struct Ticking {
    alarms: Arc<Alarms>,
    /// It was said already that there is none.
    is_done: bool,
}

impl Drop for Ticking {
    fn drop(&mut self) {
        if !self.is_done {
            lock(&self.alarms.state).ticking = false;
        }
    }
}

impl fmt::Debug for Alarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alarms({} set)", lock(&self.state).due.len())
    }
}
