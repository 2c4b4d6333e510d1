//! Questions in, streamed answers out.

use serde::Deserialize;
use serde_json::json;
use sockeye::prelude::*;

use crate::model::Model;

/// Bytes of a question.
const LONGEST_QUESTION: usize = 64 * 1024;

/// How a program asks; a person may send the bare text.
#[derive(Deserialize)]
struct Question {
    content: String,
}

/// One answer after the other: while one streams, the next questions wait in the socket's inbox, and behind that in the
/// network. The client's leaving drops the answer's stream, and with it the request to the model.
#[websocket("/api/chat-ws", max_message = LONGEST_QUESTION)]
pub(crate) async fn chat(mut ws: WebSocket, model: State<Model>) -> Result<()> {
    while let Some(message) = ws.next().await {
        match question(&message?) {
            Some(question) => ws.send_stream(model.ask(&question)).await?,
            None => ws.send_json(&json!({ "type": "error", "message": "expected a question as text" })).await?,
        }
    }
    Ok(())
}

/// The text of a question: what is not `{"content":TEXT}` is one as it stands.
fn question(message: &Message) -> Option<String> {
    let text = message.as_text()?;
    let question = match serde_json::from_str::<Question>(text) {
        Ok(question) => question.content,
        Err(_) => text.to_string(),
    };
    (!question.trim().is_empty()).then_some(question)
}
