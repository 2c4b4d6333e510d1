//! A room's latest messages, without a gap.

use std::collections::VecDeque;

use crate::{
    error::Result,
    history::{Offset, Page, Retention, Span, Stored},
};

/// Bytes that are kept of a room: two pages.
pub(super) const BYTES: usize = 2 * Page::BYTES;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Run {
    /// No message before this offset is kept in the store; 0 while that is not known. It may be more by now.
    pub(super) oldest: u64,
    pub(super) messages: VecDeque<Stored>,
}

impl Run {
    /// What an append has added. Nothing, if it has added nothing.
    pub(super) fn added(messages: impl IntoIterator<Item = Stored>) -> Self {
        let mut run = Self::default();
        messages.into_iter().for_each(|stored| run.push(stored));
        // Nothing was there before.
        run.oldest = u64::from(run.first() == 1);
        run
    }

    /// What a page has that goes to the room's end.
    pub(super) fn latest(page: &Page) -> Self {
        let mut run = Self::added(page.messages.iter().cloned());
        if run.last() != page.last.get() {
            return Self::default();
        }
        run.oldest = page.first.get();
        run
    }

    /// Adds a message. If it does not follow the last, the run begins with it.
    pub(super) fn push(&mut self, stored: Stored) {
        if self.last() + 1 != stored.offset.get() {
            self.messages.clear();
        }
        self.messages.push_back(stored);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn first(&self) -> u64 {
        self.messages.front().map_or(0, |stored| stored.offset.get())
    }

    pub(super) fn last(&self) -> u64 {
        self.messages.back().map_or(0, |stored| stored.offset.get())
    }

    pub(super) fn bytes(&self) -> usize {
        self.messages.iter().map(weight).sum()
    }

    /// Takes what another has beyond this one, in either direction. Of two that do not meet, the later one stays.
    pub(super) fn merge(&mut self, other: Self, most: usize) {
        self.oldest = self.oldest.max(other.oldest);
        let (first, last) = (self.first(), self.last());
        if self.is_empty() || other.first() > last + 1 {
            self.messages = other.messages;
        } else if other.last() + 1 >= first {
            let (earlier, later): (Vec<_>, Vec<_>) = other
                .messages
                .into_iter()
                .filter(|stored| stored.offset.get() < first || stored.offset.get() > last)
                .partition(|stored| stored.offset.get() < first);
            earlier.into_iter().rev().for_each(|stored| self.messages.push_front(stored));
            self.messages.extend(later);
        }
        let mut bytes = self.bytes();
        while self.messages.len() > most || bytes > BYTES && self.messages.len() > 1 {
            bytes -= self.messages.pop_front().as_ref().map_or(0, weight);
        }
    }

    /// A page as of the moment at which the room's last offset was `head`, if all of it is here.
    pub(super) fn page(&self, span: Span, limit: usize, head: u64, retention: &Retention, now: u64) -> Option<Page> {
        let kept = self.kept(head, retention, now)?;
        let is_whole = self.first() <= kept;
        let is_here = match span {
            Span::After(since) => is_whole || since.get() >= self.first() - 1,
            Span::Latest => true,
            Span::Before(_) => false,
        };
        if self.last() < head || self.first() > head || !is_here {
            return None;
        }
        let page = self.collect(span, limit, (kept, head));
        let is_full = page.more || is_whole || page.messages.len() == Page::clamp(limit);
        match span {
            Span::Latest if is_full => Some(Page { more: page.more || !is_whole, ..page }),
            Span::Latest => None,
            _ => Some(page),
        }
    }

    /// The latest of what is here, while nobody can say whether that is all.
    pub(super) fn stale_page(&self, limit: usize, retention: &Retention, now: u64) -> Option<Page> {
        let head = self.last();
        let kept = self.kept(head, retention, now).unwrap_or(self.first());
        let page = (!self.is_empty()).then(|| self.collect(Span::Latest, limit, (kept, head)))?;
        Some(Page { more: page.more || kept < self.first(), ..page })
    }

    /// The oldest offset that is kept, if that is known.
    fn kept(&self, head: u64, retention: &Retention, now: u64) -> Option<u64> {
        let oldest = retention.oldest(now);
        let young = self.messages.iter().find(|stored| stored.millis() >= oldest);
        // If one of these is too old, all before it are.
        let by_age = match (self.messages.front(), young) {
            (Some(first), Some(young)) if first.offset < young.offset => young.offset.get(),
            (Some(_), None) => head + 1,
            _ => 0,
        };
        let kept = self.oldest.max(by_age).max(retention.gone(head) + u64::from(retention.gone(head) > 0));
        (kept > 0).then_some(kept)
    }

    fn collect(&self, span: Span, limit: usize, (kept, head): (u64, u64)) -> Page {
        let after = match span {
            Span::After(since) => since.get(),
            Span::Before(_) | Span::Latest => 0,
        };
        let is_asked = |stored: &&Stored| {
            let offset = stored.offset.get();
            offset > after && offset >= kept && offset <= head
        };
        let messages = self.messages.iter().filter(is_asked).cloned().map(Result::<_, std::convert::Infallible>::Ok);
        let ends = (Offset(kept), Offset(head));
        let Ok(page) = match span {
            Span::After(_) => Page::collect(messages, span, limit, ends),
            Span::Before(_) | Span::Latest => Page::collect(messages.rev(), span, limit, ends),
        };
        page
    }
}

/// What a message takes, with what is around it.
pub(super) fn weight(stored: &Stored) -> usize {
    stored.message.len() + 128
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ws::Message;

    fn run(oldest: u64, offsets: std::ops::RangeInclusive<u64>) -> Run {
        let stored = |offset| Stored::new(Offset(offset), offset * 1000, Message::text(offset.to_string()));
        Run { oldest, messages: offsets.map(stored).collect() }
    }

    fn merged(mut this: Run, other: Run, most: usize) -> (u64, u64, usize) {
        this.merge(other, most);
        assert!(this.messages.iter().map(|stored| stored.offset.get()).eq(this.first()..=this.last()));
        (this.first(), this.last(), this.messages.len())
    }

    #[test]
    fn runs_grow_where_they_meet() {
        assert_eq!(merged(Run::default(), run(0, 3..=5), 9), (3, 5, 3));
        assert_eq!(merged(run(0, 3..=5), run(0, 6..=7), 9), (3, 7, 5));
        assert_eq!(merged(run(0, 3..=5), run(0, 4..=6), 9), (3, 6, 4));
        assert_eq!(merged(run(0, 3..=5), run(0, 1..=3), 9), (1, 5, 5));
        assert_eq!(merged(run(0, 3..=5), run(0, 1..=2), 9), (1, 5, 5));
        assert_eq!(merged(run(0, 3..=5), run(0, 1..=9), 9), (1, 9, 9));
        assert_eq!(merged(run(0, 3..=5), run(0, 7..=8), 9), (7, 8, 2));
        assert_eq!(merged(run(0, 7..=8), run(0, 3..=5), 9), (7, 8, 2));
        assert_eq!(merged(run(0, 3..=5), run(0, 6..=7), 3), (5, 7, 3));
        assert_eq!(merged(run(0, 3..=5), Run::default(), 9), (3, 5, 3));
        let large = Stored::new(Offset(6), 0, Message::text("x".repeat(BYTES)));
        assert_eq!(merged(run(0, 3..=5), Run::added([large]), 9), (6, 6, 1));
    }

    #[test]
    fn a_page_is_whole_or_none() {
        let all = Retention::all();
        let page = |run: &Run, span, limit, head| {
            let page = run.page(span, limit, head, &all, 0)?;
            Some((page.messages.iter().map(|stored| stored.offset.get()).collect::<Vec<_>>(), page.more))
        };
        let cached = run(1, 5..=8);
        assert_eq!(page(&cached, Span::Latest, 2, 8), Some((vec![7, 8], true)));
        assert_eq!(page(&cached, Span::Latest, 4, 8), Some((vec![5, 6, 7, 8], true)));
        assert_eq!(page(&cached, Span::Latest, 5, 8), None);
        assert_eq!(page(&run(5, 5..=8), Span::Latest, 5, 8), Some((vec![5, 6, 7, 8], false)));
        assert_eq!(page(&run(0, 5..=8), Span::Latest, 2, 8), None);
        let after = |since| Span::After(Offset(since));
        assert_eq!(page(&cached, after(4), 9, 8), Some((vec![5, 6, 7, 8], false)));
        assert_eq!(page(&cached, after(4), 2, 8), Some((vec![5, 6], true)));
        assert_eq!(page(&cached, after(3), 9, 8), None);
        assert_eq!(page(&run(5, 5..=8), after(3), 9, 8), Some((vec![5, 6, 7, 8], false)));
        assert_eq!(page(&cached, after(9), 9, 8), Some((vec![], false)));
        assert_eq!(page(&cached, Span::Before(Offset(8)), 1, 8), None);
        // Behind, or ahead by what came since.
        assert_eq!(page(&cached, after(4), 9, 9), None);
        assert_eq!(page(&cached, after(4), 9, 7), Some((vec![5, 6, 7], false)));
        assert_eq!((page(&cached, after(4), 9, 4), page(&Run::default(), after(0), 9, 0)), (None, None));
    }

    #[test]
    fn what_the_store_drops_is_dropped() {
        let ends = |run: &Run, retention: Retention, now| {
            let page = run.page(Span::Latest, 9, 8, &retention, now).unwrap();
            (page.first.get(), page.messages.len(), page.more)
        };
        assert_eq!(ends(&run(1, 5..=8), Retention::all().count(3), 0), (6, 3, false));
        // Six is five seconds old, seven four.
        let five = Retention::all().age(Duration::from_secs(5));
        assert_eq!(ends(&run(1, 5..=8), five, 11_000), (7, 2, false));
        assert_eq!(ends(&run(1, 5..=8), five, 99_000), (9, 0, false));
        assert_eq!(run(1, 5..=8).page(Span::Latest, 9, 8, &five, 9000), None);
    }
}
