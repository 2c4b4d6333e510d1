//! A closed loop over all connections: send a batch, await all of it, send the next. Every byte that comes is compared.

use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::client::{PATIENCE, Target};
use crate::script::Batch;

const READ_BUFFER: usize = 256 * 1024;

/// When a run is over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Time(Instant),
    /// So many have come back; no more are sent.
    Messages(u64),
}

pub(crate) struct Drive {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    batches: Vec<Batch>,
    buffer: Vec<u8>,
}

impl Drive {
    /// Opens the connections and sends the first batch on each.
    pub(crate) fn open(target: &Target, connections: usize, in_flight: usize) -> Result<Self> {
        let mut drive = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(connections),
            connections: Vec::with_capacity(connections),
            batches: batches(&target.messages, in_flight),
            buffer: vec![0; READ_BUFFER],
        };
        for index in 0..connections {
            let stream = target.open()?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            drive.poll.registry().register(&mut stream, Token(index), interest)?;
            // Each begins with another batch.
            drive.connections.push(Connection { stream, batch: index % drive.batches.len(), written: 0, read: 0 });
        }
        Ok(drive)
    }

    /// Runs until then and says how many messages came back.
    pub(crate) fn run(&mut self, until: Until) -> Result<u64> {
        let mut messages = 0;
        for connection in &mut self.connections {
            connection.write(&self.batches)?;
        }
        loop {
            let left = match until {
                Until::Messages(all) if messages >= all => return Ok(messages),
                Until::Messages(_) => PATIENCE,
                Until::Time(end) => match end.checked_duration_since(Instant::now()) {
                    None => return Ok(messages),
                    Some(left) => left,
                },
            };
            match self.poll.poll(&mut self.events, Some(left)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            ensure!(!self.events.is_empty() || matches!(until, Until::Time(_)), "nothing came for {PATIENCE:?}");
            for event in &self.events {
                let connection = &mut self.connections[event.token().0];
                if event.is_writable() {
                    connection.write(&self.batches)?;
                }
                if event.is_readable() {
                    let more = |came| !matches!(until, Until::Messages(all) if messages + came >= all);
                    messages += connection.read(&self.batches, &mut self.buffer, more)?;
                }
            }
        }
    }
}

/// Joins as many messages as are in flight together, each batch beginning with another message.
fn batches(messages: &[Batch], in_flight: usize) -> Vec<Batch> {
    let from = |index| messages.iter().cycle().skip(index).take(in_flight);
    (0..messages.len()).map(|index| Batch::joined(from(index))).collect()
}

struct Connection {
    stream: TcpStream,
    /// Which batch is on its way.
    batch: usize,
    /// How much of it the socket has taken.
    written: usize,
    /// How much of its answer has come.
    read: usize,
}

impl Connection {
    /// Writes what is left of the batch, as far as the socket takes it.
    fn write(&mut self, batches: &[Batch]) -> Result<()> {
        let request = &batches[self.batch].request;
        while self.written < request.len() {
            match self.stream.write(&request[self.written..]) {
                Ok(n) => self.written += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Compares what has come back, and counts it when a batch is complete; the next one leaves if `more` are wanted.
    fn read(&mut self, batches: &[Batch], buffer: &mut [u8], more: impl Fn(u64) -> bool) -> Result<u64> {
        let mut messages = 0;
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => bail!("the server dropped a connection"),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(messages),
                Err(error) => return Err(error.into()),
            };
            let batch = &batches[self.batch];
            let expected = batch.reply.get(self.read..self.read + count);
            ensure!(expected == Some(&buffer[..count]), "an echo came back changed, or more than was sent");
            self.read += count;
            if self.read == batch.reply.len() {
                messages += batch.messages;
                (self.written, self.read) = (0, 0);
                self.batch = (self.batch + 1) % batches.len();
                if !more(messages) {
                    return Ok(messages);
                }
                self.write(batches)?;
            }
            // A short read has emptied the socket: whatever comes next is a new event.
            if count < buffer.len() {
                return Ok(messages);
            }
        }
    }
}
