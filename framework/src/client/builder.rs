//! Settings of a client.

use std::{fmt, io, marker::PhantomData, sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    cause::Cause,
    dial::{Dialer, Query, Way},
    handle::{Client, Resume},
    inbox::Inbox,
    outbox::Outbox,
    sender::Sender,
    shared::Shared,
    state::State,
    target::Target,
    worker::{Settings, Worker},
};
use crate::{
    error::{Error, Result},
    history::Offset,
    rt,
    tls::Connector,
    ws::{Inbound, Message},
};

/// What the handshake itself sets (RFC 6455 section 4.1).
const OURS: [HeaderName; 7] = [
    header::CONNECTION,
    header::HOST,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_VERSION,
    header::UPGRADE,
];

/// A [`Client`] to be: where it connects to, and its limits.
///
/// ```no_run
/// use std::time::Duration;
///
/// use serde_json::Value;
/// use sockeye::client::Client;
///
/// # async fn login() -> sockeye::Result<String> { Ok("t".into()) }
/// # async fn example() -> sockeye::Result<()> {
/// let client: Client<Value, Value> = Client::builder("wss://example.com/ws/lobby")
///     .query("name", "Ann & Bob")
///     .query_with(async || Ok(vec![("token".to_owned(), login().await?)]))
///     .header("x-team", "tea")
///     .heartbeat(Duration::from_secs(10), Duration::from_secs(5))
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "`connect` or `start` makes a client of it"]
pub struct Builder<In = Message, Out = Message> {
    url: String,
    query: Vec<(String, String)>,
    query_with: Option<Query>,
    headers: HeaderMap,
    protocols: Vec<String>,
    way: Option<Way>,
    roots: Option<Vec<u8>>,
    resume: Resume<In>,
    since: Option<Offset>,
    settings: Settings,
    connect_timeout: Duration,
    max_message: usize,
    inbox: usize,
    queue: (usize, usize),
    /// The first mistake.
    wrong: Option<Error>,
    types: PhantomData<fn(Out)>,
}

