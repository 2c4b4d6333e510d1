//! Sockets: one driver per connection, and the handles that handlers hold.

mod alarms;
mod asking;
mod connected;
mod connection;
mod driver;
mod extensions;
mod facts;
#[cfg_attr(not(feature = "testing"), path = "failures_off.rs")]
mod failures;
mod flusher;
mod handshake;
mod inbox;
mod io;
mod options;
mod outbox;
mod outcome;
pub(crate) mod proto;
mod receive;
mod request;
pub(crate) mod scope;
mod socket;
mod sockets;
mod split;
mod stream;
mod tally;
mod traffic;
mod typed;
mod upgrade;

pub(crate) use asking::{Head, id_in, invalid_reply, refusal, reply};
#[cfg(feature = "client")]
pub(crate) use asking::{answer_in, read_answer, with_id};
pub use connected::Connected;
pub(crate) use connected::Handle;
pub(crate) use connection::Connection;
#[cfg(test)]
pub(crate) use connection::fake;
pub use extensions::Extensions;
pub use facts::Params;
#[cfg(feature = "testing")]
pub(crate) use failures::Failures;
#[cfg(feature = "http2")]
pub(crate) use handshake::ExtendedConnect;
pub(crate) use handshake::upgrade_required;
pub(crate) use handshake::{Handshake, Secure, wants_socket};
pub(crate) use io::Stream;
pub use options::{Invalid, RouteOptions};
pub(crate) use outbox::Delivery;
pub use outcome::SocketOutcome;
pub(crate) use outcome::{End, Failure, HandlerFuture, Outcome, panic_message};
pub use proto::{CloseCode, CloseFrame, Message, Text};
pub use receive::Iter;
pub(crate) use receive::expect_bytes;
pub(crate) use scope::PublishScope;
pub use socket::{ConnectionId, WebSocket};
pub(crate) use sockets::Sockets;
pub use split::{Receiver, Sender};
pub use stream::Part;
pub(crate) use tally::Tally;
pub(crate) use traffic::Traffic;
pub(crate) use typed::Encoded;
pub use typed::{Inbound, Outbound};
pub(crate) use typed::{expect_text, from_json};
pub(crate) use upgrade::socket;
pub(crate) use upgrade::{Attached, UpgradeHandle, prepare};
pub use upgrade::{Decided, SocketArg, Upgrade};
