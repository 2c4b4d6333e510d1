//! Lifetimes in the types of state.

use sockeye::prelude::*;
use std::borrow::Cow;

#[derive(Clone)]
struct Motd<'a>(Cow<'a, str>);

type Check = fn(&str) -> bool;

#[websocket("/ws")]
async fn room(ws: WebSocket, State(motd): State<Motd<'static>>, State(check): State<Check>) -> Result<()> {
    if check(&motd.0) {
        ws.send_text(motd.0.as_ref()).await?;
    }
    Ok(())
}

fn main() {
    let _ = App::new().route(room).state(Motd(Cow::Borrowed("hi")));
}
