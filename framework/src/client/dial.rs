//! One attempt to connect: TCP, TLS, the handshake. With `session`, the door to tokio-tungstenite.

use std::{io, time::Duration};

use ::http::{HeaderMap, HeaderValue, Response, header};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error as WireError, client::IntoClientRequest, protocol::WebSocketConfig},
};

use super::{cause::Cause, target::Target, tcp};
use crate::{
    error::Result,
    history::Offset,
    rt::{self, BoxFuture},
    tls::Connector,
    ws::Text,
};

/// What the socket reads at once, and collects before it writes.
const BUFFER: usize = 16 * 1024;

/// Bytes that are kept of a refusal's body.
const LONGEST_BODY: usize = 1024;

/// Anything that bytes go through.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub(super) type Stream = Box<dyn Duplex>;
pub(super) type Socket = WebSocketStream<Stream>;
/// Asks for values of the query.
pub(super) type Query = Box<dyn Fn() -> BoxFuture<'static, Result<Vec<(String, String)>>> + Send + Sync>;
/// Gets a stream to the server.
pub(super) type Way = Box<dyn Fn() -> BoxFuture<'static, io::Result<Stream>> + Send + Sync>;

/// All that an attempt needs.
pub(super) struct Dialer {
    pub(super) target: Target,
    pub(super) query: Vec<(String, String)>,
    pub(super) query_with: Option<Query>,
    pub(super) headers: HeaderMap,
    pub(super) way: Option<Way>,
    pub(super) tls: Option<Connector>,
    pub(super) timeout: Duration,
    pub(super) max_message: usize,
}

/// A socket that is open.
pub(super) struct Dialled {
    pub(super) socket: Socket,
    pub(super) subprotocol: Option<Text>,
}

impl Dialer {
    /// Connects, and asks for what came after `since`.
    ///
    /// Cancel safety: dropped before it is done, nothing is left of it.
    pub(super) async fn dial(&self, since: Option<Offset>) -> Result<Dialled, Cause> {
        let dialled = rt::timeout(self.timeout, self.attempt(since)).await;
        dialled.unwrap_or_else(|_| Err(Cause::lost(format_args!("no connection within {:?}", self.timeout))))
    }

    async fn attempt(&self, since: Option<Offset>) -> Result<Dialled, Cause> {
        let mut query = self.query.clone();
        if let Some(values) = &self.query_with {
            let values = values().await;
            query.extend(values.map_err(|error| Cause::lost(format_args!("no values for the query: {error}")))?);
        }
        query.extend(since.map(|since| ("since".to_owned(), since.to_string())));
        let uri = self.target.uri(&query).map_err(Cause::lost)?;
        let mut request = uri.into_client_request().map_err(Cause::lost)?;
        request.headers_mut().extend(self.headers.clone());
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .max_message_size(Some(self.max_message))
            .max_frame_size(Some(self.max_message));
        let stream = self.stream().await.map_err(|error| {
            let Target { host, port, .. } = &self.target;
            Cause::lost(format_args!("can't connect to {host}:{port}: {error}"))
        })?;
        let (socket, response) = client_async_with_config(request, stream, Some(config)).await.map_err(refusal)?;
        let subprotocol = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
        Ok(Dialled { socket, subprotocol: subprotocol.and_then(|value| value.to_str().ok()).map(Text::from) })
    }

    async fn stream(&self) -> io::Result<Stream> {
        let stream = match &self.way {
            Some(way) => way().await?,
            None => Box::new(tcp::connect(&self.target.host, self.target.port).await?),
        };
        match &self.tls {
            Some(tls) => Ok(Box::new(tls.connect(&self.target.host, stream).await?)),
            None => Ok(stream),
        }
    }
}

fn refusal(error: WireError) -> Cause {
    match error {
        WireError::Http(response) => refused(*response),
        WireError::Io(error) => Cause::lost(format_args!("the connection broke during the handshake: {error}")),
        error => Cause::lost(format_args!("the handshake failed: {error}")),
    }
}

fn refused(response: Response<Option<Vec<u8>>>) -> Cause {
    let seconds = |value: &HeaderValue| value.to_str().ok()?.trim().parse().ok();
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(seconds).map(Duration::from_secs);
    let (status, body) = (response.status(), response.into_body().unwrap_or_default());
    let body = String::from_utf8_lossy(&body[..body.len().min(LONGEST_BODY)]).trim().into();
    Cause::Refused { status, body, retry_after }
}
