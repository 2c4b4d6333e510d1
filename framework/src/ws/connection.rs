//! What the driver of a connection and the handles to it share.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
};

use tokio::task::coop::consume_budget;

use super::{
    facts::Facts,
    inbox::{Inbox, Received},
    options::{Invalid, RouteOptions},
    outbox::{Delivery, Outbox},
    proto::{CloseCode, CloseFrame, Op, Payload, Prepared},
    scope,
    tally::Tally,
    traffic::Traffic,
};
use crate::{
    config::{Limits, Overflow},
    error::{Error, Result},
    rt,
    sync::{AtomicBool, AtomicU32, Mutex, MutexGuard, lock},
};

/// One connection, whoever looks at it.
pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) facts: Facts,
    pub(crate) limits: Arc<Limits>,
    pub(crate) invalid: Invalid,
    /// What the route says about members that are too slow.
    pub(crate) overflow: Option<Overflow>,
    /// Counts for the whole app.
    pub(crate) traffic: Arc<Traffic>,
    inbox: Mutex<Inbox>,
    outbox: Mutex<Outbox>,
    /// The thread on which the driver polls the handler right now, and will flush afterwards; 0 while it does not. Set by
    /// the driver alone, cleared under the outbox's lock, so that whoever runs on that thread may leave the flush to the
    /// driver. Others do not: the handler may block its thread.
    polling: AtomicU32,
    /// The alarm has rung that the driver had set.
    rung: AtomicBool,
    /// The driver is to end without asking anybody.
    aborted: AtomicBool,
}

impl Connection {
    pub(crate) fn new(
        id: u64,
        facts: Facts,
        limits: Arc<Limits>,
        options: &RouteOptions,
        traffic: Arc<Traffic>,
    ) -> Self {
        Self {
            id,
            facts,
            limits,
            invalid: options.invalid,
            overflow: options.overflow,
            traffic,
            inbox: Mutex::default(),
            outbox: Mutex::default(),
            polling: AtomicU32::new(0),
            rung: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
        }
    }

