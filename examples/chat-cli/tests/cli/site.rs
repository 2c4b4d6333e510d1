//! A chat for the program to talk to.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use chat::{Rate, Settings};
use sockeye::{Server, TlsConfig};
use tokio::net::TcpListener;

/// A chat on a port of its own, with a store of its own.
pub(super) struct Site {
    server: Option<Server>,
    folder: PathBuf,
    address: SocketAddr,
}

impl Site {
    pub(super) async fn start() -> Self {
        Self::with(Rate::UNLIMITED, None).await
    }

    pub(super) async fn with(rate: Rate, tls: Option<TlsConfig>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("chat-cli-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its number");
        let mut site = Self { server: None, folder, address };
        site.serve(listener, rate, tls);
        site
    }

    fn serve(&mut self, listener: TcpListener, rate: Rate, tls: Option<TlsConfig>) {
        let app = chat::app(&Settings::sqlite(self.folder.join("chat.db")).rate(rate)).expect("a chat");
        let app = match tls {
            Some(tls) => app.tls(tls),
            None => app,
        };
        self.server = Some(app.serve(listener));
    }

    /// The server stops, and its port is free.
    pub(super) async fn stop(&mut self) {
        let server = self.server.take().expect("a server");
        server.shutdown(Duration::from_secs(5)).await.expect("an orderly stop");
    }

    /// Another server on the same port, with the same store.
    pub(super) async fn start_again(&mut self) {
        self.serve(TcpListener::bind(self.address).await.expect("the same port"), Rate::UNLIMITED, None);
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A file beside the store.
    pub(super) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // What is left lies where the system throws things away.
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
