//! Server-Sent Events as a browser reads them.

use std::{collections::VecDeque, fmt, mem, net::SocketAddr, sync::Arc, time::Duration};

use ::http::{HeaderMap, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::{TestResponse, client::Shared};
use crate::error::{Error, Result};

/// An event as a page sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestEvent {
    /// `message`, unless the event has a name.
    pub name: String,
    /// The data, its lines joined by `\n`.
    pub data: String,
    /// The last id that came, with this event or before it; empty when none did.
    pub id: String,
}

impl TestEvent {
    /// The data as JSON.
    ///
    /// # Panics
    ///
    /// If it is not JSON, or not of that shape.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_str(&self.data) {
            Ok(value) => value,
            Err(error) => {
                panic!("expected JSON of the type `{}`, got {:?}: {error}", std::any::type_name::<T>(), self.data)
            }
        }
    }
}

/// An open stream of events. Dropped, the client is gone.
pub struct TestEvents {
    shared: Arc<Shared>,
    path: String,
    /// The address that the server knows us by.
    own: SocketAddr,
    headers: HeaderMap,
    body: Incoming,
    parser: Parser,
    events: VecDeque<TestEvent>,
    ended: Option<End>,
}

/// How a stream of events ended.
#[derive(Clone, Debug)]
enum End {
    Complete,
    Broken(String),
}

impl TestEvents {
    pub(super) async fn open(
        shared: Arc<Shared>,
        path: String,
        own: SocketAddr,
        response: Response<Incoming>,
    ) -> Result<Self> {
        let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_stream = content_type.is_some_and(|value| value.split(';').next() == Some("text/event-stream"));
        if response.status() != ::http::StatusCode::OK || !is_stream {
            let response = TestResponse::read(shared, own, response).await?;
            return Err(Error::other(format!("expected a stream of events at {path}, got {response}")));
        }
        let (head, body) = response.into_parts();
        let (parser, events) = (Parser::default(), VecDeque::new());
        Ok(Self { shared, path, own, headers: head.headers, body, parser, events, ended: None })
    }

    /// The header lines of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The time after which the server wants to see the client again, once it has said so.
    pub fn retry(&self) -> Option<Duration> {
        self.parser.retry
    }

    /// Waits for one event.
    ///
    /// # Errors
    ///
    /// When the stream ends; or when the client's patience is over.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it has taken no event.
    pub async fn next(&mut self) -> Result<TestEvent> {
        let shared = self.shared.clone();
        let what = format!("an event on {}", self.path);
        let ended = match shared.wait(&what, self.read()).await? {
            Ok(event) => return Ok(event),
            Err(End::Complete) => "the stream has ended".to_owned(),
            Err(End::Broken(error)) => format!("the stream broke: {error}"),
        };
        Err(Error::other(format!("waited for {what}, but {ended}{}", shared.failures())))
    }

    /// Asserts that the server ends the stream in good order.
    ///
    /// # Panics
    ///
    /// If an event comes, the answer is cut short, or nothing happens for as long as the client has patience.
    pub async fn expect_end(&mut self) {
        let shared = self.shared.clone();
        let what = format!("the end of the events on {}", self.path);
        match shared.wait(&what, self.read()).await {
            Ok(Err(End::Complete)) => {}
            Ok(Err(End::Broken(error))) => panic!("waited for {what}, but the stream broke: {error}"),
            Ok(Ok(event)) => panic!("waited for {what}, got {event:?}"),
            Err(error) => panic!("{error}"),
        }
    }

    /// Asserts that the answer is cut short, because the stream behind it failed.
    ///
    /// # Panics
    ///
    /// If an event comes, the stream ends in good order, or nothing happens for as long as the client has patience.
    pub async fn expect_failure(&mut self) {
        let shared = self.shared.clone();
        let what = format!("the events on {} to fail", self.path);
        match shared.wait(&what, self.read()).await {
            Ok(Err(End::Broken(_))) => shared.expected_failure(self.own),
            Ok(Err(End::Complete)) => panic!("waited for {what}, but they ended in good order"),
            Ok(Ok(event)) => panic!("waited for {what}, got {event:?}"),
            Err(error) => panic!("{error}"),
        }
    }

    /// Asserts that no event comes for so long.
    ///
    /// # Panics
    ///
    /// If an event comes, or the stream ends.
    pub async fn expect_silence(&mut self, duration: Duration) {
        let path = self.path.clone();
        match tokio::time::timeout(duration, self.read()).await {
            Err(_) => {}
            Ok(Ok(event)) => panic!("expected {duration:?} without an event on {path}, got {event:?}"),
            Ok(Err(_)) => panic!("expected {duration:?} without an event on {path}, but the stream is over"),
        }
    }

    async fn read(&mut self) -> std::result::Result<TestEvent, End> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if let Some(end) = &self.ended {
                return Err(end.clone());
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    self.events.extend(data.iter().filter_map(|byte| self.parser.byte(*byte)));
                }
                Some(Err(error)) => self.ended = Some(End::Broken(error.to_string())),
                None => self.ended = Some(End::Complete),
            }
        }
    }
}

impl fmt::Debug for TestEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestEvents").field("path", &self.path).field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// Reads as HTML's section 9.2.6 says.
#[derive(Default)]
struct Parser {
    line: Vec<u8>,
    /// The line feed of a `\r\n` is still to come.
    after_return: bool,
    name: String,
    data: String,
    id: String,
    retry: Option<Duration>,
}

impl Parser {
    /// Goes on by a byte; gives the event that it completes.
    fn byte(&mut self, byte: u8) -> Option<TestEvent> {
        let is_second_half = mem::replace(&mut self.after_return, byte == b'\r') && byte == b'\n';
        match byte {
            b'\n' if is_second_half => None,
            b'\n' | b'\r' => {
                let line = mem::take(&mut self.line);
                self.line(&String::from_utf8_lossy(&line))
            }
            _ => {
                self.line.push(byte);
                None
            }
        }
    }

    fn line(&mut self, line: &str) -> Option<TestEvent> {
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.name = value.to_owned(),
            "data" => self.data.extend([value, "\n"]),
            "id" if !value.contains('\0') => self.id = value.to_owned(),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<TestEvent> {
        let (name, mut data) = (mem::take(&mut self.name), mem::take(&mut self.data));
        // Without data there is no event.
        data.pop()?;
        let name = if name.is_empty() { "message".to_owned() } else { name };
        Some(TestEvent { name, data, id: self.id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, String)> {
        let mut parser = Parser::default();
        let events = text.bytes().filter_map(|byte| parser.byte(byte));
        events.map(|event| (event.name, event.data, event.id)).collect()
    }

    fn event(name: &str, data: &str, id: &str) -> (String, String, String) {
        (name.to_owned(), data.to_owned(), id.to_owned())
    }

    #[test]
    fn reads_the_examples_of_the_standard() {
        assert_eq!(read("data: YHOO\ndata: +2\ndata: 10\n\n"), [event("message", "YHOO\n+2\n10", "")]);
        let text = ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n";
        let expected = [
            event("message", "first event", "1"),
            event("message", "second event", ""),
            event("message", " third event", ""),
        ];
        assert_eq!(read(text), expected);
        assert_eq!(read("data\n\ndata\ndata\n\ndata:"), [event("message", "", ""), event("message", "\n", "")]);
    }

    #[test]
    fn knows_three_line_ends() {
        assert_eq!(read("event: a\r\ndata: 1\rdata: 2\n\r\n"), [event("a", "1\n2", "")]);
    }
}
