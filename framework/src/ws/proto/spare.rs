//! Buffers of large messages, for the next large ones: fresh memory costs a page fault for each 4 KiB, which is about as
//! much as to read a message into it. The processor still has at hand what was used last.

use std::{cell::RefCell, collections::VecDeque, mem};

use bytes::{Buf, Bytes};

use super::decode::WORTH_A_BUFFER;
use crate::sync::{Mutex, lock};

/// Buffers from here on are shared by all threads. Smaller ones each thread keeps for itself: the allocator has such memory
/// too, but gives it back to the system and takes it again.
const SHARED: usize = 64 * 1024;
/// So many bytes a thread keeps at most, for as long as it lives. In a batch of messages each read leaves the beginning of
/// one, for which its connection holds a buffer until its next turn: it is these that are many.
const KEEP_OWN: usize = 512 * 1024;
/// So many bytes are kept at most for all, while they are in use.
const KEEP_SHARED: usize = 64 * 1024 * 1024;

/// Locked for each message that has such a buffer, twice.
static SPARE: Mutex<Spare> = Mutex::new(Spare::NONE);

thread_local! {
    static OWN: RefCell<Own> = const { RefCell::new(Own { buffers: VecDeque::new(), bytes: 0 }) };
}

/// The buffers of one thread.
struct Own {
    /// The one that was used last comes last.
    buffers: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Own {
    fn keep(&mut self, buffer: Vec<u8>) {
        self.bytes += buffer.capacity();
        self.buffers.push_back(buffer);
        // The messages may have another size now: what was not used for longest goes.
        while self.bytes > KEEP_OWN {
            let Some(oldest) = self.buffers.pop_front() else { return };
            self.bytes -= oldest.capacity();
        }
    }

    /// The last one, or none: it is not worth it to look further.
    fn take(&mut self, capacity: usize) -> Option<Vec<u8>> {
        let last = self.buffers.back()?;
        if !(capacity..=capacity / 4 * 5).contains(&last.capacity()) {
            return None;
        }
        self.bytes -= last.capacity();
        self.buffers.pop_back()
    }
}

struct Spare {
    /// The one that was used last, which the processor may still have at hand, comes last.
    buffers: Vec<Vec<u8>>,
    bytes: usize,
    /// So many of the first ones were not used since the last [`trim`].
    least: usize,
}

impl Spare {
    const NONE: Self = Self { buffers: Vec::new(), bytes: 0, least: 0 };

    /// Gives back what there is no room for: not to be freed under the lock, since the system takes its time.
    fn keep(&mut self, buffer: Vec<u8>) -> Option<Vec<u8>> {
        if self.bytes + buffer.capacity() > KEEP_SHARED {
            return Some(buffer);
        }
        self.bytes += buffer.capacity();
        self.buffers.push(buffer);
        None
    }

    fn take(&mut self, capacity: usize) -> Option<Vec<u8>> {
        let fits = |buffer: &Vec<u8>| (capacity..capacity.saturating_mul(2)).contains(&buffer.capacity());
        let index = self.buffers.iter().rposition(fits)?;
        let buffer = self.buffers.remove(index);
        self.bytes -= buffer.capacity();
        self.least = self.least.min(index);
        Some(buffer)
    }

    /// Half of what was not used since this was called last.
    fn trim(&mut self) -> Vec<Vec<u8>> {
        let unused = self.least.div_ceil(2);
        let gone: Vec<_> = self.buffers.drain(..unused).collect();
        self.bytes -= gone.iter().map(Vec::capacity).sum::<usize>();
        self.least = self.buffers.len();
        gone
    }
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
        give_back(mem::take(&mut self.0));
    }
}

/// Keeps a buffer for the next one who asks.
pub(crate) fn give_back(mut buffer: Vec<u8>) {
    buffer.clear();
    match buffer.capacity() {
        ..WORTH_A_BUFFER => {}
        // A thread that ends keeps none.
        WORTH_A_BUFFER..SHARED => {
            let _kept_or_freed = OWN.try_with(|own| own.borrow_mut().keep(buffer));
        }
        _ => {
            let _refused = lock(&SPARE).keep(buffer);
        }
    }
}

