//! A client for each way to the server. Its TLS is rustls, its HTTP/2 the crate `h2`, its frames are raw or tungstenite's.

use std::{net::SocketAddr, ops::Deref};

use ::bytes::Bytes;
use h2::{client::SendRequest, ext::Protocol};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version};
use sockeye::{Server, TlsConfig, prelude::*};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    time::{Duration, sleep},
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use super::{
    certificate::{self, NAME, Pem},
    stream::{Duplex, H2Stream},
};
use crate::robustness::{
    bytes as http1,
    raw::{Raw, soon},
};

/// How a client comes to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// HTTP/1.1 over TCP.
    Plain,
    /// HTTP/1.1 over TLS.
    Tls,
    /// HTTP/2 over TCP, with prior knowledge (RFC 9113 section 3.3).
    H2c,
    /// HTTP/2 over TLS.
    H2,
}

impl Transport {
    pub(super) fn is_http2(self) -> bool {
        matches!(self, Self::H2c | Self::H2)
    }

    fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::H2)
    }

    fn scheme(self) -> &'static str {
        if self.is_secure() { "https" } else { "http" }
    }
}

/// A server, and how its clients come to it.
pub(super) struct Site {
    pub(super) server: Server,
    pub(super) door: Door,
}

/// Where a server is, and how its clients come to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door {
    pub(super) address: SocketAddr,
    transport: Transport,
}

impl Deref for Site {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

/// A socket with raw bytes.
pub(super) type RawSocket = Raw<Box<dyn Duplex>>;

/// A socket with tungstenite's codec.
pub(super) type Socket = WebSocketStream<Box<dyn Duplex>>;

/// What a handshake came to.
pub(super) struct Opened {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) raw: RawSocket,
}

impl Site {
    pub(super) async fn serve(transport: Transport, app: App) -> Self {
        let app = if transport.is_secure() { app.tls(config()) } else { app };
        let server = app.serve(TcpListener::bind("127.0.0.1:0").await.expect("can't bind"));
        let door = Door { address: server.local_addr(), transport };
        Self { server, door }
    }
}

impl Door {
    /// A connection on which nothing was sent but for TLS.
    pub(super) async fn connect(&self) -> Box<dyn Duplex> {
        let stream = TcpStream::connect(self.address).await.expect("can't connect");
        stream.set_nodelay(true).expect("can't set TCP_NODELAY");
        match self.transport {
            Transport::Plain | Transport::H2c => Box::new(stream),
            Transport::Tls => Box::new(secure(stream, &["http/1.1"]).await),
            Transport::H2 => Box::new(secure(stream, &["h2", "http/1.1"]).await),
        }
    }

    /// A connection of HTTP/2.
    pub(super) async fn session(&self) -> Session {
        Session::start(self.connect().await, self.transport.scheme()).await
    }

    /// Makes a handshake with these header lines beside the needed ones, whatever comes of it.
    pub(super) async fn handshake(&self, path: &str, lines: &[(&str, &str)]) -> Opened {
        if self.transport.is_http2() {
            return self.session().await.handshake(path, lines).await;
        }
        let mut raw = Raw { stream: self.connect().await, read: Vec::new() };
        let lines: Vec<Vec<u8>> = lines.iter().map(|(name, value)| format!("{name}: {value}").into_bytes()).collect();
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        // A line of ours takes the place of the one that is needed.
        let names = |line: &[u8]| String::from_utf8_lossy(line).split(':').next().unwrap_or_default().to_owned();
        let named: Vec<String> = lines.iter().map(|line| names(line)).collect();
        let mut changes: Vec<(&str, &[&[u8]])> = named.iter().map(|name| (name.as_str(), &[][..])).collect();
        changes.push(("", &lines));
        raw.send(http1::request(&format!("GET {path} HTTP/1.1"), &changes)).await;
        let answer = raw.answer().await;
        Opened { status: answer.status, headers: answer.headers(), raw }
    }

    /// A socket with these header lines.
    pub(super) async fn open_with(&self, path: &str, lines: &[(&str, &str)]) -> Opened {
        let opened = self.handshake(path, lines).await;
        assert_eq!(opened.status, if self.transport.is_http2() { 200 } else { 101 }, "{:?}", opened.headers);
        opened
    }

    /// A socket.
    pub(super) async fn open(&self, path: &str) -> RawSocket {
        self.open_with(path, &[]).await.raw
    }

