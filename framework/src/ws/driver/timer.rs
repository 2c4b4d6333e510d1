//! The clock side: heartbeat, and the limits of time. One alarm a connection, set anew only when it would ring too late.

use std::{task::Context, time::Duration};

use tokio::time::Instant;

use super::{Driver, Stage};
use crate::{
    rt::Moment,
    ws::{
        io::READ_BUFFER,
        proto::{CloseCode, CloseFrame, Op},
    },
};

/// What the peer still sends is thrown away so long, once our side is closed.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// How often a connection whose inbox is full looks whether its peer is still there.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// An alarm that rings so much later was kept: the process was stopped, or the machine asleep or overloaded.
const LATE: Duration = Duration::from_secs(1);

/// When things happened.
#[derive(Debug)]
pub(super) struct Clock {
    /// When the alarm rings next; not later than anything is due.
    armed: Option<Moment>,
    /// When the peer was last heard, as the clock says it: seldom is it looked at again.
    heard: Instant,
    /// What an idle connection has nothing of.
    rare: Option<Box<Since>>,
}

/// Since when something goes on that must not go on for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Since {
    /// A ping has left, and nothing has come since.
    pinged: Option<Moment>,
    /// A message has begun and is not complete.
    message: Option<Moment>,
    /// Our close frame is on its way.
    closed: Option<Moment>,
    /// The outbox is full.
    full: Option<Moment>,
    /// Reading has stopped because the inbox is full: the peer can't be heard, whatever it says. Since when, or when we
    /// last looked whether it is there.
    paused: Option<Moment>,
    /// Our side is closed.
    pub(super) drained: Option<Moment>,
}

/// What to do when the timer rings.
#[derive(Clone, Copy, Debug)]
enum Due {
    Ping,
    NoPong,
    SlowMessage,
    Stalled,
    NoClose,
    Drained,
    Look,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { armed: None, heard: Instant::now(), rare: None }
    }

    fn heard(&self) -> Moment {
        Moment::at(self.heard)
    }

    fn since(&self) -> Since {
        self.rare.as_deref().copied().unwrap_or_default()
    }

    /// Notes that something has begun or is over.
    pub(super) fn note(&mut self, change: impl FnOnce(&mut Since)) {
        let old = self.since();
        let mut new = old;
        change(&mut new);
        match &mut self.rare {
            _ if new == old => {}
            rare if new == Since::default() => *rare = None,
            Some(since) => **since = new,
            rare => *rare = Some(Box::new(new)),
        }
    }

    /// Notes what the outbox says; nearly always there is nothing to note.
    pub(super) fn note_outbox(&mut self, closed: Option<Moment>, full: Option<Moment>) {
        if self.rare.is_some() || closed.is_some() || full.is_some() {
            self.note(|since| (since.closed, since.full) = (closed, full));
        }
    }

    /// A message is complete: the time of the next one starts anew.
    pub(super) fn end_message(&mut self) {
        if self.rare.is_some() {
            self.note(|since| since.message = None);
        }
    }

    pub(super) fn heard_now(&mut self) {
        self.heard = Instant::now();
        if self.rare.is_some() {
            self.note(|since| since.pinged = None);
        }
    }

    pub(super) fn pause(&mut self) {
        self.note(|since| since.paused = since.paused.or_else(|| Some(Moment::now())));
    }

    /// Reading goes on: the time in which we did not listen is not the peer's silence.
    pub(super) fn resume(&mut self) {
        if self.since().paused.is_some() {
            self.note(|since| since.paused = None);
            self.heard_now();
        }
    }
}

#[cfg(test)]
mod tests;

