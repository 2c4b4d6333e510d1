//! What can be a member of a room.

use std::sync::Arc;

use super::{Connection, Receiver, Sender, WebSocket};

/// What can join a room: a socket, or a handle to one.
///
/// Rooms know connections, not sockets: it makes no difference which handle of a connection joins.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't join a room",
    label = "not a socket",
    note = "join with the `WebSocket`, or with one of the halves that `split` gives"
)]
pub trait Connected {
    #[doc(hidden)]
    fn handle(&self) -> Handle;
}

/// A connection, for rooms.
#[derive(Clone, Debug)]
pub struct Handle(pub(crate) Arc<Connection>);

impl<In, Out> Connected for WebSocket<In, Out> {
    fn handle(&self) -> Handle {
        Handle(self.connection().clone())
    }
}

impl<Out> Connected for Sender<Out> {
    fn handle(&self) -> Handle {
        Handle(self.connection.clone())
    }
}

impl<In> Connected for Receiver<In> {
    fn handle(&self) -> Handle {
        Handle(self.inlet.connection().clone())
    }
}

impl<T: Connected + ?Sized> Connected for &T {
    fn handle(&self) -> Handle {
        (**self).handle()
    }
}

impl<T: Connected + ?Sized> Connected for &mut T {
    fn handle(&self) -> Handle {
        (**self).handle()
    }
}
