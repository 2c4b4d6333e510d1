//! Publishing: into the store, and then to the members, in the order of the offsets.
//!
//! A room has one append under way at a time. What is published meanwhile waits in its lane, and goes with the next: so
//! the order of the answers is that of the offsets, and the more publish, the more go at once.

use std::sync::Arc;

use super::{
    Member, Room,
    lane::{Published, Receipt},
    live::{Live, check_len},
};
use crate::{
    error::{Error, Result},
    history::{Appended, Draft, History, Offset, Page, Span, Stored},
    ws::{CloseCode, Encoded, Outbound},
};

const MAX_KEY: usize = 128;

impl Room {
    /// Stores a message, and then sends it to all members. Gives the offset that it has in the room for good.
    ///
    /// Done when the message is in the [`History`](crate::History) for good and in the outbox of every member on this
    /// node. Members get stored messages in the order of their offsets, as
    /// [`RoomOptions::render`](crate::RoomOptions::render) says, on all nodes and of all processes that share the history:
    /// by the [broker](crate::App::broker) at once, without it within 5 s. Waits while 1,024 messages or 1 MiB of this room
    /// wait for the store; whose turn has not come after 5 s is not stored.
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
        // Without one there is no lane either.
        drop(self.registry.history()?);
        let Published { appended, number, relay } = self.store(draft, receipt).await?;
        if let Some(number) = number {
            self.handed_out(number).await;
        }
        if let Err(error) = relay.told().await {
            // It is stored, and other nodes look into the store.
            tracing::warn!(room = &*self.name, "other nodes learn late of a stored message: {error}");
        }
        Ok(appended)
    }
}
