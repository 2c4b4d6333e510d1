//! TLS for the server, with certificates that can change while it runs; and for the client. The only door to rustls.

mod certificate;
#[cfg(feature = "client")]
mod connector;

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
    server::TlsStream,
};

use self::certificate::{Files, Read};
#[cfg(feature = "client")]
pub(crate) use self::connector::Connector;
use crate::{
    error::{Error, Result},
    sync::lock,
};

/// Files are not looked at more often than that.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// A certificate and its key, for [`App::tls`](crate::App::tls): TLS 1.3 (RFC 8446) and TLS 1.2.
///
/// It is also the handle to change the certificate: clones are cheap and share it. A new certificate counts for the
/// connections that come after; open sockets go on with theirs.
///
/// ```no_run
/// use std::time::Duration;
///
/// use sockeye::{TlsConfig, prelude::*};
///
/// #[get("/")]
/// async fn index() -> &'static str { "encrypted" }
///
/// #[sockeye::main]
/// async fn main() -> Result<()> {
///     let tls = TlsConfig::from_files("chain.pem", "key.pem")?.reload_every(Duration::from_secs(60));
///     App::new().route(index).tls(tls).run().await
/// }
/// ```
#[derive(Clone)]
pub struct TlsConfig {
    shared: Arc<Shared>,
    /// How often the files are looked at.
    every: Option<Duration>,
}

struct Shared {
    server: ServerConfig,
    current: Arc<Current>,
    source: Option<Source>,
}

/// The certificate that the next connection gets.
#[derive(Debug)]
struct Current(Mutex<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(lock(&self.0).clone())
    }
}

/// Where the certificate was read, and may be read again.
struct Source {
    files: Files,
    /// What was there the last time: tells whether it has changed. Locked for as long as files are read and put to use, so
    /// that what was read last wins.
    seen: Mutex<u64>,
}

impl TlsConfig {
    /// Reads the certificate and those that vouch for it, its own first, and its private key, each from a file in PEM
    /// (RFC 7468). Both may be in the same file. The key is PKCS #8, PKCS #1 (RSA) or SEC 1 (elliptic curves), and not
    /// encrypted.
    ///
    /// It reads at once, and blocks for as long as that takes.
    ///
    /// # Errors
    ///
    /// If a file can't be read or holds something else, if the key is encrypted or of a kind that is not supported, or if
    /// it does not belong to the certificate. The error names the file, and says what was expected.
    pub fn from_files(certificates: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self> {
        let files = Files { certificates: certificates.into(), key: key.into() };
        let read = files.read();
        let seen = Mutex::new(fingerprint(&read));
        Self::with(read?.certify()?, Some(Source { files, seen }))
    }

    /// The same from bytes in PEM, as they come out of a store of secrets.
    ///
    /// # Errors
    ///
    /// As those of [`from_files`](Self::from_files).
    pub fn from_pem(certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self> {
        Self::with(Read::of_bytes(certificates.as_ref(), key.as_ref()).certify()?, None)
    }

    fn with(certified: CertifiedKey, source: Option<Source>) -> Result<Self> {
        let current = Arc::new(Current(Mutex::new(Arc::new(certified))));
        // Named, not looked up: where two providers are compiled in, the lookup panics.
        let server = ServerConfig::builder_with_provider(certificate::provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::tls(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        Ok(Self { shared: Arc::new(Shared { server, current, source }), every: None })
    }

    /// Has a server look at the files so often (at most a hundred times a second), and reload them when what is in them
    /// has changed. The log says so, once a change, also when they can't be used. For [`from_files`](Self::from_files);
    /// it does nothing to bytes.
    pub fn reload_every(mut self, interval: Duration) -> Self {
        self.every = Some(interval.max(SHORTEST_INTERVAL));
        self
    }

    /// Reads the files again, now. It blocks for as long as that takes.
    ///
    /// # Errors
    ///
    /// As those of [`from_files`](Self::from_files); the old certificate then stays in use. Also if the certificate came
    /// from bytes: [`replace`](Self::replace) is for those.
    pub fn reload(&self) -> Result<()> {
        let Some(source) = &self.shared.source else {
            let text = "expected a certificate from files, got one from bytes; use `replace` to give others";
            return Err(Error::tls(text.into()));
        };
        let mut seen = lock(&source.seen);
        let read = source.files.read();
        *seen = fingerprint(&read);
        self.use_from_now(read?.certify()?);
        Ok(())
    }

    /// Takes another certificate and key, from bytes in PEM.
    ///
    /// # Errors
    ///
    /// As those of [`from_pem`](Self::from_pem); the old certificate then stays in use.
    pub fn replace(&self, certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<()> {
        self.use_from_now(Read::of_bytes(certificates.as_ref(), key.as_ref()).certify()?);
        Ok(())
    }

    fn use_from_now(&self, certified: CertifiedKey) {
        *lock(&self.shared.current.0) = Arc::new(certified);
    }

    /// Reloads if what is in the files has changed. `None`: it has not.
    fn reload_changed(&self) -> Option<Result<()>> {
        let source = self.shared.source.as_ref()?;
        let mut seen = lock(&source.seen);
        let read = source.files.read();
        let now = fingerprint(&read);
        if std::mem::replace(&mut *seen, now) == now {
            return None;
        }
        Some(read.and_then(|read| read.certify()).map(|certified| self.use_from_now(certified)))
    }

    /// Reloads the files whenever they change, for ever.
    ///
    /// Cancel safety: a reload that is under way is completed.
    pub(crate) async fn watch(&self) {
        let (Some(every), Some(source)) = (self.every, &self.shared.source) else {
            return std::future::pending().await;
        };
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let config = self.clone();
            match spawn_blocking(move || config.reload_changed()).await {
                Ok(None) => {}
                Ok(Some(Ok(()))) => tracing::info!("reloaded the certificate in {}", source.files),
                Ok(Some(Err(error))) => tracing::error!("the old certificate stays in use: {error}"),
                Err(error) => tracing::error!(%error, "can't look at the certificate's files"),
            }
        }
    }

    /// What accepts connections that speak one of `protocols` (ALPN, RFC 7301), the best first.
    pub(crate) fn acceptor(&self, protocols: &[&[u8]]) -> Acceptor {
        let mut server = self.shared.server.clone();
        server.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Acceptor(TlsAcceptor::from(Arc::new(server)))
    }
}

/// Tells one content from another, and one failure from another.
fn fingerprint(read: &Result<Read>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match read {
        Ok(read) => read.hash(&mut hasher),
        Err(error) => error.to_string().hash(&mut hasher),
    }
    hasher.finish()
}

/// Makes TLS of streams.
#[derive(Clone)]
pub(crate) struct Acceptor(TlsAcceptor);

impl Acceptor {
    /// The handshake, and the protocol that was agreed on. A stream on which it fails comes back: the alert is on its way.
    ///
    /// Cancel safety: dropped, the stream is closed.
    pub(crate) async fn accept<S>(&self, stream: S) -> Result<(TlsStream<S>, Option<Vec<u8>>), (io::Error, S)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = self.0.accept(stream).into_fallible().await?;
        let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        Ok((stream, protocol))
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.shared.source.as_ref().map(|source| source.files.to_string());
        f.debug_struct("TlsConfig").field("files", &files).field("reload_every", &self.every).finish()
    }
}
