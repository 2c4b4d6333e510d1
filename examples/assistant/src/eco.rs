//! Says welcome, then repeats what it hears.

use sockeye::prelude::*;

#[websocket("/api/eco-ws")]
pub(crate) async fn eco(mut ws: WebSocket) -> Result<()> {
    ws.send_text("¡Bienvenido!").await?;
    ws.on_message(async |ws, text| ws.send_text(format!("Eco: {text}")).await).await
}
