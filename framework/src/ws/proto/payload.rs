//! What is to be sent: bytes, some of which can be kept without a copy.

use std::ops::Deref;

use bytes::Bytes;

#[derive(Debug)]
pub(crate) enum Payload<'a> {
    Slice(&'a [u8]),
    Shared(&'a Bytes),
    Owned(Vec<u8>),
}

impl Payload<'_> {
    /// What remains from `start` on, to be kept.
    pub(crate) fn from(&self, start: usize) -> Bytes {
        match self {
            Self::Shared(bytes) => bytes.slice(start..),
            Self::Slice(_) | Self::Owned(_) => Bytes::copy_from_slice(&self[start..]),
        }
    }

    pub(crate) fn into_owned(self) -> Payload<'static> {
        Payload::Owned(match self {
            Self::Owned(bytes) => bytes,
            Self::Slice(_) | Self::Shared(_) => self.to_vec(),
        })
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Slice(bytes) => bytes,
            Self::Shared(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}
