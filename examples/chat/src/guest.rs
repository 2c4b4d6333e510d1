//! A connection to a room: how it comes, what it says, how it goes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sockeye::{Appended, Cursor, Offset, Presence, Replay, Resume, prelude::*, time};

use crate::{
    inbound::{Request, page_size},
    outbound::{Code, Event, Receipt, Refusal, Said},
    rate::{Meter, Rate},
    status::Store,
    user::{RoomId, User, Username},
};

/// Messages that a client gets that comes for the first time.
const LATEST: usize = 50;
/// How long who comes while the store is away waits for the next try; within a user's time of grace.
const RETRY: Duration = Duration::from_secs(1);

/// Others whose reading a client is told of when it comes.
const READS: usize = 200;

struct Guest {
    ws: WebSocket,
    user: User,
    room: Room,
    meter: Meter,
    desk: State<Desk>,
}

/// What all connections share.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) rate: Rate,
    pub(crate) store: Store,
}

#[expect(clippy::too_many_arguments, reason = "each is a part of the request")]
#[websocket("/ws/<room_id>")]
pub(crate) async fn connect(
    ws: WebSocket,
    room_id: RoomId,
    user_id: i64,
    username: Option<Username>,
    since: Option<u64>,
    #[query(default = false)] reads: bool,
    desk: State<Desk>,
    hub: Hub,
) -> Result<()> {
    let (user, room) = (User::new(user_id, username), hub.room(&room_id.0));
    tracing::debug!(room = room_id.0, user_id, "connected");
    let mut guest = Guest { ws, user, room, meter: desk.rate.meter(), desk };
    let outcome = guest.serve(since.map(Offset::new), reads).await;
    tracing::debug!(room = room_id.0, user_id, "disconnected");
    outcome
}

impl Guest {
    async fn serve(&mut self, since: Option<Offset>, wants_reads: bool) -> Result<()> {
        let Some(member) = self.enter(since).await? else { return Ok(()) };
        if wants_reads {
            self.show_reads(&member).await?;
        }
        while let Some(message) = self.ws.next().await {
            self.take(&message?, Some(&member)).await?;
        }
        Ok(())
    }

    /// Joins with what the client has missed. While the store is away the client stays, is told so, and is let in when the
    /// store is back. `None` if it did not wait for that.
    async fn enter(&mut self, since: Option<Offset>) -> Result<Option<Member>> {
        loop {
            let has_begun = Arc::new(AtomicBool::new(false));
            let error = match self.room.resume(&self.ws, self.resume(since, has_begun.clone())).await {
                Ok(resumed) => {
                    self.desk.store.is_back();
                    return Ok(Some(resumed.member));
                }
                Err(error) => error,
            };
            // Who has got a part of it comes back for the rest.
            if !error.is_storage() || has_begun.load(Ordering::Relaxed) {
                return Err(error);
            }
            self.refuse(self.desk.store.is_away(&error)).await?;
            let waiting = time::timeout(RETRY, async {
                while let Some(message) = self.ws.next().await {
                    self.take(&message?, None).await?;
                }
                Ok(())
            });
            match waiting.await {
                Ok(gone) => return gone.map(|()| None),
                Err(_elapsed) => {}
            }
        }
    }

