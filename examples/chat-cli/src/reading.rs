//! How far the user has read, as the server is told.

use sockeye::{
    Offset,
    time::{Duration, Instant},
};

use crate::wire::{Refusal, Request};

/// It is told no more often.
const PAUSE: Duration = Duration::from_secs(1);
/// When it is told again to a server that could not note it.
const AGAIN: Duration = Duration::from_secs(5);

/// Nothing confirms that it was noted: so it is told again where it may be lost. To be told twice does no harm.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What is newest of others.
    newest: Option<Offset>,
    /// When that it was read is to be told.
    due: Option<Instant>,
    told: Instant,
}

impl Reading {
    pub(crate) fn new(now: Instant) -> Self {
        Self { newest: None, due: None, told: now }
    }

    /// A message of another user was shown.
    pub(crate) fn shown(&mut self, id: Offset, now: Instant) {
        self.newest = Some(id);
        self.due.get_or_insert((self.told + PAUSE).max(now));
    }

    /// There is another connection: what was told last may have gone with the one before.
    pub(crate) fn connected(&mut self, now: Instant) {
        self.due = self.due.or(self.newest.map(|_| now + PAUSE));
    }

    /// The server has refused something, and does not say that it was a message: it may have been this.
    pub(crate) fn refused(&mut self, refusal: &Refusal, now: Instant) {
        if refusal.is_temporary() && refusal.client_id.is_none() {
            self.due = self.due.or(self.newest.map(|_| now + AGAIN));
        }
    }

    /// When `next` is to be asked, if there is a connection.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What is to be told now.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Request> {
        self.due.take_if(|due| *due <= now)?;
        self.told = now;
        self.newest.map(|message_id| Request::Read { message_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(reading: &mut Reading, at: Instant) -> Option<u64> {
        match reading.next(at)? {
            Request::Read { message_id } => Some(message_id.get()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_newest_is_told_and_not_each() {
        let now = Instant::now();
        let mut reading = Reading::new(now);
        reading.connected(now);
        assert_eq!(reading.due(), None);
        for id in 1..=3 {
            reading.shown(id.into(), now);
        }
        assert_eq!((told(&mut reading, now), reading.due()), (None, Some(now + PAUSE)));
        assert_eq!((told(&mut reading, now + PAUSE), reading.due()), (Some(3), None));
        reading.shown(4.into(), now + 10 * PAUSE);
        assert_eq!(told(&mut reading, now + 10 * PAUSE), Some(4));
    }

    #[test]
    fn what_may_be_lost_is_told_again() {
        let now = Instant::now();
        let mut reading = Reading::new(now);
        let refusal = |code: &str, id: Option<&str>| Refusal {
            message: String::new(),
            code: code.to_owned(),
            client_id: id.map(str::to_owned),
        };
        reading.refused(&refusal("storage_unavailable", None), now);
        assert_eq!(reading.due(), None);
        reading.shown(7.into(), now);
        assert_eq!(told(&mut reading, now + PAUSE), Some(7));
        for other in [refusal("too_long", None), refusal("rate_limited", Some("x"))] {
            reading.refused(&other, now);
            assert_eq!(reading.due(), None);
        }
        for code in ["storage_unavailable", "rate_limited"] {
            // The first counts, however often it complains.
            reading.refused(&refusal(code, None), now);
            reading.refused(&refusal(code, None), now + PAUSE);
            assert_eq!((reading.due(), told(&mut reading, now + AGAIN)), (Some(now + AGAIN), Some(7)));
        }
        reading.connected(now);
        assert_eq!((reading.due(), told(&mut reading, now + PAUSE)), (Some(now + PAUSE), Some(7)));
        assert_eq!(told(&mut reading, now + 2 * AGAIN), None);
    }
}
