//! Runs in Redis, which all nodes share: a sorted set a room, by offset.
//!
//! Any node adds what it has, in any order: what was added twice is there once. Whether there is a gap is seen by who reads.

use std::{sync::Arc, time::Duration};

use redis::{AsyncConnectionConfig, Client, Pipeline, RedisResult, aio::MultiplexedConnection};
use tokio::{sync::Semaphore, time::Instant};

use super::{
    RecentHistory, RecentOptions, Shelf,
    run::{self, Run},
};
use crate::{
    error::{Error, Result},
    history::{History, Offset, Stored},
    rt::{self, BoxFuture},
    sync::{Mutex, lock},
    ws::{Message, Text},
};

/// How long Redis may take for anything, and how long it is left alone after a failure: the store is there as well.
const PATIENCE: Duration = Duration::from_millis(500);
const REST: Duration = Duration::from_secs(1);
/// What was not used for so long goes.
const IDLE: Duration = Duration::from_secs(3600);
/// Appends that are on their way at a time; what comes on top of that is not kept.
const SENDING: usize = 64;
/// What comes before a payload: offset, time, kind.
const HEAD: usize = 17;
const TEXT: u8 = 0;
const BINARY: u8 = 1;

impl RecentHistory {
    /// Keeps the latest 100 messages of each room in Redis (feature `redis`), for all nodes that share it. The address is
    /// `redis://[[user]:password@]host[:port][/db]`. Does not connect yet.
    ///
    /// Redis may come and go: reading and writing go on with the store alone. It holds nothing that the store does not
    /// have, and may be emptied at any time; what was not used for an hour goes by itself. The keys are
    /// `sockeye:recent:<room>` and `sockeye:oldest:<room>`. Two stores that share a Redis need a
    /// [prefix](RecentOptions::prefix) each.
    ///
    /// # Errors
    ///
    /// If the address can't be read.
    ///
    /// ```
    /// use sockeye::{App, History, RecentHistory, Result};
    ///
    /// fn app(store: impl History) -> Result<App> {
    ///     Ok(App::new().history(RecentHistory::redis(store, "redis://localhost")?))
    /// }
    /// # app(sockeye::MemoryHistory::new()).unwrap();
    /// ```
    pub fn redis(store: impl History, url: &str) -> Result<Self> {
        Self::redis_with(store, url, RecentOptions::new())
    }

    /// Keeps messages in Redis, with other options.
    ///
    /// # Errors
    ///
    /// Those of [`redis`](Self::redis).
    pub fn redis_with(store: impl History, url: &str, options: RecentOptions) -> Result<Self> {
        // What came may have a password in it.
        let refused = |error| Error::storage(format!("expected `redis://[[user]:password@]host[:port][/db]`: {error}"));
        let server = Server {
            client: Client::open(url).map_err(refused)?,
            prefix: options.prefix.clone(),
            messages: options.messages,
            link: Mutex::default(),
        };
        let shelf = Shared { server: Arc::new(server), sending: Arc::new(Semaphore::new(SENDING)) };
        // Others write to it.
        let options = RecentOptions { only_writer: false, ..options };
        Ok(Self::over(store, Box::new(shelf), &options))
    }
}

struct Shared {
    server: Arc<Server>,
    sending: Arc<Semaphore>,
}

struct Server {
    client: Client,
    prefix: String,
    messages: usize,
    link: Mutex<Link>,
}

#[derive(Default)]
struct Link {
    connection: Option<MultiplexedConnection>,
    /// How often somebody has tried to connect.
    attempt: u64,
    /// It has failed, or somebody connects: it is left alone until then.
    rests_until: Option<Instant>,
    /// It was said that it is gone.
    is_away: bool,
}

impl Server {
    fn keys(&self, room: &str) -> [String; 2] {
        ["recent", "oldest"].map(|kind| format!("{}:{kind}:{room}", self.prefix))
    }

    /// The connection, and which attempt has made it. `None` while it is left alone, or somebody else connects: nobody waits
    /// for that.
    async fn connection(&self) -> Option<(u64, RedisResult<MultiplexedConnection>)> {
        let attempt = {
            let mut link = lock(&self.link);
            if let Some(connection) = &link.connection {
                return Some((link.attempt, Ok(connection.clone())));
            }
            if link.rests_until.is_some_and(|until| Instant::now() < until) {
                return None;
            }
            // Should this be dropped, another tries then.
            link.rests_until = Some(Instant::now() + PATIENCE + REST);
            link.attempt += 1;
            link.attempt
        };
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        let connected = self.client.get_multiplexed_async_connection_with_config(&config).await;
        if let Ok(connection) = &connected {
            let mut link = lock(&self.link);
            link.rests_until = None;
            link.connection = Some(connection.clone());
            if std::mem::take(&mut link.is_away) {
                tracing::info!("Redis is back: recent messages are kept there");
            }
        }
        Some((attempt, connected))
    }

