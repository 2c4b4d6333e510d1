//! Asking a peer, and waiting for its answer.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Connection,
    asking::{question, read_answer},
    proto::{CloseCode, Op, Payload, Text},
};
use crate::{
    error::{Error, Result},
    rt::timeout,
};

/// A question that is open. Dropped, it is withdrawn: its answer is one that nobody waits for.
struct Question<'a> {
    connection: &'a Connection,
    number: u64,
}

impl<'a> Question<'a> {
    fn open(connection: &'a Connection) -> Result<Self> {
        let limit = connection.limits.max_open_requests;
        let asked = connection.inbox().ask(limit);
        let Some((number, driver_waits)) = asked else {
            let text = format!("expected at most {limit} requests to a peer without an answer");
            return Err(Error::limit(text, CloseCode::TRY_AGAIN));
        };
        if driver_waits {
            connection.outbox().wake_driver();
        }
        Ok(Self { connection, number })
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Result<Text>> {
        self.connection.inbox().poll_answer(self.number, cx.waker()).map_err(Error::from)
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.connection.inbox().withdraw(self.number);
    }
}

/// Sends an event with an id and waits for what comes back under it.
pub(crate) async fn request<T, E>(connection: &Arc<Connection>, event: &E, limit: Duration) -> Result<T>
where
    T: DeserializeOwned,
    E: Serialize + Sync + ?Sized,
{
    let open = Question::open(connection)?;
    let payload = Payload::Owned(question(event, open.number)?.into_bytes());
    let answered = async {
        poll_fn(|cx| connection.poll_send(cx, Op::Text, &payload)).await?;
        poll_fn(|cx| open.poll(cx)).await
    };
    match timeout(limit, answered).await {
        Ok(answer) => read_answer(&answer?),
        Err(_) => Err(Error::timeout(format!("expected the peer's answer within {limit:?}, got none"))),
    }
}
