//! Over Redis: SUBSCRIBE and PUBLISH, on one connection.

mod intake;
#[cfg_attr(not(feature = "tls"), path = "tls_off.rs")]
mod tls;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use redis::{AsyncConnectionConfig, Client, ErrorKind, ProtocolVersion, RedisError, aio::MultiplexedConnection};

use self::tls::{Driver, Secure};
use super::{
    Broker, Channel, Outlet, Session,
    adapter::{Ending, OVER, PATIENCE, PREFIX, checked_prefix, parts},
};
use crate::{
    error::{Error, Result},
    rt::{BoxFuture, timeout},
};

/// The longest message. A server gives up on a subscriber for whom more than 32 MiB wait (`client-output-buffer-limit`).
const MAX_LEN: usize = 8 * 1024 * 1024;
/// Channels in one SUBSCRIBE: each has its own answer.
const AT_ONCE: usize = 1000;

/// Nodes that find each other over Redis, or what speaks its protocol, from version 6 on (feature `redis`).
///
/// ```no_run
/// use sockeye::{App, RedisBroker};
///
/// # fn main() -> sockeye::Result<()> {
/// let app = App::new().broker(RedisBroker::new("redis://:secret@cache.internal:6379")?.prefix("chat"));
/// # Ok(())
/// # }
/// ```
///
/// # What it does there
///
/// It publishes and subscribes, by exact names, and stores nothing: no keys, no patterns, no scripts. A user of Redis needs
/// no more than `+subscribe +unsubscribe +publish` on the channels `sockeye:*`. They are:
///
/// | channel | what it carries |
/// | --- | --- |
/// | `sockeye:nodes` | what is for all nodes |
/// | `sockeye:node:<id>` | what is for one |
/// | `sockeye:room:<name>` | what is for those that serve the room; the name as it is |
///
/// Channels are the server's, not a database's: apps that share a server have prefixes of their own ([`prefix`](Self::prefix)).
/// A node has one connection.
///
/// # When it ends a session
///
/// If the server closes the connection or has no answer within 5 s, refuses a command, or if more than 64 MiB wait to be
/// received. A message has at most 8 MiB.
#[derive(Clone)]
pub struct RedisBroker {
    client: Client,
    /// For `rediss://`.
    secure: Option<Secure>,
    prefix: Arc<str>,
}

impl RedisBroker {
    /// `redis://[[user]:password@]host[:port][/db]`, or `unix:///path/to/socket[?user=…&pass=…]`. Connects to nothing yet.
    ///
    /// With the feature `tls` also `rediss://…`, encrypted. The server's certificate is checked against those that the system
    /// trusts, or those in the file that the environment variable `SSL_CERT_FILE` names.
    ///
    /// # Errors
    ///
    /// If it is no such address.
    pub fn new(url: &str) -> Result<Self> {
        let (url, secure) = match url.strip_prefix("rediss://") {
            Some(rest) => (&*format!("redis://{rest}"), Some(Secure::new()?)),
            None => (url, None),
        };
        let client = Client::open(url).and_then(|client| {
            let info = client.get_connection_info().clone();
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
            Client::open(info.set_redis_settings(settings))
        });
        match client {
            Ok(client) => Ok(Self { client, secure, prefix: PREFIX.into() }),
            // What came may have a password in it.
            Err(error) => Err(Error::broker(format!(
                "expected `redis://[[user]:password@]host[:port][/db]` or `unix:///path`, got something else: {error}"
            ))),
        }
    }

    /// What the names of all channels begin with, instead of `sockeye`: for apps that share a server.
    ///
    /// # Panics
    ///
    /// If it is not 1 to 64 ASCII letters, digits, `-` and `_`.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = checked_prefix(prefix);
        self
    }

    async fn open(&self) -> Result<Session> {
        let (ending, names) = (Ending::default(), Names(self.prefix.clone()));
        let (intake, feed) = intake::channel(ending.clone(), names.clone());
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_push_sender(move |push| feed.take(push));
        let connecting = async {
            match &self.secure {
                None => Ok((self.client.get_multiplexed_async_connection_with_config(&config).await?, None)),
                Some(secure) => {
                    let (connection, driver) = secure.connect(self.client.get_connection_info(), config).await?;
                    Ok((connection, Some(driver)))
                }
            }
        };
        let problem = match timeout(PATIENCE, connecting).await {
            Ok(Ok(connection)) => {
                let outlet = RedisOutlet { connection: Some(connection), ending, names };
                return Ok(Session { outlet: Box::new(outlet), intake: Box::new(intake) });
            }
            Ok(Err(error)) => explain(&error),
            Err(_) => format!("there was no answer within {PATIENCE:?}"),
        };
        Err(Error::broker(format!("can't connect to Redis at {}: {problem}", self.address())))
    }

    /// Without the password.
    fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }
}

