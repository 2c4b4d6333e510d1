//! In place of `failures.rs` where there is no test client that could ask.

use std::net::SocketAddr;

#[derive(Debug, Default)]
pub(crate) struct Failures;

impl Failures {
    pub(crate) fn note(&self, _: Option<SocketAddr>, _: &str, _: &str) {}
}
