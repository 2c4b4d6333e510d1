//! One member says something, and all get it: the next batch leaves when every member has the whole one before.
//!
//! Messages are numbered, so that none can be lost, doubled or moved without a byte that is wrong.

use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use common::frame::{self, Op};
use common::protocol::Protocol;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::client::{PATIENCE, Target};
use crate::drive::Until;
use crate::script::Batch;

/// Different messages, gone through in a circle; whole batches of them.
const NUMBERED: usize = 64;
const EVENTS: usize = 1024;
const READ_BUFFER: usize = 64 * 1024;
/// What a server says to a member that has joined.
const JOINED: &[u8] = b"joined";

pub(crate) struct Fanout {
    poll: Poll,
    events: Events,
    members: Vec<Member>,
    batches: Vec<Batch>,
    /// Which batch is next.
    next: usize,
    buffer: Vec<u8>,
}

struct Member {
    stream: TcpStream,
    /// Bytes of the batch that have come.
    came: usize,
}

impl Fanout {
    /// Has all members join. The first one speaks.
    pub(crate) fn open(target: &Target, op: Op, size: usize, count: usize, in_flight: usize) -> Result<Self> {
        ensure!(NUMBERED % in_flight == 0, "--in-flight must divide {NUMBERED}");
        let messages: Vec<Batch> = (0..NUMBERED).map(|number| message(target.protocol, op, size, number)).collect();
        let poll = Poll::new()?;
        let mut members = Vec::with_capacity(count);
        for index in 0..count {
            let stream = join(target).with_context(|| format!("member {} of {count}", index + 1))?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            members.push(Member { stream, came: 0 });
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            members,
            batches: messages.chunks(in_flight).map(|chunk| Batch::joined(chunk.iter())).collect(),
            next: 0,
            buffer: vec![0; READ_BUFFER],
        })
    }

    /// Runs until then, to the end of a batch, and says how many deliveries there were.
    pub(crate) fn run(&mut self, until: Until) -> Result<u64> {
        let Until::Time(end) = until else { bail!("a fan-out runs for some time") };
        let mut deliveries = 0;
        while deliveries == 0 || Instant::now() < end {
            deliveries += self.round()?;
        }
        Ok(deliveries)
    }

    fn round(&mut self) -> Result<u64> {
        let batch = &self.batches[self.next];
        self.next = (self.next + 1) % self.batches.len();
        let speaker = self.members.first_mut().context("nobody has joined")?;
        // So little always fits: all before it was answered.
        let count = speaker.stream.write(&batch.request)?;
        ensure!(count == batch.request.len(), "the socket took {count} of {} bytes", batch.request.len());
        let mut complete = 0;
        while complete < self.members.len() {
            match self.poll.poll(&mut self.events, Some(PATIENCE)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            ensure!(!self.events.is_empty(), "{complete} of {} members got all", self.members.len());
            for event in &self.events {
                let member = &mut self.members[event.token().0];
                complete += usize::from(member.read(&batch.reply, &mut self.buffer)?);
            }
        }
        self.members.iter_mut().for_each(|member| member.came = 0);
        Ok(batch.messages * self.members.len() as u64)
    }
}

impl Member {
    /// Compares what has come. Whether the batch is complete by it.
    fn read(&mut self, expected: &[u8], buffer: &mut [u8]) -> Result<bool> {
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => bail!("the server dropped a member"),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            let part = expected.get(self.came..self.came + count);
            ensure!(part == Some(&buffer[..count]), "a message came changed, or more than was sent");
            self.came += count;
            // A short read has emptied the socket: whatever comes next is a new event.
            if count < buffer.len() {
                return Ok(self.came == expected.len());
            }
        }
    }
}

/// Raw servers pass on what they get, so they get what the others send.
fn message(protocol: Protocol, op: Op, size: usize, number: usize) -> Batch {
    let mut payload = frame::payload(op, size);
    let digits = format!("{number:02}");
    payload[..digits.len()].copy_from_slice(digits.as_bytes());
    let reply = frame::plain(op, &payload);
    let request = match protocol {
        Protocol::Raw => reply.clone(),
        Protocol::WebSocket => frame::masked(op, false, &payload),
    };
    Batch::new(request, reply)
}

/// Connects, and waits until it gets what is said.
fn join(target: &Target) -> Result<std::net::TcpStream> {
    let mut stream = target.connect()?;
    let expected = frame::plain(Op::Text, JOINED);
    let mut came = vec![0; expected.len()];
    stream.read_exact(&mut came).context("no greeting")?;
    ensure!(came == expected, "the greeting is {came:x?}");
    stream.set_nonblocking(true)?;
    Ok(stream)
}
