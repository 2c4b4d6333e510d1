//! What compressing and decompressing needs belongs to the thread: a connection holds at most what it must remember.

use std::cell::RefCell;

use flate2::{Compress, Decompress};

/// Combinations of window and level for which a thread keeps a compressor.
const KEEP_COMPRESSORS: usize = 4;
/// Output buffers that grew beyond this are not kept.
const KEEP_AT_MOST: usize = 64 * 1024;
/// Room for the output that most messages have.
const SCRATCH: usize = 16 * 1024;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

struct Pool {
    compressors: Vec<(Kind, Box<Compress>)>,
    decompressor: Option<Box<Decompress>>,
    scratch: Vec<u8>,
}

/// Window bits and level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) bits: u8,
    pub(super) level: u8,
}

impl Kind {
    pub(super) fn make(self) -> Box<Compress> {
        let level = flate2::Compression::new(self.level.into());
        Box::new(Compress::new_with_window_bits(level, false, self.bits))
    }
}

impl Pool {
    const fn new() -> Self {
        Self { compressors: Vec::new(), decompressor: None, scratch: Vec::new() }
    }
}

/// Lends a compressor that remembers nothing.
pub(super) fn with_compress<T>(kind: Kind, run: impl FnOnce(&mut Compress) -> T) -> T {
    let pooled = POOL.with_borrow_mut(|pool| {
        let at = pool.compressors.iter().position(|(known, _)| *known == kind)?;
        Some(pool.compressors.swap_remove(at).1)
    });
    let mut compress = pooled.unwrap_or_else(|| kind.make());
    let result = run(&mut compress);
    compress.reset();
    POOL.with_borrow_mut(|pool| {
        pool.compressors.truncate(KEEP_COMPRESSORS - 1);
        pool.compressors.push((kind, compress));
    });
    result
}

/// Lends a decompressor that remembers nothing.
pub(super) fn with_decompress<T>(run: impl FnOnce(&mut Decompress) -> T) -> T {
    let pooled = POOL.with_borrow_mut(|pool| pool.decompressor.take());
    // One with the largest window reads the data of any other.
    let mut decompress = pooled.unwrap_or_else(|| Box::new(Decompress::new(false)));
    let result = run(&mut decompress);
    decompress.reset(false);
    POOL.with_borrow_mut(|pool| pool.decompressor = Some(decompress));
    result
}

/// An empty buffer with some room.
pub(super) fn take_scratch() -> Vec<u8> {
    let scratch = POOL.with_borrow_mut(|pool| std::mem::take(&mut pool.scratch));
    if scratch.capacity() > 0 { scratch } else { Vec::with_capacity(SCRATCH) }
}

pub(super) fn give_back(mut scratch: Vec<u8>) {
    if scratch.capacity() <= KEEP_AT_MOST {
        scratch.clear();
        // Nobody needs it where the thread is at its end.
        let _ended = POOL.try_with(|pool| pool.borrow_mut().scratch = scratch);
    }
}
