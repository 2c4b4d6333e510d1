//! A web framework in which WebSockets come first.
//!
//! ```no_run
//! use sockeye::prelude::*;
//!
//! #[websocket("/ws/<room_id>")]
//! async fn room(mut ws: WebSocket, room_id: String) -> Result<()> {
//!     ws.send_text(format!("Welcome to room: {room_id}")).await?;
//!     loop {
//!         let text = ws.receive_text().await?;
//!         ws.send_text(format!("[{room_id}] {text}")).await?;
//!     }
//! }
//!
//! #[sockeye::main]
//! async fn main() -> Result<()> {
//!     App::new().route(room).run().await
//! }
//! ```
//!
//! # Where things are
//!
//! - Handlers: [`websocket`], [`get`], [`post`], [`put`], [`patch`], [`delete`]; [`router`] for modules; [`dependency`].
//! - The same on an `impl` block, a method an event: [`on`], [`Peer`].
//! - What a handler takes: [`WebSocket`], [`Upgrade`], and everything that is [`FromRequest`].
//! - In the browser: [`App::browser_client`]; questions and answers: [`Peer::request`], [`Error::answer`].
//! - Many at once: [`Hub`], [`Room`], [`Member`]; [`Overflow`] for those that are too slow.
//! - What is kept: [`History`], [`MemoryHistory`], [`RecentHistory`]; [`Room::publish`], [`Room::history`],
//!   [`Room::join_since`], [`Room::mark_read`].
//! - What serves: [`App`], [`Router`], [`Server`]; limits and time-outs in [`Limits`].
//! - The other side: `client` (feature `client`).
//! - Tests: [`TestClient`].
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `anyhow` | yes | `?` on Sockeye's errors in handlers that return `anyhow::Result` |
//! | `client` | no | `sockeye::client`: a client for Rust programs, which comes back by itself |
//! | `deflate` | yes | compressed messages: [`Compression`] |
//! | `http2` | no | HTTP/2, and WebSocket over it (RFC 8441) |
//! | `nats` | no | `NatsBroker`: nodes that find each other over NATS |
//! | `postgres` | no | `PostgresHistory`: rooms whose messages are kept in PostgreSQL |
//! | `redis` | no | `RedisBroker`: the same over Redis; `RecentHistory::redis`: recent messages there |
//! | `sqlite` | no | `SqliteHistory`: rooms whose messages are kept in a file |
//! | `testing` | yes | [`TestClient`] |
//! | `test-util` | no | `#[sockeye::test(start_paused = true)]` |
//! | `tls` | no | TLS: `App::tls` and `TlsConfig` |
//! | `uuid` | no | `Uuid` as a path or query parameter |

mod app;
#[cfg(doctest)]
mod book;
pub mod broker;
mod browser;
#[cfg(feature = "client")]
pub mod client;
mod config;
mod error;
mod events;
mod extract;
mod history;
mod http;
mod hub;
pub mod prelude;
mod route;
mod rt;
mod server;
mod sse;
#[cfg_attr(all(test, feature = "shuttle"), path = "sync/shuttle.rs")]
mod sync;
#[cfg(feature = "testing")]
mod testing;
#[cfg_attr(not(feature = "tls"), path = "tls/off.rs")]
mod tls;
mod ws;

#[doc(hidden)]
pub mod __private;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

pub use crate::{
    app::App,
    broker::{Broker, LocalBroker},
    config::{Compression, Limits, Origins, Overflow},
    error::{BoxError, Error, ErrorKind, Result},
    events::{EventHandler, EventOutcome, FromMessage, Peer, UpgradeOutcome},
    extract::{
        ArgInfo, Cookies, Extension, FromPath, FromRequest, FromValues, Headers, OptionalFromRequest, Param,
        ParamError, Path, PeerAddr, Query, Rejection, Request, State, ValueError,
    },
    history::{
        Appended, Cursor, Draft, History, MemoryHistory, Offset, Page, RecentHistory, RecentOptions, Retention, Span,
        Stored,
    },
    http::{Body, Html, IntoResponse, Json, Redirect, Response},
    hub::{
        BrokerHealth, Health, HistoryHealth, Hub, HubStats, Member, MemberInfo, Presence, PresenceEvent,
        PresenceEvents, Replay, Resume, Resumed, Room, RoomOptions, RoomStats, User, UserStats,
    },
    route::{BuildError, Conflict, IntoRoute, Problem, Route, RouteInfo, RouteService, Router},
    rt::{BoxFuture, spawn},
    server::Server,
    sse::{Event, EventSender, EventStream, IntoEvent, LastEventId, Sse},
    ws::{
        CloseCode, CloseFrame, Connected, ConnectionId, Decided, Extensions, Inbound, Iter, Message, Outbound, Params,
        Part, Receiver, Sender, SocketOutcome, Text, Upgrade, WebSocket,
    },
};
pub use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
pub use bytes::Bytes;
pub use sockeye_macros::{Param, delete, dependency, get, main, on, patch, post, put, router, test, websocket};
/// tokio's clock, so that `sockeye` can be the only dependency.
pub use tokio::time;

#[cfg(feature = "nats")]
pub use crate::broker::NatsBroker;
#[cfg(feature = "redis")]
pub use crate::broker::RedisBroker;
#[cfg(feature = "sqlite")]
pub use crate::history::SqliteHistory;
#[cfg(feature = "postgres")]
pub use crate::history::{PostgresHistory, PostgresOptions};
#[cfg(feature = "testing")]
pub use crate::testing::{
    ConnectExt, Refused, SocketRequest, TestClient, TestEvent, TestEvents, TestRequest, TestResponse, TestSocket,
};
#[cfg(feature = "tls")]
pub use crate::tls::TlsConfig;
