//! The contract between the runner and a server: bind `SOCKEYE_ADDR`, say where on the first line of stdout.

use std::{
    env, io,
    net::{SocketAddr, TcpListener},
};

use common::ANNOUNCEMENT;

/// The largest message that every server takes.
pub const MAX_MESSAGE: usize = 16 << 20;
/// What ours compresses with by default, and so the others do.
pub const DEFLATE_LEVEL: u32 = 2;
/// Shorter messages are sent as they are; ours by default, too.
pub const DEFLATE_THRESHOLD: usize = 256;

/// What a member of a fan-out is told first: from now on it gets all that is said.
pub const JOINED: &str = "joined";

/// Where to listen.
pub fn addr() -> String {
    env::var("SOCKEYE_ADDR").unwrap_or_else(|_| "127.0.0.1:8000".to_owned())
}

/// Says where a server listens.
pub fn announce(addr: SocketAddr) {
    println!("{ANNOUNCEMENT}{addr}");
}

/// Binds and announces the address.
pub fn bind_std() -> io::Result<TcpListener> {
    let listener = TcpListener::bind(addr())?;
    listener.set_nonblocking(true)?;
    announce(listener.local_addr()?);
    Ok(listener)
}

/// The same for tokio.
pub fn bind() -> io::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::from_std(bind_std()?)
}
