//! Connections that are encrypted, to servers that the system trusts and to others.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use sockeye_tests::services::Service;

use super::free_port;

/// A certificate for `localhost` and its key, where the server's user can read them.
struct Certificate {
    folder: PathBuf,
    certificate: String,
    key: String,
}

impl Certificate {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sockeye-tls-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let write = |name: &str, pem: String| {
            let path = folder.join(name);
            fs::write(&path, pem).expect("a file");
            path.to_str().expect("a path in UTF-8").to_owned()
        };
        let (certificate, key) = (write("certificate.pem", cert.pem()), write("key.pem", signing_key.serialize_pem()));
        Self { folder, certificate, key }
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}

/// What a program says that trusts what is in this file: the environment is the process's.
fn says(url: &str, trusted: &str) -> String {
    let mut program = Command::new(Path::new(env!("CARGO_BIN_EXE_broker")));
    let output = program.arg(url).env("SSL_CERT_FILE", trusted).env_remove("SSL_CERT_DIR").output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn redis_over_tls() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let port = free_port().to_string();
    let Certificate { certificate: file, key, .. } = &certificate;
    let options = ["--tls-port", &port, "--tls-cert-file", file, "--tls-key-file", key, "--tls-ca-cert-file", file];
    let service = Service::start_with("redis", &[&options[..], &["--tls-auth-clients", "no"]].concat());
    assert_eq!(says(&format!("rediss://localhost:{port}"), file), "heard hello\n");
    let refused = format!("error: can't connect to Redis at localhost:{port}: invalid peer certificate: ");
    for trusted in [&other.certificate, "/nowhere"] {
        assert!(says(&format!("rediss://localhost:{port}"), trusted).starts_with(&refused), "{trusted}");
    }
    let refused = says(&format!("rediss://127.0.0.1:{port}"), file);
    assert!(refused.contains("invalid peer certificate: certificate not valid for name \"127.0.0.1\""), "{refused}");
    // One without the other.
    let plain_server = says(&format!("rediss://localhost:{}", service.port()), file);
    assert!(plain_server.starts_with("error: can't connect to Redis at localhost:"), "{plain_server}");
    let nobody = says(&format!("rediss://localhost:{}", free_port()), file);
    assert!(nobody.contains("refused"), "{nobody}");
}

#[test]
fn nats_over_tls() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let Certificate { certificate: file, key, .. } = &certificate;
    let service = Service::start_with("nats", &["--tls", "--tlscert", file, "--tlskey", key]);
    let port = service.port();
    assert_eq!(says(&format!("tls://localhost:{port}"), file), "heard hello\n");
    // The server asks for it.
    assert_eq!(says(&format!("nats://localhost:{port}"), file), "heard hello\n");
    for (host, trusted) in [("localhost", &other.certificate), ("127.0.0.1", file)] {
        let refused = says(&format!("nats://{host}:{port}"), trusted);
        assert!(refused.starts_with(&format!("error: can't connect to NATS at {host}:{port}: ")), "{refused}");
        assert!(refused.contains("invalid peer certificate"), "{refused}");
    }
    // It is asked of a server that has none.
    let plain = Service::start("nats");
    let refused = says(&format!("tls://localhost:{}", plain.port()), file);
    assert!(refused.starts_with("error: can't connect to NATS at localhost:"), "{refused}");
}
