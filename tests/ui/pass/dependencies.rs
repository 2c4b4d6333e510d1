//! Dependencies of dependencies.

#![deny(warnings)]

use sockeye::prelude::*;

#[derive(Clone)]
pub struct User(String);

mod auth {
    use sockeye::prelude::*;

    pub type Result<T> = std::result::Result<T, StatusCode>;

    #[dependency]
    pub async fn token(#[header("authorization")] token: Option<String>) -> Result<String> {
        token.ok_or(StatusCode::UNAUTHORIZED)
    }

    #[dependency]
    pub async fn user(#[depends(token)] token: String, #[query] name: Option<String>) -> super::User {
        super::User(name.unwrap_or(token))
    }

    #[dependency]
    pub async fn is_admin(#[depends(user)] super::User(name): super::User) -> Result<()> {
        if name == "admin" { Ok(()) } else { Err(StatusCode::FORBIDDEN) }
    }
}

#[websocket("/ws")]
async fn room(
    ws: WebSocket,
    #[depends(auth::user)] user: User,
    #[depends(auth::is_admin)] _: (),
) -> Result<()> {
    ws.send_text(user.0).await
}

fn main() {
    let _ = App::new().route(room);
}
