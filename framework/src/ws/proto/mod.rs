//! The WebSocket protocol of a server, from bytes to messages and back, without IO, clock or tasks (RFC 6455).

mod assemble;
mod carry;
mod close;
mod closing;
mod decode;
#[cfg(feature = "deflate")]
mod deflate;
#[cfg(not(feature = "deflate"))]
#[path = "deflate_off.rs"]
mod deflate;
mod encode;
mod error;
mod event;
mod frame;
mod key;
mod mask;
mod message;
mod partial;
mod payload;
mod prepared;
mod rules;
mod spare;
mod text;
mod utf8;

pub use close::{CloseCode, CloseFrame};
pub use message::Message;
pub use text::Text;

pub(crate) use close::encode_close;
pub(crate) use closing::Closing;
pub(crate) use decode::{ARRIVED, Decoder, WORTH_A_BUFFER};
pub(crate) use deflate::{Agreed, Deflater, Inflater, Shape, negotiate};
pub(crate) use encode::{Op, header, put_frame};
pub(crate) use error::ProtocolError;
pub(crate) use event::Event;
pub(crate) use frame::{MAX_HEADER, is_longest_header};
pub(crate) use key::{accept_key, is_valid_key};
pub(crate) use payload::Payload;
pub(crate) use prepared::{Frame, Prepared};
pub(crate) use rules::Rules;
pub(crate) use spare::{
    buffer as spare_buffer, give_back as give_back_buffer, release as release_spare_buffers, trim as trim_spare_buffers,
};
