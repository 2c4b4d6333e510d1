//! yawc behind hyper, with compression where it is offered: no takeover, the level that ours has.

use std::io;

use futures_util::{FutureExt, SinkExt, StreamExt};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use peers::{DEFLATE_LEVEL, DEFLATE_THRESHOLD, MAX_MESSAGE};
use yawc::{CompressionLevel, DeflatePool, OpCode, Options, UpgradeFut, WebSocket, WebSocketError};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = peers::bind()?;
    let options = Options::default()
        .with_limits(MAX_MESSAGE, 2 * MAX_MESSAGE)
        .with_utf8()
        .with_compression_level(CompressionLevel::new(DEFLATE_LEVEL))
        .with_compression_threshold(DEFLATE_THRESHOLD)
        .with_deflate_pool(DeflatePool::new(64))
        .server_no_context_takeover()
        .client_no_context_takeover();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let options = options.clone();
        let service = service_fn(move |request| answer(request, options.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades());
    }
}

async fn answer(mut request: Request<Incoming>, options: Options) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = WebSocket::upgrade_with_options(&mut request, options)?;
    tokio::spawn(echo(upgraded));
    Ok(response)
}

async fn echo(upgraded: UpgradeFut) -> Result<(), WebSocketError> {
    let mut ws = upgraded.await?;
    let mut next = ws.next().await;
    while let Some(frame) = next {
        if matches!(frame.opcode(), OpCode::Text | OpCode::Binary) {
            ws.feed(frame).await?;
        }
        next = match ws.next().now_or_never() {
            Some(arrived) => arrived,
            None => {
                ws.flush().await?;
                ws.next().await
            }
        };
    }
    Ok(())
}
