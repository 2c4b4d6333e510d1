//! The stored messages that were handed out last, for those who are behind: kept while there is anybody.

use std::collections::VecDeque;

use super::state::State;
use crate::ws::proto::Prepared;

/// What may be kept: as much as may wait in the room's queue.
const MESSAGES: usize = 1024;
const BYTES: usize = 1024 * 1024;
/// The offset of who reads from the store: nothing that is published is for it.
const BEHIND: u64 = u64::MAX;

#[derive(Default)]
pub(super) struct Tail {
    /// Members and listeners that read from the store.
    behind: usize,
    kept: VecDeque<(u64, Prepared)>,
    bytes: usize,
    /// The last that was handed out, or is being handed out now; or that was stored before any is.
    last: u64,
}

impl Tail {
    /// What a newcomer has of the stored messages.
    pub(super) fn count_in(&mut self, is_behind: bool) -> u64 {
        self.behind += usize::from(is_behind);
        if is_behind { BEHIND } else { 0 }
    }

    /// What is stored up to there is not handed out.
    pub(super) fn begin(&mut self, base: u64) {
        self.last = self.last.max(base);
    }

    /// The base was a mistake.
    pub(super) fn restart(&mut self, base: u64) {
        self.last = base;
    }

    /// Somebody is gone, or no longer behind.
    pub(super) fn count_out(&mut self, has: u64) {
        self.behind -= usize::from(has == BEHIND);
        if self.behind == 0 {
            (self.kept, self.bytes) = (VecDeque::new(), 0);
        }
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept.len() + self.behind
    }

    /// A message is being handed out, for the first or another time.
    pub(super) fn keep(&mut self, offset: u64, message: &Prepared) {
        if offset == self.last {
            return;
        }
        self.last = offset;
        if self.behind == 0 {
            return;
        }
        self.bytes += message.len();
        self.kept.push_back((offset, message.clone()));
        while self.kept.len() > MESSAGES || self.bytes > BYTES {
            let Some((_, message)) = self.kept.pop_front() else { return };
            self.bytes -= message.len();
        }
    }

    /// What somebody misses that has all up to `has`, if that is kept and fits where so many messages and bytes do: at the
    /// last of them it may be a little more.
    fn missed(&self, has: u64, (messages, bytes): (usize, usize)) -> Option<impl Iterator<Item = &(u64, Prepared)>> {
        let from = self.kept.partition_point(|(offset, _)| *offset <= has);
        let is_whole = has >= self.last || self.kept.front().is_some_and(|(offset, _)| *offset <= has + 1);
        let missed = self.kept.range(from..);
        let before_last: usize = missed.clone().rev().skip(1).map(|(_, message)| message.len()).sum();
        let fits = missed.len() == 0 || missed.len() <= messages && before_last < bytes;
        (is_whole && fits).then_some(missed)
    }
}

impl State {
    /// Gives a member that has read the store up to `has` what was handed out meanwhile; from now on it gets what is
    /// published. Says how many it was, or nothing if it is too far behind, has no room for it in its outbox, or is gone.
    pub(super) fn catch_up_member(
        &mut self,
        number: u64,
        has: u64,
        most: usize,
        deliver: impl Fn(&super::state::Entry, &Prepared) -> bool,
    ) -> Option<u64> {
        let entry = self.members.get_mut(&number)?;
        let (messages, bytes) = entry.connection.spare();
        let missed = self.tail.missed(has, (messages.min(most), bytes))?;
        let sent = missed.filter(|(_, message)| deliver(entry, message)).count() as u64;
        entry.has = has.max(self.tail.last);
        self.sent += sent;
        self.tail.count_out(BEHIND);
        Some(sent)
    }

    /// The same for a listener.
    pub(super) fn catch_up_listener(&mut self, number: u64, has: u64) -> Option<u64> {
        let listening = self.feeds.get_mut(&number)?;
        let missed = self.tail.missed(has, listening.feed.spare())?;
        let texts = missed.filter_map(|(offset, message)| Some((*offset, message.text()?)));
        let sent = texts.filter(|(offset, text)| listening.feed.push(text, *offset)).count() as u64;
        listening.has = has.max(self.tail.last);
        self.sent += sent;
        self.tail.count_out(BEHIND);
        Some(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::proto::Op;

    /// What was stored before the room was served nobody hands out.
    #[test]
    fn what_is_before_the_base_has_to_be_read() {
        let mut tail = Tail::default();
        tail.begin(10);
        let missed = |tail: &Tail, has| tail.missed(has, (10, usize::MAX)).map(Iterator::count);
        assert_eq!((missed(&tail, 8), missed(&tail, 10)), (None, Some(0)));
        tail.count_in(true);
        tail.keep(11, &Prepared::new(Op::Text, b"x", []));
        assert_eq!((missed(&tail, 9), missed(&tail, 10), missed(&tail, 11)), (None, Some(1), Some(0)));
    }

    #[test]
    fn says_when_it_has_forgotten() {
        let message = Prepared::new(Op::Text, b"x", []);
        let mut tail = Tail::default();
        let missed = |tail: &Tail, has, most| tail.missed(has, (most, usize::MAX)).map(Iterator::count);
        assert_eq!(missed(&tail, 0, 0), Some(0));
        // For nobody.
        tail.keep(1, &message);
        assert_eq!((missed(&tail, 0, 10), missed(&tail, 1, 10)), (None, Some(0)));
        let has = tail.count_in(true);
        (2..=3000).for_each(|offset| (0..2).for_each(|_| tail.keep(offset, &message)));
        assert_eq!((missed(&tail, 1975, MESSAGES), missed(&tail, 1976, MESSAGES)), (None, Some(MESSAGES)));
        assert_eq!((missed(&tail, 1976, MESSAGES - 1), missed(&tail, 2999, 1)), (None, Some(1)));
        let large = Prepared::new(Op::Text, &[b'x'; BYTES / 2], []);
        tail.keep(3001, &large);
        tail.keep(3002, &large);
        assert_eq!((missed(&tail, 3000, 10), missed(&tail, 3001, 10)), (None, Some(1)));
        // Where it has no room, it is not given.
        let missed_in = |tail: &Tail, has, bytes| tail.missed(has, (10, bytes)).map(Iterator::count);
        assert_eq!(
            (missed_in(&tail, 3001, 1), missed_in(&tail, 3001, 0), missed_in(&tail, 3002, 0)),
            (Some(1), None, Some(0))
        );
        tail.keep(3003, &message);
        let large = large.len();
        assert_eq!((missed_in(&tail, 3001, large), missed_in(&tail, 3001, large + 1)), (None, Some(2)));
        tail.count_out(has);
        assert_eq!((tail.kept(), missed(&tail, 3002, 10)), (0, None));
    }
}
