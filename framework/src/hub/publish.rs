//! Publishing: into the store, and then to the members, in the order of the offsets.
//!
//! A room has one append under way at a time. What is published meanwhile waits in its lane, and goes with the next: so
//! the order of the answers is that of the offsets, and the more publish, the more go at once.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout_at},
};

use super::{
    Member, Room,
    live::{Live, check_len},
    state::To,
};
use crate::{
    error::{Error, Result},
    history::{Appended, Draft, History, Offset, Page, Span, Stored},
    sync::lock,
    ws::{CloseCode, Encoded, Outbound},
};

/// Messages that may wait for the store, and as many times this many bytes.
const WAITING: usize = 1024;
const UNIT: usize = 1024;
/// Messages and about as many bytes that go to the store at once.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 1024 * 1024;
const MAX_KEY: usize = 128;
/// How long a message waits for its turn: a store that is stuck gathers no queue.
const PATIENCE: Duration = Duration::from_secs(5);

/// A room's messages on their way to the store.
pub(super) struct Lane {
    places: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    drafts: VecDeque<Pending>,
    /// Somebody writes: there is one at a time.
    writing: bool,
    /// The last offset that went into the room's queue; 0 if none did.
    last: u64,
}

struct Pending {
    draft: Draft,
    /// Until when it may wait for its turn.
    deadline: Instant,
    receipt: Option<Receipt>,
    reply: oneshot::Sender<Result<Published>>,
    _place: OwnedSemaphorePermit,
}

/// What a member is told of its message, and which one.
struct Receipt {
    member: u64,
    make: Box<MakeReceipt>,
}

type MakeReceipt = dyn FnOnce(&Appended) -> Result<Encoded<'static>> + Send;

struct Published {
    appended: Appended,
    /// Its number in the room's queue, if anybody is to get it.
    number: Option<u64>,
}

impl Room {
    /// Stores a message, and then sends it to all members. Gives the offset that it has in the room for good.
    ///
    /// Done when the message is in the [`History`](crate::History) for good and in every member's outbox. Members get
    /// stored messages in the order of their offsets, as [`RoomOptions::render`](crate::RoomOptions::render) says. Waits
    /// while 1,024 messages or 1 MiB of this room wait for the store; whose turn has not come after 5 s is not stored.
    ///
    /// # Errors
    ///
    /// If the app has no [history](crate::App::history), or the message could not be stored
    /// ([`Error::is_storage`](crate::Error::is_storage)): then nobody gets it. If it can't be JSON, or the room's name has
    /// more than 1 KiB.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for a place, nothing was stored and nothing sent. After that it is stored, and all members
    /// get it.
    ///
    /// ```test_harness
    /// use sockeye::{MemoryHistory, Offset, prelude::*};
    ///
    /// #[sockeye::test]
    /// async fn is_stored() -> Result<()> {
    ///     let hub = App::new().history(MemoryHistory::new()).hub();
    ///     assert_eq!(hub.room("a").publish(&["first"]).await?, Offset::new(1));
    ///     let page = hub.room("a").history(0, 50).await?;
    ///     assert_eq!(page.messages[0].json::<[String; 1]>()?, ["first"]);
    ///     Ok(())
    /// }
    /// ```
    pub async fn publish<T: Outbound + ?Sized>(&self, message: &T) -> Result<Offset> {
        Ok(self.publish_stored(message).await?.offset)
    }

    /// Publishes like [`publish`](Self::publish), and gives the message as it was stored: with its time.
    ///
    /// # Errors
    ///
    /// Those of [`publish`](Self::publish).
    pub async fn publish_stored<T: Outbound + ?Sized>(&self, message: &T) -> Result<Stored> {
        Ok(self.live.publish(Draft::new(message.encode()?.into_message()?), None).await?.stored)
    }

