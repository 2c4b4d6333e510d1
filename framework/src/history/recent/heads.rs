//! Asking the store for the last offsets of rooms: who comes while it answers goes with the next question.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use crate::{
    error::{Error, Result},
    history::History,
    rt::{self, timeout},
    sync::{Mutex, lock},
};

/// How long a store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
const LATE: &str = "expected the history to answer within 2 s, it has not";
/// Rooms in one question.
const AT_ONCE: usize = 1000;

pub(super) struct Heads {
    store: Arc<dyn History>,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    waiting: Waiting,
    /// Somebody asks the store: there is one at a time.
    is_busy: bool,
}

type Waiting = BTreeMap<Arc<str>, Vec<oneshot::Sender<Result<u64, String>>>>;

impl Heads {
    pub(super) fn new(store: Arc<dyn History>) -> Arc<Self> {
        Arc::new(Self { store, asked: Mutex::default() })
    }

    /// The room's last offset, as of a moment after the call. Waits 2 s at most.
    pub(super) async fn of(self: &Arc<Self>, room: &str) -> Result<u64> {
        let (reply, head) = oneshot::channel();
        {
            let mut asked = lock(&self.asked);
            asked.waiting.entry(room.into()).or_default().push(reply);
            if !std::mem::replace(&mut asked.is_busy, true) {
                drop(rt::spawn(Asking { heads: self.clone(), works: true }.run()));
            }
        }
        let ended = |_| Error::storage("the history has given no answer: it panicked, or its runtime has ended");
        let head = timeout(PATIENCE, head).await.map_err(|_| Error::storage(LATE))?;
        head.map_err(ended)?.map_err(Error::storage)
    }
}

/// The one who asks.
struct Asking {
    heads: Arc<Heads>,
    works: bool,
}

impl Asking {
    async fn run(mut self) {
        while let Some(waiting) = self.next() {
            let rooms: Vec<_> = waiting.keys().cloned().collect();
            // One that never answers must not keep all that come later from asking.
            let heads = match timeout(PATIENCE, self.heads.store.heads(&rooms)).await {
                Ok(Ok(heads)) if heads.len() == rooms.len() => Ok(heads),
                Ok(Ok(heads)) => {
                    Err(format!("expected the last offsets of {} rooms, got {}", rooms.len(), heads.len()))
                }
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(LATE.to_owned()),
            };
            for (number, replies) in waiting.into_values().enumerate() {
                let head = heads.as_ref().map(|heads| heads[number].get()).map_err(String::clone);
                // Who does not wait any more has nobody to be told.
                replies.into_iter().for_each(|reply| drop(reply.send(head.clone())));
            }
        }
    }

    fn next(&mut self) -> Option<Waiting> {
        let mut asked = lock(&self.heads.asked);
        let mut next = std::mem::take(&mut asked.waiting);
        // Others have given up while the store was slow.
        next.retain(|_, replies| {
            replies.retain(|reply| !reply.is_closed());
            !replies.is_empty()
        });
        if let Some(room) = next.keys().nth(AT_ONCE).cloned() {
            asked.waiting = next.split_off(&room);
        }
        asked.is_busy = !next.is_empty();
        // Under the lock: who comes next finds nobody who asks, and begins.
        self.works = asked.is_busy;
        self.works.then_some(next)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        // Where the store panicked or the runtime ends: who waits is told, and the next one asks.
        if self.works {
            *lock(&self.heads.asked) = Asked::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, task::Poll};

    use super::*;
    use crate::history::MemoryHistory;

    /// Somebody comes just when the one who asks has found that nobody waits.
    #[tokio::test]
    async fn who_comes_at_the_end_is_answered() {
        let heads = Heads::new(Arc::new(MemoryHistory::new()));
        let mut first = Asking { heads: heads.clone(), works: true };
        lock(&heads.asked).is_busy = true;
        assert!(first.next().is_none());
        let mut head = pin!(heads.of("a"));
        assert!(poll_fn(|cx| Poll::Ready(head.as_mut().poll(cx).is_pending())).await);
        drop(first);
        assert_eq!(head.await.unwrap(), 0);
    }
}
