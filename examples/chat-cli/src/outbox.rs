//! What is to be said, one after the other: the next leaves when the server has stored the one before.
//!
//! Each has an id of its own. Said again under it, after a connection was lost say, it is stored once.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
};

use sockeye::time::{Duration, Instant};

use crate::wire::{Receipt, Refusal, Request};

/// Messages that may wait.
pub(crate) const MOST: usize = 1000;
/// How long the server may take before it is said again.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: VecDeque<String>,
    /// The first of them was said on this connection, and is to be said again at this time.
    again: Option<Instant>,
    /// Tells this program's ids from those of all others.
    seed: u64,
    /// The number of the first.
    number: u64,
    is_connected: bool,
    /// Why the first is said again was told.
    has_complained: bool,
}

/// What a refusal means for what was said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It will be said again; that is news or not.
    Later { is_news: bool },
    /// This will not be said.
    Never(String),
    /// It is about something else.
    Other,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        let seed = RandomState::new().hash_one(std::process::id());
        Self { waiting: VecDeque::new(), again: None, seed, number: 0, is_connected: false, has_complained: false }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= MOST
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.is_connected
    }

    pub(crate) fn push(&mut self, content: String) {
        self.waiting.push_back(content);
    }

    /// There is a connection: what was said on the last one is said again.
    pub(crate) fn connected(&mut self) {
        (self.is_connected, self.again) = (true, None);
    }

    pub(crate) fn disconnected(&mut self) {
        self.is_connected = false;
    }

    /// When `next` is to be asked again.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.again.filter(|_| self.is_connected && !self.waiting.is_empty())
    }

    /// What is to be said now.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Request> {
        let is_due = self.is_connected && self.again.is_none_or(|again| again <= now);
        let content = self.waiting.front().filter(|_| is_due)?.clone();
        self.again = Some(now + PATIENCE);
        Some(Request::Message { content, client_id: self.id() })
    }

    fn id(&self) -> String {
        format!("{:016x}-{}", self.seed, self.number)
    }

    /// The server has stored it: gives what was said.
    pub(crate) fn stored(&mut self, receipt: &Receipt) -> Option<String> {
        let is_first = receipt.client_id.as_ref().is_none_or(|id| *id == self.id());
        if is_first { self.done() } else { None }
    }

    /// The server has refused something.
    pub(crate) fn refused(&mut self, refusal: &Refusal, now: Instant) -> Verdict {
        let is_about = self.again.is_some() && refusal.client_id.as_ref().is_none_or(|id| *id == self.id());
        let wait = match &*refusal.code {
            "rate_limited" => Some(Duration::from_secs(1)),
            "storage_unavailable" => Some(Duration::from_secs(2)),
            _ => None,
        };
        match (is_about, wait) {
            (false, _) => Verdict::Other,
            (true, Some(wait)) => {
                self.again = Some(now + wait);
                Verdict::Later { is_news: !std::mem::replace(&mut self.has_complained, true) }
            }
            (true, None) => self.done().map_or(Verdict::Other, Verdict::Never),
        }
    }

    fn done(&mut self) -> Option<String> {
        let content = self.waiting.pop_front()?;
        (self.again, self.has_complained) = (None, false);
        self.number += 1;
        Some(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(outbox: &mut Outbox, now: Instant) -> Option<(String, String)> {
        match outbox.next(now)? {
            Request::Message { content, client_id } => Some((content, client_id)),
            other => panic!("{other:?}"),
        }
    }

    fn receipt(id: Option<&str>) -> Receipt {
        Receipt { message_id: 1.into(), timestamp: String::new(), client_id: id.map(str::to_owned) }
    }

    fn refusal(code: &str, id: Option<&str>) -> Refusal {
        Refusal { message: String::new(), code: code.to_owned(), client_id: id.map(str::to_owned) }
    }

    #[test]
    fn one_after_the_other_and_again_on_the_next_connection() {
        let (mut outbox, now) = (Outbox::new(), Instant::now());
        outbox.push("a".to_owned());
        outbox.push("b".to_owned());
        assert!(said(&mut outbox, now).is_none() && outbox.due().is_none());
        outbox.connected();
        let (first, id) = said(&mut outbox, now).unwrap();
        assert_eq!((&*first, said(&mut outbox, now), outbox.due()), ("a", None, Some(now + PATIENCE)));
        outbox.disconnected();
        assert!(said(&mut outbox, now + PATIENCE).is_none());
        outbox.connected();
        assert_eq!(said(&mut outbox, now), Some((first, id.clone())));
        assert_eq!(said(&mut outbox, now + PATIENCE).unwrap().1, id);
        assert_eq!(outbox.stored(&receipt(Some("another's"))), None);
        assert_eq!(outbox.stored(&receipt(Some(&id))), Some("a".to_owned()));
        let (second, other) = said(&mut outbox, now).unwrap();
        assert!(second == "b" && other != id);
        // Of a server that gives no ids back.
        assert_eq!(outbox.stored(&receipt(None)), Some("b".to_owned()));
        assert_eq!((outbox.stored(&receipt(None)), outbox.len()), (None, 0));
    }

    #[test]
    fn what_is_refused_for_now_is_said_later() {
        let (mut outbox, now) = (Outbox::new(), Instant::now());
        outbox.connected();
        assert_eq!(outbox.refused(&refusal("too_long", None), now), Verdict::Other);
        outbox.push("a".to_owned());
        let (_, id) = said(&mut outbox, now).unwrap();
        for (code, is_news) in [("rate_limited", true), ("storage_unavailable", false)] {
            assert_eq!(outbox.refused(&refusal(code, Some(&id)), now), Verdict::Later { is_news });
            assert!(said(&mut outbox, now).is_none());
            let due = outbox.due().unwrap();
            assert_eq!(said(&mut outbox, due).unwrap().1, id);
        }
        assert_eq!(outbox.refused(&refusal("too_long", Some("another's")), now), Verdict::Other);
        assert_eq!(outbox.refused(&refusal("too_long", Some(&id)), now), Verdict::Never("a".to_owned()));
        assert_eq!(outbox.len(), 0);
    }
}
