//! Compressing what is sent (RFC 7692 §7.2.1).

use std::ops::Deref;

use flate2::{Compress, FlushCompress};

use super::{
    FLUSHED,
    pool::{self, Kind},
};

/// Room that an output buffer has at least when the compressor gets it: more than a flush takes.
const ROOM: usize = 64;

/// The sending half for one connection: two words as long as nothing is held.
#[derive(Debug)]
pub(crate) struct Deflater {
    /// With takeover, what the connection has sent compressed, from the first such message on.
    own: Option<Box<Compress>>,
    threshold: u32,
    kind: Kind,
    takeover: bool,
}

/// How a connection wants messages compressed that are made for many: those with one shape share what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    kind: Kind,
    threshold: u32,
}

/// A compressed payload.
#[derive(Debug)]
pub(crate) struct Deflated(Vec<u8>);

impl Deflater {
    pub(super) fn new(bits: u8, level: u8, threshold: usize, takeover: bool) -> Self {
        // An empty message can't become smaller, and zlib gives nothing for a second flush in a row.
        let threshold = threshold.max(1).try_into().unwrap_or(u32::MAX);
        Self { own: None, threshold, kind: Kind { bits, level }, takeover }
    }

    /// Compressors that it holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        usize::from(self.own.is_some())
    }

    /// Whether a message of this size is to be compressed. Under takeover this has to be known before: what was
    /// compressed is part of what later messages refer to, so it must be sent.
    pub(crate) fn takes(&self, len: usize) -> bool {
        len >= self.threshold as usize
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape { kind: self.kind, threshold: self.threshold }
    }

    /// A message that another compressor has made goes to the peer. The peer's window now holds what this one does not
    /// know: nothing later may refer to anything before it (RFC 7692 section 7.2.1 lets a compressor start anew).
    pub(crate) fn forget(&mut self) {
        if let Some(own) = self.own.as_mut().filter(|own| own.total_in() > 0) {
            own.reset();
        }
    }

    /// Compresses one message, which [`takes`](Self::takes) has approved; `None` if it is to be sent as it is.
    pub(crate) fn deflate(&mut self, payload: &[u8]) -> Option<Deflated> {
        if self.takeover {
            let mut out = Deflated(pool::take_scratch());
            let own = self.own.get_or_insert_with(|| self.kind.make());
            if deflate(own, payload, &mut out.0).is_none() {
                // Nothing of it has left. The peer can always read messages that refer to nothing.
                (self.own, self.takeover) = (None, false);
                return None;
            }
            return Some(out);
        }
        // Nothing will refer to it, so it may be thrown away.
        self.shape().deflate(payload)
    }
}

impl Shape {
    /// Whether a message of this size is to be compressed.
    pub(crate) fn takes(&self, len: usize) -> bool {
        len >= self.threshold as usize
    }

    /// Compresses a message that refers to no other; `None` if that makes it no smaller.
    pub(crate) fn deflate(&self, payload: &[u8]) -> Option<Deflated> {
        let mut out = Deflated(pool::take_scratch());
        let result = pool::with_compress(self.kind, |compress| deflate(compress, payload, &mut out.0));
        (result.is_some() && out.len() < payload.len()).then_some(out)
    }
}

/// Compresses up to a byte boundary and takes off how the flush has marked it.
fn deflate(compress: &mut Compress, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let before = compress.total_in();
    out.reserve(payload.len() / 2 + ROOM);
    loop {
        let used = (compress.total_in() - before) as usize;
        compress.compress_vec(&payload[used..], out, FlushCompress::Sync).ok()?;
        let used = (compress.total_in() - before) as usize;
        // With room left over there is nothing more to come.
        if used == payload.len() && out.len() < out.capacity() {
            break;
        }
        out.reserve(payload.len() - used + ROOM);
    }
    let len = out.strip_suffix(&FLUSHED)?.len();
    out.truncate(len);
    Some(())
}

impl Deref for Deflated {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Deflated {
    fn drop(&mut self) {
        pool::give_back(std::mem::take(&mut self.0));
    }
}
