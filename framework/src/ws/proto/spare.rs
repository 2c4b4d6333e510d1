//! Buffers of large messages, for the next large ones: fresh memory costs a page fault for each 4 KiB, which is about as
//! much as to read a message into it.

use bytes::Bytes;

use crate::sync::{Mutex, lock};

/// Smaller buffers are the allocator's own business.
pub(super) const WORTH_KEEPING: usize = 64 * 1024;
/// What is kept at most, by the whole process, while it is in use.
const KEEP_AT_MOST: usize = 64 * 1024 * 1024;

/// Locked for each large message, twice.
static SPARE: Mutex<Spare> = Mutex::new(Spare { buffers: Vec::new(), bytes: 0, least: 0 });

struct Spare {
    /// The one that was used last, which the processor may still have at hand, comes last.
    buffers: Vec<Vec<u8>>,
    bytes: usize,
    /// So many of the first ones were not used since the last [`trim`].
    least: usize,
}

/// A message's buffer that comes back when the last one who holds the message drops it.
struct Returning(Vec<u8>);

impl AsRef<[u8]> for Returning {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.0);
        buffer.clear();
        let mut spare = lock(&SPARE);
        if spare.bytes + buffer.capacity() <= KEEP_AT_MOST {
            spare.bytes += buffer.capacity();
            spare.buffers.push(buffer);
        }
    }
}

/// An empty buffer of at least `capacity` bytes, and not of far more, if one is spare.
pub(super) fn take(capacity: usize) -> Option<Vec<u8>> {
    let fits = |buffer: &Vec<u8>| (capacity..capacity.saturating_mul(8)).contains(&buffer.capacity());
    let mut spare = lock(&SPARE);
    let index = spare.buffers.iter().rposition(fits)?;
    let buffer = spare.buffers.remove(index);
    spare.bytes -= buffer.capacity();
    spare.least = spare.least.min(index);
    Some(buffer)
}

/// An empty buffer of at least `capacity` bytes.
pub(crate) fn buffer(capacity: usize) -> Vec<u8> {
    let spare = if capacity < WORTH_KEEPING { None } else { take(capacity) };
    spare.unwrap_or_else(|| Vec::with_capacity(capacity))
}

/// The message that a buffer holds from `head` on.
pub(super) fn share(buffer: Vec<u8>, head: usize) -> Bytes {
    let whole = if buffer.capacity() < WORTH_KEEPING { buffer.into() } else { Bytes::from_owner(Returning(buffer)) };
    if head == 0 { whole } else { whole.slice(head..) }
}

/// Gives back half of what was not used since it was called last. To be called now and then.
pub(crate) fn trim() {
    let mut spare = lock(&SPARE);
    let unused = spare.least.div_ceil(2);
    let gone: Vec<_> = spare.buffers.drain(..unused).collect();
    spare.bytes -= gone.iter().map(Vec::capacity).sum::<usize>();
    spare.least = spare.buffers.len();
    drop(spare);
    // Not under the lock: the system takes its time.
    drop(gone);
}

/// No socket is left that could want one.
pub(crate) fn release() {
    let mut spare = lock(&SPARE);
    *spare = Spare { buffers: Vec::new(), bytes: 0, least: 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test: the buffers are everybody's.
    #[test]
    fn buffers_come_back_and_are_bounded() {
        let mut buffer = Vec::with_capacity(WORTH_KEEPING + 7);
        buffer.extend_from_slice(b"large");
        let message = share(buffer, 1);
        assert_eq!(message, "arge");
        let clone = message.clone();
        drop(message);
        assert!(take(WORTH_KEEPING + 7).is_none());
        drop(clone);
        assert!(take(WORTH_KEEPING / 16).is_none());
        let again = take(WORTH_KEEPING).expect("a spare buffer");
        assert_eq!((again.len(), again.capacity()), (0, WORTH_KEEPING + 7));
        (0..100).for_each(|_| drop(share(Vec::with_capacity(KEEP_AT_MOST / 10), 0)));
        assert_eq!(lock(&SPARE).buffers.len(), 10);
        trim();
        drop((take(WORTH_KEEPING), take(WORTH_KEEPING)).0.map(|buffer| share(buffer, 0)));
        trim();
        assert_eq!(lock(&SPARE).buffers.len(), 5, "two of ten were used, and half of the others goes");
        (0..4).for_each(|_| trim());
        assert!(lock(&SPARE).buffers.is_empty());
        (0..3).for_each(|_| drop(share(Vec::with_capacity(KEEP_AT_MOST / 10), 0)));
        release();
        assert!(take(KEEP_AT_MOST / 10).is_none());
    }
}
