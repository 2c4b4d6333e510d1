//! What a server allows: limits, time-outs and origins, each with its default.

mod compression;
mod overflow;

use std::{collections::BTreeSet, time::Duration};

pub use compression::Compression;
pub use overflow::Overflow;

/// Every limit of the server in one place. All of them can be set; the defaults are safe on the open internet.
///
/// ```
/// use std::time::Duration;
/// use sockeye::Limits;
///
/// let mut limits = Limits::default();
/// limits.max_message = 64 * 1024;
/// limits.ping_interval = Some(Duration::from_secs(5));
/// # let _ = sockeye::App::new().limits(limits);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes a whole message may have, after reassembly. Beyond: close 1009. Default 1 MiB.
    pub max_message: usize,
    /// Bytes a single frame's payload may have; a compressed one, which can be longer than what is in it, 1/64 and 64
    /// bytes more. Nearly all clients send a message as one frame: who raises `max_message` raises this too, as the route
    /// option `max_message` does. Beyond: close 1009. Default 1 MiB.
    pub max_frame: usize,
    /// Frames a message may be cut into. Beyond: close 1008. Default 131,072.
    pub max_fragments: u32,
    /// Time from a message's first byte to its last. Beyond: close 1008. Default 30 s.
    pub message_timeout: Duration,
    /// Encoded bytes that may wait for a slow peer before a send waits. Default 256 KiB.
    pub outbox_bytes: usize,
    /// Messages that may wait for a slow peer before a send waits. Default 1,024.
    pub outbox_messages: usize,
    /// Time for which a full outbox may make no progress. Beyond: close 1013. Before the upgrade the same holds for an HTTP
    /// answer that its client does not read: the connection ends. Default 10 s.
    pub stall_timeout: Duration,
    /// Messages that wait for the handler to receive them; when it is full, reading stops and TCP pushes back. With the one
    /// that it receives the handler takes those behind it, if they have 16 KiB at most together: these count no more. While
    /// the handler waits in `closed()`, up to 256 may wait if they have 16 KiB at most together, and while a request waits for its
    /// answer up to 1,024 if they have 256 KiB at most. Default 16.
    pub inbox_messages: usize,
    /// Silence after which the server sends a ping; `None` sends none. Default 20 s.
    pub ping_interval: Option<Duration>,
    /// Time after a ping within which the peer must be heard. Beyond: disconnected as 1006. Default 20 s.
    pub pong_timeout: Duration,
    /// Time that the peer has to answer a close frame. Default 5 s.
    pub close_timeout: Duration,
    /// Time from the connection to its first byte. Default 5 s.
    pub first_byte_timeout: Duration,
    /// Time from a request's start to the end of its head; for the TLS handshake; and for which a connection of HTTP/2 may
    /// have no stream. Default 10 s.
    pub head_timeout: Duration,
    /// Bytes of a request's header lines in all. Beyond: 431. Default 64 KiB.
    pub max_header_bytes: usize,
    /// Header lines of a request. Beyond: 431. Default 128.
    pub max_headers: usize,
    /// Bytes of a request's path. Beyond: 414. Default 8 KiB.
    pub max_path: usize,
    /// Query parameters of a request. Beyond: 400. Default 1,000.
    pub max_query_params: usize,
    /// Bytes of a request's body. Beyond: 413. Default 2 MiB.
    pub max_body: usize,
    /// Time from the start of reading a request's body to its end. Beyond: 408. Default 30 s.
    pub body_timeout: Duration,
    /// Connections open at once. Beyond: they wait in the listener's backlog. Default unlimited.
    pub max_connections: usize,
    /// Rooms that one connection may be in at once. Beyond: `join` is an error. Default 256.
    pub max_rooms_per_connection: usize,
    /// Rooms with members at once. Beyond: to `join` a new one is an error. Default 1,048,576.
    pub max_rooms: usize,
    /// Requests to one peer that may wait for their answers at once. Beyond: `request` is an error. Default 64.
    pub max_open_requests: usize,
    /// Streams open at once on one connection of HTTP/2: requests and sockets. Beyond: the client waits, or the stream is
    /// refused. Default 200.
    pub max_streams: u32,
    /// Time that a stopping server gives its connections. Default 30 s.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message: 1 << 20,
            max_frame: 1 << 20,
            max_fragments: 131_072,
            message_timeout: Duration::from_secs(30),
            outbox_bytes: 256 * 1024,
            outbox_messages: 1024,
            stall_timeout: Duration::from_secs(10),
            inbox_messages: 16,
            ping_interval: Some(Duration::from_secs(20)),
            pong_timeout: Duration::from_secs(20),
            close_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(5),
            head_timeout: Duration::from_secs(10),
            max_header_bytes: 64 * 1024,
            max_headers: 128,
            max_path: 8 * 1024,
            max_query_params: 1000,
            max_body: 2 << 20,
            body_timeout: Duration::from_secs(30),
            max_connections: usize::MAX,
            max_rooms_per_connection: 256,
            max_rooms: 1 << 20,
            max_open_requests: 64,
            max_streams: 200,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// Which web pages may open a socket here. A browser says in `Origin` which page asks (RFC 6455 section 10.2); other