    /// Whatever goes wrong, the store has it.
    async fn ask<T: redis::FromRedisValue>(&self, pipeline: &Pipeline) -> Option<T> {
        let (attempt, connection) = self.connection().await?;
        let answer = match connection {
            Ok(mut connection) => pipeline.query_async(&mut connection).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.failed(attempt, &error);
                None
            }
        }
    }

    /// Lets it rest, unless somebody has connected since.
    fn failed(&self, attempt: u64, error: &redis::RedisError) {
        let mut link = lock(&self.link);
        if link.attempt != attempt {
            return;
        }
        link.connection = None;
        link.rests_until = Some(Instant::now() + REST);
        if !std::mem::replace(&mut link.is_away, true) {
            tracing::warn!("recent messages are not kept in Redis: {error}");
        }
    }

    async fn get(&self, room: &str) -> Option<Run> {
        let [recent, oldest] = self.keys(room);
        let mut pipeline = redis::pipe();
        pipeline.zrange(&recent, 0, -1).get(&oldest);
        let (members, oldest): (Vec<Vec<u8>>, Option<u64>) = self.ask(&pipeline).await?;
        let mut messages: Vec<_> = members.into_iter().filter_map(decode).collect();
        messages.sort_by_key(|stored| stored.offset);
        if messages.windows(2).any(|pair| pair[0].offset == pair[1].offset) {
            tracing::warn!("Redis had messages of another store: {recent} is emptied");
            self.forget(room).await;
            return None;
        }
        let mut run = Run::default();
        messages.into_iter().for_each(|stored| run.push(stored));
        run.oldest = oldest.unwrap_or(0).max(u64::from(run.first() == 1));
        Some(run)
    }

    async fn merge(&self, room: &str, run: Run) {
        let [recent, oldest] = self.keys(room);
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        for stored in &run.messages {
            pipeline.zadd(&recent, encode(stored), stored.offset.get()).ignore();
        }
        let heaviest = run.messages.iter().map(run::weight).max().unwrap_or(1);
        let most = self.messages.min((run::BYTES / heaviest).max(1)) as isize;
        let idle = IDLE.as_millis() as i64;
        pipeline.zremrangebyrank(&recent, 0, -most - 1).ignore().pexpire(&recent, idle).ignore();
        if run.oldest > 0 {
            pipeline.pset_ex(&oldest, run.oldest, idle as u64).ignore();
        }
        self.ask::<()>(&pipeline).await;
    }

    async fn forget(&self, room: &str) {
        let mut pipeline = redis::pipe();
        pipeline.del(&self.keys(room)).ignore();
        self.ask::<()>(&pipeline).await;
    }
}

impl Shelf for Shared {
    fn get<'a>(&'a self, room: &'a str) -> BoxFuture<'a, Option<Run>> {
        Box::pin(self.server.get(room))
    }

    fn merge<'a>(&'a self, room: &'a str, run: Run) -> BoxFuture<'a, ()> {
        Box::pin(self.server.merge(room, run))
    }

    /// Nobody who publishes waits for Redis.
    fn add<'a>(&'a self, room: &'a str, run: Run) -> BoxFuture<'a, ()> {
        if let Ok(permit) = self.sending.clone().try_acquire_owned() {
            let (server, room) = (self.server.clone(), room.to_owned());
            drop(rt::spawn(async move {
                server.merge(&room, run).await;
                drop(permit);
            }));
        }
        Box::pin(std::future::ready(()))
    }

    fn forget<'a>(&'a self, room: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(self.server.forget(room))
    }
}

fn encode(stored: &Stored) -> Vec<u8> {
    let payload = stored.message.as_bytes();
    let mut member = Vec::with_capacity(HEAD + payload.len());
    member.extend_from_slice(&stored.offset.get().to_be_bytes());
    member.extend_from_slice(&stored.millis().to_be_bytes());
    member.push(if stored.message.is_text() { TEXT } else { BINARY });
    member.extend_from_slice(payload);
    member
}

/// Nothing, if somebody else has put it there.
fn decode(mut member: Vec<u8>) -> Option<Stored> {
    let payload = member.get(HEAD..)?.to_vec();
    member.truncate(HEAD);
    let (offset, rest) = member.split_first_chunk::<8>()?;
    let (millis, kind) = rest.split_first_chunk::<8>()?;
    let message = match *kind {
        [TEXT] => Text::try_from(payload).ok()?.into(),
        [BINARY] => Message::binary(payload),
        _ => return None,
    };
    Some(Stored::new(Offset(u64::from_be_bytes(*offset)), u64::from_be_bytes(*millis), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_is_what_went() {
        for message in [Message::text("🐟\0"), Message::binary(vec![0, 255]), Message::text("")] {
            let stored = Stored::new(Offset(1 << 60), 1_700_000_000_123, message);
            assert_eq!(decode(encode(&stored)), Some(stored));
        }
        for garbage in [vec![], vec![0; 16], vec![9; 17], [vec![0; 17], vec![255]].concat()] {
            assert_eq!(decode(garbage), None);
        }
    }
}
