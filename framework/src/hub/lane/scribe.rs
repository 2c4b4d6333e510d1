//! The one who works on a lane.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Arrival, Pending, Published, Receipt, Work, encoded, late};
use crate::{
    error::{Error, Result},
    history::{Appended, Draft, History, Offset, Span, Stored},
    hub::{cluster::Relay, live::Live, state::To},
    sync::lock,
};

/// Messages that are read at once.
const PAGE: usize = 256;

/// The one who works.
pub(super) struct Scribe {
    pub(super) live: Arc<Live>,
    pub(super) history: Option<Arc<dyn History>>,
    pub(super) works: bool,
}

impl Scribe {
    pub(super) async fn run(mut self) {
        while let Some(work) = self.next() {
            for arrival in work.arrivals {
                self.take_in(arrival).await;
            }
            if work.is_behind {
                self.fill(None).await;
            }
            if !work.drafts.is_empty() {
                self.append(work.drafts).await;
            }
            self.live.drain();
        }
    }

    fn next(&mut self) -> Option<Work> {
        let work = self.live.lane().take();
        self.works = work.is_some();
        work
    }

    async fn append(&self, batch: Vec<Pending>) {
        let now = Instant::now();
        let (mut batch, over): (Vec<_>, Vec<_>) = batch.into_iter().partition(|pending| now < pending.deadline);
        Self::fail(over, &late());
        if batch.is_empty() {
            return;
        }
        let drafts = batch.iter().map(|pending| pending.draft.clone()).collect();
        match self.store(drafts, batch.len()).await {
            Ok(appended) => {
                let published = self.appended(appended, &mut batch).await;
                for (pending, published) in batch.into_iter().zip(published) {
                    // Who does not wait any more has nobody to be told.
                    drop(pending.reply.send(Ok(published)));
                }
            }
            Err(error) => Self::fail(batch, &error),
        }
    }

    fn fail(batch: Vec<Pending>, error: &Error) {
        for pending in batch {
            drop(pending.reply.send(Err(Error::storage(error.to_string()))));
        }
    }

    async fn store(&self, drafts: Vec<Draft>, expected: usize) -> Result<Vec<Appended>> {
        let Some(history) = &self.history else { return Err(Error::storage("expected the app to have a history")) };
        // What others store from here on is a gap that is seen.
        self.base().await?;
        let appended = history.append(&self.live.name, drafts).await?;
        if appended.len() == expected {
            return Ok(appended);
        }
        let came = appended.len();
        Err(Error::storage(format!("expected the history to store {expected} messages, it stored {came}")))
    }

    /// Finds out where members begin, if there is anyone who may be one.
    async fn base(&self) -> Result<()> {
        match &self.history {
            Some(history) if self.live.is_served() && !self.live.is_based() => self.live.base(&**history).await,
            _ => Ok(()),
        }
    }

    async fn appended(&self, appended: Vec<Appended>, batch: &mut [Pending]) -> Vec<Published> {
        let offset = |appended: &Appended| appended.stored.offset.get();
        let relay = |appended: &Appended| match appended.is_new {
            true => self.live.relay_stored(&appended.stored),
            false => Relay::default(),
        };
        let relays: Vec<_> = appended.iter().map(relay).collect();
        // A message that was there before may be one that nobody got: its append had failed for us.
        let first = appended.iter().filter(|appended| appended.is_new).map(offset).min();
        let next = first.or_else(|| appended.iter().map(|appended| offset(appended) + 1).max());
        let is_whole = self.fill(next).await;
        let mut published = Vec::with_capacity(appended.len());
        for ((appended, relay), pending) in appended.into_iter().zip(relays).zip(batch) {
            let mut number = match pending.receipt.take() {
                Some(receipt) => self.put_receipt(receipt, &appended).await,
                None => None,
            };
            if appended.is_new && is_whole {
                number = self.put(&appended.stored).await.or(number);
            }
            published.push(Published { appended, number, relay });
        }
        published
    }

    /// Puts what another node has told where it belongs.
    async fn take_in(&self, arrival: Arrival) {
        match arrival {
            Arrival::Message(message, to) => {
                let encoded = encoded(&message);
                match self.live.place(message.len()).await {
                    Ok(place) => drop(self.live.enqueue(self.live.prepare(&encoded), to, place)),
                    Err(error) => tracing::error!(room = &*self.live.name, "a message is lost: {error}"),
                }
                self.live.drain();
            }
            Arrival::Stored(stored) => {
                let offset = stored.offset.get();
                self.base_before(offset).await;
                if self.fill(Some(offset)).await {
                    self.put(&stored).await;
                }
            }
            Arrival::Head(offset) => {
                self.base_before(offset).await;
                self.fill(Some(offset.saturating_add(1))).await;
            }
        }
    }