fn explain(error: &RedisError) -> String {
    let refused = || format!("it refuses the user or the password: {error}");
    match error.kind() {
        ErrorKind::Parse => format!("expected a Redis server, got an answer that is not of its protocol: {error}"),
        ErrorKind::RESP3NotSupported => format!("expected version 6 or later: {error}"),
        ErrorKind::AuthenticationFailed => refused(),
        _ if matches!(error.code(), Some("NOAUTH" | "WRONGPASS")) => refused(),
        _ => error.to_string(),
    }
}

impl Broker for RedisBroker {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn connect(&self) -> BoxFuture<'_, Result<Session>> {
        Box::pin(self.open())
    }
}

impl fmt::Debug for RedisBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBroker").field("address", &self.address()).field("prefix", &self.prefix).finish()
    }
}

/// What channels are called: a prefix, what they are for, and its name as it is. Redis takes any bytes.
#[derive(Clone)]
struct Names(Arc<str>);

impl Names {
    fn of(&self, channel: &Channel) -> String {
        let prefix = &self.0;
        match channel {
            Channel::Nodes => format!("{prefix}:nodes"),
            Channel::Node(id) => format!("{prefix}:node:{id}"),
            Channel::Room(name) => format!("{prefix}:room:{name}"),
        }
    }

    fn channel(&self, name: &[u8]) -> Option<Channel> {
        let rest = std::str::from_utf8(name).ok()?.strip_prefix(&*self.0)?.strip_prefix(':')?;
        match rest.split_once(':') {
            None if rest == "nodes" => Some(Channel::Nodes),
            Some(("node", id)) => Some(Channel::Node(id.into())),
            Some(("room", name)) => Some(Channel::Room(name.into())),
            _ => None,
        }
    }
}

/// Has the connection, and with it its task: dropped, it closes the queue of the intake.
struct RedisOutlet {
    connection: Option<(MultiplexedConnection, Option<Driver>)>,
    ending: Ending,
    names: Names,
}

impl RedisOutlet {
    fn connection(&self) -> Result<MultiplexedConnection> {
        match &self.connection {
            Some((connection, _)) => Ok(connection.clone()),
            None => Err(self.ending.set(OVER)),
        }
    }

    /// After a failure there is no connection any more.
    fn keep_if(&mut self, done: Result<()>) -> Result<()> {
        if done.is_err() {
            self.connection = None;
        }
        done
    }

    fn names(&self, channels: &[Channel]) -> Vec<String> {
        channels.iter().map(|channel| self.names.of(channel)).collect()
    }
}

impl Outlet for RedisOutlet {
    fn max_len(&self) -> usize {
        MAX_LEN
    }

    fn subscribe<'a>(&'a mut self, channels: &'a [Channel]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for some in channels.chunks(AT_ONCE) {
                let mut connection = self.connection()?;
                let done = self.ending.guard("subscribe", connection.subscribe(self.names(some))).await;
                self.keep_if(done)?;
            }
            Ok(())
        })
    }

    fn unsubscribe<'a>(&'a mut self, channels: &'a [Channel]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for some in channels.chunks(AT_ONCE) {
                let mut connection = self.connection()?;
                let done = self.ending.guard("unsubscribe", connection.unsubscribe(self.names(some))).await;
                self.keep_if(done)?;
            }
            Ok(())
        })
    }

    fn publish<'a>(&'a mut self, messages: &'a [(Channel, Bytes)]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for part in parts(messages) {
                let mut commands = redis::pipe();
                for (channel, payload) in part {
                    commands.cmd("PUBLISH").arg(self.names.of(channel)).arg(&payload[..]).ignore();
                }
                let mut connection = self.connection()?;
                let done = self.ending.guard("publish", commands.exec_async(&mut connection)).await;
                self.keep_if(done)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_data_both_ways() {
        let names = Names("a-b".into());
        let channels = [
            Channel::Nodes,
            Channel::Node("0123".into()),
            Channel::Room("lobby".into()),
            Channel::Room("nodes".into()),
            Channel::Room(":node:x:".into()),
            Channel::Room(" *?[a]\r\n\0{}".into()),
        ];
        for channel in channels {
            assert_eq!(names.channel(names.of(&channel).as_bytes()), Some(channel));
        }
        for other in ["", "a-b", "a-b:", "a-b:nodes:", "a-bc:nodes", "sockeye:nodes", "a-b:rooms:x"] {
            assert_eq!(names.channel(other.as_bytes()), None, "{other}");
        }
        assert_eq!(names.channel(b"a-b:room:\xff"), None);
    }

    #[test]
    fn says_what_it_expects_and_no_password() {
        for url in ["http://host", "redis://", "host:1", "redis://:hunter2@host:port", "redis://host/x"] {
            let error = RedisBroker::new(url).unwrap_err();
            assert!(error.is_broker(), "{url}");
            let text = error.to_string();
            assert!(text.starts_with("expected `redis://") && !text.contains("hunter2"), "{url}: {text}");
        }
        let broker = RedisBroker::new("redis://me:hunter2@host/3").unwrap().prefix("chat");
        assert_eq!(format!("{broker:?}"), r#"RedisBroker { address: "host:6379", prefix: "chat" }"#);
    }
}
