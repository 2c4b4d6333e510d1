//! Stands in where the feature `tls` is off.

use redis::{AsyncConnectionConfig, ConnectionInfo, RedisError, aio::MultiplexedConnection};

use crate::error::{Error, Result};

#[derive(Clone)]
pub(super) enum Secure {}

pub(super) enum Driver {}

impl Secure {
    pub(super) fn new() -> Result<Self> {
        Err(Error::broker("expected the feature `tls` of the crate `sockeye` for `rediss://`, it is off"))
    }

    pub(super) async fn connect(
        &self,
        _: &ConnectionInfo,
        _: AsyncConnectionConfig,
    ) -> Result<(MultiplexedConnection, Driver), RedisError> {
        match *self {}
    }
}
