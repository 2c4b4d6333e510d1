//! Handing out: one at a time takes messages out of a room's queue and puts them into the members' outboxes.
//!
//! Whoever has put a message there does it, within the share of its poll; what is left goes on in a task that yields.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tokio::{runtime::Handle, task::yield_now};

use super::{
    live::Live,
    state::{Entry, Later, Next},
};
use crate::{
    error::Result,
    ws::{
        Delivery, Encoded, PublishScope, panic_message,
        proto::{Prepared, Shape},
        scope,
    },
};

/// Deliveries for which the room is locked at a time.
const LOCKED: usize = 512;
/// What a call of the user's counts.
const MAKING: usize = 16;

/// The one who hands out.
struct Drainer {
    live: Arc<Live>,
    /// There may be more to hand out.
    runs: bool,
}

impl Live {
    /// Hands out what waits, unless somebody does already.
    pub(super) fn drain(self: &Arc<Self>) {
        let mut state = self.state();
        if state.draining || state.waiting() == 0 {
            return;
        }
        state.draining = true;
        drop(state);
        let mut drainer = Drainer { live: self.clone(), runs: true };
        let scope = PublishScope::enter_first();
        drainer.stretch();
        if !drainer.runs {
            return;
        }
        drop(scope);
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(drainer.run())),
            // Nobody else is there to do it, and nobody to be kept waiting.
            Err(_) => {
                while drainer.runs {
                    let _scope = PublishScope::enter();
                    drainer.stretch();
                }
            }
        }
    }

    /// The message that a call of the user's makes.
    fn make(&self, make: &Later, shapes: Vec<Shape>) -> Option<Prepared> {
        Some(self.prepare_for(&self.call(make)?, shapes))
    }

    /// What a call of the user's gives. What goes wrong in it is logged, and nobody else's trouble.
    pub(super) fn call<'a>(&self, make: impl FnOnce() -> Option<Result<Encoded<'a>>>) -> Option<Encoded<'a>> {
        match catch_unwind(AssertUnwindSafe(make)) {
            Ok(None) => None,
            Ok(Some(Ok(message))) => Some(message),
            Ok(Some(Err(error))) => {
                tracing::error!(room = &*self.name, "a message of the room was left out: {error}");
                None
            }
            Err(payload) => {
                let what = panic_message(&*payload);
                tracing::error!(room = &*self.name, "a message of the room was left out: making it panicked: {what}");
                None
            }
        }
    }

    pub(super) fn deliver(&self, member: &Entry, message: &Prepared) -> bool {
        let overflow = self.overflow(&member.connection);
        let is_sent = member.connection.deliver(message, overflow, &member.tally) == Delivery::Sent;
        if is_sent {
            member.tally.send(1);
        }
        is_sent
    }
}

impl Drainer {
    async fn run(mut self) {
        while self.runs {
            let scope = PublishScope::enter();
            self.stretch();
            drop(scope);
            yield_now().await;
        }
    }

    /// Goes on until there is no more, or the poll's share is used up.
    fn stretch(&mut self) {
        loop {
            let share = scope::share();
            if share == 0 {
                return;
            }
            let mut state = self.live.state();
            let waker = match state.next() {
                Next::Nothing => {
                    // Under the lock: who puts the next message there finds nobody who hands out.
                    (state.draining, self.runs) = (false, false);
                    return;
                }
                Next::HandOut => {
                    let deliver = |member: &Entry, message: &Prepared| self.live.deliver(member, message);
                    let (spent, sent, waker) = state.hand_out(share.min(LOCKED), deliver);
                    drop(state);
                    scope::spend(spent);
                    self.live.registry.traffic.sent(sent);
                    waker
                }
                Next::Make(make, shapes) => {
                    drop(state);
                    let message = self.live.make(&*make, shapes);
                    scope::spend(MAKING);
                    self.live.state().made(message)
                }
            };
            waker.into_iter().for_each(std::task::Waker::wake);
        }
    }
}

impl Drop for Drainer {
    fn drop(&mut self) {
        if !self.runs {
            return;
        }
        // Its runtime ends: one of those who wait goes on.
        let mut state = self.live.state();
        state.draining = false;
        let waiters: Vec<_> = state.all_waiters().collect();
        drop(state);
        waiters.into_iter().for_each(std::task::Waker::wake);
    }
}
