//! What one client has seen, and what it may never see.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::{Result, ensure};

use crate::chat::socket::{Event, Lost, Posted, Receipt};

/// All that a client has to tell.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// What it has heard, from its first message on.
    pub(crate) heard: Vec<Posted>,
    /// What it has said, in its order, and the id that the receipt named.
    pub(crate) said: Vec<(String, Option<u64>)>,
    /// Who is in the room.
    pub(crate) there: BTreeSet<u64>,
    /// Whether it is connected, and has been told all that it had missed.
    pub(crate) is_in: bool,
    /// How often it was.
    pub(crate) entries: usize,
    /// How often it could not be told all that it had missed.
    pub(crate) gaps: usize,
    /// What it was refused, by the code.
    pub(crate) refusals: BTreeMap<String, usize>,
    /// How its connections ended, but for those that it left by itself.
    pub(crate) lost: BTreeMap<Lost, usize>,
    pub(crate) users_left: usize,
}

impl Log {
    /// The id of what it has heard last.
    pub(crate) fn last(&self) -> Option<u64> {
        self.heard.last().map(|posted| posted.id)
    }

    /// What it has said that no receipt has come for.
    pub(crate) fn waiting(&self) -> usize {
        self.said.iter().filter(|(_, id)| id.is_none()).count()
    }

    /// Takes an event, and fails if it should not have come.
    pub(crate) fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Connected { active_users } => self.there = active_users.iter().map(|user| user.user_id).collect(),
            Event::History { messages, recovered, more } => {
                self.gaps += usize::from(!recovered);
                messages.into_iter().try_for_each(|posted| self.hear(posted))?;
                if !more {
                    self.is_in = true;
                    self.entries += 1;
                }
            }
            Event::Message(posted) => {
                ensure!(self.is_in, "{posted:?} came before the history");
                self.hear(posted)?;
            }
            Event::UserJoined(user) => {
                ensure!(self.there.insert(user.user_id), "user {} joined, and was there already", user.user_id);
            }
            Event::UserLeft(user) => {
                self.users_left += 1;
                ensure!(self.there.remove(&user.user_id), "user {} left, and was not there", user.user_id);
            }
            Event::Error { code, .. } => *self.refusals.entry(code).or_default() += 1,
            Event::Typing {} | Event::Read {} | Event::Pong => {}
        }
        Ok(())
    }

    fn hear(&mut self, posted: Posted) -> Result<()> {
        if let Some(last) = self.last() {
            ensure!(posted.id == last + 1, "{} came after {last}", posted.id);
        }
        self.heard.push(posted);
        Ok(())
    }

    /// Takes a receipt. A message may have several, which are all for the same.
    pub(crate) fn note(&mut self, receipt: &Receipt) -> Result<()> {
        let said = self.said.iter_mut().rev().find(|(id, _)| Some(id) == receipt.client_id.as_ref());
        let Some((_, id)) = said else { anyhow::bail!("a receipt for what was not said: {receipt:?}") };
        let first = *id.get_or_insert(receipt.message_id);
        ensure!(first == receipt.message_id, "{receipt:?} is for what has the id {first}");
        Ok(())
    }

    /// The connection is gone, and that was not this client's doing.
    pub(crate) fn lose(&mut self, lost: Lost) -> Result<()> {
        ensure!(!matches!(lost, Lost::Closed(1002 | 1003 | 1007 | 1008 | 1009)), "the server ended it: {lost}");
        *self.lost.entry(lost).or_default() += 1;
        Ok(())
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting: Vec<_> = self.said.iter().filter(|(_, id)| id.is_none()).map(|(word, _)| word).collect();
        let Self { is_in, entries, refusals, lost, .. } = self;
        write!(f, "is in: {is_in}, entered {entries} times, heard last: {:?}, ", self.heard.last())?;
        write!(f, "no receipt for {waiting:?} of {}, refused: {refusals:?}, lost: {lost:?}", self.said.len())
    }
}
