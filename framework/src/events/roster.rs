//! Who is there.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use super::Peer;
use crate::{sync::lock, ws::ConnectionId};

/// All peers of one handler, in the order in which they came.
#[derive(Default)]
pub(super) struct Roster(Mutex<BTreeMap<ConnectionId, Peer>>);

/// A peer's place in the roster, given up when it is dropped: when its session ends, however it ends.
pub(super) struct Seat {
    roster: Arc<Roster>,
    peer: Peer,
}

impl Roster {
    pub(super) fn enter(self: &Arc<Self>, peer: &Peer) -> Seat {
        lock(&self.0).insert(peer.id(), peer.clone());
        Seat { roster: self.clone(), peer: peer.clone() }
    }

    pub(super) fn peers(&self) -> Vec<Peer> {
        lock(&self.0).values().cloned().collect()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let left = lock(&self.roster.0).remove(&self.peer.id());
        // Outside the lock, as it may be the last of the peer.
        drop(left);
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roster({} peers)", lock(&self.0).len())
    }
}
