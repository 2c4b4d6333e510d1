//! The rooms that this node serves: those that somebody here listens to, or did a moment ago.
//!
//! While a room is served its channel is subscribed to, the presence of other nodes is known, and what is stored
//! elsewhere goes to the members here. Without a broker only the last of these matters.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{Cluster, Command};
use crate::{
    hub::{live::Live, state::Others},
    sync::lock,
};

/// Who joins waits so long for the broker, and so long for the store.
const OPENING: Duration = Duration::from_secs(1);
/// And so long, within the former, for the other nodes to say who is there.
const ANSWERS: Duration = Duration::from_millis(500);
/// How long a room that is deserted stays subscribed to.
const LINGERING: Duration = Duration::from_secs(5);

/// Whether a room is served.
#[derive(Debug, Default)]
pub(in crate::hub) struct Serving {
    held: Mutex<Held>,
    /// Something has come of what those wait for who open it.
    progress: Notify,
}

#[derive(Debug, Default)]
struct Held {
    /// Members, listeners and the like.
    holders: usize,
    phase: Phase,
    /// Nobody is here any more; a task waits for the end.
    lingers: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Idle,
    Served,
    /// In this session.
    Subscribed(u64),
}

/// Somebody is here: as long as it is held, the room is served.
pub(in crate::hub) struct Served {
    live: Arc<Live>,
}

impl Live {
    /// Has the room served, if there is anything in it: a broker, or a history.
    pub(in crate::hub) fn hold(self: &Arc<Self>) -> Option<Served> {
        if !self.registry.is_shared() {
            return None;
        }
        let serving = self.serving.get_or_init(Box::default);
        let mut held = lock(&serving.held);
        held.holders += 1;
        if held.phase == Phase::Idle {
            held.phase = Phase::Served;
            self.rebase();
            if let Some(cluster) = self.registry.cluster() {
                self.state().share(Others::new(cluster.node, cluster.clock.clone(), cluster.version()));
                cluster.queue.command(Command::Subscribe(Arc::downgrade(self)));
            }
        }
        drop(held);
        self.registry.wake();
        Some(Served { live: self.clone() })
    }

    /// Has the room served, and waits until it is, or it has taken too long.
    pub(in crate::hub) async fn serve(self: &Arc<Self>) -> Option<Served> {
        let served = self.hold()?;
        served.opened().await;
        Some(served)
    }

    pub(in crate::hub) fn is_served(&self) -> bool {
        self.serving.get().is_some_and(|serving| lock(&serving.held).phase != Phase::Idle)
    }

    /// What waits for the room to be open looks again.
    pub(super) fn progress(&self) {
        self.serving.get().into_iter().for_each(|serving| serving.progress.notify_waiters());
    }

    /// The broker has confirmed it in this session. Whether the room had been subscribed to before.
    pub(super) fn subscribed(&self, session: u64) -> bool {
        let Some(serving) = self.serving.get() else { return false };
        let mut held = lock(&serving.held);
        let before = held.phase;
        if before != Phase::Idle {
            held.phase = Phase::Subscribed(session);
        }
        drop(held);
        self.progress();
        matches!(before, Phase::Subscribed(_))
    }

    /// Whether the broker has to be asked for it in this session.
    pub(super) fn wants(&self, session: u64) -> bool {
        let phase = self.serving.get().map(|serving| lock(&serving.held).phase);
        phase.is_some_and(|phase| phase != Phase::Idle && phase != Phase::Subscribed(session))
    }

    fn is_subscribed(&self, cluster: &Cluster) -> bool {
        let phase = self.serving.get().map(|serving| lock(&serving.held).phase);
        phase == Some(Phase::Subscribed(cluster.link.session())) || cluster.link.is_away()
    }

    /// There is no broker now.
    fn is_alone(&self) -> bool {
        self.registry.cluster().is_none_or(|cluster| cluster.link.is_away())
    }

    fn is_synced(&self) -> bool {
        self.state().others.as_ref().is_none_or(|others| others.is_synced())
    }

    /// Waits until something is so.
    async fn until(&self, is_so: impl Fn() -> bool) {
        let Some(serving) = self.serving.get() else { return };
        loop {
            let progress = serving.progress.notified();
            if is_so() {
                return;
            }
            progress.await;
        }
    }

    /// Ends it, if nobody is here any more. Says no if somebody is expected back, or the others are yet to be told of
    /// somebody.
    fn desert(&self) -> bool {
        let Some(serving) = self.serving.get() else { return true };
        let mut held = lock(&serving.held);
        let mut state = self.state();
        let is_told = |others: &Others| others.is_told() || self.is_alone();
        if held.holders == 0 && state.others.as_ref().is_some_and(|others| !state.is_deserted() || !is_told(others)) {
            return false;
        }
        held.lingers = false;
        if held.holders > 0 {
            return true;
        }
        state.stop_sharing();
        drop(state);
        self.rebase();
        if let (Phase::Subscribed(_), Some(cluster)) = (held.phase, self.registry.cluster()) {
            cluster.queue.command(Command::Unsubscribe(self.name.clone()));
        }
        held.phase = Phase::Idle;
        true
    }
}

impl Served {
    /// Waits until the room is open: subscribed to, those on other nodes known, the last offset read. Not for ever: it goes
    /// without.
    pub(in crate::hub) async fn opened(&self) {
        if Handle::try_current().is_err() {
            return;
        }
        let live = &self.live;
        if let Some(cluster) = live.registry.cluster() {
            drop(timeout_at(Instant::now() + OPENING, cluster.opened(live)).await);
        }
        if live.is_based() {
            return;
        }
        if let Ok(history) = live.registry.history() {
            match timeout(OPENING, live.base(&*history)).await {
                Ok(Ok(())) => {}
                // A message that comes will have it read again.
                Ok(Err(error)) => tracing::debug!(room = &*live.name, "the history can't be read: {error}"),
                Err(_) => tracing::debug!(room = &*live.name, "the history takes too long"),
            }
        }
    }
}

impl Cluster {
    /// Waits until the broker has confirmed the subscription, and the other nodes have answered.
    async fn opened(&self, live: &Arc<Live>) {
        let mut link = self.link.watch();
        while !live.is_subscribed(self) {
            tokio::select! {
                // The room has come on.
                () = live.until(|| live.is_subscribed(self)) => {}
                // Or the broker can't be reached.
                _ = link.changed() => {}
            }
        }
        let answered = async {
            self.link.settled().await;
            live.until(|| live.is_synced() || self.link.is_away()).await;
        };
        drop(timeout(ANSWERS, answered).await);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let live = &self.live;
        let Some(serving) = live.serving.get() else { return };
        let mut held = lock(&serving.held);
        held.holders -= 1;
        if held.holders > 0 || held.lingers {
            return;
        }
        held.lingers = true;
        drop(held);
        // Who comes back soon finds all as it was; but only a broker makes that worth anything.
        match Handle::try_current().ok().filter(|_| live.registry.cluster().is_some()) {
            Some(runtime) => drop(runtime.spawn(Lingering { live: live.clone(), waits: true }.run())),
            None => drop(live.desert()),
        }
    }
}

/// A room that is deserted.
struct Lingering {
    live: Arc<Live>,
    waits: bool,
}

impl Lingering {
    async fn run(mut self) {
        while self.waits {
            sleep(LINGERING).await;
            self.waits = !self.live.desert();
        }
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if self.waits {
            // Its runtime ends: the next who leaves starts another.
            self.live.serving.get().into_iter().for_each(|serving| lock(&serving.held).lingers = false);
        }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Served").field(&self.live).finish()
    }
}
