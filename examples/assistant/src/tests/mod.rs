//! The assistant, with the built-in model and with servers that behave and misbehave.

mod fake;
mod offline;
mod openai;
mod page;

use serde_json::{Value, json};
use sockeye::{Result, TestSocket};

/// Receives an answer from its start to its end.
async fn answer(ws: &mut TestSocket) -> Result<Vec<Value>> {
    let mut steps: Vec<Value> = Vec::new();
    while steps.last().is_none_or(|step| step["type"] != "done" && step["type"] != "error") {
        steps.push(ws.receive_json().await?);
    }
    Ok(steps)
}

fn start() -> Value {
    json!({ "type": "start" })
}

fn chunk(content: &str) -> Value {
    json!({ "type": "chunk", "content": content })
}

fn done() -> Value {
    json!({ "type": "done" })
}

fn error(message: &str) -> Value {
    json!({ "type": "error", "message": message })
}
