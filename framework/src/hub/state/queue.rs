//! The queue of what is to be handed out.

use std::{sync::Arc, task::Waker};

use tokio::sync::OwnedSemaphorePermit;

use super::{Entry, Later, State, To};
use crate::{
    hub::feed,
    ws::proto::{Prepared, Shape},
};

/// To copy that much costs as much as one more delivery.
const COPY_BYTES: usize = 4096;

pub(super) struct Item {
    number: u64,
    work: Work,
    to: To,
    /// Where it is stored; 0 if it is not.
    offset: u64,
    /// Its place in the queue.
    _permit: Option<OwnedSemaphorePermit>,
}

pub(super) enum Work {
    Message(Prepared),
    /// Becomes a message when its turn comes, outside of the lock.
    Later(Arc<Later>),
}

/// Whether a message that is stored there, or nowhere, is for somebody who has the stored ones up to `has`.
pub(in crate::hub) fn is_for(offset: u64, has: u64) -> bool {
    offset == 0 || offset > has
}

/// What is to be done next.
pub(in crate::hub) enum Next {
    Nothing,
    HandOut,
    Make(Arc<Later>, Vec<Shape>),
}

impl State {
    /// Puts a message into the queue; gives its number.
    pub(in crate::hub) fn send(&mut self, message: Prepared, to: To, permit: OwnedSemaphorePermit) -> u64 {
        self.messages += 1;
        self.put(Work::Message(message), to, Some(permit))
    }

    /// Puts a message into the queue that does not count as one of the room's.
    pub(in crate::hub) fn send_aside(&mut self, message: Prepared, to: To, permit: OwnedSemaphorePermit) -> u64 {
        self.put(Work::Message(message), to, Some(permit))
    }

    /// Puts a stored message into the queue, behind the one that is stored before it.
    pub(in crate::hub) fn send_stored(&mut self, message: Prepared, offset: u64, permit: OwnedSemaphorePermit) -> u64 {
        self.messages += 1;
        self.last += 1;
        let (work, permit) = (Work::Message(message), Some(permit));
        self.queue.push_back(Item { number: self.last, work, to: To::All, offset, _permit: permit });
        self.last
    }

    pub(super) fn put(&mut self, work: Work, to: To, permit: Option<OwnedSemaphorePermit>) -> u64 {
        self.last += 1;
        self.queue.push_back(Item { number: self.last, work, to, offset: 0, _permit: permit });
        self.last
    }

    /// Puts nothing into the queue; gives its number, by which one learns that all before it is handed out.
    pub(in crate::hub) fn mark(&mut self) -> u64 {
        self.put(Work::Later(Arc::new(|| None)), To::Member(0), None)
    }

    pub(in crate::hub) fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(in crate::hub) fn next(&self) -> Next {
        match self.queue.front() {
            None => Next::Nothing,
            Some(Item { work: Work::Message(_), .. }) => Next::HandOut,
            Some(Item { work: Work::Later(make), .. }) => Next::Make(make.clone(), self.shapes()),
        }
    }

    /// What the first in the queue has become.
    pub(in crate::hub) fn made(&mut self, message: Option<Prepared>) -> Option<Waker> {
        match (message, self.queue.front_mut()) {
            (Some(message), Some(item)) => {
                item.work = Work::Message(message);
                None
            }
            _ => self.finish(),
        }
    }

    /// Hands the first message to members, up to `share` of them; gives how many it was and how many got it, and who waits
    /// for the message to be done.
    pub(in crate::hub) fn hand_out(
        &mut self,
        share: usize,
        deliver: impl Fn(&Entry, &Prepared) -> bool,
    ) -> (usize, u64, Option<Waker>) {
        let Some(Item { number, work: Work::Message(message), to, offset, .. }) = self.queue.front() else {
            return (0, 0, None);
        };
        if *offset > 0 {
            self.tail.keep(*offset, message);
        }
        let (mut spent, mut sent, mut stopped_at) = (0, 0, None);
        let mut visit = |key: u64, entry: &Entry| {
            if spent >= share {
                stopped_at = Some(key);
                return false;
            }
            spent += 1;
            if entry.joined < *number && is_for(*offset, entry.has) && to.includes(entry) {
                spent += message.len() / COPY_BYTES;
                sent += u64::from(deliver(entry, message));
            }
            true
        };
        let from = self.cursor..;
        match to {
            To::User(user) => {
                let mut keys = self.users.get(user).into_iter().flat_map(|user| user.members.range(from.clone()));
                keys.all(|key| self.members.get(key).is_none_or(|entry| visit(*key, entry)))
            }
            To::Member(key) => self.members.get(key).is_none_or(|entry| visit(*key, entry)),
            _ => self.members.range(from).all(|(key, entry)| visit(*key, entry)),
        };
        if stopped_at.is_none() && !matches!(to, To::User(_) | To::Member(_)) {
            let left = share.saturating_sub(spent);
            let (heard, stopped) = feed::tell(self.feeds.range(self.heard..), (*number, *offset), message, left);
            (spent, sent) = (spent + heard.0, sent + heard.1);
            if let Some(key) = stopped {
                (self.heard, stopped_at) = (key, Some(u64::MAX));
            }
        }
        self.sent += sent;
        let waker = match stopped_at {
            Some(key) => {
                self.cursor = key;
                None
            }
            None => self.finish(),
        };
        (spent, sent, waker)
    }

    fn finish(&mut self) -> Option<Waker> {
        (self.cursor, self.heard) = (0, 0);
        let item = self.queue.pop_front()?;
        self.done = item.number;
        self.waiters.remove(&item.number)
    }

    /// Whether a message was handed out; if not, `waker` is woken when it is.
    pub(in crate::hub) fn is_done(&mut self, number: u64, waker: &Waker) -> bool {
        if self.done >= number {
            return true;
        }
        self.waiters.insert(number, waker.clone());
        false
    }

    pub(in crate::hub) fn stop_waiting(&mut self, number: u64) {
        self.waiters.remove(&number);
    }

    /// Who has to look for itself.
    pub(in crate::hub) fn all_waiters(&mut self) -> impl Iterator<Item = Waker> {
        std::mem::take(&mut self.waiters).into_values()
    }
}