/// An empty buffer of at least `capacity` bytes, and not of far more, if one is spare.
pub(super) fn take(capacity: usize) -> Option<Vec<u8>> {
    match capacity {
        ..WORTH_A_BUFFER => None,
        WORTH_A_BUFFER..SHARED => OWN.try_with(|own| own.borrow_mut().take(capacity)).ok().flatten(),
        _ => lock(&SPARE).take(capacity),
    }
}

/// An empty buffer of at least `capacity` bytes.
pub(crate) fn buffer(capacity: usize) -> Vec<u8> {
    take(capacity).unwrap_or_else(|| Vec::with_capacity(capacity))
}

/// A copy that is a message.
pub(super) fn copy(payload: &[u8]) -> Bytes {
    if payload.len() < WORTH_A_BUFFER {
        // Exactly as large, so that `Bytes` takes it over as it is.
        return Bytes::copy_from_slice(payload);
    }
    let mut buffer = buffer(payload.len());
    buffer.extend_from_slice(payload);
    share(buffer, 0)
}

/// The message that a buffer holds from `head` on.
pub(super) fn share(buffer: Vec<u8>, head: usize) -> Bytes {
    let mut whole =
        if buffer.capacity() < WORTH_A_BUFFER { buffer.into() } else { Bytes::from_owner(Returning(buffer)) };
    whole.advance(head);
    whole
}

/// Gives back half of the shared ones that were not used since it was called last. To be called now and then.
pub(crate) fn trim() {
    let _gone = lock(&SPARE).trim();
}

/// Gives back the shared ones: no socket is left that could want one.
pub(crate) fn release() {
    let _gone = mem::replace(&mut *lock(&SPARE), Spare::NONE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_a_few_small_ones() {
        let small = |factor: usize| Vec::with_capacity(factor * WORTH_A_BUFFER);
        assert!(take(WORTH_A_BUFFER).is_none());
        drop(share(small(2), 0));
        assert!(take(2 * WORTH_A_BUFFER + 1).is_none(), "too small");
        assert!(take(WORTH_A_BUFFER).is_none(), "a message would hold twice what it needs");
        assert_eq!(take(2 * WORTH_A_BUFFER).map(|buffer| buffer.capacity()), Some(2 * WORTH_A_BUFFER));
        let most = KEEP_OWN / (3 * WORTH_A_BUFFER);
        drop(share(small(4), 0));
        (0..=most).for_each(|_| drop(share(small(3), 0)));
        let kept: Vec<_> = std::iter::from_fn(|| take(3 * WORTH_A_BUFFER)).collect();
        assert_eq!(kept.len(), most);
        drop(share(Vec::with_capacity(WORTH_A_BUFFER - 1), 0));
        assert_eq!(OWN.with_borrow(|own| (own.buffers.len(), own.bytes)), (0, 0), "not worth it");
    }

    #[test]
    fn a_buffer_comes_back_with_the_last_clone() {
        let mut buffer = Vec::with_capacity(SHARED - 1);
        buffer.extend_from_slice(b"large");
        let message = share(buffer, 1);
        assert_eq!(message, "arge");
        let clone = message.clone();
        drop(message);
        assert!(take(SHARED - 1).is_none());
        drop(clone);
        let again = take(SHARED - 1).expect("a spare buffer");
        assert_eq!((again.len(), again.capacity()), (0, SHARED - 1));
    }

    #[test]
    fn what_is_kept_is_bounded_and_shrinks() {
        const TENTH: usize = KEEP_SHARED / 10;
        let mut spare = Spare::NONE;
        let refused = (0..100).filter_map(|_| spare.keep(Vec::with_capacity(TENTH))).count();
        assert_eq!((refused, spare.buffers.len()), (90, 10));
        assert!(spare.take(TENTH + 1).is_none(), "too small");
        assert!(spare.take(TENTH / 4).is_none(), "far too large");
        assert!(spare.trim().is_empty(), "nobody knows yet what is used");
        for buffer in [spare.take(TENTH), spare.take(TENTH)].map(Option::unwrap) {
            assert!(spare.keep(buffer).is_none());
        }
        assert_eq!(spare.trim().len(), 4, "two of ten were used, and half of the others goes");
        let rest: usize = (0..4).map(|_| spare.trim().len()).sum();
        assert_eq!((rest, spare.bytes), (6, 0));
    }
}
