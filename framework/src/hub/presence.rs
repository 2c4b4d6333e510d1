//! Who is there: users, each with all its connections.

use std::{fmt, sync::Arc};

use rpds::RedBlackTreeMapSync;
use serde::{Serialize, Serializer, de::DeserializeOwned};
use serde_json::Value;

use crate::error::Result;

/// The users of a room at one moment. A copy shares what it holds with the room: it costs next to nothing.
///
/// Members that joined without a user are not in it. As JSON it is the array of the users' metadata.
#[derive(Clone, Default)]
pub struct Presence {
    users: RedBlackTreeMapSync<Arc<str>, User>,
}

/// A user in a room: one, however many connections it has there.
///
/// As JSON it is its metadata.
#[derive(Clone, Debug)]
pub struct User {
    pub(super) id: Arc<str>,
    pub(super) meta: Arc<Value>,
    pub(super) connections: usize,
}

/// What changes the presence of a room.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum PresenceEvent {
    /// The first connection of a user has joined.
    Joined(User),
    /// The last connection of a user has left, and the time of grace is over.
    Left(User),
}

impl Presence {
    /// How many users there are.
    pub fn len(&self) -> usize {
        self.users.size()
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// The user with this id.
    pub fn get(&self, user: &str) -> Option<&User> {
        self.users.get(user)
    }

    /// The users, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    pub(super) fn insert(&mut self, user: User) {
        self.users.insert_mut(user.id.clone(), user);
    }

    pub(super) fn remove(&mut self, user: &str) {
        self.users.remove_mut(user);
    }
}

impl User {
    /// The user's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the user's latest connection joined with.
    pub fn meta(&self) -> &Value {
        &self.meta
    }

    /// The metadata as a type of your own.
    ///
    /// # Errors
    ///
    /// If they are not of that shape.
    pub fn meta_as<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(T::deserialize(&*self.meta)?)
    }

    /// How many members the user is, on all nodes; 0 in its time of grace.
    pub fn connections(&self) -> usize {
        self.connections
    }
}

impl PresenceEvent {
    /// The user whom it is about.
    pub fn user(&self) -> &User {
        match self {
            Self::Joined(user) | Self::Left(user) => user,
        }
    }
}

impl Serialize for Presence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.meta.serialize(serializer)
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