    pub(crate) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        lock(&self.inbox)
    }

    pub(crate) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.outbox)
    }

    /// The driver is about to poll the handler.
    pub(crate) fn begin_poll(&self) {
        self.polling.store(rt::thread_number(), Ordering::Relaxed);
    }

    /// The handler's poll is over; the caller flushes.
    pub(crate) fn end_poll(&self) -> MutexGuard<'_, Outbox> {
        let outbox = self.outbox();
        self.polling.store(0, Ordering::Relaxed);
        outbox
    }

    /// Wakes the driver because of the time.
    pub(super) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.outbox().wake_driver();
    }

    /// Whether the alarm has rung since this was last asked.
    pub(super) fn take_ring(&self) -> bool {
        self.rung.load(Ordering::Relaxed) && self.rung.swap(false, Ordering::Acquire)
    }

    /// Ends the driver without asking anybody.
    pub(super) fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
        self.outbox().wake_driver();
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    /// Sends one message, or waits for room in the outbox.
    pub(crate) fn poll_send(self: &Arc<Self>, cx: &mut Context<'_>, op: Op, payload: &Payload<'_>) -> Poll<Result<()>> {
        // A loop of sends to a peer that takes them all would never let other tasks run.
        ready!(pin!(consume_budget()).poll(cx));
        let mut outbox = ready!(self.poll_outbox(cx))?;
        let was_blocked = outbox.blocked;
        outbox.push_message(op, payload);
        self.after_push(outbox, was_blocked);
        Poll::Ready(Ok(()))
    }

    /// Waits until a message would be taken.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<Result<()>> {
        self.poll_outbox(cx).map_ok(drop)
    }

    /// How many messages and bytes the outbox takes before it is full.
    pub(crate) fn spare(&self) -> (usize, usize) {
        self.outbox().spare(&self.limits)
    }

    /// The outbox, once there is room in it.
    fn poll_outbox(&self, cx: &Context<'_>) -> Poll<Result<MutexGuard<'_, Outbox>>> {
        let outbox = self.outbox();
        if !outbox.is_open() {
            drop(outbox);
            return Poll::Ready(Err(self.disconnected()));
        }
        if outbox.is_full(&self.limits) {
            return self.poll_full(cx, outbox);
        }
        Poll::Ready(Ok(outbox))
    }

    /// A full outbox is one whose peer takes no more: what only waits for the end of a poll leaves now.
    #[cold]
    fn poll_full<'a>(
        &self,
        cx: &Context<'_>,
        mut outbox: MutexGuard<'a, Outbox>,
    ) -> Poll<Result<MutexGuard<'a, Outbox>>> {
        let was_blocked = outbox.blocked;
        outbox.flush_socket();
        if outbox.blocked && !was_blocked {
            outbox.wake_driver();
        }
        if outbox.broken {
            drop(outbox);
            return Poll::Ready(Err(self.disconnected()));
        }
        if outbox.is_full(&self.limits) {
            outbox.wait(cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(Ok(outbox))
    }

    /// Takes a message that many get; see [`Outbox::deliver`]. It leaves at the end of the current publishing scope.
    pub(crate) fn deliver(self: &Arc<Self>, message: &Prepared, overflow: Overflow, tally: &Arc<Tally>) -> Delivery {
        let mut outbox = self.outbox();
        let was_blocked = outbox.blocked;
        let delivery = outbox.deliver(message, overflow, &self.limits, tally);
        if delivery == Delivery::Sent || outbox.blocked != was_blocked {
            self.after_push(outbox, was_blocked);
        }
        delivery
    }

    /// Sends the close frame, unless one was sent. Data can't be sent after it.
    pub(crate) fn close(self: &Arc<Self>, frame: Option<&CloseFrame>) {
        let mut outbox = self.outbox();
        if outbox.is_open() {
            let was_blocked = outbox.blocked;
            outbox.push_close(frame);
            // The driver has to watch the peer's answer.
            outbox.wake_driver();
            self.after_push(outbox, was_blocked);
        }
    }

    /// Closes on behalf of the user, who may give a code that must not be sent.
    pub(crate) fn close_checked(self: &Arc<Self>, code: CloseCode, reason: &str) -> Result<()> {
        if !code.is_sendable() {
            return Err(Error::invalid_close(code));
        }
        self.close(Some(&CloseFrame { code, reason: reason.into() }));
        Ok(())
    }

    /// Lets what was appended leave: with the driver's flush, at the end of the publisher's poll, or at once.
    #[inline]
    fn after_push(self: &Arc<Self>, outbox: MutexGuard<'_, Outbox>, was_blocked: bool) {
        if self.polling.load(Ordering::Relaxed) != rt::thread_number() {
            self.let_leave(outbox, was_blocked);
        }
    }

    /// The same where the driver does not flush by itself.
    #[inline(never)]
    fn let_leave(self: &Arc<Self>, mut outbox: MutexGuard<'_, Outbox>, was_blocked: bool) {
        self.count(&mut outbox);
        if outbox.touched {
            return;
        }
        if outbox.blocked {
            // The push itself has found the socket full: the driver does not know yet that it is to wait for it.
            if !was_blocked {
                outbox.wake_driver();
            }
            return;
        }
        if scope::defer(self) {
            outbox.touched = true;
            return;
        }
        Self::flush_outside(&mut outbox);
    }

    /// Passes on what the outbox has counted.
    pub(crate) fn count(&self, outbox: &mut Outbox) {
        self.traffic.sent(std::mem::take(&mut outbox.uncounted).into());
    }

    /// Flushes from outside the driver.
    pub(crate) fn flush_outside(outbox: &mut Outbox) {
        outbox.flush_socket();
        // What is left is for the driver: it waits for the stream, or is the only one who can write to it.
        if !outbox.is_empty() || outbox.broken {
            outbox.wake_driver();
        }
    }

    /// Receives one message, and those behind it that are handed over with it, or learns that the peer is gone.
    pub(crate) fn receive(&self, cx: &Context<'_>) -> Received {
        let (received, driver_waits) = self.inbox().receive(cx.waker());
        if driver_waits {
            self.wake_driver();
        }
        received
    }

    #[cold]
    fn wake_driver(&self) {
        self.outbox().wake_driver();
    }

    /// Nobody receives any more.
    pub(crate) fn abandon(&self) {
        let driver_waits = self.inbox().abandon();
        if driver_waits {
            self.wake_driver();
        }
    }

    /// Waits until the peer is gone.
    pub(crate) fn closed(self: &Arc<Self>) -> Closed<'_> {
        Closed { connection: self, key: None }
    }

    /// Nothing more will come from the peer.
    pub(crate) fn set_gone(&self, frame: Option<CloseFrame>) {
        let wakers = self.inbox().set_gone(frame);
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.inbox().gone().is_some()
    }

    /// The peer's close frame, once it came.
    pub(crate) fn close_frame(&self) -> Option<CloseFrame> {
        self.inbox().gone().and_then(|gone| gone.0.clone())
    }

    #[cold]
    pub(crate) fn disconnected(&self) -> Error {
        Error::disconnected(self.close_frame())
    }
}

/// Waits until the peer is gone; dropped, it leaves nothing behind.
pub(crate) struct Closed<'a> {
    connection: &'a Connection,
    key: Option<u32>,
}

impl Future for Closed<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let connection = self.connection;
        let mut inbox = connection.inbox();
        if inbox.gone().is_some() {
            return Poll::Ready(());
        }
        let driver_waits = inbox.watch(&mut self.key, cx.waker());
        drop(inbox);
        if driver_waits {
            connection.wake_driver();
        }
        Poll::Pending
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.connection.inbox().unwatch(key);
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("id", &self.id).field("facts", &self.facts).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod fake {
    //! Connections without a peer.

    use super::*;
    use crate::{
        extract::{PathValues, Request, Scope},
        http::Body,
    };

    pub(crate) fn connection(id: u64, limits: &Arc<Limits>, traffic: &Arc<Traffic>) -> Arc<Connection> {
        let (parts, ()) = ::http::Request::new(()).into_parts();
        let scope = Scope { states: Arc::default(), limits: limits.clone(), path: PathValues::default() };
        let facts = Facts::of(&Request::new(parts, Body::empty(), scope), None);
        Arc::new(Connection::new(id, facts, limits.clone(), &RouteOptions::DEFAULT, traffic.clone()))
    }
}
