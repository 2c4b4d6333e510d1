//! Looking into the store now and then, for what nobody has told: an envelope that was lost, a node that died between its
//! commit and its envelope, or no broker at all.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{sleep, timeout},
};

use super::Seldom;
use crate::{
    error::{Error, Result},
    history::History,
    hub::{live::Live, registry::Registry},
};

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(5);
/// How long one may take.
const LOOKING: Duration = Duration::from_secs(10);
/// Rooms whose last offsets are asked for at once.
const ROOMS: usize = 256;

/// There is one while there is a hub with a history, and was somebody who listened.
#[derive(Debug, Default)]
pub(in crate::hub) struct Sweeper {
    runs: AtomicBool,
    now: Notify,
    failures: Seldom,
}

/// It ends with the hub, or with its runtime.
struct Running(Arc<Sweeper>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.runs.store(false, Ordering::Release);
    }
}

impl Sweeper {
    /// Begins, if nobody has, and there is a runtime.
    pub(in crate::hub) fn start(self: &Arc<Self>, registry: &Arc<Registry>) {
        if self.runs.load(Ordering::Acquire) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        if !self.runs.swap(true, Ordering::AcqRel) {
            let running = Running(self.clone());
            drop(runtime.spawn(running.run(Arc::downgrade(registry))));
        }
    }

    /// Looks at once: something was missed, or the hub ends.
    pub(in crate::hub) fn sweep_now(&self) {
        self.now.notify_one();
    }
}

impl Running {
    async fn run(self, registry: Weak<Registry>) {
        loop {
            tokio::select! {
                // It is time.
                () = sleep(PERIOD) => {}
                // Somebody knows that it is.
                () = self.0.now.notified() => {}
            }
            let Some(registry) = registry.upgrade() else { return };
            if let Err(error) = sweep(&registry).await {
                if self.0.failures.is_due() {
                    tracing::error!("can't look for what was stored elsewhere: {error}");
                }
            }
        }
    }
}

async fn sweep(registry: &Registry) -> Result<()> {
    let Ok(history) = registry.history() else { return Ok(()) };
    let mut rooms = registry.rooms();
    rooms.retain(|live| live.is_served());
    for rooms in rooms.chunks(ROOMS) {
        let late = |_| Error::storage("expected an answer within 10 s, got none");
        timeout(LOOKING, look(&*history, rooms)).await.map_err(late)??;
    }
    Ok(())
}

async fn look(history: &dyn History, rooms: &[Arc<Live>]) -> Result<()> {
    let names: Vec<_> = rooms.iter().map(|live| live.name.clone()).collect();
    let heads = history.heads(&names).await?;
    for (live, head) in rooms.iter().zip(heads) {
        live.hear_of(head);
    }
    Ok(())
}
