//! Joining where one has left: first what is stored, then what is published.
//!
//! Who replays is a member from the start, but a published message is not for it: it will find that in the store. When
//! all that it has read is all there was, the room gives it under its lock what was handed out since, and goes on with it
//! as with any other.

use std::{fmt, future::poll_fn, sync::Arc};

use serde::Serialize;
use serde_json::Value;

use super::{
    Member, Presence, Room,
    room::identity,
    state::{Newcomer, Welcome},
};
use crate::{
    error::{Error, Result},
    history::{History, Offset, Page, Span, Stored},
    ws::{CloseCode, Connected, Encoded, Outbound, PublishScope},
};

/// Messages in a page, unless it is set otherwise.
const PAGE: usize = 200;
/// The latest messages that may be asked for.
const LATEST: usize = 1000;
/// Messages that may go to a member at once when it has read all; twice as many after each try, since the room may be fast.
const AT_ONCE: usize = 64;
/// Tries after which the member is too slow for the room.
const TRIES: u32 = 64;

type Pages = dyn Fn(&Replay<'_>) -> Result<Encoded<'static>> + Send + Sync;

/// A page of what a member has missed; see [`Resume::pages`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Replay<'a> {
    /// The messages, the oldest first.
    pub messages: &'a [Stored],
    /// Whether nothing is missing so far.
    pub recovered: bool,
    /// Whether there is a further page.
    pub more: bool,
}

/// A member that is up to date.
#[derive(Debug)]
#[non_exhaustive]
pub struct Resumed {
    /// The member.
    pub member: Member,
    /// Whether it has got all that was published since: `false` if some of it is not kept any more, or the room has never
    /// given out that offset.
    pub recovered: bool,
}

/// How to join with what is stored: what [`Room::resume`] takes.
///
/// ```
/// use serde_json::json;
/// use sockeye::{MemoryHistory, Resume, prelude::*};
///
/// #[websocket("/chat/<room>")]
/// async fn chat(ws: WebSocket, room: String, name: String, since: Option<u64>, hub: Hub) -> Result<()> {
///     let resume = since.map_or(Resume::latest(50), Resume::since)
///         .user(&name, json!({ "name": name }))
///         .welcome(|presence| json!({ "type": "connected", "users": presence }))
///         .pages(|page| {
///             let messages: Vec<_> = page.messages.iter().filter_map(|stored| stored.message.as_text()).collect();
///             json!({ "type": "history", "messages": messages, "recovered": page.recovered, "more": page.more })
///         });
///     let _member = hub.room(&room).resume(&ws, resume).await?.member;
///     ws.closed().await;
///     Ok(())
/// }
/// # App::new().history(MemoryHistory::new()).route(chat).check().unwrap();
/// ```
#[must_use = "it does nothing until `Room::resume` gets it"]
pub struct Resume {
    start: Start,
    user: Option<Result<(Arc<str>, Arc<Value>)>>,
    welcome: Option<Arc<Welcome>>,
    pages: Option<Box<Pages>>,
    page: usize,
}

#[derive(Clone, Copy, Debug)]
enum Start {
    Since(Offset),
    Latest(usize),
}

impl Resume {
    fn at(start: Start) -> Self {
        Self { start, user: None, welcome: None, pages: None, page: PAGE }
    }

    /// With all that was published after this offset: the last that the client has.
    pub fn since(offset: impl Into<Offset>) -> Self {
        Self::at(Start::Since(offset.into()))
    }

    /// With the latest messages, so many, at most 1,000: for a client that has none. They are one page, unless they have more
    /// than 512 KiB.
    pub fn latest(messages: usize) -> Self {
        Self::at(Start::Latest(messages))
    }

    /// Joins as a user, like [`Room::join_as`].
    pub fn user(mut self, user: impl Into<String>, meta: impl Serialize) -> Self {
        self.user = Some(identity(user.into(), &meta));
        self
    }