    /// Publishes like [`publish`](Self::publish), but only if the room has kept no message of this key. If it has, nothing
    /// is stored and nothing sent: what comes back is the message that was stored then, and
    /// [`is_new`](Appended::is_new) is `false`.
    ///
    /// So a publisher that was not told what became of its message may ask again. The key has 1 to 128 bytes and is the
    /// room's: take one that no other message will have, such as a user's name together with what the user's client calls
    /// the message. It is forgotten with its message.
    ///
    /// # Errors
    ///
    /// Those of [`publish`](Self::publish), and if the key is empty or has more than 128 bytes.
    ///
    /// # Cancel safety
    ///
    /// That of [`publish`](Self::publish).
    ///
    /// ```test_harness
    /// use sockeye::{MemoryHistory, prelude::*};
    ///
    /// #[sockeye::test]
    /// async fn is_stored_once() -> Result<()> {
    ///     let room = App::new().history(MemoryHistory::new()).hub().room("a");
    ///     let first = room.publish_keyed("ann/17", "hello").await?;
    ///     let again = room.publish_keyed("ann/17", "hello").await?;
    ///     assert_eq!((first.is_new, again.is_new), (true, false));
    ///     assert_eq!(first.stored, again.stored);
    ///     Ok(())
    /// }
    /// ```
    pub async fn publish_keyed<T: Outbound + ?Sized>(&self, key: &str, message: &T) -> Result<Appended> {
        self.live.publish(keyed(message, key)?, None).await
    }

    /// Reads what was published after an offset, the oldest first. `0` starts with the oldest that is kept.
    ///
    /// A page has at most 1,000 messages and 512 KiB, unless it is one message; a limit beyond that, or none, is brought into it.
    /// [`Page::more`](crate::Page::more) says whether there is more, and the last message's offset is where it starts.
    ///
    /// # Errors
    ///
    /// If the app has no history, or it can't be read ([`Error::is_storage`](crate::Error::is_storage)). If the room's name
    /// has more than 1 KiB.
    pub async fn history(&self, since: impl Into<Offset>, limit: usize) -> Result<Page> {
        self.live.read(Span::After(since.into()), limit).await
    }

    /// Reads what was published before an offset, the latest of it, the oldest of these first. `None` starts at the end.
    ///
    /// # Errors
    ///
    /// Those of [`history`](Self::history).
    pub async fn history_before(&self, before: impl Into<Option<Offset>>, limit: usize) -> Result<Page> {
        let span = before.into().map_or(Span::Latest, Span::Before);
        self.live.read(span, limit).await
    }
}

impl Member {
    /// Publishes to the room like [`Room::publish_keyed`], or without a key like [`Room::publish_stored`], and sends the
    /// member a receipt: what `receipt` makes of what was stored. It comes before the message itself, so that a client
    /// knows its own message when it sees it. Of a message that was there before comes the receipt alone.
    ///
    /// `receipt` is called outside of all locks, and not if nothing was stored. If it panics, or what it gives is no JSON,
    /// there is no receipt and the log says so.
    ///
    /// # Errors
    ///
    /// Those of [`Room::publish_keyed`].
    ///
    /// # Cancel safety
    ///
    /// That of [`Room::publish`]; the receipt is sent with the message.
    ///
    /// ```test_harness
    /// use serde_json::json;
    /// use sockeye::{MemoryHistory, prelude::*};
    ///
    /// #[websocket("/chat")]
    /// async fn chat(mut ws: WebSocket, hub: Hub) -> Result<()> {
    ///     let member = hub.room("chat").join(&ws).await?;
    ///     loop {
    ///         let text = ws.receive_text().await?;
    ///         member.publish_with(None, &text, |appended| json!({ "stored": appended.stored.offset })).await?;
    ///     }
    /// }
    ///
    /// #[sockeye::test]
    /// async fn is_told_first() -> Result<()> {
    ///     let client = TestClient::new(App::new().history(MemoryHistory::new()).route(chat));
    ///     let mut ws = client.websocket_connect("/chat").await?;
    ///     ws.send_text("hello").await?;
    ///     assert_eq!(ws.receive_text().await?, r#"{"stored":1}"#);
    ///     assert_eq!(ws.receive_text().await?, r#""hello""#);
    ///     Ok(())
    /// }
    /// ```
    pub async fn publish_with<T: Outbound + ?Sized, R: Outbound>(
        &self,
        key: Option<&str>,
        message: &T,
        receipt: impl FnOnce(&Appended) -> R + Send + 'static,
    ) -> Result<Appended> {
        let draft = match key {
            Some(key) => keyed(message, key)?,
            None => Draft::new(message.encode()?.into_message()?),
        };
        let make = Box::new(move |appended: &_| receipt(appended).encode().map(Encoded::into_owned));
        self.room.live.publish(draft, Some(Receipt { member: self.number, make })).await
    }
}

