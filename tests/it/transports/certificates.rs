//! Where certificates come from, what may be wrong with them, and how they change under a running server.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use sockeye::{ErrorKind, Server, TlsConfig, prelude::*};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tracing::Level;

use super::{certificate::Pem, client::secure, logs::Logs};
use crate::robustness::raw::{Raw, soon};

/// A folder of its own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sockeye-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a folder");
        Self(path)
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        // In one step, as those who renew certificates do.
        let new = self.0.join("new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).expect("a file");
        path
    }

    /// A certificate in `chain.pem`, and its key in `key.pem`.
    fn hold(&self, pem: &Pem) -> (PathBuf, PathBuf) {
        (self.put("chain.pem", &pem.certificate), self.put("key.pem", &pem.key))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[websocket("/echo")]
async fn echo(mut ws: WebSocket) -> Result<()> {
    while let Some(message) = ws.next().await {
        ws.send(&message?).await?;
    }
    Ok(())
}

async fn serve(tls: TlsConfig) -> Server {
    App::new().route(echo).tls(tls).serve(TcpListener::bind("127.0.0.1:0").await.expect("can't bind"))
}

/// What a new connection is shown.
async fn shown(server: &Server) -> CertificateDer<'static> {
    let stream = TcpStream::connect(server.local_addr()).await.expect("can't connect");
    let stream = secure(stream, &["http/1.1"]).await;
    stream.get_ref().1.peer_certificates().expect("a certificate")[0].clone().into_owned()
}