    /// Sends a welcome before all else, like [`Room::join_with`].
    pub fn welcome<T: Outbound>(mut self, welcome: impl Fn(&Presence) -> T + Send + Sync + 'static) -> Self {
        self.welcome = Some(Arc::new(move |presence| welcome(presence).encode().map(Encoded::into_owned)));
        self
    }

    /// Sends what is stored in pages, each of them one message: what `page` makes of it. There is at least one, if only an
    /// empty one; `more` is true on all but the last. What is published while the last one is on its way comes message by
    /// message. By default all come so.
    pub fn pages<T: Outbound>(mut self, page: impl Fn(&Replay<'_>) -> T + Send + Sync + 'static) -> Self {
        self.pages = Some(Box::new(move |replay| page(replay).encode().map(Encoded::into_owned)));
        self
    }

    /// Sets how many messages are read at a time, and are in a page; 200 by default, at most 1,000 and 512 KiB.
    pub fn page_size(mut self, messages: usize) -> Self {
        self.page = messages;
        self
    }
}

impl Room {
    /// Joins, and sends what was published after an offset, the last that the client has: first what is stored, then what
    /// is published, without a gap and without a duplicate, however fast others publish meanwhile.
    ///
    /// Done when the member is up to date. It gets what is stored as fast as it reads: nothing piles up for it, and a peer
    /// that reads nothing is closed like any other. What is broadcast without being stored may come in between. Who falls
    /// ever further behind the room is refused with 1013. After that, [`Overflow`](crate::Overflow) counts as for any
    /// member.
    ///
    /// # Errors
    ///
    /// Those of [`join`](Self::join) and of [`history`](Self::history).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the member has left. What it has got by then is in order and without a gap.
    ///
    /// ```test_harness
    /// use sockeye::{MemoryHistory, prelude::*};
    ///
    /// #[websocket("/news")]
    /// async fn news(ws: WebSocket, #[query(default = 0)] since: u64, hub: Hub) -> Result<()> {
    ///     let resumed = hub.room("news").join_since(&ws, since).await?;
    ///     if !resumed.recovered {
    ///         ws.send_text("some news are lost").await?;
    ///     }
    ///     ws.closed().await;
    ///     Ok(())
    /// }
    ///
    /// #[sockeye::test]
    /// async fn goes_on_where_it_was() -> Result<()> {
    ///     let app = App::new().history(MemoryHistory::new()).route(news);
    ///     let hub = app.hub();
    ///     let client = TestClient::new(app);
    ///     let seen = hub.room("news").publish("one").await?;
    ///     hub.room("news").publish("two").await?;
    ///     let mut ws = client.websocket_connect(&format!("/news?since={seen}")).await?;
    ///     assert_eq!(ws.receive_text().await?, r#""two""#);
    ///     hub.room("news").publish("three").await?;
    ///     assert_eq!(ws.receive_text().await?, r#""three""#);
    ///     Ok(())
    /// }
    /// ```
    pub async fn join_since(&self, ws: &(impl Connected + ?Sized), since: impl Into<Offset>) -> Result<Resumed> {
        self.resume(ws, Resume::since(since)).await
    }

    /// Joins like [`join_since`](Self::join_since), with all that [`Resume`] says.
    ///
    /// # Errors
    ///
    /// Those of [`join_since`](Self::join_since) and of [`join_as`](Self::join_as).
    ///
    /// # Cancel safety
    ///
    /// That of [`join_since`](Self::join_since).
    pub async fn resume(&self, ws: &(impl Connected + ?Sized), resume: Resume) -> Result<Resumed> {
        let history = self.live.registry.history()?;
        let newcomer = Newcomer { user: resume.user.transpose()?, welcome: resume.welcome, is_behind: true };
        let member = self.enter_user(ws.handle(), newcomer).await?;
        let mut replaying =
            Replaying { member: &member, history, has: Offset::START, recovered: true, page: resume.page };
        replaying.replay(resume.start, resume.pages.as_deref()).await?;
        replaying.go_live().await?;
        let recovered = replaying.recovered;
        Ok(Resumed { member, recovered })
    }
}

/// On its way to the present.
struct Replaying<'a> {
    member: &'a Member,
    history: Arc<dyn History>,
    /// All up to here was sent, or is lost.
    has: Offset,
    recovered: bool,
    page: usize,
}

