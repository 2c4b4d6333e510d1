//! The read side: bytes to messages, into the inbox.

use std::task::{Context, Waker};

use super::{Driver, Stage, ending::Ending};
use crate::ws::{
    inbox::Put,
    io::{Borrowed, READ_BUFFER},
    proto::{Event, Message, Op, ProtocolError, Rules},
};

/// Bytes from which on a poll reads no more, and lets other tasks run. What was read is decoded.
const BYTES_A_POLL: usize = READ_BUFFER;

/// So many bytes that come of a compressed message count as a message.
const INFLATED_A_MESSAGE: usize = 256;

/// Messages that wait at most of a peer that has gone: small ones may be many in what the kernel still holds.
const END_MESSAGES: usize = 1024;

/// What one poll of the driver has read and not yet decoded, and how much more it may.
pub(super) struct Input {
    pub(super) buffer: Option<Borrowed>,
    pub(super) start: usize,
    pub(super) stop: usize,
    /// What came of a direct read.
    pub(super) direct: Option<Event>,
    /// The last thing that was decoded ends the connection: nothing behind it counts.
    pub(super) end: Option<Ending>,
    pub(super) rules: Rules,
    messages: usize,
    pub(super) bytes: usize,
    /// Messages that came.
    received: u64,
    /// The stream has no more for now and will wake us.
    pub(super) dry: bool,
    /// The inbox is full.
    full: bool,
    came: bool,
}

impl Input {
    pub(super) fn new(rules: Rules, messages: usize) -> Self {
        Self {
            buffer: None,
            start: 0,
            stop: 0,
            direct: None,
            end: None,
            rules,
            messages,
            bytes: BYTES_A_POLL,
            received: 0,
            dry: false,
            full: false,
            came: false,
        }
    }

    fn waiting(&mut self) -> &mut [u8] {
        match &mut self.buffer {
            Some(buffer) => &mut buffer.bytes()[self.start..self.stop],
            None => &mut [],
        }
    }

    /// Whether anything was decoded in this round, if only a ping.
    pub(super) fn came(&self) -> bool {
        self.came
    }

    /// So many bytes were decoded to so many short messages.
    fn took(&mut self, bytes: usize, messages: usize) {
        self.start += bytes;
        self.messages -= messages;
        self.received += messages as u64;
        self.came |= messages > 0;
    }

    /// Takes work that is not reading off the poll's share.
    pub(super) fn charge(&mut self, messages: usize) {
        self.messages = self.messages.saturating_sub(messages);
    }

    /// Nothing was read in this poll yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.bytes == BYTES_A_POLL
    }

    fn is_spent(&self) -> bool {
        self.messages == 0 || self.bytes == 0
    }

    fn is_empty(&self) -> bool {
        self.start == self.stop
    }

    pub(super) fn ends(&mut self, end: Ending) {
        self.end = Some(end);
        (self.start, self.stop) = (0, 0);
    }
}

impl Driver {
    /// Decodes and reads until the inbox is full, the stream is dry or the poll's share is used up. Whether there is
    /// something new for the handler.
    pub(super) fn poll_input(&mut self, cx: &mut Context<'_>, input: &mut Input) -> bool {
        // Others only make room.
        let mut room = if self.known_room == 0 { self.room() } else { self.known_room as usize };
        let delivered = self.read(cx, input, &mut room);
        self.set_known_room(room);
        delivered
    }

    fn set_known_room(&mut self, room: usize) {
        self.known_room = room.try_into().unwrap_or(u32::MAX);
    }

    fn read(&mut self, cx: &mut Context<'_>, input: &mut Input, room: &mut usize) -> bool {
        let mut delivered = false;
        (input.full, input.came) = (false, false);
        loop {
            match self.stage {
                Stage::Open => {}
                Stage::Closing | Stage::Draining { .. } | Stage::Over => return delivered,
            }
            if input.end.is_some() {
                // The handler first gets what was right, and answers it as far as it can at once: after our close frame
                // nothing is sent (RFC 6455 section 5.5.1).
                return delivered || self.come_to_end(input.end.take());
            }
            if *room == 0 && self.closing.may_send_data() {
                input.full = true;
                return delivered;
            }
            if input.messages == 0 || input.is_empty() && (input.bytes == 0 || !self.fill(cx, input)) {
                return delivered;
            }
            if self.take_short(cx, input, room) {
                delivered = true;
                continue;
            }
            delivered |= self.take_next(cx, input, room);
        }
    }

    /// Whether another round would get further: the handler has made room, or there is more to read.
    pub(super) fn goes_on(&mut self, input: &Input) -> bool {
        if self.stage != Stage::Open {
            return false;
        }
        if input.end.is_some() {
            return true;
        }
        if input.full && input.messages > 0 {
            self.set_known_room(self.room());
            return self.known_room > 0 || !self.closing.may_send_data();
        }
        !input.is_spent() && !input.dry
    }

    /// Keeps what was read and not decoded for the next poll, and sees to it that there is one.
    pub(super) fn put_away(&mut self, mut input: Input, cx: &Context<'_>) {
        self.connection.traffic.received(input.received);
        if !input.is_empty() {
            let mut rest = input.waiting().to_vec();
            // What `fill` has not loaded yet comes behind it.
            rest.extend_from_slice(self.carry.as_ref().map_or(&[], |carry| carry));
            self.carry = Some(Box::new(rest));
        }
        if self.stage != Stage::Open {
            return;
        }
        if input.full && self.pause() {
            return self.clock.pause();
        }
        self.clock.resume();
        if input.full || input.is_spent() {
            cx.waker().wake_by_ref();
        }
    }

