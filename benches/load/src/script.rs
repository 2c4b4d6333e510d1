//! What goes over a connection: known bytes out, known bytes back.

/// Messages that leave in one write, and the bytes that answer them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) request: Vec<u8>,
    pub(crate) reply: Vec<u8>,
    pub(crate) messages: u64,
}

impl Batch {
    pub(crate) fn new(request: Vec<u8>, reply: Vec<u8>) -> Self {
        Self { request, reply, messages: 1 }
    }

    /// Several in one.
    pub(crate) fn joined<'a>(batches: impl Iterator<Item = &'a Self>) -> Self {
        batches.fold(Self::default(), |mut all, one| {
            all.request.extend(&one.request);
            all.reply.extend(&one.reply);
            all.messages += one.messages;
            all
        })
    }
}
