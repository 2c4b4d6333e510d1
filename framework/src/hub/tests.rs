//! Rooms without sockets: connections whose outboxes the test empties.

mod large;
mod model;
mod others;
mod resuming;
mod shapes;
#[cfg(feature = "shuttle")]
mod threads;

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::*;
use crate::{
    config::Limits,
    ws::{Connected, Connection, Handle, fake},
};

/// A connection as what joins.
#[derive(Clone)]
struct Fake(Arc<Connection>);

impl Connected for Fake {
    fn handle(&self) -> Handle {
        Handle(self.0.clone())
    }
}

impl Fake {
    fn new(id: u64, limits: &Arc<Limits>, hub: &Hub) -> Self {
        Self(fake::connection(id, limits, hub.traffic()))
    }

    /// Takes at most `most` bytes of what waits.
    fn read(&self, most: usize) -> Vec<u8> {
        let mut read = Vec::new();
        self.0.outbox().flush_with(|bytes| match bytes.len().min(most - read.len()) {
            0 if !bytes.is_empty() => Poll::Pending,
            count => {
                read.extend_from_slice(&bytes[..count]);
                Poll::Ready(Ok(count))
            }
        });
        read
    }
}

/// What is done at once.
#[track_caller]
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// The payloads of whole, short frames, and what is left.
fn frames(mut bytes: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
    let mut frames = Vec::new();
    while let [_, len, rest @ ..] = bytes {
        assert!(*len < 126, "a frame of these tests is short");
        let Some((payload, rest)) = rest.split_at_checked(usize::from(*len)) else { break };
        frames.push(payload.to_vec());
        bytes = rest;
    }
    (frames, bytes)
}

/// Nobody holds it, nobody knows it.
#[test]
fn rooms_are_forgotten() {
    let hub = Hub::default();
    let limits = Arc::<Limits>::default();
    let fake = Fake::new(1, &limits, &hub);
    for name in 0..100 {
        now(hub.publish(name.to_string(), &1)).unwrap();
    }
    assert_eq!(hub.registry.known_rooms(), 0);
    let member = now(hub.room("a").join(&fake)).unwrap();
    assert_eq!((hub.registry.known_rooms(), hub.rooms().len()), (1, 1));
    let handle = hub.room("a");
    drop(member);
    assert_eq!((hub.registry.known_rooms(), hub.rooms().len()), (1, 0));
    drop(handle);
    assert_eq!(hub.registry.known_rooms(), 0);
}
