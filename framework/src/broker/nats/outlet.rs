//! What goes out: messages, subscriptions, and questions to oneself.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt::Display,
    sync::Arc,
};

use async_nats::{Client, Subscriber};
use bytes::Bytes;
use futures_util::{StreamExt, stream::AbortHandle};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::intake::{Feed, Note, Notes};
use crate::{
    broker::{
        Channel, Outlet,
        adapter::{Ending, OVER, parts},
    },
    error::Result,
    rt::BoxFuture,
};

/// What is encoded in a name. What is left can be no separator, no wildcard and no space, whatever a server takes for one; and
/// the longest name makes 3 KiB, of the 4 KiB that a server takes a line of.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Subscriptions that are confirmed together: the server's time is for each such part.
const AT_ONCE: usize = 1000;

/// Has the client: with it goes the connection.
pub(super) struct NatsOutlet {
    /// `None` when the session has ended.
    link: Option<Link>,
    max_len: usize,
    ending: Ending,
    prefix: Arc<str>,
}

struct Link {
    client: Client,
    subscribed: HashMap<Channel, AbortHandle>,
    notes: Notes,
    echo: Echo,
}

/// Hears what was sent to itself, behind everything that was sent before.
struct Echo {
    subject: String,
    heard: Subscriber,
    count: u64,
}

impl NatsOutlet {
    pub(super) async fn new(client: Client, ending: Ending, notes: Notes, prefix: &Arc<str>) -> Result<Self> {
        let (info, max_len) = (client.server_info(), client.max_payload());
        // Nobody else has both: a server has another id whenever it starts.
        let subject = format!("{prefix}.confirm.{}.{}", utf8_percent_encode(&info.server_id, ENCODED), info.client_id);
        let heard = ending.guard("subscribe", client.subscribe(subject.clone())).await?;
        let mut echo = Echo { subject, heard, count: 0 };
        ending.guard("subscribe", echo.confirm(&client)).await?;
        let link = Link { client, subscribed: HashMap::new(), notes, echo };
        Ok(Self { link: Some(link), max_len, ending, prefix: prefix.clone() })
    }

    /// After a failure there is no connection any more, and with the notes the intake ends.
    fn keep_if(&mut self, done: Result<()>) -> Result<()> {
        if done.is_err() {
            self.link = None;
        }
        done
    }
}

impl Link {
    async fn subscribe(&mut self, prefix: &str, channels: &[Channel]) -> Result<(), String> {
        for channel in channels {
            let Entry::Vacant(entry) = self.subscribed.entry(channel.clone()) else { continue };
            let messages = self.client.subscribe(subject(prefix, channel)).await.map_err(text)?;
            let (feed, handle) = Feed::new(channel.clone(), messages);
            entry.insert(handle);
            self.notes.send(Note::Subscribed(feed)).map_err(|_| "the half that receives was dropped")?;
        }
        self.echo.confirm(&self.client).await
    }

    async fn publish(&self, prefix: &str, messages: &[(Channel, Bytes)]) -> Result<(), String> {
        for (channel, payload) in messages {
            self.client.publish(subject(prefix, channel), payload.clone()).await.map_err(text)?;
        }
        self.client.flush().await.map_err(text)
    }
}

impl Echo {
    async fn confirm(&mut self, client: &Client) -> Result<(), String> {
        self.count += 1;
        let asked = self.count.to_be_bytes();
        client.publish(self.subject.clone(), Bytes::copy_from_slice(&asked)).await.map_err(text)?;
        while let Some(heard) = self.heard.next().await {
            // Others may be left from a call that was not waited for.
            if heard.payload[..] == asked {
                return Ok(());
            }
        }
        Err("the connection was closed".to_owned())
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

/// One to one, and nothing but ASCII.
fn subject(prefix: &str, channel: &Channel) -> String {
    match channel {
        Channel::Nodes => format!("{prefix}.nodes"),
        Channel::Node(id) => format!("{prefix}.node.{}", utf8_percent_encode(id, ENCODED)),
        Channel::Room(name) => format!("{prefix}.room.{}", utf8_percent_encode(name, ENCODED)),
    }
}

impl Outlet for NatsOutlet {
    fn max_len(&self) -> usize {
        self.max_len
    }

    fn subscribe<'a>(&'a mut self, channels: &'a [Channel]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for some in channels.chunks(AT_ONCE) {
                let link = self.link.as_mut().ok_or_else(|| self.ending.set(OVER))?;
                let done = self.ending.guard("subscribe", link.subscribe(&self.prefix, some)).await;
                self.keep_if(done)?;
            }
            Ok(())
        })
    }

    fn unsubscribe<'a>(&'a mut self, channels: &'a [Channel]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let done = self.ending.check();
            self.keep_if(done)?;
            let link = self.link.as_mut().ok_or_else(|| self.ending.set(OVER))?;
            for handle in channels.iter().filter_map(|channel| link.subscribed.remove(channel)) {
                // The intake drops what was aborted, which tells the server.
                handle.abort();
            }
            Ok(())
        })
    }

    fn publish<'a>(&'a mut self, messages: &'a [(Channel, Bytes)]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for part in parts(messages) {
                let link = self.link.as_ref().ok_or_else(|| self.ending.set(OVER))?;
                let done = self.ending.guard("publish", link.publish(&self.prefix, part)).await;
                self.keep_if(done)?;
            }
            Ok(())
        })
    }
}
