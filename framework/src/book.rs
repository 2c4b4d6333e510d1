//! The README and the pages of the book: their Rust blocks are doctests.

#[doc = include_str!("../../README.md")]
mod readme {}

#[doc = include_str!("../../book/src/hello.md")]
mod hello {}

#[doc = include_str!("../../book/src/arguments.md")]
mod arguments {}

#[doc = include_str!("../../book/src/talking.md")]
mod talking {}

#[doc = include_str!("../../book/src/event-handlers.md")]
mod event_handlers {}

#[doc = include_str!("../../book/src/closing.md")]
mod closing {}

#[doc = include_str!("../../book/src/streaming.md")]
mod streaming {}

#[doc = include_str!("../../book/src/events.md")]
mod events {}

#[doc = include_str!("../../book/src/rooms.md")]
mod rooms {}

#[doc = include_str!("../../book/src/presence.md")]
mod presence {}

#[doc = include_str!("../../book/src/overflow.md")]
mod overflow {}

#[doc = include_str!("../../book/src/history.md")]
mod history {}

#[doc = include_str!("../../book/src/browser-client.md")]
mod browser_client {}

#[cfg(feature = "client")]
#[doc = include_str!("../../book/src/rust-client.md")]
mod rust_client {}

#[doc = include_str!("../../book/src/chat.md")]
mod chat {}

#[doc = include_str!("../../book/src/scaling.md")]
mod scaling {}

#[doc = include_str!("../../book/src/testing.md")]
mod testing {}

#[doc = include_str!("../../book/src/composing.md")]
mod composing {}

#[doc = include_str!("../../book/src/deploying.md")]
mod deploying {}

#[doc = include_str!("../../book/src/three-nodes.md")]
mod three_nodes {}
#[cfg(feature = "tls")]
#[doc = include_str!("../../book/src/tls.md")]
mod tls {}

#[doc = include_str!("../../book/src/limits.md")]
mod limits {}
