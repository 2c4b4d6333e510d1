//! What a server sees of its clients.

use std::fs;

use sockeye_tests::services::Service;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The server's connections to clients, by the kernel's count.
pub(crate) fn connections(service: &Service) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").expect("a kernel that tells");
    let port = format!(":{:04X}", service.port());
    let established = table.lines().filter(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next().is_some_and(|local| local.ends_with(&port)) && fields.nth(1) == Some("01")
    });
    established.count()
}

/// A command of Redis, as a person would type it, and the beginning of the answer.
pub(crate) async fn redis_command(service: &Service, line: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", service.port())).await.expect("it runs");
    stream.write_all(format!("{line}\r\n").as_bytes()).await.expect("it takes it");
    let mut answer = vec![0; 1024];
    let size = stream.read(&mut answer).await.expect("an answer");
    answer.truncate(size);
    String::from_utf8_lossy(&answer).into_owned()
}
