//! Whole lives of connections: connect, upgrade, one echo, the closing handshake. Some at a time, each anew when it ends.
//!
//! Ports do not run out: each run has a server's port of its own, and Linux reuses those of loopback after a second.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use common::frame::{self, Op};
use common::protocol::Protocol;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Token};

use crate::client::Target;
use crate::drive::Until;

/// 1000, and a server answers with the same.
const NORMAL: [u8; 2] = [3, 232];

pub(crate) struct Cycles {
    poll: Poll,
    events: Events,
    lives: Vec<Life>,
    steps: Steps,
}

/// What is said in a life, and what is awaited: the same in all.
struct Steps {
    addr: SocketAddr,
    raw: bool,
    head: Vec<u8>,
    message: Vec<u8>,
    answer: Vec<u8>,
    close: Vec<u8>,
}

impl Cycles {
    pub(crate) fn start(target: &Target, at_once: usize) -> Result<Self> {
        drop(target.open()?);
        let first = &target.messages[0];
        let raw = target.protocol == Protocol::Raw;
        let close = if raw { Vec::new() } else { frame::masked(Op::Close, false, &NORMAL) };
        let mut answer = first.reply.clone();
        if !raw {
            answer.extend(frame::plain(Op::Close, &NORMAL));
        }
        let steps = Steps {
            addr: target.addr,
            raw,
            head: target.head.clone().into_bytes(),
            message: first.request.clone(),
            answer,
            close,
        };
        let poll = Poll::new()?;
        let mut cycles = Self { poll, events: Events::with_capacity(at_once), lives: Vec::new(), steps };
        for _ in 0..at_once {
            let life = Life::begin(&cycles.steps, cycles.poll.registry(), cycles.lives.len())?;
            cycles.lives.push(life);
        }
        Ok(cycles)
    }

    /// Runs until then and says how many lives ended.
    pub(crate) fn run(&mut self, until: Until) -> Result<u64> {
        let Until::Time(end) = until else { bail!("cycles run for some time") };
        let mut ended = 0;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            match self.poll.poll(&mut self.events, Some(left)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &self.events {
                let Token(index) = event.token();
                if self.lives[index].advance(&self.steps)? {
                    self.lives[index] = Life::begin(&self.steps, self.poll.registry(), index)?;
                    ended += 1;
                }
            }
        }
        Ok(ended)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Connecting,
    Upgrading,
    Closing,
}

struct Life {
    stream: TcpStream,
    step: Step,
    came: Vec<u8>,
}

impl Life {
    fn begin(steps: &Steps, registry: &Registry, index: usize) -> Result<Self> {
        let mut stream = TcpStream::connect(steps.addr)?;
        stream.set_nodelay(true)?;
        registry.register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, step: Step::Connecting, came: Vec::new() })
    }

    /// Goes on as far as it can. Whether it has come to its end.
    fn advance(&mut self, steps: &Steps) -> Result<bool> {
        if self.step == Step::Connecting {
            if let Some(error) = self.stream.take_error()? {
                return Err(error).context("can't connect");
            }
            match self.stream.peer_addr() {
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
                result => result?,
            };
            self.say(&steps.head)?;
            self.step = Step::Upgrading;
        }
        let mut buffer = [0; 2048];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return self.end(steps),
                Ok(count) => self.came.extend(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error).context("a connection broke"),
            }
            if self.step == Step::Upgrading {
                self.upgraded(steps)?;
            }
            // A server may close first (RFC 6455 §7.1.1), but some leave it to us.
            if self.step == Step::Closing && self.came.len() >= steps.answer.len() {
                self.hang_up()?;
            }
        }
    }

    /// With the answer's head, or its bytes from a raw server, the message leaves, and the close frame after it.
    fn upgraded(&mut self, steps: &Steps) -> Result<()> {
        let end = if steps.raw { steps.head.len() } else { head_end(&self.came) };
        if end == 0 || self.came.len() < end {
            return Ok(());
        }
        let answer = if steps.raw { &steps.head[..4] } else { b"HTTP/1.1 101 " };
        ensure!(self.came.starts_with(answer), "refused: {}", String::from_utf8_lossy(&self.came));
        self.came.drain(..end);
        self.step = Step::Closing;
        self.say(&[&steps.message[..], &steps.close].concat())
    }

    fn hang_up(&mut self) -> Result<()> {
        match self.stream.shutdown(Shutdown::Write) {
            Err(error) if error.kind() != ErrorKind::NotConnected => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// All was said by then.
    fn end(&self, steps: &Steps) -> Result<bool> {
        ensure!(self.came == steps.answer, "the answer was {:x?}, not {:x?}", self.came, steps.answer);
        Ok(true)
    }

    /// So little always fits.
    fn say(&mut self, bytes: &[u8]) -> Result<()> {
        let count = self.stream.write(bytes)?;
        ensure!(count == bytes.len(), "a fresh socket took {count} of {} bytes", bytes.len());
        Ok(())
    }
}

/// Where the head ends; 0: not yet.
fn head_end(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| at + 4)
}
