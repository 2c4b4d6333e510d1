//! The ruler of the fan-out: one task, one raw send a member. What the first connection says goes to all as it is.

use std::future::pending;
use std::io;

use common::frame::{Op, plain};
use peers::JOINED;
use tokio::net::TcpStream;

const BUFFER: usize = 64 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = peers::bind()?;
    let mut members: Vec<TcpStream> = Vec::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                stream.writable().await?;
                send(&stream, &plain(Op::Text, JOINED.as_bytes()))?;
                members.push(stream);
            }
            ready = readable(members.first()) => match ready.and_then(|stream| stream.try_read(&mut buffer)) {
                Ok(0) => return Ok(()),
                Ok(count) => members.iter().try_for_each(|member| send(member, &buffer[..count]))?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            },
        }
    }
}

async fn readable(first: Option<&TcpStream>) -> io::Result<&TcpStream> {
    match first {
        Some(stream) => stream.readable().await.map(|()| stream),
        None => pending().await,
    }
}

/// The load generator never leaves more unread than a socket takes.
fn send(stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    let count = stream.try_write(bytes)?;
    if count < bytes.len() {
        return Err(io::Error::other(format!("a socket took {count} of {} bytes", bytes.len())));
    }
    Ok(())
}
