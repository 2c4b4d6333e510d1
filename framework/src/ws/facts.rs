//! What is known of a connection from its handshake, packed: an idle socket must not hold the whole request head.

use std::{borrow::Cow, fmt, net::SocketAddr, sync::OnceLock};

use ::http::{HeaderMap, HeaderName, HeaderValue, Uri};

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

/// The handshake's facts. The maps are built when they are asked for.
pub(crate) struct Facts {
    /// URI and header lines, each with its length in front: copies, since the originals keep the whole read buffer of
    /// the HTTP connection alive.
    packed: Box<[u8]>,
    pub(crate) peer: Option<SocketAddr>,
    protocol: OnceLock<Cow<'static, str>>,
    path: Box<[(Box<str>, Box<str>)]>,
    uri: OnceLock<Box<Uri>>,
    headers: OnceLock<Box<HeaderMap>>,
    query: OnceLock<Box<Params>>,
    path_params: OnceLock<Box<Params>>,
}

impl Facts {
    pub(crate) fn of(request: &Request, protocol: Option<&'static str>) -> Self {
        let uri = request.uri().to_string();
        let mut packed = Vec::with_capacity(256);
        put(&mut packed, uri.as_bytes());
        for (name, value) in request.headers() {
            put(&mut packed, name.as_str().as_bytes());
            put(&mut packed, value.as_bytes());
        }
        let path = request.scope.path.0.iter().map(|(name, value)| (Box::from(&**name), Box::from(value.text())));
        Self {
            packed: packed.into_boxed_slice(),
            peer: request.peer_addr(),
            protocol: protocol.map(|protocol| OnceLock::from(Cow::Borrowed(protocol))).unwrap_or_default(),
            path: path.collect(),
            uri: OnceLock::new(),
            headers: OnceLock::new(),
            query: OnceLock::new(),
            path_params: OnceLock::new(),
        }
    }

    fn items(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.packed;
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_first_chunk::<4>()?;
            let (item, tail) = tail.split_at_checked(u32::from_ne_bytes(*length) as usize)?;
            rest = tail;
            Some(item)
        })
    }

    pub(crate) fn protocol(&self) -> Option<&str> {
        self.protocol.get().map(|protocol| &**protocol)
    }

    /// Unless one was chosen before.
    pub(crate) fn choose_protocol(&self, protocol: String) {
        self.protocol.get_or_init(|| Cow::Owned(protocol));
    }

    pub(crate) fn uri(&self) -> &Uri {
        self.uri.get_or_init(|| {
            let uri = self.items().next().and_then(|uri| Uri::try_from(uri).ok());
            Box::new(uri.unwrap_or_default())
        })
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.headers.get_or_init(|| {
            let mut items = self.items().skip(1);
            let mut headers = HeaderMap::new();
            while let (Some(name), Some(value)) = (items.next(), items.next()) {
                // They were valid when they were packed.
                if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
                    headers.append(name, value);
                }
            }
            Box::new(headers)
        })
    }

    pub(crate) fn query(&self) -> &Params {
        self.query.get_or_init(|| Box::new(Params::of_query(self.uri().query())))
    }

    pub(crate) fn path(&self) -> &Params {
        let pairs = self.path.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        self.path_params.get_or_init(|| Box::new(Params(pairs.collect())))
    }
}

fn put(packed: &mut Vec<u8>, item: &[u8]) {
    // A head is bounded far below 4 GiB.
    packed.extend_from_slice(&(item.len() as u32).to_ne_bytes());
    packed.extend_from_slice(item);
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("path", &self.uri().path()).field("peer", &self.peer).finish_non_exhaustive()
    }
}
