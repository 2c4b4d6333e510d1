//! Stands in where the feature `tls` is off: no client has TLS.

use std::io;

use crate::error::{Error, Result};

/// There is none.
pub(crate) enum Connector {}

impl Connector {
    pub(crate) fn new(_: Option<&[u8]>) -> Result<Self> {
        Err(Error::other(
            "expected a URL that begins with `ws://`: `wss` needs the feature `tls` of the crate `sockeye`",
        ))
    }

    pub(crate) async fn connect<S>(&self, _: &str, _: S) -> io::Result<S> {
        match *self {}
    }
}