fn keyed<T: Outbound + ?Sized>(message: &T, key: &str) -> Result<Draft> {
    check_len("a key", key, MAX_KEY)?;
    if key.is_empty() {
        return Err(Error::limit("expected a key of at least one byte, got an empty one", CloseCode::POLICY));
    }
    Ok(Draft::new(message.encode()?.into_message()?).key(key))
}

impl Lane {
    fn new() -> Box<Self> {
        Box::new(Self { places: Arc::new(Semaphore::new(WAITING)), waiting: Mutex::default() })
    }

    /// Whether somebody has to begin to write.
    fn put(&self, pending: Pending) -> bool {
        let mut waiting = lock(&self.waiting);
        waiting.drafts.push_back(pending);
        !std::mem::replace(&mut waiting.writing, true)
    }

    /// What goes next; nobody writes any more if there is nothing.
    fn take(&self) -> Vec<Pending> {
        let mut waiting = lock(&self.waiting);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Some(pending) = waiting.drafts.pop_front() else { break };
            bytes += pending.draft.message.len();
            batch.push(pending);
        }
        waiting.writing = !batch.is_empty();
        batch
    }
}

impl Live {
    pub(super) async fn read(&self, span: Span, limit: usize) -> Result<Page> {
        self.check_name()?;
        self.registry.history()?.read(&self.name, span, limit).await
    }

    /// How members see a stored message; `None` if there is no saying.
    pub(super) fn render(&self, stored: &Stored) -> Option<Encoded<'static>> {
        match &self.options.render {
            Some(render) => self.call(|| Some(render(stored))),
            None => self.call(|| Some(stored.message.encode().map(Encoded::into_owned))),
        }
    }

    async fn publish(self: &Arc<Self>, draft: Draft, receipt: Option<Receipt>) -> Result<Appended> {
        self.check_name()?;
        let history = self.registry.history()?;
        let runtime = Handle::try_current()?;
        let lane = self.lane.get_or_init(Lane::new);
        let units = (1 + draft.message.len() / UNIT).min(WAITING) as u32;
        let deadline = Instant::now() + PATIENCE;
        let place = timeout_at(deadline, lane.places.clone().acquire_many_owned(units)).await.map_err(|_| late())??;
        let (reply, published) = oneshot::channel();
        if lane.put(Pending { draft, deadline, receipt, reply, _place: place }) {
            drop(runtime.spawn(Scribe { live: self.clone(), history, runs: true }.run()));
        }
        let ended = |_| Error::storage("the history has given no answer: it panicked, or its runtime has ended");
        let Published { appended, number } = published.await.map_err(ended)??;
        if let Some(number) = number {
            self.handed_out(number).await;
        }
        Ok(appended)
    }

    /// Puts the receipt of a message into the queue. Gives its number, if there is one.
    async fn enqueue_receipt(&self, receipt: Receipt, appended: &Appended) -> Result<Option<u64>> {
        let Some(message) = self.call(|| Some((receipt.make)(appended))) else { return Ok(None) };
        let prepared = self.prepare(&message);
        let place = self.place(prepared.len()).await?;
        Ok(Some(self.state().send_aside(prepared, To::Member(receipt.member), place)))
    }

    /// Puts a stored message into the queue, if there is anyone who may get it. Gives its number.
    async fn enqueue_stored(&self, stored: &Stored) -> Result<Option<u64>> {
        // Who joins from here on finds it in the store.
        let has_audience = self.state().has_audience();
        let Some(message) = has_audience.then(|| self.render(stored)).flatten() else { return Ok(None) };
        let prepared = self.prepare(&message);
        let place = self.place(prepared.len()).await?;
        Ok(Some(self.state().send_stored(prepared, stored.offset.get(), place)))
    }
}

fn late() -> Error {
    Error::storage(format!(
        "expected the history to be ready for a message within {PATIENCE:?}, it was not: not stored"
    ))
}

/// The one who writes.
struct Scribe {
    live: Arc<Live>,
    history: Arc<dyn History>,
    runs: bool,
}

