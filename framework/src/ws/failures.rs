//! What handlers failed with, kept for a test client that asks.

use std::{net::SocketAddr, sync::Mutex};

use crate::sync::lock;

/// The failures of an app, each with the peer whose handler it was. Nothing is kept until somebody asks for it.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<Option<Vec<Failed>>>);

#[derive(Debug)]
struct Failed {
    peer: Option<SocketAddr>,
    text: String,
}

impl Failures {
    pub(crate) fn note(&self, peer: Option<SocketAddr>, path: &str, message: &str) {
        if let Some(failures) = lock(&self.0).as_mut() {
            failures.push(Failed { peer, text: format!("the handler of {path} failed: {message}") });
        }
    }

    /// From now on failures are kept.
    pub(crate) fn keep(&self) {
        lock(&self.0).get_or_insert_default();
    }

    /// All of them, which stay.
    pub(crate) fn all(&self) -> Vec<String> {
        lock(&self.0).iter().flatten().map(|failed| failed.text.clone()).collect()
    }

    /// Takes those of one peer: they were expected.
    pub(crate) fn take_of(&self, peer: SocketAddr) -> Vec<String> {
        let mut failures = lock(&self.0);
        let Some(all) = failures.as_mut() else { return Vec::new() };
        let (own, others) = std::mem::take(all).into_iter().partition(|failed| failed.peer == Some(peer));
        *all = others;
        let own: Vec<Failed> = own;
        own.into_iter().map(|failed| failed.text).collect()
    }

    /// Takes all of them.
    pub(crate) fn take(&self) -> Vec<String> {
        lock(&self.0).as_mut().map(std::mem::take).unwrap_or_default().into_iter().map(|failed| failed.text).collect()
    }
}
