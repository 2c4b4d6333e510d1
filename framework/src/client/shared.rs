//! What the client's task and all handles share.

use std::sync::Mutex;

use tokio::sync::{Notify, watch};

use super::{
    cause::Cause,
    inbox::Inbox,
    outbox::{Entry, Outbox},
    state::State,
};
use crate::{error::Result, history::Offset, sync::lock};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    pub(super) state: watch::Sender<State>,
    /// Ends a wait before the next attempt.
    pub(super) hurry: Notify,
    /// The place of the last message that was taken from the inbox.
    position: Mutex<Option<Offset>>,
}

impl Shared {
    pub(super) fn new(inbox: Inbox, outbox: Outbox, since: Option<Offset>) -> Self {
        let state = watch::Sender::new(State::connecting(1));
        Self { inbox, outbox, state, hurry: Notify::new(), position: Mutex::new(since) }
    }

    pub(super) async fn push(&self, entry: Entry) -> Result<()> {
        let dropped = self.outbox.push(entry).await?;
        if dropped > 0 {
            self.inbox.tell_dropped(dropped);
        }
        Ok(())
    }

    pub(super) fn tell(&self, state: State) {
        self.state.send_replace(state.clone());
        self.inbox.tell(state);
    }

    pub(super) fn position(&self) -> Option<Offset> {
        *lock(&self.position)
    }

    pub(super) fn set_position(&self, position: Option<Offset>) {
        *lock(&self.position) = position;
    }

    /// For good.
    pub(super) fn end(&self, cause: Cause) {
        self.outbox.end(&cause);
        self.tell(State::Closed(cause));
        self.inbox.end();
    }
}
