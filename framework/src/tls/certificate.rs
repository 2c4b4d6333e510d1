//! From PEM to a certificate with its key, and what may be wrong with them.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use tokio_rustls::rustls::{
    self, InconsistentKeys,
    crypto::{CryptoProvider, ring},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};

use crate::error::{Error, Result};

/// What encrypts and signs.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider())).clone()
}

/// Where a certificate chain and its key are.
pub(super) struct Files {
    pub(super) certificates: PathBuf,
    pub(super) key: PathBuf,
}

/// What was read: the bytes, and what messages call them.
#[derive(Hash)]
pub(super) struct Read {
    certificates: (String, Vec<u8>),
    key: (String, Vec<u8>),
}

impl Files {
    pub(super) fn read(&self) -> Result<Read> {
        let read = |path: &Path, what: &str| match fs::read(path) {
            Ok(bytes) => Ok((quoted(path), bytes)),
            Err(error) => Err(Error::tls(format!("can't read the {what} from {}: {error}", quoted(path)))),
        };
        Ok(Read { certificates: read(&self.certificates, "certificate")?, key: read(&self.key, "private key")? })
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {}", quoted(&self.certificates), quoted(&self.key))
    }
}

impl Read {
    pub(super) fn of_bytes(certificates: &[u8], key: &[u8]) -> Self {
        let named = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
        Self { certificates: named("the certificate's bytes", certificates), key: named("the key's bytes", key) }
    }

    /// Puts the two together, if they are what they should be and belong together.
    pub(super) fn certify(&self) -> Result<CertifiedKey> {
        let (chain, key) = (self.chain()?, self.key()?);
        CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
            let ((certificates, _), (key, _)) = (&self.certificates, &self.key);
            Error::tls(match error {
                rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => format!(
                    "the private key in {key} does not belong to the certificate in {certificates}: expected the key that \
                     the first certificate there was made for"
                ),
                rustls::Error::InvalidCertificate(error) => {
                    format!("the first certificate in {certificates} is broken: {error}")
                }
                error => format!("expected an RSA, ECDSA or Ed25519 key in {key}: {error}"),
            })
        })
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>> {
        let (name, bytes) = &self.certificates;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
        match found {
            Ok(chain) if chain.is_empty() => Err(nothing("a certificate, `-----BEGIN CERTIFICATE-----`", name, bytes)),
            Ok(chain) => Ok(chain),
            Err(error) => Err(broken(name, &error)),
        }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>> {
        let (name, bytes) = &self.key;
        match PrivateKeyDer::from_pem_slice(bytes) {
            Ok(key) => Ok(key),
            Err(_) if is_encrypted(bytes) => Err(Error::tls(format!(
                "the private key in {name} is encrypted: expected one that is not; \
                 `openssl pkey -in encrypted.pem -out key.pem` asks for its password and writes it so"
            ))),
            Err(pem::Error::NoItemsFound) => {
                Err(nothing("a private key, `-----BEGIN PRIVATE KEY-----` for example", name, bytes))
            }
            Err(error) => Err(broken(name, &error)),
        }
    }
}

/// RFC 7468 section 11; and how OpenSSL wrote them before.
fn is_encrypted(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED")
}

/// Says what is there instead, without saying what it says.
fn nothing(expected: &str, name: &str, bytes: &[u8]) -> Error {
    let text = String::from_utf8_lossy(bytes);
    let labels = text.lines().filter_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
    let labels: Vec<_> = labels.take(5).collect();
    let got = match &labels[..] {
        [] if bytes.is_empty() => "nothing".to_owned(),
        [] => "no PEM at all".to_owned(),
        labels => labels.join(", "),
    };
    Error::tls(format!("expected {expected}, in {name}, got {got}"))
}

fn broken(name: &str, error: &pem::Error) -> Error {
    let what = match error {
        pem::Error::MissingSectionEnd { .. } => "a section without its end".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a section that begins with a broken line".to_owned(),
        pem::Error::Base64Decode(_) => "a section that is not base64".to_owned(),
        error => error.to_string(),
    };
    Error::tls(format!("expected PEM in {name}, got {what}"))
}

fn quoted(path: &Path) -> String {
    format!("`{}`", path.display())
}
