//! The clock side: heartbeat, and the limits of time. One alarm a connection, set anew only when it would ring too late.

use std::{task::Context, time::Duration};

use super::{Driver, Stage};
use crate::{
    rt::Moment,
    ws::proto::{CloseCode, CloseFrame, Op},
};

/// How often a connection whose inbox is full looks whether its peer is still there.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// When things happened.
#[derive(Debug)]
pub(super) struct Clock {
    /// When the alarm rings next; not later than anything is due.
    armed: Option<Moment>,
    /// When the peer was last heard.
    heard: Moment,
    pinged: Option<Moment>,
    /// When the message began that is not complete yet.
    pub(super) message_since: Option<Moment>,
    pub(super) closed_at: Option<Moment>,
    pub(super) full_since: Option<Moment>,
    /// Reading has stopped because the inbox is full: the peer can't be heard, whatever it says. Since when, or when we
    /// last looked whether it is there.
    paused: Option<Moment>,
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
    pub(super) fn start(now: Moment) -> Self {
        Self {
            armed: None,
            heard: now,
            pinged: None,
            message_since: None,
            closed_at: None,
            full_since: None,
            paused: None,
        }
    }

    pub(super) fn heard_now(&mut self) {
        self.heard = Moment::now();
        self.pinged = None;
    }

    pub(super) fn pause(&mut self) {
        self.paused.get_or_insert_with(Moment::now);
    }

    /// Reading goes on: the time in which we did not listen is not the peer's silence.
    pub(super) fn resume(&mut self) {
        if self.paused.take().is_some() {
            self.heard_now();
        }
    }
}

impl Driver {
    /// Does what is due, and sets the alarm for what is due next, unless it rings early enough.
    pub(super) fn poll_timer(&mut self, cx: &mut Context<'_>) {
        if !self.decoder.message_started() {
            self.clock.message_since = None;
        } else if self.clock.message_since.is_none() {
            self.clock.message_since = Some(self.clock.heard);
        }
        if self.connection.take_ring() {
            self.clock.armed = None;
        }
        while let Some((at, due)) = self.next_due() {
            if self.clock.armed.is_some_and(|armed| armed <= at) {
                return;
            }
            if at > Moment::now() {
                self.clock.armed = Some(at);
                return self.registration.sockets.wake_at(at, self.connection.id);
            }
            self.ring(due);
            self.poll_output(cx);
        }
    }

    /// What is due next, and when.
    fn next_due(&self) -> Option<(Moment, Due)> {
        let limits = &self.connection.limits;
        let clock = &self.clock;
        if let Stage::Draining { until, .. } = self.stage {
            return Some((until, Due::Drained));
        }
        if self.stage == Stage::Over {
            return None;
        }
        if let Some(closed_at) = clock.closed_at {
            return Some((closed_at + limits.close_timeout, Due::NoClose));
        }
        let heartbeat = match (clock.paused, clock.pinged, limits.ping_interval) {
            (Some(since), _, _) => Some((since + LOOK_AGAIN, Due::Look)),
            (None, Some(pinged), _) => Some((pinged + limits.pong_timeout, Due::NoPong)),
            (None, None, Some(interval)) => Some((clock.heard + interval, Due::Ping)),
            (None, None, None) => None,
        };
        let slow = clock.message_since.map(|since| (since + limits.message_timeout, Due::SlowMessage));
        let stalled = clock.full_since.map(|since| (since + limits.stall_timeout, Due::Stalled));
        [heartbeat, slow.filter(|_| clock.paused.is_none()), stalled].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn ring(&mut self, due: Due) {
        match due {
            Due::Ping => {
                self.clock.pinged = Some(Moment::now());
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
            Due::Look if self.io.is_read_closed() => self.read_to_end(),
            Due::Look => self.clock.paused = Some(Moment::now()),
        }
    }
}
