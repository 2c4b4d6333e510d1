//! The crate under another name.

extern crate sockeye as my_sockeye;

mod sockeye {}

use my_sockeye::prelude::*;

#[websocket("/ws/<id>", crate = my_sockeye)]
async fn room(ws: WebSocket, id: String, #[depends(user)] user: String) -> Result<()> {
    ws.send_text(id + &user).await
}

#[dependency(crate = my_sockeye)]
async fn user(name: Option<String>) -> String {
    name.unwrap_or_default()
}

#[router(prefix = "/m", crate = my_sockeye)]
mod m {
    use crate::my_sockeye::{self, get};

    #[get("/y", crate = my_sockeye)]
    async fn y() -> &'static str {
        "y"
    }
}

#[derive(Param)]
#[param(crate = my_sockeye)]
pub struct Id(pub u32);

#[my_sockeye::main(crate = my_sockeye)]
async fn main() {
    let _ = App::new().route(room).include_router(m::router());
}
