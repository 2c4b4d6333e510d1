//! Stands in where the feature `http2` is off: all is HTTP/1.1.

use ::http::Request;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{
    connection::{self, Caller},
    wire::Wire,
};
use crate::{http::Response, ws::Stream};

/// What is agreed on over TLS (RFC 7301).
pub(super) const ALPN: &[&[u8]] = &[b"http/1.1"];

/// There is none: nothing is to be told apart.
pub(super) const SIGN: &[u8] = b"?";

pub(super) async fn serve_tcp(stream: TcpStream, _: &[u8], caller: Caller) {
    connection::serve(Wire::new(stream, caller.limits().stall_timeout), caller, Stream::Tcp).await;
}

pub(super) async fn serve_agreed<S>(stream: S, _: Option<&[u8]>, caller: Caller)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    connection::serve_stream(stream, caller).await;
}

pub(super) fn recognize<B>(_: &mut Request<B>) -> Result<(), Response> {
    Ok(())
}

pub(super) fn opened(response: Response) -> Response {
    response
}
