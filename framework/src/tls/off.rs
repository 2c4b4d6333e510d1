//! Stands in where the feature `tls` is off: no app has TLS.

#[cfg(feature = "client")]
#[path = "connector_off.rs"]
mod connector;

use std::io;

#[cfg(feature = "client")]
pub(crate) use self::connector::Connector;

/// There is none.
#[derive(Clone, Debug)]
pub(crate) enum TlsConfig {}

/// There is none.
#[derive(Clone)]
pub(crate) enum Acceptor {}

impl TlsConfig {
    pub(crate) async fn watch(&self) {
        match *self {}
    }

    pub(crate) fn acceptor(&self, _: &[&[u8]]) -> Acceptor {
        match *self {}
    }
}

impl Acceptor {
    pub(crate) async fn accept<S>(&self, _: S) -> Result<(S, Option<Vec<u8>>), (io::Error, S)> {
        match *self {}
    }
}
