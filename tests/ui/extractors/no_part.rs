use futures_util::stream;
use sockeye::prelude::*;

#[websocket("/numbers")]
async fn numbers(ws: WebSocket) -> Result<()> {
    ws.send_stream(stream::iter([1, 2, 3])).await
}

fn main() {
    let _ = App::new().route(numbers);
}
