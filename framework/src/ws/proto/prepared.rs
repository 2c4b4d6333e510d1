//! A message for many, encoded once: plain, and once more for each way in which the receivers want it compressed.

use std::sync::Arc;

use super::{Deflater, Op, Shape, Text, put_frame};

/// A whole frame, as it goes over the wire.
#[derive(Debug)]
pub(crate) struct Frame(Vec<u8>);

/// The forms of one message. Each stands alone: it refers to nothing that was sent before.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    plain: Arc<Frame>,
    /// Those that are smaller than the plain one.
    compressed: Vec<(Shape, Arc<Frame>)>,
    runs: usize,
    op: Op,
    /// Where the payload begins in the plain form.
    start: usize,
}

impl Frame {
    fn new(op: Op, rsv1: bool, payload: &[u8]) -> Arc<Self> {
        let mut bytes = Vec::with_capacity(payload.len() + 10);
        put_frame(&mut bytes, op, rsv1, payload);
        Arc::new(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Prepared {
    /// Encodes a message, and compresses it for those of `shapes` that want messages of its size compressed.
    pub(crate) fn new(op: Op, payload: &[u8], shapes: impl IntoIterator<Item = Shape>) -> Self {
        let (mut compressed, mut runs) = (Vec::new(), 0);
        for shape in shapes.into_iter().filter(|shape| shape.takes(payload.len())) {
            runs += 1;
            // RFC 7692 section 6: RSV1 says so.
            let frame = shape.deflate(payload).map(|payload| Frame::new(op, true, &payload));
            compressed.extend(frame.map(|frame| (shape, frame)));
        }
        let plain = Frame::new(op, false, payload);
        let start = plain.0.len() - payload.len();
        Self { plain, compressed, runs, op, start }
    }

    /// How often the compressor has run.
    pub(crate) fn runs(&self) -> usize {
        self.runs
    }

    /// The message, if it is a text.
    pub(crate) fn text(&self) -> Option<Text> {
        let payload = (self.op == Op::Text).then(|| self.plain.0[self.start..].to_vec())?;
        Text::try_from(payload).ok()
    }

    /// Bytes of the plain form.
    pub(crate) fn len(&self) -> usize {
        self.plain.0.len()
    }

    /// The form for a connection, and whether it is compressed. Every connection reads the plain one.
    pub(crate) fn form(&self, deflater: Option<&Deflater>) -> (&Arc<Frame>, bool) {
        let shape = deflater.map(Deflater::shape);
        let fits = |(known, _): &&(Shape, _)| Some(*known) == shape;
        self.compressed.iter().find(fits).map_or((&self.plain, false), |(_, frame)| (frame, true))
    }
}
