//! What a store is given, and what it gives back.

use super::{Offset, Stored};
use crate::ws::Message;

/// A message that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft {
    /// What is published.
    pub message: Message,
    /// What the one who publishes calls it, so that asking twice stores it once.
    pub key: Option<Box<str>>,
}

impl Draft {
    /// A message without a key: it is stored each time it is given.
    pub fn new(message: impl Into<Message>) -> Self {
        Self { message: message.into(), key: None }
    }

    /// With an idempotency key: a room that keeps a message of this key does not store another one. 1 to 128 bytes.
    pub fn key(mut self, key: impl Into<Box<str>>) -> Self {
        self.key = Some(key.into());
        self
    }
}

/// What became of a [`Draft`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The message as it is stored.
    pub stored: Stored,
    /// Whether it was stored now. If not, the room had a message of the same key, which is this one.
    pub is_new: bool,
}

impl Appended {
    /// For stores.
    pub fn new(stored: Stored, is_new: bool) -> Self {
        Self { stored, is_new }
    }
}

/// How far a user has read in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cursor {
    /// The last message that the user has read; [`Offset::START`] if none.
    pub offset: Offset,
    /// Whether it got there now. If not, it was there, or further, before.
    pub advanced: bool,
}

impl Cursor {
    /// For stores.
    pub fn new(offset: Offset, advanced: bool) -> Self {
        Self { offset, advanced }
    }
}
