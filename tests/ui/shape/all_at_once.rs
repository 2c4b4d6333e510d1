//! Every mistake of a handler at once, and nothing else.

use sockeye::prelude::*;

#[websocket("ws/<room_id>/<id>", invlid = "close")]
fn room(ws: WebSocket, rom_id: String, name: &str, #[qeury] page: u32) -> Result<()> {
    println!("{room_id} {rom_id} {name} {page}");
    Ok(drop(ws))
}

fn main() {
    let _ = App::new().route(room);
}
