//! An encrypted connection. The library has one as well, but takes the cryptography that it finds, and panics if it finds two.

use std::{io, sync::Arc};

use redis::{AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, RedisError, aio::MultiplexedConnection};
use tokio::{net::TcpStream, task::AbortHandle};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

use crate::{broker::tls, error::Result};

#[derive(Clone)]
pub(super) struct Secure(Arc<ClientConfig>);

/// The task of a connection, for as long as this is held.
pub(super) struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Secure {
    pub(super) fn new() -> Result<Self> {
        Ok(Self(Arc::new(tls::config()?)))
    }

    pub(super) async fn connect(
        &self,
        info: &ConnectionInfo,
        config: AsyncConnectionConfig,
    ) -> Result<(MultiplexedConnection, Driver), RedisError> {
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err(io::Error::other("expected a host and a port").into());
        };
        let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        let stream = TlsConnector::from(self.0.clone()).connect(name, stream).await?;
        let (connection, driver) =
            MultiplexedConnection::new_with_config(info.redis_settings(), stream, config).await?;
        Ok((connection, Driver(tokio::spawn(driver).abort_handle())))
    }
}
