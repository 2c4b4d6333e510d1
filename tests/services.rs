//! Real servers for tests, by `scripts/services`: each on a port of its own, with all that it keeps in a folder of its
//! own, and gone with the test.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A server, which ends when this is dropped, or the test's process ends, however it does.
///
/// All calls wait until it is done, and panic with what went wrong.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    url: String,
    script: Child,
    /// None at the end: that is what the script takes as its end.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Service {
    /// Starts `postgres`, `redis` or `nats`, and waits until it accepts connections.
    pub fn start(name: &'static str) -> Self {
        Self::start_with(name, &[])
    }

    /// With further arguments for the server itself.
    pub fn start_with(name: &'static str, arguments: &[&str]) -> Self {
        let mut command = Command::new(script());
        command.arg(name).arg("--").args(arguments);
        Self::spawn(name, command)
    }

    fn spawn(name: &'static str, mut command: Command) -> Self {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut script = spawned.unwrap_or_else(|error| panic!("scripts/services can't be run: {error}"));
        let stdout = BufReader::new(script.stdout.take().expect("its output is ours"));
        let stdin = script.stdin.take();
        let mut service = Self { name, url: String::new(), script, stdin, stdout };
        service.url = service.line();
        service
    }

    /// Where it is, such as `redis://127.0.0.1:20001`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        let (_, address) = self.url.rsplit_once(':').expect("a URL with a port");
        let digits = address.split('/').next().unwrap_or_default();
        digits.parse().expect("a port")
    }

    /// SIGKILL, to the server and all its children.
    pub fn kill(&mut self) {
        self.tell("kill");
    }

    /// SIGSTOP, to all of them: connections stay, and nothing answers any more.
    pub fn stop(&mut self) {
        self.tell("stop");
    }

    /// SIGCONT.
    pub fn cont(&mut self) {
        self.tell("cont");
    }

    /// Starts it once more, on the same port with the same data; kills it before if it still runs.
    pub fn restart(&mut self) {
        let url = self.tell("start");
        assert_eq!(url, self.url);
    }

    fn tell(&mut self, word: &str) -> String {
        let stdin = self.stdin.as_mut().expect("open until the end");
        writeln!(stdin, "{word}").unwrap_or_else(|error| panic!("{} can't be told to {word}: {error}", self.name));
        self.line()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line);
        assert!(read.is_ok_and(|bytes| bytes > 0), "{} has failed, see above", self.name);
        line.trim_end().to_owned()
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/services")
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stdin = None;
        match self.script.wait() {
            Ok(status) if status.success() => {}
            end => eprintln!("{} has ended badly: {end:?}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read,
        net::{SocketAddr, TcpStream},
        time::Duration,
    };

    use super::*;

    const PING: &[u8] = b"PING\r\n";

    fn connect(port: u16) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        Ok(stream)
    }

    fn answers(stream: &mut TcpStream) -> bool {
        let mut answer = [0; 7];
        stream.write_all(PING).is_ok() && stream.read_exact(&mut answer).is_ok() && &answer == b"+PONG\r\n"
    }

    #[test]
    fn a_server_does_what_it_is_told() {
        let mut redis = Service::start("redis");
        let port = redis.port();
        let mut stream = connect(port).unwrap();
        assert!(answers(&mut stream));
        redis.stop();
        assert!(!answers(&mut stream));
        redis.cont();
        assert!(answers(&mut stream));
        redis.kill();
        assert!(connect(port).is_err());
        redis.restart();
        assert!(answers(&mut connect(port).unwrap()));
        redis.restart();
        assert!(answers(&mut connect(port).unwrap()));
        drop(redis);
        assert!(connect(port).is_err());
    }

    /// Also when nobody is left to end it.
    #[test]
    fn it_ends_with_its_script() {
        // Nobody is left to remove its folder, either.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services/left");
        std::fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new(script());
        command.arg("nats").env("TMPDIR", &folder);
        let mut nats = Service::spawn("nats", command);
        let port = nats.port();
        nats.script.kill().unwrap();
        nats.script.wait().unwrap();
        for _ in 0..500 {
            if connect(port).is_err() {
                return std::fs::remove_dir_all(folder).unwrap();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it still accepts connections");
    }
}
