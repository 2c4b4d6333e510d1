//! A closed loop over all connections: send a batch, await all of it, send the next.

use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

use anyhow::{Result, bail};
use echo::protocol::Protocol;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::client::Target;
use crate::frame::Reader;

const READ_BUFFER: usize = 256 * 1024;

pub(crate) struct Drive {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    batch: Batch,
    buffer: Vec<u8>,
}

/// The messages that are in flight together leave in one write.
struct Batch {
    bytes: Vec<u8>,
    messages: usize,
}

impl Drive {
    /// Opens the connections and sends the first batch on each.
    pub(crate) fn open(target: &Target, connections: usize, in_flight: usize) -> Result<Self> {
        let mut drive = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(connections),
            connections: Vec::with_capacity(connections),
            batch: Batch { bytes: target.request.repeat(in_flight), messages: in_flight },
            buffer: vec![0; READ_BUFFER],
        };
        for index in 0..connections {
            let stream = target.open()?;
            stream.set_nonblocking(true)?;
            let mut connection = Connection::new(TcpStream::from_std(stream), target);
            let interest = Interest::READABLE | Interest::WRITABLE;
            drive.poll.registry().register(&mut connection.stream, Token(index), interest)?;
            connection.start(&drive.batch)?;
            drive.connections.push(connection);
        }
        Ok(drive)
    }

    /// Runs until then and says how many messages came back.
    pub(crate) fn run_until(&mut self, end: Instant) -> Result<u64> {
        let mut messages = 0;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            match self.poll.poll(&mut self.events, Some(left)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &self.events {
                let connection = &mut self.connections[event.token().0];
                if event.is_writable() {
                    connection.write(&self.batch)?;
                }
                if event.is_readable() {
                    messages += connection.read(&self.batch, &mut self.buffer)? as u64;
                }
            }
        }
        Ok(messages)
    }
}

struct Connection {
    stream: TcpStream,
    counter: Counter,
    /// How much of the batch the socket has taken.
    written: usize,
    /// How many messages of the batch have not come back.
    awaited: usize,
}

impl Connection {
    fn new(stream: TcpStream, target: &Target) -> Self {
        Self { stream, counter: Counter::new(target), written: 0, awaited: 0 }
    }

    fn start(&mut self, batch: &Batch) -> Result<()> {
        (self.written, self.awaited) = (0, batch.messages);
        self.write(batch)
    }

    /// Writes what is left of the batch, as far as the socket takes it.
    fn write(&mut self, batch: &Batch) -> Result<()> {
        while self.written < batch.bytes.len() {
            match self.stream.write(&batch.bytes[self.written..]) {
                Ok(n) => self.written += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Counts what has come back; with the last of a batch the next one leaves.
    fn read(&mut self, batch: &Batch, buffer: &mut [u8]) -> Result<usize> {
        let mut messages = 0;
        loop {
            let n = match self.stream.read(buffer) {
                Ok(0) => bail!("the server dropped a connection"),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(messages),
                Err(error) => return Err(error.into()),
            };
            let came = self.counter.count(&buffer[..n])?;
            let Some(awaited) = self.awaited.checked_sub(came) else {
                bail!("more messages came back than were sent");
            };
            self.awaited = awaited;
            messages += came;
            if awaited == 0 {
                self.start(batch)?;
            }
            // A short read has emptied the socket: whatever comes next is a new event.
            if n < buffer.len() {
                return Ok(messages);
            }
        }
    }
}

enum Counter {
    Raw { message: usize, surplus: usize },
    WebSocket(Reader),
}

impl Counter {
    fn new(target: &Target) -> Self {
        match target.protocol {
            Protocol::Raw => Self::Raw { message: target.reply.len(), surplus: 0 },
            Protocol::WebSocket => Self::WebSocket(Reader::default()),
        }
    }

    fn count(&mut self, bytes: &[u8]) -> Result<usize> {
        match self {
            Self::WebSocket(reader) => reader.count(bytes),
            Self::Raw { message, surplus } => {
                let have = *surplus + bytes.len();
                *surplus = have % *message;
                Ok(have / *message)
            }
        }
    }
}
