//! tokio-websockets with its SIMD, and one flush for all that has arrived.

use std::io;

use futures_util::{FutureExt, SinkExt, StreamExt};
use peers::MAX_MESSAGE;
use tokio::net::TcpStream;
use tokio_websockets::{Error, Limits, ServerBuilder};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = peers::bind()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(echo(stream));
    }
}

async fn echo(stream: TcpStream) -> Result<(), Error> {
    let limits = Limits::default().max_payload_len(Some(MAX_MESSAGE));
    let (_, mut ws) = ServerBuilder::new().limits(limits).accept(stream).await?;
    let mut next = ws.next().await;
    while let Some(message) = next {
        let message = message?;
        if message.is_text() || message.is_binary() {
            ws.feed(message).await?;
        }
        next = match ws.next().now_or_never() {
            Some(arrived) => arrived,
            None => {
                ws.flush().await?;
                ws.next().await
            }
        };
    }
    ws.close().await
}
