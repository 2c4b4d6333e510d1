//! Over NATS: a subscription for each channel, all on one connection.

mod address;
mod intake;
mod outlet;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ReconnectToServer};

use tokio_rustls::rustls::ClientConfig;

use self::{
    address::{Address, nowhere},
    intake::{NatsIntake, Note, Notes},
    outlet::NatsOutlet,
};
use super::{
    Broker, Session,
    adapter::{Ending, PATIENCE, PREFIX, checked_prefix},
    tls,
};
use crate::{
    error::{Error, Result},
    rt::{BoxFuture, timeout},
};

/// A connection that is silent for so long is asked whether it lives, at most three times.
const PING: Duration = Duration::from_secs(5);

/// Nodes that find each other over NATS (feature `nats`).
///
/// ```no_run
/// use sockeye::{App, NatsBroker};
///
/// # fn main() -> sockeye::Result<()> {
/// let app = App::new().broker(NatsBroker::new("nats://chat:secret@nats.internal:4222")?.prefix("chat"));
/// # Ok(())
/// # }
/// ```
///
/// # What it does there
///
/// It publishes and subscribes, by exact subjects; no JetStream, no wildcards. A user of NATS needs no more than to publish
/// and to subscribe to `sockeye.>`. The subjects are:
///
/// | subject | what it carries |
/// | --- | --- |
/// | `sockeye.nodes` | what is for all nodes |
/// | `sockeye.node.<id>` | what is for one |
/// | `sockeye.room.<name>` | what is for those that serve the room |
/// | `sockeye.confirm.<server>.<client>` | what a node asks itself, to hear that the server has its subscriptions |
///
/// In the name of a room all but ASCII letters, digits, `-` and `_` are percent-encoded, byte for byte (RFC 3986 section
/// 2.1, upper case): `lobby 1` is `sockeye.room.lobby%201`. Apps that share a server have prefixes of their own
/// ([`prefix`](Self::prefix)).
///
/// # When it ends a session
///
/// If the connection is lost, the server reports an error or has no answer within 5 s, and if more than 65,536 messages of
/// one channel wait to be received: the next ones are lost then. It never connects again by itself, so that nothing that was
/// missed goes unnoticed. A message has at most what the server allows (`max_payload`, 1 MiB by default).
///
/// A room that a node serves takes about 6 KiB there, for the queue of its subscription.
///
/// In a cluster, a subscription is confirmed by the server that the node is connected to. The others learn of it a moment
/// later.
#[derive(Clone)]
pub struct NatsBroker {
    addresses: Arc<[Address]>,
    /// Which of them is next.
    next: Arc<AtomicUsize>,
    /// For `nats://` too: a server may ask for TLS.
    tls: Arc<ClientConfig>,
    prefix: Arc<str>,
}

impl NatsBroker {
    /// `nats://[user:password@]host[:port]`, or `tls://` for a connection that must be encrypted; with `token@` instead of a
    /// user. The servers of a cluster are separated by commas: each attempt to connect is at the next. Connects to nothing
    /// yet.
    ///
    /// With TLS, the server's certificate is checked against those that the system trusts, or those in the file that the
    /// environment variable `SSL_CERT_FILE` names.
    ///
    /// # Errors
    ///
    /// If it is no such address.
    pub fn new(url: &str) -> Result<Self> {
        let addresses: Result<_> = url.split(',').map(|url| Address::parse(url.trim())).collect();
        Ok(Self { addresses: addresses?, next: Arc::default(), tls: Arc::new(tls::config()?), prefix: PREFIX.into() })
    }

    /// What all subjects begin with, instead of `sockeye`: for apps that share a server.
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
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let address = &self.addresses[turn % self.addresses.len()];
        let failed = |problem: &dyn fmt::Display| {
            Error::broker(format!("can't connect to NATS at {}: {problem}", address.public()))
        };
        let (ending, (notes, intake)) = (Ending::default(), intake::channel());
        let connecting = async {
            let client = self.client(address, ending.clone(), &notes).await?;
            NatsOutlet::new(client, ending.clone(), notes, &self.prefix).await.map_err(|error| error.to_string())
        };
        match timeout(PATIENCE, connecting).await {
            Ok(Ok(outlet)) => {
                let intake = NatsIntake::new(intake, ending);
                Ok(Session { outlet: Box::new(outlet), intake: Box::new(intake) })
            }
            Ok(Err(problem)) => Err(failed(&problem)),
            Err(_) => Err(failed(&format_args!("there was no answer within {PATIENCE:?}"))),
        }
    }

    async fn client(&self, address: &Address, ending: Ending, notes: &Notes) -> Result<Client, String> {
        let notes = notes.downgrade();
        let options = ConnectOptions::new()
            .name("sockeye")
            // Ours, which is for all of it, comes first.
            .connection_timeout(PATIENCE * 2)
            .ping_interval(PING)
            .skip_subject_validation(true)
            .tls_client_config((*self.tls).clone())
            .ignore_discovered_servers()
            // The library would reconnect and say nothing of what was missed meanwhile. It can't be told not to. But it can be
            // told where to: once it was connected, that is nowhere, and it gives up after the first attempt.
            .max_reconnects(1)
            .reconnect_to_server_callback(|servers, _| async move {
                let server =
                    if servers.iter().any(|server| server.did_connect) { servers.last() } else { servers.first() };
                server.map(|server| ReconnectToServer { addr: server.addr.clone(), delay: Some(Duration::ZERO) })
            })
            .event_callback(move |event| {
                if let Some(reason) = fatal(&event) {
                    ending.set(reason);
                    if let Some(notes) = notes.upgrade() {
                        // Nobody is there to be told if the session was dropped.
                        notes.send(Note::Ended).ok();
                    }
                }
                std::future::ready(())
            });
        let servers = [address.server().clone(), nowhere()];
        address.log_in(options).connect(&servers[..]).await.map_err(|error| match error.kind() {
            ConnectErrorKind::AuthorizationViolation => "it refuses the user, the password or the token".to_owned(),
            _ => error.to_string(),
        })
    }
}

/// Why an event of the library is the session's end, if it is.
fn fatal(event: &Event) -> Option<String> {
    match event {
        Event::Disconnected => Some("the server has closed the connection".to_owned()),
        Event::SlowConsumer(_) => Some("more than 65,536 messages of a channel were waiting to be received".to_owned()),
        Event::ServerError(error) => Some(format!("the server reports {error}")),
        Event::ClientError(error) => Some(error.to_string()),
        // Its end is near, but not yet: there may be nothing else to connect to.
        Event::LameDuckMode | Event::Connected | Event::Draining | Event::Closed => None,
    }
}

impl Broker for NatsBroker {
    fn name(&self) -> &'static str {
        "nats"
    }

    fn connect(&self) -> BoxFuture<'_, Result<Session>> {
        Box::pin(self.open())
    }
}

impl fmt::Debug for NatsBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<_> = self.addresses.iter().map(Address::public).collect();
        f.debug_struct("NatsBroker").field("addresses", &addresses).field("prefix", &self.prefix).finish()
    }
}
