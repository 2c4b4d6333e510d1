//! Whom we believe that it is the server.

use std::sync::Arc;

use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::error::{Error, Result};

/// Trusts whom the system trusts. Names its cryptography, because without that rustls panics in a program that has several.
pub(super) fn config() -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    // What can't be read is not trusted. If nothing is left, no certificate will do, and TLS says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::broker(format!("expected TLS to be usable: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
