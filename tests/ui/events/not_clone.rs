//! An argument is given to each event anew.

use sockeye::prelude::*;

struct User;

impl FromRequest for User {
    type Rejection = StatusCode;

    async fn from_request(_: &mut sockeye::Request, _: &sockeye::ArgInfo) -> Result<Self, StatusCode> {
        Ok(User)
    }
}

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer, user: User) {
        drop(user);
    }
}

fn main() {
    let _app = App::new().route(Chat);
}