    /// First who is there, and then what was said: all since then, or the latest of it.
    fn resume(&self, since: Option<Offset>, has_begun: Arc<AtomicBool>) -> Resume {
        let room_id = self.room.name().to_owned();
        let connected =
            move |there: &Presence| Event::Connected { room_id: room_id.clone(), active_users: there.clone() };
        let page = move |page: &Replay<'_>| {
            has_begun.store(true, Ordering::Relaxed);
            Event::history(page.messages, page.recovered, page.more)
        };
        let resume = since.map_or(Resume::latest(LATEST), Resume::since);
        resume.user(self.user.id(), &self.user).welcome(connected).pages(page)
    }

    /// Does what a message asks for. Without a member nothing can be stored or read.
    async fn take(&mut self, message: &Message, member: Option<&Member>) -> Result<()> {
        let request = Request::parse(message);
        // Who reads all that was ever said does nothing wrong, and is slowed by its own reading.
        let is_free = matches!(request, Ok(Request::History { .. }));
        if !is_free && !self.meter.admits() {
            let id = request.as_ref().ok().and_then(Request::client_id);
            return self.refuse(Refusal::new(Code::RateLimited, "expected fewer messages a second").of(id)).await;
        }
        match (request, member) {
            (Err(refusal), _) => self.refuse(refusal).await,
            (Ok(Request::Ping), _) => self.ws.send_json(&Event::Pong).await,
            (Ok(Request::Message { content, client_id }), Some(member)) => self.say(member, content, client_id).await,
            (Ok(Request::Typing { is_typing }), Some(_)) => {
                let typing = Event::Typing { user: &self.user, is_typing };
                self.room.broadcast_except_user(self.user.id(), &typing).await
            }
            (Ok(Request::Read { message_id }), Some(member)) => self.has_read(member, message_id).await,
            (Ok(Request::History { before, limit }), Some(_)) => self.show(before, page_size(limit)).await,
            (Ok(Request::Typing { .. }), None) => Ok(()),
            (Ok(request), None) => self.refuse(Store::refusal().of(request.client_id())).await,
        }
    }

    /// Stores what was said. Then who has said it is told so, and everybody gets it.
    ///
    /// Said again under the same id, it is the same message: a client that was not told what became of it may ask.
    async fn say(&self, member: &Member, content: String, client_id: Option<String>) -> Result<()> {
        let said = Said { user: self.user.clone(), content };
        let key = client_id.as_ref().map(|id| format!("{}/{id}", self.user.user_id));
        let id = client_id.clone();
        let receipt = move |appended: &Appended| Receipt::new(&appended.stored, id);
        let published = member.publish_with(key.as_deref(), &said, receipt).await.map(drop);
        self.unless_away(published, client_id.as_deref()).await
    }

    /// Notes how far the user has read, and tells the others if that is news.
    async fn has_read(&self, member: &Member, message_id: Offset) -> Result<()> {
        match self.room.mark_read(&self.user.id(), message_id).await {
            Ok(Cursor { offset, advanced: true, .. }) => {
                self.room.broadcast_others(member, &Event::Read { user: &self.user, message_id: offset }).await
            }
            marked => self.unless_away(marked.map(drop), None).await,
        }
    }

    /// Tells how far users had read when this one came, for a client that asks for it.
    async fn show_reads(&self, member: &Member) -> Result<()> {
        let cursors = match self.cursors().await {
            Ok(cursors) => cursors,
            Err(error) => return self.unless_away(Err(error), None).await,
        };
        for (id, message_id) in cursors {
            let there = member.presence().get(&id).and_then(|user| user.meta_as().ok());
            let Some(user) = there.or_else(|| Some(User::new(id.parse().ok()?, None))) else { continue };
            self.ws.send_json(&Event::Read { user: &user, message_id }).await?;
        }
        Ok(())
    }

    /// How far the user itself has read, and then those others who are furthest.
    async fn cursors(&self) -> Result<Vec<(String, Offset)>> {
        let user = self.user.id();
        let (mut cursors, mut others): (Vec<_>, Vec<_>) =
            self.room.read_cursors().await?.into_iter().partition(|(id, _)| *id == user);
        if cursors.is_empty() {
            // Behind more users than the store tells of, or nowhere.
            let at = self.room.mark_read(&user, Offset::START).await?.offset;
            cursors.extend((at > Offset::START).then_some((user, at)));
        }
        others.truncate(READS);
        cursors.extend(others);
        Ok(cursors)
    }

    /// Shows a page of what was said before.
    async fn show(&self, before: Option<Offset>, limit: usize) -> Result<()> {
        match self.room.history_before(before, limit).await {
            Ok(page) => self.ws.send_json(&Event::history(&page.messages, true, page.more)).await,
            Err(error) => self.unless_away(Err(error), None).await,
        }
    }

    /// A store that is away is no end: who has asked for something of it is told.
    async fn unless_away(&self, done: Result<()>, client_id: Option<&str>) -> Result<()> {
        match done {
            Err(error) if error.is_storage() => self.refuse(self.desk.store.is_away(&error).of(client_id)).await,
            Ok(()) => {
                self.desk.store.is_back();
                Ok(())
            }
            failed => failed,
        }
    }

    async fn refuse(&self, refusal: Refusal) -> Result<()> {
        self.ws.send_json(&Event::Error(refusal)).await
    }
}
