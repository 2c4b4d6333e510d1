//! The contract between the runner and a server: bind `SOCKEYE_ADDR`, say where on the first line of stdout.

use std::io;

use tokio::net::TcpListener;

/// What a server prints before its address.
pub const ANNOUNCEMENT: &str = "listening on http://";

/// Binds and announces the address.
pub async fn bind() -> io::Result<TcpListener> {
    let addr = std::env::var("SOCKEYE_ADDR").unwrap_or_else(|_| "127.0.0.1:8000".to_owned());
    let listener = TcpListener::bind(addr).await?;
    println!("{ANNOUNCEMENT}{}", listener.local_addr()?);
    Ok(listener)
}
