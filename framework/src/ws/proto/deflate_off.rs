//! Stands in for `deflate` where that feature is off: nothing is ever agreed on.

use super::{Message, ProtocolError};
use crate::config::Compression;

/// There is none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Agreed {}

/// There is none.
#[derive(Debug)]
pub(crate) enum Deflater {}

/// There is none.
#[derive(Debug)]
pub(crate) enum Inflater {}

/// There is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {}

/// Declines every offer.
pub(crate) fn negotiate<'a>(_lines: impl IntoIterator<Item = &'a [u8]>, _ours: &Compression) -> Option<Agreed> {
    None
}

impl Agreed {
    pub(crate) fn answer(&self) -> String {
        match *self {}
    }

    pub(crate) fn deflater(&self) -> Deflater {
        match *self {}
    }

    pub(crate) fn inflater(&self) -> Inflater {
        match *self {}
    }
}

impl Deflater {
    pub(crate) fn takes(&self, _len: usize) -> bool {
        match *self {}
    }

    pub(crate) fn deflate(&mut self, _payload: &[u8]) -> Option<Box<[u8]>> {
        match *self {}
    }

    pub(crate) fn shape(&self) -> Shape {
        match *self {}
    }

    pub(crate) fn forget(&mut self) {
        match *self {}
    }
}

impl Shape {
    pub(crate) fn takes(&self, _len: usize) -> bool {
        match *self {}
    }

    pub(crate) fn deflate(&self, _payload: &[u8]) -> Option<Box<[u8]>> {
        match *self {}
    }
}

impl Inflater {
    pub(crate) fn inflate(&mut self, _text: bool, _payload: &[u8], _limit: usize) -> Result<Message, ProtocolError> {
        match *self {}
    }
}
