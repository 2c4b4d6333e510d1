//! The client's side of TLS.

use std::{io, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use super::certificate::provider;
use crate::error::{Error, Result};

/// Makes TLS of streams to servers that have a trusted certificate.
pub(crate) struct Connector(TlsConnector);

impl Connector {
    /// Trusts the certificates in `pem` and what they vouch for; with `None` those that the system trusts, which are read
    /// now.
    pub(crate) fn new(pem: Option<&[u8]>) -> Result<Self> {
        let roots = match pem {
            Some(pem) => given(pem)?,
            None => of_the_system()?,
        };
        // Named, not looked up: where two providers are compiled in, the lookup panics.
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // The handshake of a socket is one of HTTP/1.1.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// The handshake with a server that has a certificate for `host`, a name or an IP address.
    ///
    /// Cancel safety: dropped, the stream is closed.
    pub(crate) async fn connect<S>(&self, host: &str, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let host = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.0.connect(host, stream).await
    }
}

fn given(pem: &[u8]) -> Result<RootCertStore> {
    let broken = |error: &dyn std::fmt::Display| Error::tls(format!("the root certificates can't be used: {error}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| broken(&error))?;
        roots.add(certificate).map_err(|error| broken(&error))?;
    }
    if roots.is_empty() {
        return Err(broken(&"expected PEM with `-----BEGIN CERTIFICATE-----`, got none"));
    }
    Ok(roots)
}

fn of_the_system() -> Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems have some that are too old to be read.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        return Err(Error::tls(format!(
            "expected the system to have certificates that it trusts, got none{why}: install them (`ca-certificates` on \
             Debian), or give some with `root_certificates`"
        )));
    }
    Ok(roots)
}
