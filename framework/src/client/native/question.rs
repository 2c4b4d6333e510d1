//! Questions both ways: JSON objects with an `id`, and the answers to them.

use std::{fmt, sync::Arc};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{outbox::Entry, shared::Shared};
use crate::{
    error::{Error, Result},
    ws::{Message, Text},
};

/// A question of the server's, to be answered on the connection that it came on.
///
/// A server asks with a message that has an `id`, and gets `{"type":"reply","id":…,"data":…}` or
/// `{"type":"error","id":…,"data":{"code":…,"message":…}}`.
///
/// ```no_run
/// use sockeye::client::{Client, Event};
///
/// # async fn example() -> sockeye::Result<()> {
/// let client = Client::builder("wss://example.com/ws").questions(["version", "uptime"]);
/// let mut client: Client<serde_json::Value> = client.connect().await?;
/// while let Some(event) = client.next().await {
///     match event? {
///         Event::Question(event, question) if event["type"] == "version" => question.answer(&"1.0").await?,
///         Event::Question(_, question) => question.refuse("unknown", "that is not known").await?,
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Question {
    pub(super) shared: Arc<Shared>,
    pub(super) id: Text,
    pub(super) connection: u64,
}

impl Question {
    /// Answers with a value. Waits only while the queue is full.
    ///
    /// # Errors
    ///
    /// When the connection is gone ([`Error::is_offline`]), or when the value can't be JSON.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nothing was sent.
    pub async fn answer<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        self.send("reply", serde_json::to_string(value)?).await
    }

    /// Answers with an error: a code for programs, and a text that a person may read. Waits and fails like
    /// [`answer`](Self::answer).
    pub async fn refuse(self, code: &str, message: &str) -> Result<()> {
        self.send("error", serde_json::json!({ "code": code, "message": message }).to_string()).await
    }

    async fn send(self, kind: &str, data: String) -> Result<()> {
        let text = format!(r#"{{"type":"{kind}","id":{},"data":{data}}}"#, self.id);
        let entry = Entry { message: text.into(), question: None, connection: Some(self.connection) };
        self.shared.push(entry).await
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The message as a question with this id.
pub(super) fn with_id(message: &Message, id: u64) -> Result<Message> {
    let expected = |got: &str| Error::other(format!("expected a JSON object without an `id` to ask with, got {got}"));
    let Some(text) = message.as_text() else { return Err(expected("a binary message")) };
    let Ok(mut object) = serde_json::from_str::<Map<String, Value>>(text) else {
        return Err(expected("something else"));
    };
    if object.insert("id".to_owned(), id.into()).is_some() {
        return Err(expected("one with an `id`, which is given by the client"));
    }
    Ok(Message::text(serde_json::to_string(&object)?))
}
