//! The one task of a connection: reads, polls the handler, writes, and watches the clock.

mod ending;
mod fill;
mod input;
mod large;
mod output;
mod timer;

use std::{
    any::Any,
    future::Future,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use self::input::Input;
use super::{
    Connection, HandlerFuture,
    io::{Io, Stream},
    outcome::{End, Outcome, panicked},
    proto::{Closing, Decoder, Inflater, Rules},
    scope::PublishScope,
    sockets::{Registration, Sockets},
    upgrade::{Attached, Upgrading},
};

/// Messages that one poll takes at most before it lets other tasks run.
const MESSAGES_A_POLL: usize = 256;

/// Everything that belongs to one connection and to nobody else.
pub(crate) struct Driver {
    connection: Arc<Connection>,
    registration: Registration,
    /// The connection's place among those of the server.
    guard: Option<Arc<dyn Any + Send + Sync>>,
    handler: Option<HandlerFuture>,
    io: Io,
    stage: Stage,
    decoder: Decoder,
    /// Decompresses messages, where that was agreed on.
    inflater: Option<Box<Inflater>>,
    /// Bytes that were read and could not be decoded yet, because the inbox was full.
    #[expect(clippy::box_collection, reason = "one word while there are none, which is nearly always")]
    carry: Option<Box<Vec<u8>>>,
    /// Messages that the inbox takes at least: what it did when it was last looked into, less those put in since.
    known_room: u32,
    /// The length of the last message in KiB, if it was large and nothing came behind it: the next is likely to be like it.
    expects: u16,
    /// The inbox's limit no longer counts.
    reads_to_end: bool,
    /// What the outbox said at the last flush.
    closing: Closing,
    clock: timer::Clock,
}

/// How far the connection's end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// The peer has sent its close frame or broken the protocol: nothing is read any more, what waits and our close
    /// frame leave (RFC 6455 sections 1.4 and 7.1.7).
    Closing,
    /// Our side is closed. What the peer still sends is thrown away for a while: closing a socket with unread bytes
    /// would reset it, and the reset could destroy our close frame on its way.
    Draining {
        /// Bytes.
        left: u32,
    },
    /// The stream is closed; the handler may still run.
    Over,
}

/// The task. It holds the driver itself, which is small, since there is one for each connection.
impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let driver = self.get_mut();
        if driver.connection.is_aborted() {
            return Poll::Ready(());
        }
        if let Io::Upgrading(upgrading) = &mut driver.io {
            let upgraded = upgrading.as_mut().poll(cx);
            driver.connection.outbox().driver = Some(cx.waker().clone());
            match upgraded {
                Poll::Ready(attached) => driver.attach(attached),
                Poll::Pending => return Poll::Pending,
            }
        }
        driver.run(cx)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.end_now();
    }
}

impl Driver {
    pub(crate) fn new(
        connection: Arc<Connection>,
        sockets: &Arc<Sockets>,
        upgrading: Upgrading,
        inflater: Option<Inflater>,
        handler: Option<HandlerFuture>,
    ) -> Self {
        Self {
            registration: sockets.register(connection.clone()),
            guard: None,
            connection,
            handler,
            io: Io::Upgrading(upgrading),
            stage: Stage::Open,
            decoder: Decoder::new(),
            inflater: inflater.map(Box::new),
            carry: None,
            known_room: 0,
            expects: 0,
            reads_to_end: false,
            closing: Closing::default(),
            clock: timer::Clock::start(),
        }
    }

    /// Gives the driver its stream, and the bytes that came right behind the handshake.
    #[cold]
    fn attach(&mut self, attached: io::Result<Attached>) {
        let attached = match attached {
            Ok(attached) => attached,
            Err(error) => {
                tracing::debug!(%error, "the connection ended before it was upgraded");
                return self.over();
            }
        };
        self.io = match attached.stream {
            Stream::Tcp(tcp) => {
                let (read, write) = tcp.into_split();
                self.connection.outbox().writer = Some(write);
                Io::Tcp(read)
            }
            Stream::Boxed(stream) => Io::Boxed(stream),
        };
        self.carry = (!attached.early.is_empty()).then(|| Box::new(attached.early.to_vec()));
        self.guard = attached.guard;
        self.stage = Stage::Open;
        self.clock.heard_now();
    }