    /// A message is there of which it must be known whether it is the next.
    ///
    /// The store was not there when the room began to be served: what comes was stored since then, and is for the members,
    /// though the store knows it by now. An offset that the store has not given out yet says nothing.
    async fn base_before(&self, offset: u64) {
        if self.live.is_based() || !self.live.is_served() {
            return;
        }
        let Some(history) = &self.history else { return self.live.base_at(offset - 1) };
        match self.live.head(&**history).await {
            Ok(head) => self.live.base_at(head.min(offset - 1)),
            Err(error) => {
                tracing::debug!(room = &*self.live.name, "the history can't be read: {error}");
                self.live.base_on(offset - 1, true);
            }
        }
    }

    /// Puts a stored message into the queue, unless it went there before. Gives the number of what has to be handed out for
    /// all members to have it, if there are any.
    async fn put(&self, stored: &Stored) -> Option<u64> {
        let (live, offset) = (&self.live, stored.offset.get());
        // Who joins from here on finds it in the store.
        let has_audience = live.state().has_audience();
        let message = has_audience.then(|| live.render(stored)).flatten();
        let number = match message.map(|message| live.prepare(&message)) {
            Some(prepared) => {
                // There always are places: nobody closes them.
                let place = live.place(prepared.len()).await.ok()?;
                match live.lane().claim(offset) {
                    true => Some(live.state().send_stored(prepared, offset, place)),
                    false => Some(live.state().mark()),
                }
            }
            None => {
                live.lane().claim(offset);
                None
            }
        };
        // Before there are more than the queue takes, someone has to hand them out.
        live.drain();
        number
    }

    /// Puts the receipt of a message into the queue. Gives its number, if there is one.
    async fn put_receipt(&self, Receipt { member, make }: Receipt, appended: &Appended) -> Option<u64> {
        let live = &self.live;
        let prepared = live.prepare(&live.call(|| Some(make(appended)))?);
        let place = live.place(prepared.len()).await.ok()?;
        let number = live.state().send_aside(prepared, To::Member(member), place);
        live.drain();
        Some(number)
    }

    /// Puts all that is stored before `next`, or all there is, into the queue. Whether that was done: what can't be read now
    /// is read when somebody looks into the store again.
    async fn fill(&self, next: Option<u64>) -> bool {
        let Some(history) = &self.history else { return true };
        loop {
            // Unknown if the room is not served: nobody is there to miss anything.
            let Some(last) = self.live.lane().last() else { return true };
            if next.is_some_and(|next| next <= last + 1) {
                return true;
            }
            let page = match history.read(&self.live.name, Span::After(Offset::new(last)), PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(room = &*self.live.name, "what was stored elsewhere is late: {error}");
                    return false;
                }
            };
            let is_wanted = |stored: &&Stored| next.is_none_or(|next| stored.offset.get() < next);
            let skipped: Vec<_> = page.messages.iter().take_while(is_wanted).collect();
            let first = match (skipped.first(), next) {
                (Some(stored), _) => stored.offset.get(),
                // What the store knows nothing of is nobody's message.
                (None, Some(next)) if page.last.get().saturating_add(1) < next => return false,
                (None, next) => next.unwrap_or(page.last.get() + 1),
            };
            if first > last + 1 {
                let room = &*self.live.name;
                tracing::warn!(room, "members miss the messages {} to {}: they are not kept", last + 1, first - 1);
                self.live.lane().claim(first - 1);
            }
            for stored in skipped {
                self.put(stored).await;
            }
            if next.is_none() && !page.more {
                return true;
            }
            if self.live.lane().last() == Some(last) {
                tracing::error!(room = &*self.live.name, "expected the history to give what is after {last}");
                return false;
            }
        }
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        if !self.works {
            return;
        }
        // The history panicked, or the runtime ends: who waits is told, and the next one works.
        let mut waiting = lock(&self.live.lane().waiting);
        (waiting.is_busy, waiting.takes_in, waiting.bytes) = (false, false, 0);
        waiting.is_behind |= !std::mem::take(&mut waiting.arrivals).is_empty();
        let drafts = std::mem::take(&mut waiting.drafts);
        drop(waiting);
        drop(drafts);
    }
}
