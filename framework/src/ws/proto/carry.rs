//! The first bytes of a frame header whose last ones have not come yet.

use super::frame::MAX_HEADER;

/// Room for one header.
#[derive(Clone, Copy, Default)]
pub(super) struct Carry {
    bytes: [u8; MAX_HEADER],
    len: u8,
}

impl Carry {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len()]
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds as much of `input` as a header can have.
    pub(super) fn fill(&mut self, input: &[u8]) {
        let len = self.len();
        let taken = input.len().min(MAX_HEADER - len);
        self.bytes[len..][..taken].copy_from_slice(&input[..taken]);
        self.len += taken as u8;
    }
}
