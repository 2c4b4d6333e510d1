//! Header lines of a handshake, and origins as a server sees them.

use arbitrary::Arbitrary;

#[derive(Arbitrary, Clone, Debug)]
pub enum Line<'a> {
    Known { name: u8, value: u8 },
    List { name: u8, items: Vec<u8>, separator: u8 },
    Free { name: u8, value: &'a [u8] },
    Any { name: &'a [u8], value: &'a [u8] },
}

const NAMES: [&str; 10] = [
    "upgrade",
    "connection",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "origin",
    "host",
    "content-length",
    "transfer-encoding",
    "sec-websocket-extensions",
];

const VALUES: [&str; 24] = [
    "websocket",
    "WebSocket",
    "Upgrade",
    "keep-alive",
    "h2c",
    "13",
    "8",
    "dGhlIHNhbXBsZSBub25jZQ==",
    "dGhlIHNhbXBsZSBub25jZR==",
    "dGhlIHNhbXBsZSBub25jZQ",
    "chat",
    "superchat",
    "Chat",
    "0",
    "00",
    "5",
    "chunked",
    "null",
    "https://app.example",
    "HTTP://localhost:5173",
    "https://example.com",
    "https://example.com:443",
    "example.com:443",
    "permessage-deflate; client_max_window_bits",
];

const SEPARATORS: [&str; 5] = [",", ", ", " ,\t", ",,", " "];

fn pick<'t>(all: &[&'t str], index: u8) -> &'t str {
    all[usize::from(index) % all.len()]
}

impl Line<'_> {
    pub fn name(&self) -> &[u8] {
        match self {
            Self::Known { name, .. } | Self::List { name, .. } | Self::Free { name, .. } => {
                pick(&NAMES, *name).as_bytes()
            }
            Self::Any { name, .. } => name,
        }
    }

    pub fn value(&self) -> Vec<u8> {
        match self {
            Self::Known { value, .. } => pick(&VALUES, *value).into(),
            Self::List { items, separator, .. } => {
                let items: Vec<_> = items.iter().map(|item| pick(&VALUES, *item)).collect();
                items.join(pick(&SEPARATORS, *separator)).into()
            }
            Self::Free { value, .. } | Self::Any { value, .. } => value.to_vec(),
        }
    }
}

/// Whom the app lets in.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    Same,
    /// `https://app.example` and `http://localhost:5173`.
    List,
    Any,
}

/// The value of an `Origin` line, in lower case.
pub struct Origin(String);

impl Origin {
    /// `None`: not even ASCII (RFC 6454 §7.1).
    pub fn parse(line: &[u8]) -> Option<Self> {
        line.is_ascii().then(|| Self(String::from_utf8_lossy(line).to_lowercase()))
    }

    /// Whether the app lets it in on a host.
    pub fn is_let_in(&self, own: Own, host: Option<&[u8]>) -> bool {
        let listed = ["https://app.example", "http://localhost:5173"].contains(&self.0.as_str());
        match own {
            Own::Any => true,
            Own::List => listed || self.is_of(host),
            Own::Same => self.is_of(host),
        }
    }

    /// Whether a page of this origin comes from that host, by either scheme: behind a proxy the server can't tell.
    fn is_of(&self, host: Option<&[u8]>) -> bool {
        let Some(host) = host.filter(|host| host.is_ascii()) else { return false };
        let host = String::from_utf8_lossy(host).to_lowercase();
        let (port, authority) = match (self.0.strip_prefix("http://"), self.0.strip_prefix("https://")) {
            (Some(authority), _) => ("80", authority),
            (_, Some(authority)) => ("443", authority),
            _ => return false,
        };
        let full = |authority: &str| match authority.rfind([':', ']']) {
            Some(at) if authority[at..].starts_with(':') => authority.to_owned(),
            _ => format!("{authority}:{port}"),
        };
        full(authority) == full(&host)
    }
}
