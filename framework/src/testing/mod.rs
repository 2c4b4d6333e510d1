//! `TestClient`: an app under test, through the real handshake and the real wire format.

mod client;
mod codec;
mod events;
mod http;
mod refused;
mod socket;
mod transport;

pub use client::{SocketRequest, TestClient};
pub use events::{TestEvent, TestEvents};
pub use http::{TestRequest, TestResponse};
pub use refused::{ConnectExt, Refused};
pub use socket::TestSocket;
pub(crate) use transport::settle;