/// clients send none and are let in.
///
/// A page from elsewhere is refused with 403 before the upgrade and before the handler. The default is
/// [`same_origin`](Origins::same_origin): without it any page that a user visits could open a socket with the user's
/// cookies.
#[derive(Clone, Debug)]
pub struct Origins(OriginRule);

#[derive(Clone, Debug)]
enum OriginRule {
    Same,
    List(BTreeSet<String>),
    Any,
}

impl Origins {
    /// Pages whose host and port are those of the request's `Host`, and whose scheme is `https` where the server itself
    /// speaks TLS.
    pub fn same_origin() -> Self {
        Self(OriginRule::Same)
    }

    /// Pages of these origins, written as browsers send them (`https://example.com`), and of the server's own.
    ///
    /// ```
    /// let origins = sockeye::Origins::list(["https://example.com", "http://localhost:5173"]);
    /// # let _ = sockeye::App::new().origins(origins);
    /// ```
    pub fn list<I>(origins: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let normal = |origin: I::Item| origin.into().trim_end_matches('/').to_ascii_lowercase();
        Self(OriginRule::List(origins.into_iter().map(normal).collect()))
    }

    /// Every page. For sockets that hold no secret and act for nobody.
    pub fn any() -> Self {
        Self(OriginRule::Any)
    }

    /// Whether a page of `origin` may open a socket on `host`; `secure`: over TLS that the server speaks itself.
    pub(crate) fn allow(&self, origin: &str, host: Option<&str>, secure: bool) -> bool {
        let same = || host.is_some_and(|host| is_same_origin(origin, host, secure));
        match &self.0 {
            OriginRule::Any => true,
            OriginRule::Same => same(),
            OriginRule::List(list) => list.contains(&origin.to_ascii_lowercase()) || same(),
        }
    }
}

impl Default for Origins {
    fn default() -> Self {
        Self::same_origin()
    }
}

/// Compares host and port. The scheme can be compared only where the server speaks TLS: behind a proxy that ends it the
/// server does not know its own.
fn is_same_origin(origin: &str, host: &str, secure: bool) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme.to_ascii_lowercase().as_str() {
        "http" if !secure => "80",
        "https" => "443",
        _ => return false,
    };
    let (origin_host, origin_port) = split_port(authority);
    let (host, port) = split_port(host);
    origin_host.eq_ignore_ascii_case(host) && origin_port.unwrap_or(default_port) == port.unwrap_or(default_port)
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // The colons inside `[::1]` are no port separators.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_origin_compares_host_and_port() {
        let same = Origins::same_origin();
        for (origin, host, expected) in [
            ("https://example.com", "example.com", true),
            ("https://EXAMPLE.com", "example.com:443", true),
            ("http://example.com:8000", "example.com:8000", true),
            ("http://[::1]:8000", "[::1]:8000", true),
            ("http://[::1]", "[::1]", true),
            ("https://example.com", "example.com:8443", false),
            ("https://example.com.evil.org", "example.com", false),
            ("https://evil.org", "example.com", false),
            ("null", "example.com", false),
            ("file://example.com", "example.com", false),
        ] {
            assert_eq!(same.allow(origin, Some(host), false), expected, "{origin} on {host}");
        }
        assert!(!same.allow("https://example.com", None, false));
        for (origin, host, expected) in [
            ("https://example.com", "example.com", true),
            ("https://example.com:443", "example.com", true),
            ("https://example.com:8443", "example.com:8443", true),
            ("http://example.com", "example.com", false),
            ("http://example.com:443", "example.com", false),
            ("http://example.com:8443", "example.com:8443", false),
        ] {
            assert_eq!(same.allow(origin, Some(host), true), expected, "{origin} on {host} over TLS");
        }
    }

    #[test]
    fn a_list_adds_to_the_own_origin() {
        let list = Origins::list(["https://a.example/"]);
        assert!(list.allow("https://a.example", Some("b.example"), false));
        assert!(list.allow("https://b.example", Some("b.example"), false));
        assert!(!list.allow("https://c.example", Some("b.example"), false));
        assert!(Origins::any().allow("null", None, true));
    }
}
