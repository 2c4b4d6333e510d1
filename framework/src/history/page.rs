//! Parts of a room's history.

use super::{Offset, Stored};

/// Messages in a page, at most.
const MESSAGES: usize = 1000;
/// Bytes from which on a page takes no more messages.
const BYTES: usize = 1024 * 1024;

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

    /// A page of what `messages` gives in the direction of `span`, as much as fits: at most 1,000 messages and about
    /// 1 MiB, whatever the limit, and at least one message.
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
            page.more = page.messages.len() >= Self::clamp(limit) || bytes >= BYTES;
            if page.more {
                break;
            }
            bytes += message.message.len();
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
