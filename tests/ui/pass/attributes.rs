//! Attributes and docs on handlers and arguments.

#![deny(warnings, missing_docs)]

use sockeye::prelude::*;

/// Says hello.
///
/// At length.
#[websocket("/ws/<room>")]
#[must_use]
#[inline]
#[expect(unused_variables, reason = "kept by the function with the body")]
pub async fn room(
    /// The socket.
    #[allow(unused_mut)]
    mut ws: WebSocket,
    /// The room.
    #[doc = "Its name."]
    room: String,
    #[allow(unused_variables)] token: Option<String>,
) -> Result<()> {
    let unused = 1;
    Ok(())
}

/// No longer.
#[get("/old")]
#[deprecated = "use `new`"]
pub async fn old() -> &'static str {
    "old"
}

#[get("/hidden")]
#[allow(missing_docs, clippy::unused_async)]
pub async fn hidden() -> &'static str {
    "hidden"
}

fn main() {
    #[allow(deprecated)]
    let _ = App::new().route(room).route(old).route(hidden);
}
