//! `use sockeye::prelude::*;` brings what nearly every program names.

pub use crate::{
    App, CloseCode, CloseFrame, Cookies, Error, Extension, FromRequest, Headers, Html, Hub, IntoResponse, Json, Limits,
    Member, Message, Origins, Overflow, Param, Path, Peer, PeerAddr, Query, Receiver, Result, Room, Router, Sender,
    Sse, State, StatusCode, Upgrade, WebSocket, delete, dependency, get, on, patch, post, put, router, websocket,
};
#[cfg(feature = "testing")]
pub use crate::{ConnectExt, TestClient};
