//! The chat as a process of its own, which can be killed, stopped and started again.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::chat::client::Random;

/// A start takes less, and so does an answer to a question about health.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a server gives its connections, and a little more.
const DRAIN: Duration = Duration::from_secs(35);

pub(crate) struct Node {
    pub(crate) addr: SocketAddr,
    variables: Vec<(String, String)>,
    log: PathBuf,
    child: Option<Child>,
}

impl Node {
    /// Starts the chat in a folder with these variables. The name is that of its log.
    pub(crate) fn start(folder: &Path, name: &str, variables: &[(&str, &str)]) -> Result<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), folder, name, variables)
    }

    pub(crate) fn start_at(ip: IpAddr, folder: &Path, name: &str, variables: &[(&str, &str)]) -> Result<Self> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let log = folder.join(name).with_extension("log");
        let mut node = Self { addr: free_address(ip), variables, log, child: None };
        node.restart()?;
        Ok(node)
    }

    /// On SQLite, with nothing else.
    pub(crate) fn on_sqlite(folder: &Path) -> Result<Self> {
        let file = folder.join("chat.db");
        Self::start(folder, "chat", &[("CHAT_DB", file.to_str().context("a path in UTF-8")?)])
    }

    /// Starts it once more, at the same address, and waits until it accepts connections.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.kill();
        let log = File::options().create(true).append(true).open(&self.log)?;
        // It ends with us whatever happens.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_chat-server")]);
        for name in ["CHAT_DB", "DATABASE_URL", "REDIS_URL", "NATS_URL"] {
            command.env_remove(name);
        }
        // The clients say as much as they can.
        command.env("CHAT_RATE", "0").env("SOCKEYE_ADDR", self.addr.to_string()).env("NO_COLOR", "1");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let stdout = child.stdout.take().context("its output is ours")?;
        self.child = Some(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        ensure!(line.trim_end() == format!("listening on http://{}", self.addr), "the first line is {line:?}");
        Ok(())
    }

    fn id(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// SIGKILL, if it runs.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is killed");
            child.wait().expect("its end");
        }
    }

    /// SIGTERM. Waits until it has ended, in its own time.
    pub(crate) async fn terminate(&mut self) -> Result<ExitStatus> {
        signal(self.id(), "-TERM");
        let begin = Instant::now();
        while begin.elapsed() < DRAIN {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().transpose()) {
                self.child = None;
                return Ok(status?);
            }
            sleep(Duration::from_millis(10)).await;
        }
        bail!("it still runs {DRAIN:?} after SIGTERM")
    }

    /// SIGSTOP: all its connections stay, and nothing answers any more.
    pub(crate) fn stop(&self) {
        signal(self.id(), "-STOP");
    }

    /// SIGCONT.
    pub(crate) fn cont(&self) {
        signal(self.id(), "-CONT");
    }

    /// KiB of memory.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        Ok(line.context("the status has no VmRSS")?.parse()?)
    }

    /// Open sockets.
    pub(crate) fn sockets(&self) -> Result<usize> {
        let files = fs::read_dir(format!("/proc/{}/fd", self.id()))?.flatten();
        let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
        Ok(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count())
    }

    /// Status and body of the answer to `GET /health`.
    pub(crate) async fn health(&self) -> Result<(u16, Value)> {
        self.get("/health").await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<(u16, Value)> {
        let asking = async {
            let mut stream = TcpStream::connect(self.addr).await?;
            stream
                .write_all(format!("GET {path} HTTP/1.1\r\nHost: chat\r\nConnection: close\r\n\r\n").as_bytes())
                .await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(PATIENCE, asking).await.with_context(|| format!("no answer to GET {path}"))??;
        let status = answer.get(9..12).and_then(|status| status.parse().ok());
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        Ok((status.with_context(|| format!("odd answer {answer:?}"))?, serde_json::from_str(body)?))
    }

    /// Waits until health is answered so.
    pub(crate) async fn until_health(&self, status: u16, limit: Duration) -> Result<()> {
        let begin = Instant::now();
        loop {
            let health = self.health().await?;
            if health.0 == status {
                return Ok(());
            }
            ensure!(begin.elapsed() < limit, "health is {health:?} after {limit:?}, expected {status}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// All that it has logged so far.
    pub(crate) fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        let log = self.log().unwrap_or_default();
        let loud: Vec<&str> = log
            .lines()
            .filter(|line| [" WARN ", "ERROR ", "panicked"].iter().any(|word| line.contains(word)))
            .collect();
        if !loud.is_empty() {
            eprintln!("{} has logged:\n{}", self.log.display(), loud[..loud.len().min(30)].join("\n"));
        }
        let has_panicked = loud.iter().any(|line| line.contains("panicked"));
        assert!(std::thread::panicking() || !has_panicked, "the chat has panicked, see above");
    }
}

/// Sends a signal to one process.
pub(crate) fn signal(process: u32, signal: &str) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill {signal} {process} has failed");
}

/// A port below those that the kernel gives to clients: one of them could sit on it while the server is down.
pub(crate) fn free_address(ip: IpAddr) -> SocketAddr {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut random = Random::new(u64::from(std::process::id()) << 16 | COUNT.fetch_add(1, Ordering::Relaxed));
    let mut ports = (0..200).map(|_| 20_000 + random.below(12_000) as u16).map(|port| SocketAddr::new(ip, port));
    ports.find(|address| TcpListener::bind(address).is_ok()).expect("a free port")
}