impl Scribe {
    async fn run(mut self) {
        while let Some(batch) = self.next() {
            let now = Instant::now();
            let (mut batch, late): (Vec<_>, Vec<_>) = batch.into_iter().partition(|pending| now < pending.deadline);
            Self::fail(late, &self::late());
            if batch.is_empty() {
                continue;
            }
            let drafts = batch.iter().map(|pending| pending.draft.clone()).collect();
            let done = match self.history.append(&self.live.name, drafts).await {
                Ok(appended) if appended.len() == batch.len() => self.appended(appended, &mut batch).await,
                Ok(appended) => {
                    let (expected, came) = (batch.len(), appended.len());
                    Err(Error::storage(format!("expected the history to store {expected} messages, it stored {came}")))
                }
                Err(error) => Err(error),
            };
            match done {
                Ok(published) => {
                    for (pending, published) in batch.into_iter().zip(published) {
                        // Who does not wait any more has nobody to be told.
                        drop(pending.reply.send(Ok(published)));
                    }
                }
                Err(error) => Self::fail(batch, &error),
            }
            self.live.drain();
        }
    }

    /// What goes next.
    fn next(&mut self) -> Option<Vec<Pending>> {
        let batch = self.lane().take();
        self.runs = !batch.is_empty();
        self.runs.then_some(batch)
    }

    fn lane(&self) -> &Lane {
        self.live.lane.get_or_init(Lane::new)
    }

    fn fail(batch: Vec<Pending>, error: &Error) {
        for pending in batch {
            drop(pending.reply.send(Err(Error::storage(error.to_string()))));
        }
    }

    async fn appended(&self, appended: Vec<Appended>, batch: &mut [Pending]) -> Result<Vec<Published>> {
        let offset = |appended: &Appended| appended.stored.offset.get();
        // A message that was there before may be one that nobody got: its append had failed for us.
        let first = appended.iter().filter(|appended| appended.is_new).map(offset).min();
        // Where what came before can't be read, members get all of it later: rather late than with a gap.
        let is_whole = match first.or_else(|| appended.iter().map(|appended| offset(appended) + 1).max()) {
            Some(next) => self.fill(next).await,
            None => true,
        };
        let mut published = Vec::with_capacity(appended.len());
        for (appended, pending) in appended.into_iter().zip(batch) {
            let mut number = match pending.receipt.take() {
                Some(receipt) => self.live.enqueue_receipt(receipt, &appended).await?,
                None => None,
            };
            self.live.drain();
            if appended.is_new && is_whole {
                number = self.put(&appended.stored).await?.or(number);
            }
            published.push(Published { appended, number });
        }
        Ok(published)
    }

    async fn put(&self, stored: &Stored) -> Result<Option<u64>> {
        let number = self.live.enqueue_stored(stored).await?;
        lock(&self.lane().waiting).last = stored.offset.get();
        // Before there are more than the queue takes, someone has to hand them out.
        self.live.drain();
        Ok(number)
    }

    /// Reads what others have stored since, up to `next`: another process, or an append that failed for us and not in the
    /// store. Whether members have it now.
    async fn fill(&self, next: u64) -> bool {
        loop {
            let last = lock(&self.lane().waiting).last;
            if last == 0 || next <= last + 1 {
                return true;
            }
            let page = match self.history.read(&self.live.name, Span::After(Offset::new(last)), BATCH).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(room = &*self.live.name, "members have to wait for what was stored: {error}");
                    return false;
                }
            };
            let skipped: Vec<_> = page.messages.iter().take_while(|stored| stored.offset.get() < next).collect();
            if skipped.is_empty() {
                // Not kept any more.
                return true;
            }
            for stored in skipped {
                if let Err(error) = self.put(stored).await {
                    tracing::error!(room = &*self.live.name, "members miss what was stored elsewhere: {error}");
                }
            }
        }
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        if !self.runs {
            return;
        }
        // The history panicked, or the runtime ends: who waits is told, and the next one writes.
        let mut waiting = lock(&self.lane().waiting);
        waiting.writing = false;
        let drafts = std::mem::take(&mut waiting.drafts);
        drop(waiting);
        drop(drafts);
    }
}
