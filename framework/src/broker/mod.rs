//! Brokers: what carries messages between the nodes of an app. The port, for adapters of your own; those that come with
//! the crate are in its root.

#[cfg(any(feature = "nats", feature = "redis"))]
mod adapter;
mod envelope;
mod local;
#[cfg(feature = "nats")]
mod nats;
mod node;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "nats", all(feature = "redis", feature = "tls")))]
mod tls;

use std::{fmt, sync::Arc};

use bytes::Bytes;

pub use self::local::LocalBroker;
#[cfg(feature = "nats")]
pub use self::nats::NatsBroker;
#[cfg(feature = "redis")]
pub use self::redis::RedisBroker;
pub(crate) use self::{
    envelope::{Attendee, Carried, Content, Delta, Envelope, List, Outgoing, Place, Whom},
    node::NodeId,
};
use crate::{error::Result, rt::BoxFuture};

/// Where a message goes. What it names is data: an adapter makes of it whatever its server takes, one to one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// All nodes of the app.
    Nodes,
    /// One node, by its id: 32 hexadecimal digits.
    Node(Arc<str>),
    /// The nodes that serve this room. A name has 1 to 1,024 bytes, any of them.
    Room(Arc<str>),
}

/// A server that hands messages on: what an app is given to span several processes.
///
/// An adapter is asked to connect, and to connect again when a session has ended: the waits in between, and what was
/// subscribed to, are not its business. It sees messages as bytes. It may lose some, give some twice, or give those of
/// different senders in any order; those of one sender on one channel should stay in theirs.
pub trait Broker: Send + Sync + 'static {
    /// What it is called in logs and in the health: `redis`, say.
    fn name(&self) -> &'static str;

    /// Connects, once. Dropped before it is done, nothing is left of it.
    ///
    /// # Errors
    ///
    /// If there is no connection within a few seconds ([`Error::broker`](crate::Error::broker)).
    fn connect(&self) -> BoxFuture<'_, Result<Session>>;
}

/// A connection to the server, in two halves that are used at the same time. It ends when either is dropped, or has given
/// an error.
pub struct Session {
    /// What goes out.
    pub outlet: Box<dyn Outlet>,
    /// What comes in.
    pub intake: Box<dyn Intake>,
}

/// The half of a [`Session`] that sends.
pub trait Outlet: Send {
    /// The longest message that the server takes, in bytes. Longer ones never get here. With less than 256 KiB, nodes may
    /// have trouble telling each other who is there.
    fn max_len(&self) -> usize;

    /// Subscribes to channels. Done when the server has confirmed it: what is published afterwards, by whomever, comes.
    fn subscribe<'a>(&'a mut self, channels: &'a [Channel]) -> BoxFuture<'a, Result<()>>;

    /// Undoes it. What is under way may still come.
    fn unsubscribe<'a>(&'a mut self, channels: &'a [Channel]) -> BoxFuture<'a, Result<()>>;

    /// Sends messages, in this order, in one go if the server has a way to. Done when the server has taken them, or when
    /// they are on their way there.
    fn publish<'a>(&'a mut self, messages: &'a [(Channel, Bytes)]) -> BoxFuture<'a, Result<()>>;
}

/// The half of a [`Session`] that receives.
pub trait Intake: Send {
    /// Waits for the next message, on any of the channels that were subscribed to: one's own are among them. An error is the
    /// end of the session.
    ///
    /// Cancel safety: dropped before it is done, it has taken no message.
    fn next(&mut self) -> BoxFuture<'_, Result<(Channel, Bytes)>>;
}

impl<B: Broker + ?Sized> Broker for Arc<B> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn connect(&self) -> BoxFuture<'_, Result<Session>> {
        (**self).connect()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("max_len", &self.outlet.max_len()).finish_non_exhaustive()
    }
}