    /// How many messages the inbox takes.
    fn room(&self) -> usize {
        self.connection.inbox().room(self.inbox_limit())
    }

    /// Asks to be woken when the full inbox has room; `false` if it has some by now.
    fn pause(&self) -> bool {
        self.connection.inbox().pause(self.inbox_limit())
    }

    fn inbox_limit(&self) -> usize {
        let limit = self.connection.limits.inbox_messages;
        if self.reads_to_end { limit.max(END_MESSAGES) } else { limit }
    }

    /// Hands on the short messages that come next, under one lock of the inbox. Whether there were any.
    fn take_short(&mut self, cx: &Context<'_>, input: &mut Input, room: &mut usize) -> bool {
        let mut inbox = self.connection.inbox();
        *room = inbox.room(self.inbox_limit());
        let most = if input.direct.is_none() { input.messages } else { 0 };
        let (mut taken, mut messages, mut wrong) = (0, 0, None);
        let (mut receiver, mut askers) = (None, Vec::new());
        let rules = input.rules;
        let waiting = input.waiting();
        while *room > 0 && messages < most {
            let (size, short) = match self.decoder.short(&rules, &mut waiting[taken..]) {
                Some(Ok(short)) => short,
                Some(Err(error)) => {
                    wrong = Some(error);
                    break;
                }
                None => break,
            };
            taken += size;
            messages += 1;
            match inbox.put(|| short.message(), *room, cx.waker()) {
                Put::Waits(waker) => {
                    *room -= 1;
                    receiver = waker.or(receiver);
                }
                Put::Answers(asker) => askers.extend(asker),
                Put::Stray => self.connection.traffic.stray(),
                // There is room.
                Put::Dropped => {}
            }
        }
        drop(inbox);
        input.took(taken, messages);
        if let Some(error) = wrong {
            input.ends(Ending::of(error));
        }
        receiver.into_iter().chain(askers).for_each(Waker::wake);
        messages > 0
    }

    /// Deals with what comes next, whatever it is. Whether there is something new for the handler.
    ///
    /// Not a part of the loop that reads: short messages are to find it small.
    #[inline(never)]
    fn take_next(&mut self, cx: &Context<'_>, input: &mut Input, room: &mut usize) -> bool {
        // There is less room than was known: who has waited for the end, or for an answer, does so no more. What has a
        // buffer of its own by now goes in all the same.
        if *room == 0 && self.closing.may_send_data() {
            if input.direct.is_none() {
                return false;
            }
            *room = 1;
        }
        self.decode(input).is_some_and(|event| self.take(event, cx, input, room))
    }

    fn decode(&mut self, input: &mut Input) -> Option<Event> {
        if let Some(event) = input.direct.take() {
            return Some(event);
        }
        if input.is_empty() {
            return None;
        }
        let rules = input.rules;
        match self.decoder.decode(&rules, input.waiting()) {
            Ok((used, event)) => {
                input.start += used;
                event
            }
            Err(error) => {
                input.ends(Ending::of(error));
                None
            }
        }
    }

    /// Deals with one thing that the peer said. Whether it is for the handler.
    fn take(&mut self, event: Event, cx: &Context<'_>, input: &mut Input, room: &mut usize) -> bool {
        input.messages -= 1;
        input.came = true;
        input.received += u64::from(matches!(event, Event::Message(_) | Event::Compressed { .. }));
        self.expect_like(&event, input);
        match event {
            Event::Message(message) => self.deliver(message, cx, room),
            Event::Ping(payload) => {
                let mut outbox = self.connection.outbox();
                if outbox.is_full(&self.connection.limits) {
                    outbox.flush_socket();
                }
                // A peer that sends pings and reads no pongs does not fill our memory.
                if outbox.is_open() && !outbox.is_full(&self.connection.limits) {
                    outbox.push(Op::Pong, &payload);
                }
                false
            }
            Event::Pong(_) => false,
            Event::Close(frame) => {
                input.ends(Ending::Closes(frame));
                false
            }
            Event::Compressed { text, payload } => match self.inflate(text, &payload, input) {
                Ok(message) => self.deliver(message, cx, room),
                Err(error) => {
                    input.ends(Ending::of(error));
                    false
                }
            },
        }
    }

    /// Hands a message to the inbox. Whether it is there.
    fn deliver(&mut self, message: Message, cx: &Context<'_>, room: &mut usize) -> bool {
        self.clock.end_message();
        // After our close frame nobody need receive: what does not fit is dropped, to get to the peer's.
        let put = self.connection.inbox().put(|| message, *room, cx.waker());
        let waker = match put {
            Put::Waits(waker) => {
                *room -= 1;
                // The handler is polled next in any case; only who receives in another task needs to be woken.
                waker
            }
            Put::Answers(asker) => asker,
            Put::Stray => {
                self.connection.traffic.stray();
                return false;
            }
            Put::Dropped => return false,
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Decompresses a message. What comes of it counts as further messages: the work is what a poll's share is about.
    fn inflate(&mut self, text: bool, payload: &[u8], input: &mut Input) -> Result<Message, ProtocolError> {
        // The decoder lets nothing compressed through where nothing was agreed on.
        let inflater = self.inflater.as_mut().ok_or_else(ProtocolError::invalid_deflate)?;
        let message = inflater.inflate(text, payload, input.rules.max_message)?;
        input.charge(message.len() / INFLATED_A_MESSAGE);
        Ok(message)
    }
}