fn says(error: &Error, parts: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Tls);
    let text = error.to_string();
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn mistakes_are_named() {
    let folder = Folder::new();
    let (good, other) = (Pem::new(), Pem::new());
    let (chain, key) = folder.hold(&good);
    let strange = folder.put("other.pem", &other.key);
    let empty = folder.put("empty.pem", "");
    let text = folder.put("text.pem", "hello");
    let cut = folder.put("cut.pem", &good.certificate[..good.certificate.len() - 30]);
    let cut_key = folder.put("cut-key.pem", &good.key[..good.key.len() - 30]);
    let broken = folder.put("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let encrypted = folder.put("encrypted.pem", encrypted);
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let old = folder.put("old.pem", old);
    let nowhere = folder.0.join("nowhere.pem");
    for (chain, key, parts) in [
        (&nowhere, &key, &["can't read the certificate from `", "nowhere.pem`: No such file"][..]),
        (&chain, &nowhere, &["can't read the private key from `", "nowhere.pem`: No such file"]),
        (&empty, &key, &["expected a certificate", "empty.pem`, got nothing"]),
        (&text, &key, &["expected a certificate", "text.pem`, got no PEM at all"]),
        (&key, &key, &["expected a certificate", "key.pem`, got PRIVATE KEY"]),
        (&cut, &key, &["expected PEM in `", "cut.pem`, got a section without its end"]),
        (&broken, &key, &["the first certificate in `", "broken.pem` is broken"]),
        (&chain, &chain, &["expected a private key", "chain.pem`, got CERTIFICATE"]),
        (&chain, &empty, &["expected a private key", "empty.pem`, got nothing"]),
        (&chain, &cut_key, &["expected PEM in `", "cut-key.pem`"]),
        (
            &chain,
            &strange,
            &["the private key in `", "other.pem` does not belong to the certificate in `", "chain.pem`"],
        ),
        (&chain, &encrypted, &["encrypted.pem` is encrypted", "openssl pkey"]),
        (&chain, &old, &["old.pem` is encrypted", "openssl pkey"]),
    ] {
        says(&TlsConfig::from_files(chain, key).unwrap_err(), parts);
    }
    says(&TlsConfig::from_pem("", &good.key).unwrap_err(), &["the certificate's bytes, got nothing"]);
    says(&TlsConfig::from_pem(&good.certificate, &other.key).unwrap_err(), &["the key's bytes does not belong"]);
    let config = TlsConfig::from_pem(&good.certificate, &good.key).unwrap();
    says(&config.reload().unwrap_err(), &["got one from bytes", "`replace`"]);
}

/// Certificate and key may be in one file.
#[test]
fn one_file_is_enough() {
    let folder = Folder::new();
    let pem = Pem::new();
    let both = folder.put("both.pem", &[&*pem.key, &pem.certificate].concat());
    TlsConfig::from_files(&both, &both).unwrap();
}

#[sockeye::test]
async fn a_reload_counts_for_new_connections_and_open_ones_stay() -> Result<()> {
    let folder = Folder::new();
    let (first, second, third) = (Pem::new(), Pem::new(), Pem::new());
    let (chain, key) = folder.hold(&first);
    let tls = TlsConfig::from_files(&chain, key)?;
    let server = serve(tls.clone()).await;
    let stream = TcpStream::connect(server.local_addr()).await?;
    let mut open = Raw { stream: secure(stream, &["http/1.1"]).await, read: Vec::new() };
    open.send(crate::robustness::bytes::handshake("/echo")).await;
    open.switched().await;
    assert_eq!(shown(&server).await, first.der);

    folder.hold(&second);
    assert_eq!(shown(&server).await, first.der, "nobody has asked for it");
    tls.reload()?;
    assert_eq!(shown(&server).await, second.der);

    // A bad file is an error, and the old certificate stays.
    folder.put("chain.pem", "nonsense");
    says(&tls.reload().unwrap_err(), &["chain.pem`, got no PEM"]);
    fs::remove_file(chain)?;
    says(&tls.reload().unwrap_err(), &["can't read the certificate"]);
    assert_eq!(shown(&server).await, second.der);

    tls.replace(&third.certificate, &third.key)?;
    assert_eq!(shown(&server).await, third.der);
    says(&tls.replace(&first.certificate, &third.key).unwrap_err(), &["does not belong"]);
    assert_eq!(shown(&server).await, third.der);

    for text in ["still", "here"] {
        open.send(crate::robustness::bytes::frame(0x81, text)).await;
        assert_eq!(open.frame().await.payload, text.as_bytes());
    }
    Ok(())
}

/// Waits until a new connection is shown this one.
async fn becomes(server: &Server, der: &CertificateDer<'static>) {
    let shows = async {
        while shown(server).await != *der {
            sleep(Duration::from_millis(5)).await;
        }
    };
    soon("the new certificate", shows).await;
}

#[sockeye::test]
async fn files_that_change_are_reloaded_and_the_log_says_so_once() -> Result<()> {
    let logs = Logs::keep();
    let folder = Folder::new();
    let (first, second) = (Pem::new(), Pem::new());
    let (chain, key) = folder.hold(&first);
    let tls = TlsConfig::from_files(&chain, &key)?.reload_every(Duration::from_millis(10));
    let server = serve(tls.clone()).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(logs.take(Level::INFO), [""; 0], "nothing has changed");

    // The certificate comes first, its key later: in between they do not fit.
    folder.put("chain.pem", &second.certificate);
    sleep(Duration::from_millis(150)).await;
    assert_eq!(shown(&server).await, first.der);
    let lines = logs.take(Level::INFO);
    assert!(lines.len() == 1 && lines[0].contains("the old certificate stays in use"), "{lines:?}");
    assert!(lines[0].contains("does not belong"), "{lines:?}");

    folder.put("key.pem", &second.key);
    becomes(&server, &second.der).await;
    let lines = logs.take(Level::INFO);
    assert!(lines.len() == 1 && lines[0].contains("reloaded the certificate in"), "{lines:?}");

    fs::remove_file(&key)?;
    sleep(Duration::from_millis(150)).await;
    let lines = logs.take(Level::INFO);
    assert!(lines.len() == 1 && lines[0].contains("can't read the private key"), "{lines:?}");

    folder.hold(&first);
    becomes(&server, &first.der).await;
    Ok(())
}

/// As Kubernetes does: a link that leads elsewhere from now on.
#[sockeye::test]
async fn a_link_that_leads_elsewhere_is_a_change() -> Result<()> {
    let (old, new, folder) = (Folder::new(), Folder::new(), Folder::new());
    let (first, second) = (Pem::new(), Pem::new());
    old.hold(&first);
    new.hold(&second);
    let link = folder.0.join("current");
    let lead = |to: &Path| -> io::Result<()> {
        let next = folder.0.join("next");
        std::os::unix::fs::symlink(to, &next)?;
        fs::rename(&next, &link)
    };
    lead(&old.0)?;
    let tls = TlsConfig::from_files(link.join("chain.pem"), link.join("key.pem"))?;
    let server = serve(tls.reload_every(Duration::from_millis(10))).await;
    assert_eq!(shown(&server).await, first.der);
    lead(&new.0)?;
    becomes(&server, &second.der).await;
    Ok(())
}
