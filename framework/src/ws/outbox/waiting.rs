//! What waits to leave: encoded frames one behind the other, or references to what many get.

use std::{
    io::{self, IoSlice},
    mem,
    sync::Arc,
};

use super::queue::Queue;
use crate::ws::{proto::Frame, tally::Tally};

/// Shared frames that leave in one call.
const MOST_SHARED: usize = 64;

/// An idle connection holds one word.
#[derive(Debug)]
pub(super) enum Waiting {
    Queue(Option<Box<Queue>>),
    /// One frame, that all members of a room get: not copied, since most leave at the next flush.
    Shared(Arc<Frame>),
    /// Several of them, or one that may be dropped. None has left in part.
    Several(Box<Several>),
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) frame: Arc<Frame>,
    /// Who counts its loss, if it may be dropped.
    pub(super) tally: Option<Arc<Tally>>,
}

#[derive(Debug)]
pub(super) struct Several {
    frames: Vec<Shared>,
    pub(super) bytes: usize,
}

impl Default for Waiting {
    fn default() -> Self {
        Self::Queue(None)
    }
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Queue(None))
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Queue(queue) => queue.as_ref().map_or(0, |queue| queue.len()),
            Self::Shared(frame) => frame.bytes().len(),
            Self::Several(several) => several.bytes,
        }
    }

    /// Messages that wait.
    pub(super) fn messages(&self) -> usize {
        match self {
            Self::Queue(queue) => queue.as_ref().map_or(0, |queue| queue.frames()),
            Self::Shared(_) => 1,
            Self::Several(several) => several.frames.len(),
        }
    }

    /// The queue, if that is what it is.
    pub(super) fn queue(&mut self) -> Option<&mut Queue> {
        match self {
            Self::Queue(queue) => queue.as_deref_mut(),
            Self::Shared(_) | Self::Several(_) => None,
        }
    }

    /// The queue, with all that waits in it.
    #[inline]
    pub(super) fn make_queue(&mut self) -> &mut Queue {
        if let Self::Shared(_) | Self::Several(_) = self {
            self.copy_shared();
        }
        let Self::Queue(queue) = self else { unreachable!("what was shared has become a queue") };
        queue.get_or_insert_with(Queue::take)
    }

    #[inline(never)]
    fn copy_shared(&mut self) {
        let mut queue = Queue::take();
        let shared = mem::take(self).into_shared();
        shared.into_iter().for_each(|shared| queue.put_encoded(shared.frame.bytes(), shared.tally));
        *self = Self::Queue(Some(queue));
    }

    fn into_shared(self) -> Vec<Shared> {
        match self {
            Self::Queue(_) => Vec::new(),
            Self::Shared(frame) => vec![Shared { frame, tally: None }],
            Self::Several(several) => several.frames,
        }
    }

    /// Appends a frame that many get, without a copy as long as nothing else waits, and not too many.
    pub(super) fn share(&mut self, shared: Shared) {
        match self {
            Self::Queue(None) if shared.tally.is_none() => *self = Self::Shared(shared.frame),
            Self::Several(several) if several.frames.len() < MOST_SHARED => {
                several.bytes += shared.frame.bytes().len();
                several.frames.push(shared);
            }
            Self::Queue(None) | Self::Shared(_) => {
                let bytes = self.len() + shared.frame.bytes().len();
                let mut frames = mem::take(self).into_shared();
                frames.push(shared);
                *self = Self::Several(Box::new(Several { frames, bytes }));
            }
            _ => self.make_queue().put_encoded(shared.frame.bytes(), shared.tally),
        }
    }
}

impl Several {
    /// Writes all of them from where they are.
    pub(super) fn write(&self, write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); MOST_SHARED];
        for (slice, shared) in slices.iter_mut().zip(&self.frames) {
            *slice = IoSlice::new(shared.frame.bytes());
        }
        write(&slices[..self.frames.len().min(MOST_SHARED)])
    }
}
