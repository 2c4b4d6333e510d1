//! Buffers of large messages, for the next large ones: fresh memory costs a page fault for each 4 KiB, which is about as
//! much as to read a message into it.

use bytes::Bytes;

use crate::sync::{Mutex, lock};

/// Smaller buffers are the allocator's own business.
pub(super) const WORTH_KEEPING: usize = 64 * 1024;
/// What is kept at most, by the whole process.
const KEEP_AT_MOST: usize = 4 * 1024 * 1024;

/// Locked for each large message, twice.
static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

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
        let kept: usize = spare.iter().map(Vec::capacity).sum();
        if kept + buffer.capacity() <= KEEP_AT_MOST {
            spare.push(buffer);
        }
    }
}

/// An empty buffer of at least `capacity` bytes, and not of far more, if one is spare.
pub(super) fn take(capacity: usize) -> Option<Vec<u8>> {
    let fits = |buffer: &Vec<u8>| (capacity..capacity.saturating_mul(8)).contains(&buffer.capacity());
    let mut spare = lock(&SPARE);
    let index = spare.iter().position(fits)?;
    Some(spare.swap_remove(index))
}

/// The message in a buffer.
pub(super) fn share(buffer: Vec<u8>) -> Bytes {
    if buffer.capacity() < WORTH_KEEPING { buffer.into() } else { Bytes::from_owner(Returning(buffer)) }
}

/// No socket is left that could want one.
pub(crate) fn release() {
    lock(&SPARE).clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test: the buffers are everybody's.
    #[test]
    fn buffers_come_back_and_are_bounded() {
        let mut buffer = Vec::with_capacity(WORTH_KEEPING + 7);
        buffer.extend_from_slice(b"large");
        let message = share(buffer);
        let clone = message.clone();
        drop(message);
        assert!(take(WORTH_KEEPING + 7).is_none());
        drop(clone);
        assert!(take(WORTH_KEEPING / 16).is_none());
        let again = take(WORTH_KEEPING).expect("a spare buffer");
        assert_eq!((again.len(), again.capacity()), (0, WORTH_KEEPING + 7));
        (0..100).for_each(|_| drop(share(Vec::with_capacity(KEEP_AT_MOST / 10))));
        assert_eq!(lock(&SPARE).len(), 10);
        release();
        assert!(take(KEEP_AT_MOST / 10).is_none());
    }
}