impl<In: Inbound, Out> Builder<In, Out> {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            query: Vec::new(),
            query_with: None,
            headers: HeaderMap::new(),
            protocols: Vec::new(),
            way: None,
            roots: None,
            resume: Resume::BySight,
            since: None,
            settings: Settings::default(),
            connect_timeout: Duration::from_secs(10),
            max_message: 4 << 20,
            inbox: 64,
            queue: (1000, 4 << 20),
            wrong: None,
            types: PhantomData,
        }
    }

    /// Adds a value to the URL's query, encoded as it has to be.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Adds values to the query that are asked for before each attempt: a token that expires, say. An attempt fails if
    /// `values` does; the time it takes counts as the connection's.
    pub fn query_with<F, R>(mut self, values: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<(String, String)>>> + Send + 'static,
    {
        self.query_with = Some(Box::new(move || Box::pin(values())));
        self
    }

    /// Adds a header line to the handshake.
    ///
    /// The handshake's own can't be set. A browser's `Origin` is not sent; a server that wants one takes it from here.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: fmt::Display>,
        V: TryInto<HeaderValue, Error: fmt::Display>,
    {
        let line = name.try_into().map_err(|error| error.to_string()).and_then(|name| {
            let value = value.try_into().map_err(|error| format!("{error} (`{name}`)"))?;
            if OURS.contains(&name) {
                return Err(format!("`{name}`, which the handshake sets itself"));
            }
            Ok((name, value))
        });
        match line {
            Ok((name, value)) => drop(self.headers.append(name, value)),
            Err(got) => self.mistake(format!("expected a header line, got {got}")),
        }
        self
    }

    /// Offers a subprotocol; those offered first are preferred. Once one is offered the server has to choose one.
    pub fn subprotocol(mut self, protocol: impl Into<String>) -> Self {
        let protocol = protocol.into();
        // A token (RFC 9110 section 5.6.2).
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if protocol.is_empty() || !protocol.bytes().all(is_token) {
            self.mistake(format!("expected a subprotocol like `chat.v2`, got {protocol:?}"));
        }
        self.protocols.push(protocol);
        self
    }

    /// Another way to the server than TCP: a Unix socket, a proxy, memory. It is called for each attempt. Host and port of
    /// the URL then are only what the server is told, and TLS what is spoken over it.
    ///
    /// ```no_run
    /// use sockeye::client::Client;
    ///
    /// # async fn example() -> sockeye::Result<()> {
    /// let client = Client::builder("ws://localhost/ws").over(|| tokio::net::UnixStream::connect("/run/chat.sock"));
    /// let client: Client = client.connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn over<F, R, S>(mut self, way: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.way = Some(Box::new(move || {
            let stream = way();
            Box::pin(async { Ok(Box::new(stream.await?) as _) })
        }));
        self
    }

    /// Trusts the certificates in these bytes in PEM, and those they vouch for, in place of the system's. For `wss` only.
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots = Some(pem.as_ref().to_vec());
        self
    }

    /// Goes on behind this offset: the first connection asks for it too. By default only those that follow do, with what
    /// the client has seen.
    pub fn since(mut self, offset: impl Into<Offset>) -> Self {
        self.since = Some(offset.into());
        self
    }

    /// Says which place in the history a message has; `None`: it is not stored. Messages whose offset is not above the
    /// last are dropped, since they came before.
    ///
    /// [`Offset::START`] is the place of an empty history: while no offset is known, the client goes on from there, and misses
    /// nothing of what is stored first. A message with it is never dropped.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use sockeye::{Offset, client::{Builder, Client}};
    ///
    /// #[derive(Deserialize)]
    /// #[serde(tag = "type", rename_all = "snake_case")]
    /// enum Said {
    ///     History { messages: Vec<Posted> },
    ///     Message(Posted),
    ///     Pong,
    /// }
    ///
    /// #[derive(Deserialize)]
    /// struct Posted {
    ///     id: Offset,
    /// }
    ///
    /// let client: Builder<Said> = Client::builder("wss://example.com/chat/tea").offset(|said: &Said| match said {
    ///     Said::History { messages } => Some(messages.last().map_or(Offset::START, |last| last.id)),
    ///     Said::Message(posted) => Some(posted.id),
    ///     Said::Pong => None,
    /// });
    /// ```
    ///
    /// By default it is the number in the field `offset`, or in `offset` inside of `data`. A message that says
    /// `"recovered":false`, in itself or in its `data`, tells that the server can't go on behind the last offset: then
    /// whatever offset comes next is taken.
    pub fn offset(mut self, offset: impl Fn(&In) -> Option<Offset> + Send + Sync + 'static) -> Self {
        self.resume = Resume::By(Box::new(offset));
        self
    }

    /// Never asks for what was missed, and looks at no offsets.
    pub fn no_resume(mut self) -> Self {
        self.resume = Resume::Never;
        self
    }

    /// Says which types of messages are questions, to be answered by the app: those that have an `id` come as
    /// [`Event::Question`](super::Event::Question). By default none are.
    pub fn questions<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.settings.questions.extend(types.into_iter().map(Into::into));
        self
    }

    /// Says after which causes another attempt is made. By default [`Cause::is_temporary`] does.
    pub fn retry(mut self, retry: impl Fn(&Cause) -> bool + Send + Sync + 'static) -> Self {
        self.settings.retry = Box::new(retry);
        self
    }

    /// Ends the client after so many attempts in a row have failed. By default it never gives up.
    pub fn attempts(mut self, most: u32) -> Self {
        self.settings.attempts = Some(most.max(1));
        self
    }

    /// After how much silence a ping is sent, and how long anything may then take to come before the connection counts as
    /// lost. By default 25 s and 10 s.
    pub fn heartbeat(mut self, silence: Duration, patience: Duration) -> Self {
        (self.settings.silence, self.settings.patience) = (silence, patience);
        self
    }

    /// How long an attempt may take, from the query's values to the end of the handshake. By default 10 s.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// How long an end may take: sending what is in the queue, and the closing handshake. By default 5 s.
    pub fn close_timeout(mut self, time: Duration) -> Self {
        self.settings.close_timeout = time;
        self
    }

    /// How many bytes a message may have that comes. By default 4 MiB. A larger one ends the client
    /// ([`Cause::TooLarge`]).
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// How many messages that came may wait to be taken. By default 64. Then reading stops, and TCP pushes back.
    pub fn inbox(mut self, messages: usize) -> Self {
        self.inbox = messages;
        self
    }

    /// How much may wait to be sent: messages, and bytes of all of them. By default 1,000 and 4 MiB. A full queue makes
    /// senders wait while there is a connection, and drops its oldest messages while there is none.
    pub fn queue(mut self, messages: usize, bytes: usize) -> Self {
        self.queue = (messages, bytes);
        self
    }

    fn mistake(&mut self, text: String) {
        self.wrong.get_or_insert_with(|| Error::other(text));
    }

    /// Connects, and waits for it: one attempt. Once there was a connection, it comes back by itself.
    ///
    /// # Errors
    ///
    /// When the attempt fails ([`Error::is_offline`]; [`Cause`] is in it), and those of [`start`](Self::start).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nothing is left of it.
    pub async fn connect(mut self) -> Result<Client<In, Out>> {
        self.settings.first_counts = true;
        let client = self.start()?;
        client.opened().await?;
        Ok(client)
    }

    /// A client that connects, again and again until there is a connection. What is sent meanwhile waits in the queue.
    /// Does not wait. For `wss` it reads the system's certificates, if no others were given.
    ///
    /// # Errors
    ///
    /// When the URL, a header line, a subprotocol or a certificate can't be used.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    pub fn start(self) -> Result<Client<In, Out>> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let target = Target::parse(&self.url)?;
        let mut headers = self.headers;
        if !self.protocols.is_empty() {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, self.protocols.join(", ").try_into()?);
        }
        let dialer = Dialer {
            tls: target.secure.then(|| Connector::new(self.roots.as_deref())).transpose()?,
            target,
            query: self.query,
            query_with: self.query_with,
            headers,
            way: self.way,
            timeout: self.connect_timeout,
            max_message: self.max_message,
        };
        // The first state is told as every other.
        let outbox = Outbox::new(self.queue.0, self.queue.1);
        let shared = Arc::new(Shared::new(Inbox::new(self.inbox), outbox, self.since));
        shared.tell(State::connecting(1));
        drop(rt::spawn(Worker::new(shared.clone(), dialer, self.settings).run()));
        Ok(Client::new(Sender::new(shared), self.resume))
    }
}

impl<In, Out> fmt::Debug for Builder<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a token.
        f.debug_struct("Builder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