    /// A socket that speaks through tungstenite.
    pub(super) async fn socket(&self, path: &str) -> Socket {
        let Raw { stream, read } = self.open(path).await;
        WebSocketStream::from_partially_read(stream, read, Role::Client, None).await
    }
}

/// TLS with a certificate that the clients here trust.
pub(super) fn config() -> TlsConfig {
    let pem = Pem::new();
    TlsConfig::from_pem(&pem.certificate, &pem.key).expect("a good certificate")
}

/// The client's side of TLS.
pub(super) async fn secure(stream: TcpStream, protocols: &[&str]) -> tokio_rustls::client::TlsStream<TcpStream> {
    let name = ServerName::try_from(NAME).expect("a name");
    let connector = TlsConnector::from(certificate::client(protocols));
    soon("the TLS handshake", connector.connect(name, stream)).await.expect("a TLS handshake")
}

/// A connection of HTTP/2.
#[derive(Clone)]
pub(super) struct Session {
    requests: SendRequest<Bytes>,
    scheme: &'static str,
}

impl Session {
    pub(super) async fn start(stream: Box<dyn Duplex>, scheme: &'static str) -> Self {
        // Of a connection more than of all its streams: who does not read from one does not stop the others.
        let mut settings = h2::client::Builder::new();
        settings.initial_window_size(64 * 1024).initial_connection_window_size(64 << 20);
        let (requests, connection) =
            soon("the HTTP/2 handshake", settings.handshake(stream)).await.expect("a handshake");
        // Its end shows itself in the streams.
        tokio::spawn(connection);
        let known = async {
            while !requests.is_extended_connect_protocol_enabled() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        soon("SETTINGS_ENABLE_CONNECT_PROTOCOL", known).await;
        Self { requests, scheme }
    }

    /// A request's head, to be changed.
    pub(super) fn head(&self, method: Method, path: &str, lines: &[(&str, &str)]) -> Request<()> {
        let uri = format!("{}://{NAME}{path}", self.scheme);
        let mut request = Request::builder().method(method).uri(uri).version(Version::HTTP_2);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request")
    }

    /// Sends a head, and gives the answer's with the stream.
    pub(super) async fn send(
        &self,
        head: Request<()>,
        ends: bool,
    ) -> Result<(http::Response<()>, H2Stream), h2::Error> {
        let mut requests = self.requests.clone().ready().await?;
        let (response, send) = requests.send_request(head, ends)?;
        let (head, receive) = soon("an answer", response).await?.into_parts();
        Ok((http::Response::from_parts(head, ()), H2Stream::new(send, receive)))
    }

    /// A plain request, and its answer as text.
    pub(super) async fn request(&self, method: Method, path: &str) -> (http::Response<()>, String) {
        let (response, mut stream) = self.send(self.head(method, path, &[]), true).await.expect("an answer");
        let mut body = String::new();
        soon("the answer's end", stream.read_to_string(&mut body)).await.expect("a body");
        (response, body)
    }

    /// A request with a body: the answer's status and text.
    pub(super) async fn post(&self, head: Request<()>, body: Bytes) -> (u16, String) {
        let mut requests = self.requests.clone().ready().await.expect("a connection");
        let (response, mut send) = requests.send_request(head, false).expect("a request");
        send.send_data(body, true).expect("a body");
        let (head, receive) = soon("an answer", response).await.expect("an answer").into_parts();
        let mut text = String::new();
        let mut stream = H2Stream::new(send, receive);
        soon("the answer's end", stream.read_to_string(&mut text)).await.expect("a body");
        (head.status.as_u16(), text)
    }

    /// An extended CONNECT (RFC 8441 section 4).
    pub(super) async fn connect(&self, path: &str, lines: &[(&str, &str)]) -> (http::Response<()>, H2Stream) {
        let mut head = self.head(Method::CONNECT, path, lines);
        head.extensions_mut().insert(Protocol::from_static("websocket"));
        let version = HeaderName::from_static("sec-websocket-version");
        head.headers_mut().entry(version).or_insert(HeaderValue::from_static("13"));
        self.send(head, false).await.expect("an answer")
    }

    pub(super) async fn handshake(&self, path: &str, lines: &[(&str, &str)]) -> Opened {
        let (response, stream) = self.connect(path, lines).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Opened { status, headers, raw: Raw { stream: Box::new(stream), read: Vec::new() } }
    }

    pub(super) async fn open(&self, path: &str) -> RawSocket {
        let opened = self.handshake(path, &[]).await;
        assert_eq!(opened.status, 200, "{:?}", opened.headers);
        opened.raw
    }
}
