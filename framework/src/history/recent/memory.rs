//! Runs in memory: so many bytes, and those used last.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Shelf, run::Run};
use crate::{
    rt::BoxFuture,
    sync::{Mutex, lock},
};

/// What a room takes beside its messages, about.
const OVERHEAD: usize = 256;

pub(super) struct Memory {
    messages: usize,
    bytes: usize,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    by_name: HashMap<Arc<str>, Slot>,
    /// Their names in the order in which they were used.
    by_use: BTreeMap<u64, Arc<str>>,
    uses: u64,
    bytes: usize,
}

struct Slot {
    run: Run,
    bytes: usize,
    used: u64,
}

impl Memory {
    /// At most so many messages a room, and so many bytes together.
    pub(super) fn new(messages: usize, bytes: usize) -> Self {
        Self { messages, bytes, slots: Mutex::default() }
    }
}

impl Slots {
    /// Takes a room out. It comes back as the one used last.
    fn take(&mut self, room: &str) -> Option<(Arc<str>, Run)> {
        let (name, slot) = self.by_name.remove_entry(room)?;
        self.by_use.remove(&slot.used);
        self.bytes -= slot.bytes;
        Some((name, slot.run))
    }

    fn put(&mut self, name: Arc<str>, run: Run) {
        self.uses += 1;
        let (used, bytes) = (self.uses, OVERHEAD + 2 * name.len() + run.bytes());
        self.bytes += bytes;
        self.by_use.insert(used, name.clone());
        self.by_name.insert(name, Slot { run, bytes, used });
    }

    fn shrink(&mut self, most: usize) {
        while self.bytes > most {
            let Some((_, name)) = self.by_use.pop_first() else { return };
            self.bytes -= self.by_name.remove(&name).map_or(0, |slot| slot.bytes);
        }
        if self.by_name.capacity() > 64 && self.by_name.len() < self.by_name.capacity() / 4 {
            self.by_name.shrink_to(self.by_name.len() * 2);
        }
    }
}

impl Shelf for Memory {
    fn get<'a>(&'a self, room: &'a str) -> BoxFuture<'a, Option<Run>> {
        let mut slots = lock(&self.slots);
        let run = slots.take(room).map(|(name, run)| {
            slots.put(name, run.clone());
            run
        });
        Box::pin(std::future::ready(run))
    }

    fn merge<'a>(&'a self, room: &'a str, run: Run) -> BoxFuture<'a, ()> {
        let mut slots = lock(&self.slots);
        let (name, mut known) = slots.take(room).unwrap_or_else(|| (room.into(), Run::default()));
        known.merge(run, self.messages);
        slots.put(name, known);
        slots.shrink(self.bytes);
        Box::pin(std::future::ready(()))
    }

    fn forget<'a>(&'a self, room: &'a str) -> BoxFuture<'a, ()> {
        drop(lock(&self.slots).take(room));
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::{Offset, Stored},
        ws::Message,
    };

    #[tokio::test]
    async fn who_was_used_last_stays() {
        let memory = Memory::new(10, 4000);
        let run = |bytes| Run::added([Stored::new(Offset(1), 0, Message::binary(vec![b'x'; bytes]))]);
        for room in ["a", "b", "c"] {
            memory.merge(room, run(1000 - OVERHEAD - 128 - 2)).await;
        }
        assert_eq!(lock(&memory.slots).bytes, 3000);
        assert!(memory.get("a").await.is_some());
        memory.merge("d", run(1500)).await;
        let is_there = async |room| memory.get(room).await.is_some();
        assert_eq!(
            (is_there("a").await, is_there("b").await, is_there("c").await, is_there("d").await),
            (true, false, true, true)
        );
        memory.merge("e", run(9000)).await;
        let slots = lock(&memory.slots);
        assert_eq!((slots.by_name.len(), slots.by_use.len(), slots.bytes), (0, 0, 0));
    }
}
