//! One clock for all sockets of an app: a timer in each connection would be a quarter of what an idle one holds.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fmt,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use tokio::{sync::Notify, task::yield_now, time::sleep_until};

use super::{proto::trim_spare_buffers, sockets::Sockets};
use crate::{rt::Moment, sync::lock};

/// Connections that are woken before other tasks get to run.
const BATCH: usize = 256;
/// How often large buffers that nobody uses are given back, as far as there are alarms: with a heartbeat there are.
const TRIM: Duration = Duration::from_secs(1);

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

    /// How many are set.
    pub(super) fn set(&self) -> usize {
        lock(&self.state).due.len()
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
            self.tick();
        } else if is_first {
            self.alarms.changed.notify_one();
        }
    }

    /// Starts a clock, should the one that rang for the alarms that are set be no more.
    pub(super) fn keep_ticking(self: &Arc<Self>) {
        let mut state = lock(&self.alarms.state);
        let is_needed = !state.ticking && !state.due.is_empty();
        state.ticking |= is_needed;
        drop(state);
        if is_needed {
            self.tick();
        }
    }

    fn tick(self: &Arc<Self>) {
        let ticking = Ticking { alarms: self.alarms.clone(), sockets: Arc::downgrade(self), is_done: false };
        tokio::spawn(tick(ticking));
    }
}

/// The clock's task. It ends when no alarm is set.
async fn tick(mut ticking: Ticking) {
    let alarms = ticking.alarms.clone();
    let mut ids = Vec::new();
    let mut trimmed = Moment::now();
    loop {
        let now = Moment::now();
        let next = alarms.take_due(now, &mut ids);
        if now >= trimmed + TRIM {
            trim_spare_buffers();
            trimmed = now;
        }
        ticking.is_done = matches!(next, Next::Nothing);
        let Some(sockets) = ticking.sockets.upgrade() else { return };
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

/// Lets another clock be started, should this one end with its runtime.
struct Ticking {
    alarms: Arc<Alarms>,
    sockets: Weak<Sockets>,
    /// It was said already that there is none.
    is_done: bool,
}

impl Drop for Ticking {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let mut state = lock(&self.alarms.state);
        state.ticking = false;
        let ids: Vec<_> = state.due.iter().map(|Reverse((_, id))| *id).collect();
        drop(state);
        // Those of other runtimes see to it.
        let Some(sockets) = self.sockets.upgrade() else { return };
        ids.into_iter().filter_map(|id| sockets.get(id)).for_each(|connection| connection.ring());
    }
}

impl fmt::Debug for Alarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alarms({} set)", self.set())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::fake;

    /// A connection that only waits must not wait for ever because another runtime has ended, and the clock with it.
    #[test]
    fn alarms_outlive_the_clocks_runtime() {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let sockets = Arc::<Sockets>::default();
        let connection = fake::connection(sockets.next_id(), &Arc::default(), &sockets.traffic);
        let _registration = sockets.register(connection.clone());
        let first = runtime();
        first.block_on(async { sockets.wake_at(Moment::now() + Duration::from_millis(20), connection.id) });
        assert!(!connection.take_ring());
        drop(first);
        assert!(connection.take_ring(), "its driver learns that there is no clock");
        runtime().block_on(async {
            sockets.keep_ticking();
            while !connection.take_ring() {
                yield_now().await;
            }
        });
        assert_eq!(sockets.alarms.set(), 0);
    }
}
