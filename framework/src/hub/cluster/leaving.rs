//! Nodes that have said goodbye: whoever was connected to one has the room's time of grace to come to another.

use std::sync::Mutex;

use tokio::time::Instant;

use super::supervisor::Supervisor;
use crate::{broker::NodeId, sync::lock};

/// Who has said goodbye, and when, as long as it may have users here.
#[derive(Debug, Default)]
pub(super) struct Leaving(Mutex<Vec<(NodeId, Instant)>>);

impl Supervisor {
    /// A node says goodbye. It will not be asked for anything any more.
    pub(super) async fn see_off(&self, node: NodeId) {
        for live in self.rooms() {
            live.state().others.iter_mut().for_each(|others| others.see_off(node));
            live.progress();
        }
        lock(&self.leaving.0).push((node, Instant::now()));
        self.forget_left().await;
    }

    /// Has the users leave whose time is over.
    pub(super) async fn forget_left(&self) {
        let leaving = lock(&self.leaving.0).clone();
        for (node, since) in leaving {
            let mut is_awaited = false;
            for live in self.rooms() {
                let grace = live.options.grace.unwrap_or_default();
                if since.elapsed() < grace {
                    is_awaited = true;
                } else {
                    self.forget_in(&live, node).await;
                }
            }
            if !is_awaited {
                lock(&self.leaving.0).retain(|(left, _)| *left != node);
            }
        }
    }
}