impl Driver {
    /// Does what is due, and sets the alarm for what is due next, unless it rings early enough.
    pub(super) fn poll_timer(&mut self, cx: &mut Context<'_>) {
        let started = self.decoder.message_started();
        if started || self.clock.rare.is_some() {
            let heard = self.clock.heard();
            self.clock.note(|since| since.message = started.then(|| since.message.unwrap_or(heard)));
        }
        if self.connection.take_ring() {
            // The clock itself may have come to an end, and the alarm be still to come: then it rings for that.
            self.registration.sockets.keep_ticking();
            // An earlier alarm may have been set since, and this be the one that it left behind: the next is set already.
            self.clock.armed = self.clock.armed.filter(|armed| *armed > Moment::now());
        }
        if self.clock.armed.is_some() && self.clock.rare.is_none() && self.stage == Stage::Open {
            // Nearly always: only the peer's silence is watched, which ends later than when the alarm was set.
            return;
        }
        while let Some((at, due)) = self.next_due() {
            if self.clock.armed.is_some_and(|armed| armed <= at) {
                return;
            }
            let now = Moment::now();
            if at > now {
                self.clock.armed = Some(at);
                return self.registration.sockets.wake_at(at, self.connection.id);
            }
            if now > at + LATE && self.restart(due, now) {
                continue;
            }
            self.ring(due);
            self.poll_output(cx);
        }
    }

    /// What is due next, and when.
    fn next_due(&self) -> Option<(Moment, Due)> {
        let limits = &self.connection.limits;
        let since = self.clock.since();
        match self.stage {
            Stage::Over => return None,
            Stage::Draining { .. } => return since.drained.map(|since| (since + DRAIN_TIME, Due::Drained)),
            Stage::Open | Stage::Closing => {}
        }
        if let Some(closed) = since.closed {
            return Some((closed + limits.close_timeout, Due::NoClose));
        }
        let heartbeat = match (since.paused, since.pinged, limits.ping_interval) {
            (Some(since), _, _) => Some((since + LOOK_AGAIN, Due::Look)),
            (None, Some(pinged), _) => Some((pinged + limits.pong_timeout, Due::NoPong)),
            (None, None, Some(interval)) => Some((self.clock.heard() + interval, Due::Ping)),
            (None, None, None) => None,
        };
        let slow = since.message.filter(|_| since.paused.is_none());
        let slow = slow.map(|since| (since + limits.message_timeout, Due::SlowMessage));
        let stalled = since.full.map(|since| (since + limits.stall_timeout, Due::Stalled));
        [heartbeat, slow, stalled].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Whether the peer has closed its side while nothing is read; what had to be read to know is kept.
    fn has_peer_gone(&mut self) -> bool {
        let Self { io, carry, .. } = self;
        let room = READ_BUFFER.saturating_sub(carry.as_ref().map_or(0, |carry| carry.len()));
        io.is_read_closed(room, |bytes| carry.get_or_insert_default().extend_from_slice(bytes))
    }

    /// Gives the peer its time anew, where it had one: while we did not run, it could not be heard. What it has sent may
    /// wait in the kernel, and the runtime need not know of it yet.
    fn restart(&mut self, due: Due, now: Moment) -> bool {
        match due {
            Due::NoPong => self.clock.note(|since| since.pinged = Some(now)),
            Due::SlowMessage => self.clock.note(|since| since.message = Some(now)),
            Due::Stalled => {
                self.connection.outbox().restart_stall(now);
                self.clock.note(|since| since.full = Some(now));
            }
            Due::Ping | Due::NoClose | Due::Drained | Due::Look => return false,
        }
        true
    }

    fn ring(&mut self, due: Due) {
        match due {
            Due::Ping => {
                self.clock.note(|since| since.pinged = Some(Moment::now()));
                let mut outbox = self.connection.outbox();
                if outbox.is_open() {
                    outbox.push(Op::Ping, b"");
                }
            }
            Due::NoPong => {
                tracing::debug!(connection = self.connection.id, "no pong in time");
                self.over();
            }
            Due::SlowMessage => self.fail_with(CloseFrame {
                code: CloseCode::POLICY,
                reason: "expected the rest of the message sooner".into(),
            }),
            Due::Stalled => {
                tracing::debug!(connection = self.connection.id, "the peer takes nothing");
                self.connection.outbox().drop_waiting();
                self.fail_with(CloseFrame { code: CloseCode::TRY_AGAIN, reason: "the peer is too slow".into() });
            }
            // The peer owes us a close frame, or takes ours too slowly.
            Due::NoClose => self.shut_down(),
            Due::Drained => self.over(),
            Due::Look if self.has_peer_gone() => self.read_to_end(),
            Due::Look => self.clock.note(|since| since.paused = Some(Moment::now())),
        }
    }
}
