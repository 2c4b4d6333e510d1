//! A type that is not imported is told of once.

#[sockeye::websocket("/ws")]
async fn room(ws: WebSocket) {
    drop(ws);
}

fn main() {
    let _ = sockeye::App::new().route(room);
}
