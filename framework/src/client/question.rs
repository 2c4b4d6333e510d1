//! Questions both ways: JSON objects with an `id`, and the answers to them.

use std::{fmt, sync::Arc};

use super::{outbox::Entry, shared::Shared};
use crate::{
    error::Result,
    ws::{refusal, reply},
};
use serde::Serialize;

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
    /// As JSON.
    pub(super) id: Box<str>,
    pub(super) connection: u64,
}

impl Question {
    /// Answers with a value. Waits only while the queue is full.
    ///
    /// # Errors
    ///
    /// When the connection is gone ([`Error::is_offline`](crate::Error::is_offline)), or when the value can't be JSON.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nothing was sent.
    pub async fn answer<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        let data = serde_json::to_string(value)?;
        self.send(reply(&self.id, &data)).await
    }

    /// Answers with an error: a code for programs, and a text that a person may read. Waits and fails like
    /// [`answer`](Self::answer).
    pub async fn refuse(self, code: &str, message: &str) -> Result<()> {
        self.send(refusal(Some(&self.id), code, message)).await
    }

    async fn send(&self, text: String) -> Result<()> {
        let entry = Entry { message: text.into(), question: None, connection: Some(self.connection) };
        self.shared.push(entry).await
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("id", &self.id).finish_non_exhaustive()
    }
}
