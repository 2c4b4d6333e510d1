//! The wire: a batch that can be read again and again, and a drain that counts.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Case, Codec};

/// What a read gives at most, in all codecs.
const READ: usize = 64 * 1024;

/// Our end of it: not every codec lets us at its stream again.
#[derive(Clone, Default)]
pub(crate) struct Far {
    at: Rc<Cell<usize>>,
    written: Rc<Cell<usize>>,
}

impl Far {
    /// The batch has arrived once more.
    pub(crate) fn rewind(&self) {
        self.at.set(0);
    }

    pub(crate) fn written(&self) -> usize {
        self.written.get()
    }
}

pub(crate) struct Memory {
    stream: Vec<u8>,
    far: Far,
}

impl Memory {
    pub(crate) fn new(case: &Case, far: &Far) -> Self {
        Self { stream: case.stream.clone(), far: far.clone() }
    }

    fn next(&self, room: usize) -> &[u8] {
        let at = self.far.at.get();
        let rest = &self.stream[at..];
        let part = &rest[..rest.len().min(room).min(READ)];
        self.far.at.set(at + part.len());
        part
    }

    fn take(&self, count: usize) {
        self.far.written.set(self.far.written.get() + count);
    }
}

impl io::Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let part = self.next(buffer.len());
        buffer[..part.len()].copy_from_slice(part);
        Ok(part.len())
    }
}

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Memory {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let part = self.next(buffer.remaining());
        buffer.put_slice(part);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(io::Write::write(&mut *self, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = slices.iter().map(|slice| slice.len()).sum();
        self.take(count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Only the reading, by no codec: what it takes to move the bytes of a batch.
pub(crate) struct Copied {
    memory: Memory,
    far: Far,
    buffer: Vec<u8>,
}

impl Copied {
    pub(crate) fn new(case: &Case) -> Self {
        let far = Far::default();
        Self { memory: Memory::new(case, &far), far, buffer: vec![0; READ] }
    }
}

impl Codec for Copied {
    fn receive(&mut self) {
        self.far.rewind();
        while io::Read::read(&mut self.memory, &mut self.buffer).is_ok_and(|count| count > 0) {}
    }

    fn send(&mut self) {}

    fn echo(&mut self) {
        self.receive();
    }

    fn written(&self) -> usize {
        0
    }
}
