//! A broker inside of the process.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use bytes::Bytes;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::{Broker, Channel, Intake, Outlet, Session};
use crate::{
    error::{Error, Result},
    rt::BoxFuture,
    sync::{Mutex, lock},
};

/// Messages that may wait for one who subscribes; beyond that its session ends, as that of a server would.
const WAITING: usize = 16 * 1024;

/// A broker inside of the process: for tests, and for several apps that share rooms. Apps that are given clones of one
/// are nodes of one another.
///
/// ```test_harness
/// use sockeye::{LocalBroker, prelude::*};
///
/// #[websocket("/news")]
/// async fn news(ws: WebSocket, hub: Hub) -> Result<()> {
///     let _member = hub.room("news").join(&ws).await?;
///     ws.send_text("joined").await?;
///     ws.closed().await;
///     Ok(())
/// }
///
/// #[sockeye::test]
/// async fn reaches_the_other_app() -> Result<()> {
///     let broker = LocalBroker::new();
///     let (here, there) = (App::new().broker(broker.clone()), App::new().broker(broker).route(news));
///     let mut ws = TestClient::new(there).websocket_connect("/news").await?;
///     assert_eq!(ws.receive_text().await?, "joined");
///     here.hub().room("news").broadcast_text("hello").await?;
///     assert_eq!(ws.receive_text().await?, "hello");
///     Ok(())
/// }
/// ```
#[derive(Clone, Default)]
pub struct LocalBroker {
    shared: Arc<Mutex<Shared>>,
}

type Post = (Channel, Bytes);

#[derive(Default)]
struct Shared {
    next: u64,
    /// The other ends of the intakes.
    sessions: HashMap<u64, mpsc::Sender<Post>>,
    subscribers: HashMap<Channel, BTreeSet<u64>>,
}

impl LocalBroker {
    /// A broker that nobody shares yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Shared {
    /// One who is too slow is gone.
    fn post(&mut self, post: &Post) {
        let Some(subscribers) = self.subscribers.get(&post.0) else { return };
        for session in subscribers {
            let sent = self.sessions.get(session).map(|sender| sender.try_send(post.clone()));
            if let Some(Err(TrySendError::Full(_))) = sent {
                self.sessions.remove(session);
            }
        }
    }

    fn unsubscribe(&mut self, session: u64, channel: &Channel) {
        let Some(subscribers) = self.subscribers.get_mut(channel) else { return };
        subscribers.remove(&session);
        if subscribers.is_empty() {
            self.subscribers.remove(channel);
        }
    }
}

impl Broker for LocalBroker {
    fn name(&self) -> &'static str {
        "local"
    }

    fn connect(&self) -> BoxFuture<'_, Result<Session>> {
        Box::pin(async {
            let (sender, receiver) = mpsc::channel(WAITING);
            let mut shared = lock(&self.shared);
            shared.next += 1;
            let id = shared.next;
            shared.sessions.insert(id, sender);
            let outlet = LocalOutlet { shared: self.shared.clone(), id, channels: BTreeSet::new() };
            Ok(Session { outlet: Box::new(outlet), intake: Box::new(LocalIntake(receiver)) })
        })
    }
}

struct LocalOutlet {
    shared: Arc<Mutex<Shared>>,
    id: u64,
    channels: BTreeSet<Channel>,
}

struct LocalIntake(mpsc::Receiver<Post>);

impl LocalOutlet {
    /// What is asked of a session that is over is an error.
    fn with(&mut self, act: impl FnOnce(&mut Shared, u64, &mut BTreeSet<Channel>)) -> BoxFuture<'static, Result<()>> {
        let mut shared = lock(&self.shared);
        let lives = shared.sessions.get(&self.id).is_some_and(|sender| !sender.is_closed());
        if lives {
            act(&mut shared, self.id, &mut self.channels);
        }
        drop(shared);
        Box::pin(std::future::ready(if lives { Ok(()) } else { Err(ended()) }))
    }
}

impl Outlet for LocalOutlet {
    fn max_len(&self) -> usize {
        usize::MAX
    }

    fn subscribe<'a>(&'a mut self, channels: &'a [Channel]) -> BoxFuture<'a, Result<()>> {
        self.with(|shared, id, own| {
            for channel in channels {
                shared.subscribers.entry(channel.clone()).or_default().insert(id);
                own.insert(channel.clone());
            }
        })
    }

    fn unsubscribe<'a>(&'a mut self, channels: &'a [Channel]) -> BoxFuture<'a, Result<()>> {
        self.with(|shared, id, own| {
            for channel in channels {
                shared.unsubscribe(id, channel);
                own.remove(channel);
            }
        })
    }

    fn publish<'a>(&'a mut self, messages: &'a [(Channel, Bytes)]) -> BoxFuture<'a, Result<()>> {
        self.with(|shared, _, _| messages.iter().for_each(|post| shared.post(post)))
    }
}

impl Drop for LocalOutlet {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        shared.sessions.remove(&self.id);
        for channel in &self.channels {
            shared.unsubscribe(self.id, channel);
        }
    }
}

impl Intake for LocalIntake {
    fn next(&mut self) -> BoxFuture<'_, Result<(Channel, Bytes)>> {
        Box::pin(async { self.0.recv().await.ok_or_else(ended) })
    }
}

fn ended() -> Error {
    Error::broker(format!("the session has ended: it was dropped, or more than {WAITING} messages waited for it"))
}

impl fmt::Debug for LocalBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = lock(&self.shared);
        f.debug_struct("LocalBroker")
            .field("sessions", &shared.sessions.len())
            .field("channels", &shared.subscribers.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str) -> Channel {
        Channel::Room(name.into())
    }

    fn post(name: &str, text: &'static str) -> Post {
        (channel(name), Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn hands_on_what_was_subscribed_to() -> Result<()> {
        let broker = LocalBroker::new();
        let (mut one, mut other) = (broker.connect().await?, broker.connect().await?);
        one.outlet.subscribe(&[channel("a"), channel("b")]).await?;
        other.outlet.subscribe(&[channel("b")]).await?;
        one.outlet.publish(&[post("a", "1"), post("b", "2"), post("c", "3")]).await?;
        assert_eq!((one.intake.next().await?, one.intake.next().await?), (post("a", "1"), post("b", "2")));
        assert_eq!(other.intake.next().await?, post("b", "2"));
        one.outlet.unsubscribe(&[channel("b")]).await?;
        other.outlet.publish(&[post("b", "4"), post("a", "5")]).await?;
        assert_eq!(one.intake.next().await?, post("a", "5"));
        drop(one.outlet);
        assert!(one.intake.next().await.unwrap_err().is_broker());
        drop(other.intake);
        assert!(other.outlet.publish(&[]).await.unwrap_err().is_broker());
        drop(other.outlet);
        assert_eq!(format!("{broker:?}"), "LocalBroker { sessions: 0, channels: 0 }");
        Ok(())
    }

    #[tokio::test]
    async fn who_is_too_slow_is_gone() -> Result<()> {
        let broker = LocalBroker::new();
        let (mut slow, mut fast) = (broker.connect().await?, broker.connect().await?);
        slow.outlet.subscribe(&[channel("a")]).await?;
        for _ in 0..=WAITING {
            fast.outlet.publish(&[post("a", "1")]).await?;
        }
        assert!(slow.outlet.publish(&[]).await.unwrap_err().is_broker());
        for _ in 0..WAITING {
            slow.intake.next().await?;
        }
        assert!(slow.intake.next().await.unwrap_err().is_broker());
        Ok(())
    }
}
