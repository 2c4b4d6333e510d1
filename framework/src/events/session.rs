//! One peer's events, in order.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
};

use super::{
    Events, Fault, Peer,
    contract::Answer,
    pick::{Picked, pick, pick_ping},
    roster::{Roster, Seat},
};
use crate::{
    error::Error,
    hub::Hub,
    ws::{
        CloseFrame, End, Failure, Invalid, Message, Outcome, Upgrade, WebSocket, invalid_reply, refusal, reply, socket,
    },
};

/// The answer to a ping that no method takes.
const PONG: &str = r#"{"type":"pong"}"#;

/// What runs as the handler of one connection.
pub(super) async fn run<E: Events>(
    handler: Arc<E::Handler>,
    args: E::Args,
    mut upgrade: Upgrade,
    roster: Arc<Roster>,
    hub: Hub,
) -> Outcome {
    if E::UPGRADE {
        if let Err(refusal) = E::upgrade(&handler, &mut upgrade, &args).await {
            upgrade.deny_with(refusal).await.ok();
        }
        if upgrade.is_decided() {
            return Outcome(End::Normal);
        }
    }
    let extensions = upgrade.extensions().take();
    let ws = socket::<WebSocket>(upgrade);
    let peer = Peer::new(&ws, extensions, roster.clone(), hub);
    let seat = roster.enter(&peer);
    Session::<E> { handler, args, peer, end: End::Normal }.run(ws, seat).await
}

struct Session<E: Events> {
    handler: Arc<E::Handler>,
    args: E::Args,
    peer: Peer,
    /// How the connection ends, as far as is known.
    end: End,
}

impl<E: Events> Session<E> {
    async fn run(mut self, mut ws: WebSocket, seat: Seat) -> Outcome {
        let opened = caught(async { E::open(&self.handler, &self.peer, &self.args).await }).await;
        let is_open = opened.is_ok();
        let mut goes_on = self.judge(opened).await && is_open;
        while goes_on {
            // What comes as a `Message` always parses.
            let Some(Ok(message)) = ws.next().await else { break };
            let handled = caught(async { self.deliver(message).await }).await;
            goes_on = self.judge(handled).await;
        }
        // The others are told by `close`, and should not find this one any more.
        drop(seat);
        if is_open {
            self.close(ws.close_frame()).await;
        }
        Outcome(std::mem::replace(&mut self.end, End::Normal))
    }

    async fn deliver(&self, message: Message) -> Result<(), Fault> {
        let Self { handler, args, peer, .. } = self;
        let picked = match E::MESSAGE && E::TYPES.is_empty() {
            true => pick_ping(&message).map(Ok),
            false => Some(pick(E::TYPES, &message)),
        };
        let (id, handled) = match picked {
            Some(Ok(Picked::On(kind, id))) => {
                let handled = E::on(handler, peer, args, kind, message, id.is_some()).await;
                (id, handled)
            }
            Some(Ok(Picked::Ping(None))) => {
                self.say(PONG).await;
                return Ok(());
            }
            Some(Ok(Picked::Ping(id))) => (id, Ok(Answer::default())),
            Some(Err(error)) if !E::MESSAGE => return Err(Fault::Invalid(error)),
            None | Some(Err(_)) => {
                let handled = E::message(handler, peer, args, message).await;
                (None, handled.map(|()| Answer::default()))
            }
        };
        self.answer(id.as_deref(), handled).await
    }

    /// Tells who has asked how it went. An error that is an answer is told in any case.
    async fn answer(&self, id: Option<&str>, handled: Result<Answer, Fault>) -> Result<(), Fault> {
        match (id, handled) {
            (Some(id), Ok(Answer(json))) => self.say(&reply(id, json.as_deref().unwrap_or("null"))).await,
            (None, Ok(_)) => {}
            (id, Err(Fault::Failed(Failure { answer: Some(answer), .. }))) => {
                let (code, message) = &*answer;
                self.say(&refusal(id, code, message)).await;
            }
            (_, Err(fault)) => return Err(fault),
        }
        Ok(())
    }

    /// Sends what the framework has to say. A peer that is gone needs no answer.
    async fn say(&self, text: &str) {
        let _sent_or_gone = self.peer.send_text(text).await;
    }

    /// Whether the connection goes on after an event.
    async fn judge(&mut self, handled: Result<(), Fault>) -> bool {
        let (error, end) = match handled {
            Ok(()) => return true,
            // The peer is gone, which is no error; what it had sent before is still delivered.
            Err(Fault::Failed(Failure { end: End::Normal, .. })) => return true,
            Err(Fault::Failed(Failure { error, end, .. })) => (error, end),
            Err(Fault::Refused(error)) => self.refusal(error),
            Err(Fault::Invalid(error)) => match self.peer.invalid() {
                Invalid::Reply => {
                    self.say(&invalid_reply(&error)).await;
                    return true;
                }
                Invalid::Pass if E::ERROR => {
                    // Who has asked waits for an answer, whatever else is done about it.
                    if error.asked().is_some() {
                        self.say(&invalid_reply(&error)).await;
                    }
                    return self.report(&error).await;
                }
                Invalid::Pass | Invalid::Close => self.refusal(error),
            },
        };
        self.finish(end);
        if E::ERROR {
            self.report(&error).await;
        }
        false
    }

    fn refusal(&self, error: Error) -> (Error, End) {
        let end = error.wanted_close().cloned().map_or_else(|| End::Failed(error.to_string()), End::Close);
        (error, end)
    }

    /// Calls `error`; says whether that went well.
    async fn report(&mut self, error: &Error) -> bool {
        let reported = caught(async { E::error(&self.handler, &self.peer, &self.args, error).await }).await;
        self.also("error", reported)
    }

    async fn close(&mut self, frame: Option<CloseFrame>) {
        let closed = caught(async { E::close(&self.handler, &self.peer, &self.args, frame).await }).await;
        self.also("close", closed);
    }

    /// Adds what the method `name` met to how the connection ends: it is logged with the rest.
    fn also(&mut self, name: &str, result: Result<(), Fault>) -> bool {
        let failed = match result {
            Ok(()) => return true,
            Err(Fault::Failed(Failure { end: End::Normal, .. })) => return true,
            Err(Fault::Failed(Failure { end: End::Failed(message), .. })) => message,
            Err(Fault::Failed(Failure { error, .. }) | Fault::Refused(error) | Fault::Invalid(error)) => {
                error.to_string()
            }
        };
        let before = match &self.end {
            End::Failed(message) => format!("{message}; then "),
            End::Normal | End::Close(_) => String::new(),
        };
        self.finish(End::Failed(format!("{before}`{name}` failed: {failed}")));
        false
    }

    /// The connection ends in this way. It is closed now, so that nothing is sent after what went wrong.
    fn finish(&mut self, end: End) {
        self.peer.close_now(&end.frame());
        self.end = end;
    }
}

/// However the session ends: a clone of the peer that lives on gets nothing any more.
impl<E: Events> Drop for Session<E> {
    fn drop(&mut self) {
        self.peer.leave();
    }
}

/// Runs a method; a panic in it is its failure, and what follows it still runs.
async fn caught(method: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    let mut method = pin!(method);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| method.as_mut().poll(cx)));
        polled.unwrap_or_else(|payload| Err(Fault::Failed(Failure::panicked(&*payload))).into())
    })
    .await
}