    /// A handler that has ended before the stream came.
    pub(crate) fn end(&mut self, end: &End) {
        if let End::Failed(message) = end {
            self.registration.sockets.failed(&self.connection, message);
        }
        self.connection.abandon();
        self.connection.close(Some(&end.frame()));
    }

    /// Runs the connection in a task of its own, to its end.
    pub(crate) fn spawn(self) {
        tokio::spawn(self);
    }

    /// What the decoder holds the peer to.
    fn rules(&self) -> Rules {
        let limits = &self.connection.limits;
        Rules {
            max_message: limits.max_message,
            max_frame: limits.max_frame,
            max_fragments: limits.max_fragments,
            // RFC 7692 section 6: the only extension that there is gives it a meaning.
            allow_rsv1: self.inflater.is_some(),
        }
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut input = Input::new(self.rules(), MESSAGES_A_POLL);
        let mut first = true;
        loop {
            let delivered = self.poll_input(cx, &mut input);
            // The first time whatever has woken us may have been meant for the handler.
            if first || delivered {
                // A write to another socket costs more than a message.
                input.charge(self.poll_handler(cx));
            }
            // Where nothing came there is nothing to answer. Streams in a box have answers of their own.
            if first || delivered || input.came() || !self.is_open_tcp() {
                self.poll_output(cx);
            }
            first = false;
            if !self.goes_on(&input) {
                break;
            }
        }
        self.put_away(input, cx);
        self.poll_timer(cx);
        if self.stage == Stage::Over && self.handler.is_none() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn is_open_tcp(&self) -> bool {
        self.stage == Stage::Open && matches!(self.io, Io::Tcp(_))
    }

    /// Polls the handler. Gives the number of other sockets that it has sent to.
    fn poll_handler(&mut self, cx: &mut Context<'_>) -> usize {
        let Some(handler) = &mut self.handler else { return 0 };
        self.connection.begin_poll();
        let scope = PublishScope::enter();
        let polled = catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx)));
        let touched = scope.touched();
        drop(scope);
        let end = match polled {
            Ok(Poll::Pending) => return touched,
            Ok(Poll::Ready(Outcome(end))) => end,
            Err(payload) => panicked(&*payload),
        };
        let handler = self.handler.take();
        // What the handler held may panic in its destructor: that must not take the closing handshake along.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(handler)));
        self.end(&dropped.err().map_or(end, |payload| panicked(&*payload)));
        touched
    }

    /// The stream is no more.
    #[cold]
    fn over(&mut self) {
        self.io = Io::Closed;
        self.guard = None;
        self.stage = Stage::Over;
        self.carry = None;
        self.decoder = Decoder::new();
        self.connection.set_gone(None);
        let mut outbox = self.connection.outbox();
        outbox.writer = None;
        outbox.fail();
    }

    /// Ends what has not ended by itself: the task was aborted, or has panicked.
    fn end_now(&mut self) {
        // First, so that what the handler holds is gone once the connection no longer counts as open.
        self.handler = None;
        if self.stage != Stage::Over {
            self.over();
        }
        // Handles that outlive the connection must not keep its task.
        self.connection.outbox().driver = None;
        self.connection.inbox().forget_receiver();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an idle connection costs is mostly these two. With the driver, tokio's task has 256 bytes; it takes 128 more
    /// where that is not enough.
    #[test]
    fn an_idle_connection_is_small() {
        assert!(size_of::<Driver>() <= 152, "{}", size_of::<Driver>());
        assert!(size_of::<Connection>() <= 280, "{}", size_of::<Connection>());
    }
}
