//! A real server, on a port of its own, for as long as a test needs it.

use std::{
    fs,
    net::TcpListener as StdListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use sockeye::time::{Instant, sleep};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Redis,
    Nats,
}

pub(crate) struct Service {
    kind: Kind,
    pub(crate) port: u16,
    /// Where NATS tells of itself.
    monitor: u16,
    password: Option<&'static str>,
    folder: PathBuf,
    child: Option<Child>,
}

impl Service {
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::of(kind, None).await
    }

    pub(crate) async fn with_password(kind: Kind, password: &'static str) -> Self {
        Self::of(kind, Some(password)).await
    }

    async fn of(kind: Kind, password: Option<&'static str>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("service-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let mut service = Self { kind, port: free_port(), monitor: free_port(), password, folder, child: None };
        service.run().await;
        service
    }

    /// Starts it, on the same port after the first time.
    pub(crate) async fn run(&mut self) {
        let port = self.port.to_string();
        let mut command = match self.kind {
            Kind::Redis => {
                let mut command = Command::new("redis-server");
                command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]);
                if let Some(password) = self.password {
                    command.args(["--requirepass", password]);
                }
                command
            }
            Kind::Nats => {
                let mut command = Command::new("nats-server");
                command.args(["--addr", "127.0.0.1", "--port", &port, "--http_port", &self.monitor.to_string()]);
                if let Some(password) = self.password {
                    command.args(["--user", "user", "--pass", password]);
                }
                command
            }
        };
        command.current_dir(&self.folder).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("the server is installed"));
        let begin = Instant::now();
        while !self.answers().await {
            assert!(begin.elapsed() < Duration::from_secs(10), "{:?} does not start", self.kind);
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)).await else { return false };
        let asked = match self.kind {
            Kind::Redis => stream.write_all(b"PING\r\n").await,
            // It speaks first.
            Kind::Nats => Ok(()),
        };
        asked.is_ok() && matches!(stream.read(&mut [0; 4]).await, Ok(1..))
    }

    pub(crate) fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The same server by way of another port.
    pub(crate) fn url_at(&self, port: u16) -> String {
        let (scheme, user) = match self.kind {
            Kind::Redis => ("redis", ""),
            Kind::Nats => ("nats", "user"),
        };
        let login = self.password.map(|password| format!("{user}:{password}@")).unwrap_or_default();
        format!("{scheme}://{login}127.0.0.1:{port}")
    }

    /// `SIGKILL`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is killed");
            child.wait().expect("its end");
        }
    }

    /// `SIGSTOP`. Waits until no thread of it runs any more.
    pub(crate) async fn stop(&self) {
        let id = self.signal("-STOP");
        let stopped = || {
            let mut threads = fs::read_dir(format!("/proc/{id}/task")).expect("it runs").flatten();
            threads.all(|thread| fs::read_to_string(thread.path().join("stat")).is_ok_and(|stat| stat.contains(") T ")))
        };
        while !stopped() {
            sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) -> String {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
        id
    }

    /// Clients that are connected, by the server's own count.
    pub(crate) async fn clients(&self) -> usize {
        match self.kind {
            // The one who asks is one of them.
            Kind::Redis => self.redis_command("CLIENT LIST").await.matches(" fd=").count() - 1,
            Kind::Nats => {
                let mut stream = TcpStream::connect(("127.0.0.1", self.monitor)).await.expect("it runs");
                stream.write_all(b"GET /connz?limit=1 HTTP/1.0\r\n\r\n").await.expect("it takes it");
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.expect("an answer");
                let (_, total) = answer.split_once("\"total\": ").expect("a total");
                total.split(',').next().and_then(|total| total.parse().ok()).expect("a number")
            }
        }
    }

    /// A command of Redis, as a person would type it, and the beginning of the answer.
    pub(crate) async fn redis_command(&self, line: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.expect("it runs");
        stream.write_all(format!("{line}\r\n").as_bytes()).await.expect("it takes it");
        let mut answer = vec![0; 64 * 1024];
        let size = stream.read(&mut answer).await.expect("an answer");
        answer.truncate(size);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    StdListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}
