//! Parts of a room's history.

use super::{Offset, Stored};

/// Messages in a page, at most.
const MESSAGES: usize = 1000;

/// Which part of a room's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// What comes after this offset: the oldest of it first, and first of all if there is more than a page takes.
    After(Offset),
    /// What comes before this offset: the latest of it, if there is more than a page takes. All the same the oldest of
    /// these comes first.
    Before(Offset),
    /// The latest, the oldest of these first.
    Latest,
}

/// A part of a room's history, the oldest message first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The messages, in the order of their offsets.
    pub messages: Vec<Stored>,
    /// Whether more of the span is kept, beyond what the page has taken.
    pub more: bool,
    /// The oldest offset that the room has kept; that of its next message, if nothing is kept.
    pub first: Offset,
    /// The last offset that the room has given out, whether or not it is kept.
    pub last: Offset,
}

impl Page {
    /// Bytes that a page's messages have together, unless it is only one: with what an app says around them, they are to
    /// fit into one message of 1 MiB, which is what clients take.
    pub(super) const BYTES: usize = 512 * 1024;

    /// Whether nothing that came after `since` is missing in the room: nothing of it was dropped, and the offset is one
    /// that the room has given out.
    pub fn recovers(&self, since: Offset) -> bool {
        since <= self.last && self.first.get() <= since.get().saturating_add(1)
    }

    /// Where reading on in this direction starts: the span of the next page.
    pub fn next(&self, span: Span) -> Span {
        let at = |message: Option<&Stored>, otherwise| message.map_or(otherwise, |message| message.offset);
        match span {
            Span::After(since) => Span::After(at(self.messages.last(), since)),
            Span::Before(before) => Span::Before(at(self.messages.first(), before)),
            Span::Latest => Span::Before(at(self.messages.first(), self.first)),
        }
    }

    /// A page of what `messages` gives in the direction of `span`, as much as fits: at most 1,000 messages and
    /// 512 KiB, whatever the limit, and at least one message.
    ///
    /// For stores: `messages` starts at the end that the span names. It is not asked for more than one message beyond what
    /// the page takes.
    ///
    /// # Errors
    ///
    /// The first that `messages` gives.
    pub fn collect<E>(
        messages: impl IntoIterator<Item = Result<Stored, E>>,
        span: Span,
        limit: usize,
        (first, last): (Offset, Offset),
    ) -> Result<Self, E> {
        let (mut page, mut bytes) = (Self { messages: Vec::new(), more: false, first, last }, 0);
        for message in messages {
            let message = message?;
            bytes += message.message.len();
            let is_full = bytes > Self::BYTES && !page.messages.is_empty();
            page.more = is_full || page.messages.len() >= Self::clamp(limit);
            if page.more {
                break;
            }
            page.messages.push(message);
        }
        if !matches!(span, Span::After(_)) {
            page.messages.reverse();
        }
        Ok(page)
    }

    /// What a limit comes to: at least one message, and at most 1,000.
    pub(super) fn clamp(limit: usize) -> usize {
        limit.clamp(1, MESSAGES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::Message;

    /// How many of messages of these lengths a page takes, and whether it says that there are more.
    fn taken(lens: &[usize], limit: usize) -> (usize, bool) {
        let stored =
            |(at, len): (usize, &usize)| Ok(Stored::new(Offset::new(at as u64), 0, Message::text("x".repeat(*len))));
        let messages = lens.iter().enumerate().map(stored);
        let page =
            Page::collect::<()>(messages, Span::After(Offset::START), limit, (Offset::START, Offset::START)).unwrap();
        (page.messages.len(), page.more)
    }

    #[test]
    fn fits_a_message_unless_it_is_one() {
        assert_eq!((taken(&[], 10), taken(&[1], 10), taken(&[1, 1], 1)), ((0, false), (1, false), (1, true)));
        assert_eq!(taken(&[Page::BYTES / 2; 2], 10), (2, false));
        assert_eq!(taken(&[Page::BYTES / 2; 3], 10), (2, true));
        assert_eq!(taken(&[Page::BYTES / 2, Page::BYTES / 2 + 1], 10), (1, true));
        assert_eq!((taken(&[3 * Page::BYTES], 10), taken(&[3 * Page::BYTES, 0], 10)), ((1, false), (1, true)));
        assert_eq!((taken(&[0; 1001], 0), taken(&[0; 1001], usize::MAX)), ((1, true), (1000, true)));
    }
}