impl Replaying<'_> {
    /// Sends what is stored.
    async fn replay(&mut self, start: Start, pages: Option<&Pages>) -> Result<()> {
        let mut latest = match start {
            Start::Since(since) => {
                self.has = since;
                None
            }
            Start::Latest(messages) => Some(messages.clamp(1, LATEST)),
        };
        loop {
            let page = match latest.take() {
                Some(messages) => self.latest(messages).await?,
                None => self.next().await?,
            };
            match pages {
                Some(pages) => {
                    let replay = Replay { messages: &page.messages, recovered: self.recovered, more: page.more };
                    self.send(self.member.room.live.call(|| Some(pages(&replay)))).await?;
                }
                None => self.send_each(&page).await?,
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Reads the latest messages. If they are more than a page, it looks for where they begin, and reads from there.
    async fn latest(&mut self, messages: usize) -> Result<Page> {
        let (mut span, mut left) = (Span::Latest, messages);
        loop {
            let page = self.read(span, left).await?;
            left = left.saturating_sub(page.messages.len());
            let is_all = left == 0 || !page.more;
            if is_all && span == Span::Latest {
                self.has = page.last;
                // What is older was not asked for.
                return Ok(Page { more: false, ..page });
            }
            if let Some(first) = page.messages.first() {
                self.has = Offset::new(first.offset.get() - 1);
            }
            if is_all {
                let page = self.next().await?;
                // What was dropped since then is older than the rest.
                self.recovered = true;
                return Ok(page);
            }
            span = page.next(span);
        }
    }

    async fn read(&self, span: Span, limit: usize) -> Result<Page> {
        self.history.read(self.member.room().name(), span, limit).await
    }

    /// Reads what comes next.
    async fn next(&mut self) -> Result<Page> {
        let page = self.read(Span::After(self.has), self.page).await?;
        self.recovered &= page.recovers(self.has);
        self.has = page.messages.last().map_or(page.last, |stored| stored.offset);
        Ok(page)
    }

    async fn send_each(&self, page: &Page) -> Result<()> {
        for stored in &page.messages {
            self.send(self.member.room.live.render(stored)).await?;
        }
        Ok(())
    }

    /// Sends a message once there is room in the outbox.
    async fn send(&self, message: Option<Encoded<'static>>) -> Result<()> {
        let Some(Encoded { op, payload }) = message else { return Ok(()) };
        poll_fn(|cx| self.member.connection.poll_send(cx, op, &payload)).await?;
        self.member.tally.send(1);
        Ok(())
    }

    /// Becomes a member like any other.
    async fn go_live(&mut self) -> Result<()> {
        for round in 0..TRIES {
            poll_fn(|cx| self.member.connection.poll_room(cx)).await?;
            if self.catch_up(AT_ONCE << round.min(4)) {
                return Ok(());
            }
            let page = self.next().await?;
            self.send_each(&page).await?;
        }
        Err(Error::limit("the peer is too slow to catch up with the room", CloseCode::TRY_AGAIN))
    }

    /// Takes what was handed out since the store was read, if it is not too much.
    fn catch_up(&self, most: usize) -> bool {
        let live = &self.member.room.live;
        // Should the store have been too slow to say so when the room began to be served.
        live.base_at(self.has.get());
        let _scope = PublishScope::enter_first();
        let deliver = |entry: &_, message: &_| live.deliver(entry, message);
        let sent = live.state().catch_up_member(self.member.number, self.has.get(), most, deliver);
        live.registry.traffic.sent(sent.unwrap_or_default());
        sent.is_some()
    }
}

impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").field("start", &self.start).field("page", &self.page).finish_non_exhaustive()
    }
}
