//! What comes in: from the connection's task to whoever receives, and how much of it may wait.

use std::sync::Arc;

use bytes::Bytes;
use redis::{PushInfo, PushKind, Value, aio::SendError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Names;
use crate::{
    broker::{Channel, Intake, adapter::Ending},
    error::Result,
    rt::BoxFuture,
    sync::{Mutex, lock},
};

/// Bytes that may wait.
const MAX_WAITING: usize = 64 * 1024 * 1024;
/// What a message counts on top of its length.
const OVERHEAD: usize = 256;

type Waiting = (Channel, Bytes, OwnedSemaphorePermit);

pub(super) fn channel(ending: Ending, names: Names) -> (RedisIntake, Feed) {
    let (sender, queue) = mpsc::unbounded_channel();
    let feed = Feed {
        queue: Mutex::new(Some(sender)),
        space: Arc::new(Semaphore::new(MAX_WAITING)),
        ending: ending.clone(),
        names,
    };
    (RedisIntake { queue, ending }, feed)
}

/// The connection's end. Never waits: the connection would.
pub(super) struct Feed {
    /// `None` when the session has ended: that is how the intake learns of it.
    queue: Mutex<Option<mpsc::UnboundedSender<Waiting>>>,
    space: Arc<Semaphore>,
    ending: Ending,
    names: Names,
}

impl Feed {
    pub(super) fn take(&self, push: PushInfo) -> Result<(), SendError> {
        match push.kind {
            PushKind::Message => self.message(push.data),
            PushKind::Disconnection => self.end("the server has closed the connection"),
            // The answers to SUBSCRIBE and UNSUBSCRIBE, which who asked for has got as well.
            _ => Ok(()),
        }
    }

    fn message(&self, data: Vec<Value>) -> Result<(), SendError> {
        let Ok([Value::BulkString(name), Value::BulkString(payload)]) = <[Value; 2]>::try_from(data) else {
            return self.end("the server has sent something that is no message");
        };
        // Nothing that was subscribed to.
        let Some(channel) = self.names.channel(&name) else { return Ok(()) };
        let size = (name.len() + payload.len() + OVERHEAD).min(MAX_WAITING);
        let Ok(space) = self.space.clone().try_acquire_many_owned(u32::try_from(size).unwrap_or(u32::MAX)) else {
            return self.end("more than 64 MiB were waiting to be received");
        };
        let queue = lock(&self.queue);
        let sender = queue.as_ref().ok_or(SendError)?;
        sender.send((channel, payload.into(), space)).map_err(|_| SendError)
    }

    fn end(&self, reason: &str) -> Result<(), SendError> {
        self.ending.set(reason);
        *lock(&self.queue) = None;
        Err(SendError)
    }
}

pub(super) struct RedisIntake {
    queue: mpsc::UnboundedReceiver<Waiting>,
    ending: Ending,
}

impl Intake for RedisIntake {
    fn next(&mut self) -> BoxFuture<'_, Result<(Channel, Bytes)>> {
        Box::pin(async {
            match self.queue.recv().await {
                Some((channel, payload, _)) => Ok((channel, payload)),
                None => Err(self.ending.set("the half that sends was dropped")),
            }
        })
    }
}

impl Drop for RedisIntake {
    fn drop(&mut self) {
        self.ending.set("the half that receives was dropped");
    }
}
