//! Header lines, cookies and the peer's address.

use std::{borrow::Cow, convert::Infallible, net::SocketAddr, ops::Deref};

use ::http::{HeaderMap, header};

use super::{ArgInfo, FromRequest, OptionalFromRequest, Rejection, Request};

/// All header lines of the request.
#[derive(Clone, Debug, Default)]
pub struct Headers(pub HeaderMap);

impl FromRequest for Headers {
    type Rejection = Infallible;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, Infallible> {
        Ok(Self(request.headers().clone()))
    }
}

impl Deref for Headers {
    type Target = HeaderMap;

    fn deref(&self) -> &HeaderMap {
        &self.0
    }
}

/// The cookies of the request (RFC 6265 section 4.2). What is not UTF-8 is left out.
#[derive(Clone, Debug, Default)]
pub struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// The value of the first cookie of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All cookies, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl FromRequest for Cookies {
    type Rejection = Infallible;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, Infallible> {
        Ok(Self(cookies(request.headers()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        Some((name, value))
    })
}

pub(crate) fn cookie_values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<Cow<'a, str>> {
    cookies(headers).filter(|(known, _)| *known == name).map(|(_, value)| Cow::Borrowed(value)).collect()
}

/// The values of a header; those that are not visible ASCII are as good as absent.
pub(crate) fn header_values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<Cow<'a, str>> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).map(Cow::Borrowed).collect()
}

/// The address that the connection comes from: the proxy's, behind one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

impl FromRequest for PeerAddr {
    type Rejection = Rejection;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, Rejection> {
        let how = "serve the app with `run` or `serve`, or put a `PeerAddr` into the request's extensions";
        let peer = request.extensions().get::<Self>().copied();
        peer.ok_or_else(|| Rejection::not_provided("peer address", "PeerAddr", how))
    }
}

impl OptionalFromRequest for PeerAddr {
    type Rejection = Infallible;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Option<Self>, Infallible> {
        Ok(request.extensions().get::<Self>().copied())
    }
}

impl Deref for PeerAddr {
    type Target = SocketAddr;

    fn deref(&self) -> &SocketAddr {
        &self.0
    }
}
