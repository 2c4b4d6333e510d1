//! Decompressing what was received (RFC 7692 §7.2.2).

use std::mem;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

use super::{
    super::{
        Message, Text,
        error::{ProtocolError, Violation},
        utf8,
    },
    FLUSHED, pool,
};

/// The largest window that deflate data can refer to (RFC 1951 §2).
const WINDOW: usize = 1 << 15;

/// What follows a payload: the end that was left out (§7.2.2), then an empty last block. Only if the data ends at the end
/// of a block does the decompressor come to the end of that one.
const TAIL: [u8; 9] = [FLUSHED[0], FLUSHED[1], FLUSHED[2], FLUSHED[3], 0x01, 0x00, 0x00, 0xff, 0xff];

/// Last blocks that a message may have in its middle, and one more for so many bytes of its payload. Each costs a start
/// with a full window, so without a limit a payload of nothing else would take seconds.
pub(super) const FREE_RESTARTS: usize = 8;
pub(super) const BYTES_A_RESTART: usize = 128;

/// The receiving half for one connection.
///
/// It holds no decompressor: where the client's messages refer to earlier ones, the end of those is kept, which is less.
#[derive(Debug)]
pub(crate) struct Inflater(Option<Box<History>>);

/// The last bytes that came compressed.
#[derive(Debug)]
struct History {
    /// How many are kept.
    window: usize,
    bytes: Vec<u8>,
}

/// One message on its way.
struct Run<'a> {
    decompress: &'a mut Decompress,
    history: &'a [u8],
    out: Vec<u8>,
    /// `out` is the thread's.
    borrowed: bool,
    payload: usize,
    limit: usize,
}

impl Inflater {
    /// `window` is how much is kept of what came; 0 without takeover.
    pub(super) fn new(window: usize) -> Self {
        Self((window > 0).then(|| Box::new(History { window, bytes: Vec::new() })))
    }

    /// Decompresses a message of at most `limit` bytes.
    ///
    /// Memory never goes beyond twice the limit, the compressed payload, which the limit binds too, included.
    pub(crate) fn inflate(&mut self, text: bool, payload: &[u8], limit: usize) -> Result<Message, ProtocolError> {
        let bytes = pool::with_decompress(|decompress| {
            let mut run = Run {
                decompress,
                history: self.0.as_deref().map_or(&[], |history| &history.bytes),
                out: pool::take_scratch(),
                borrowed: true,
                payload: payload.len(),
                limit,
            };
            run.start()?;
            run.message(payload)?;
            Ok::<_, ProtocolError>(run.finish())
        })?;
        if let Some(history) = &mut self.0 {
            history.add(&bytes);
        }
        if !text {
            return Ok(Message::Binary(bytes));
        }
        // §6.2: what the rules of RFC 6455 say of a payload holds for the decompressed one.
        utf8::check(&bytes).map_err(|at| Violation::InvalidText { at })?;
        Ok(Message::Text(Text::from_checked(bytes)))
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.0.as_ref().map_or(0, |history| history.bytes.capacity())
    }
}

impl History {
    fn add(&mut self, bytes: &[u8]) {
        let new = &bytes[bytes.len().saturating_sub(self.window)..];
        let keep = self.bytes.len().min(self.window - new.len());
        self.bytes.drain(..self.bytes.len() - keep);
        let len = keep + new.len();
        if len > self.bytes.capacity() {
            self.bytes.reserve_exact(len.next_power_of_two().min(self.window) - keep);
        }
        self.bytes.extend_from_slice(new);
    }
}

impl Run<'_> {
    /// Makes a fresh decompressor know what the next block may refer to.
    fn start(&mut self) -> Result<(), ProtocolError> {
        let out = &self.out[self.out.len().saturating_sub(WINDOW)..];
        for known in [self.history, out].into_iter().filter(|known| !known.is_empty()) {
            self.decompress.set_dictionary(known).map_err(corrupt)?;
        }
        Ok(())
    }

    fn message(&mut self, payload: &[u8]) -> Result<(), ProtocolError> {
        let mut rest = payload;
        let mut restarts = FREE_RESTARTS + payload.len() / BYTES_A_RESTART;
        while !rest.is_empty() {
            if self.step(&mut rest)? == Status::StreamEnd {
                // §7.2.3.4: a last block is legal, and the blocks go on behind it. Some end with it, though, where an empty
                // block should follow.
                if rest.is_empty() {
                    return Ok(());
                }
                restarts = restarts.checked_sub(1).ok_or(Violation::TooManyLastBlocks)?;
                self.decompress.reset(false);
                self.start()?;
            }
        }
        if payload.is_empty() {
            // No data at all is no deflate data, but what is meant is clear.
            return Ok(());
        }
        let mut rest = &TAIL[..];
        while self.step(&mut rest)? != Status::StreamEnd {}
        // All of it was read, or nothing: then the last bytes of a last block had only waited for room.
        if rest.is_empty() || rest.len() == TAIL.len() { Ok(()) } else { Err(ProtocolError::invalid_deflate()) }
    }

    /// Decompresses as far as input or room go.
    fn step(&mut self, input: &mut &[u8]) -> Result<Status, ProtocolError> {
        if self.out.len() == self.out.capacity() {
            self.grow();
        }
        let (taken, given) = (self.decompress.total_in(), self.out.len());
        let status = self.decompress.decompress_vec(input, &mut self.out, FlushDecompress::Sync).map_err(corrupt)?;
        let taken = (self.decompress.total_in() - taken) as usize;
        *input = &input[taken..];
        if self.out.len() > self.limit {
            return Err(Violation::MessageTooLarge { limit: self.limit }.into());
        }
        // More is wanted than there is.
        if taken == 0 && self.out.len() == given && status != Status::StreamEnd {
            return Err(ProtocolError::invalid_deflate());
        }
        Ok(status)
    }

    /// Gives the output more room: twice as much, but at most a byte beyond the limit, and all of that at once as soon as
    /// the old and the new buffer together could be too much.
    fn grow(&mut self) {
        let most = self.limit.saturating_add(1);
        let wanted = self.out.capacity().max(self.payload).saturating_mul(2);
        let capacity = if wanted > most / 2 { most } else { wanted };
        if self.borrowed {
            let mut own = Vec::with_capacity(capacity);
            own.extend_from_slice(&self.out);
            pool::give_back(mem::replace(&mut self.out, own));
            self.borrowed = false;
        } else {
            self.out.reserve_exact(capacity - self.out.len());
        }
    }

    fn finish(mut self) -> Bytes {
        if self.borrowed {
            let bytes = Bytes::copy_from_slice(&self.out);
            pool::give_back(self.out);
            return bytes;
        }
        if self.out.len() <= self.out.capacity() / 2 {
            self.out.shrink_to_fit();
        }
        self.out.into()
    }
}

fn corrupt(_: flate2::DecompressError) -> ProtocolError {
    ProtocolError::invalid_deflate()
}
