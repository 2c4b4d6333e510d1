//! The two halves of a socket.

use std::{fmt, marker::PhantomData, sync::Arc};

use super::{Connection, Message, receive::Inlet};

/// The half of a [`WebSocket`](super::WebSocket) that sends: clones, and may be used from any task.
///
/// It does not keep the connection open: when the handler returns, sending fails as a disconnect.
pub struct Sender<Out = Message> {
    pub(super) connection: Arc<Connection>,
    types: PhantomData<fn(Out)>,
}

impl<Out> Sender<Out> {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self { connection, types: PhantomData }
    }
}

impl<Out> Clone for Sender<Out> {
    fn clone(&self) -> Self {
        Self::new(self.connection.clone())
    }
}

/// The half of a [`WebSocket`](super::WebSocket) that receives. Dropped, what the peer sends is thrown away.
pub struct Receiver<In = Message> {
    pub(super) inlet: Inlet<In>,
}

impl<In> fmt::Debug for Receiver<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(self.inlet.connection()).finish()
    }
}
