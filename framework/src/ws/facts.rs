//! What is known of a connection from its handshake, packed: an idle socket must not hold the whole request head.

use std::{fmt, net::SocketAddr, sync::OnceLock};

use ::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::extract::Request;

/// Named values, decoded, in their order: of a query or of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// All values of that name.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of_query(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }
}

/// The handshake's facts. What people look at is built when somebody asks for it.
pub(crate) struct Facts {
    /// The peer's address, path parameters, URI and header lines, each with its length in front: copies, since the
    /// originals keep the whole read buffer of the HTTP connection alive.
    packed: Box<[u8]>,
    /// How many items are names and values of the path.
    path_items: u16,
    #[expect(clippy::box_collection, reason = "one word less in nearly every connection")]
    protocol: OnceLock<Box<String>>,
    opened: OnceLock<Box<Opened>>,
}

/// The facts unpacked.
struct Opened {
    path: Params,
    uri: Uri,
    query: Params,
    headers: HeaderMap,
}

impl Facts {
    pub(crate) fn of(request: &Request, protocol: Option<&'static str>) -> Self {
        let path = &request.scope.path.0;
        let mut packed = Vec::with_capacity(512);
        match request.peer_addr() {
            Some(peer) => put(&mut packed, peer.to_string().as_bytes()),
            None => put(&mut packed, b""),
        }
        for (name, value) in path {
            put(&mut packed, name.as_bytes());
            put(&mut packed, value.text().as_bytes());
        }
        put(&mut packed, request.uri().to_string().as_bytes());
        for (name, value) in request.headers() {
            put_name(&mut packed, name);
            put(&mut packed, value.as_bytes());
        }
        Self {
            packed: packed.into_boxed_slice(),
            // A path of 8 KiB has no more parameters than that.
            path_items: path.len() as u16 * 2,
            protocol: protocol.map(|protocol| OnceLock::from(Box::new(protocol.to_owned()))).unwrap_or_default(),
            opened: OnceLock::new(),
        }
    }

    fn items(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.packed;
        std::iter::from_fn(move || {
            let length = take_length(&mut rest)?;
            let (item, tail) = rest.split_at_checked(length)?;
            rest = tail;
            Some(item)
        })
    }

    /// The peer's address, where the server knows it.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        std::str::from_utf8(self.items().next()?).ok()?.parse().ok()
    }

    fn opened(&self) -> &Opened {
        self.opened.get_or_init(|| {
            let text = |item: &[u8]| String::from_utf8_lossy(item).into_owned();
            let mut items = self.items().skip(1);
            let path: Vec<_> = items.by_ref().take(self.path_items.into()).map(text).collect();
            let path = path.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
            let path = Params(path.collect());
            // All of it was valid when it was packed.
            let uri = items.next().and_then(|uri| Uri::try_from(uri).ok()).unwrap_or_default();
            let mut headers = HeaderMap::new();
            while let (Some(name), Some(value)) = (items.next(), items.next()) {
                if let (Some(name), Ok(value)) = (name_of(name), HeaderValue::from_bytes(value)) {
                    headers.append(name, value);
                }
            }
            let query = Params::of_query(uri.query());
            Box::new(Opened { path, uri, query, headers })
        })
    }

    pub(crate) fn protocol(&self) -> Option<&str> {
        self.protocol.get().map(|protocol| protocol.as_str())
    }

    /// Unless one was chosen before.
    pub(crate) fn choose_protocol(&self, protocol: String) {
        self.protocol.get_or_init(|| Box::new(protocol));
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.opened().uri
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.opened().headers
    }

    pub(crate) fn query(&self) -> &Params {
        &self.opened().query
    }

    pub(crate) fn path(&self) -> &Params {
        &self.opened().path
    }
}

/// The names that browsers send with a handshake: each is kept as its place here.
const NAMES: [HeaderName; 18] = [
    header::HOST,
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::ORIGIN,
    header::COOKIE,
    header::AUTHORIZATION,
    header::USER_AGENT,
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CACHE_CONTROL,
    header::PRAGMA,
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
];

/// A place is a byte that no header name can start with.
fn put_name(packed: &mut Vec<u8>, name: &HeaderName) {
    match NAMES.iter().position(|known| known == name) {
        Some(place) => put(packed, &[place as u8]),
        None => put(packed, name.as_str().as_bytes()),
    }
}

fn name_of(item: &[u8]) -> Option<HeaderName> {
    match item {
        [place] if usize::from(*place) < NAMES.len() => Some(NAMES[usize::from(*place)].clone()),
        _ => HeaderName::from_bytes(item).ok(),
    }
}

/// Appends an item behind its length, of which each byte holds seven bits, the low ones first; the highest bit of a byte
/// says that more follow.
fn put(packed: &mut Vec<u8>, item: &[u8]) {
    let mut length = item.len();
    while length > 0x7f {
        packed.push(length as u8 | 0x80);
        length >>= 7;
    }
    packed.push(length as u8);
    packed.extend_from_slice(item);
}

fn take_length(rest: &mut &[u8]) -> Option<usize> {
    let mut length = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("path", &self.uri().path()).field("peer", &self.peer()).finish_non_exhaustive()
    }
}
