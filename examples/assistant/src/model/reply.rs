//! The answer of a model's server: a stream of events whose data is JSON.

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::{Response, StatusCode, body::Incoming, header::CONTENT_TYPE};
use serde::Deserialize;
use sockeye::{Result, time::timeout};

use super::{Failure, openai::SILENCE};

/// Bytes of an event. A part of an answer is a few words.
const LONGEST_LINE: usize = 1 << 20;

/// The end of an answer.
const DONE: &[u8] = b"[DONE]";

/// An answer that is under way.
#[derive(Debug)]
pub(super) struct Reply {
    body: Incoming,
    /// What has come of the lines that were not looked at yet. A line may be cut anywhere, in a character too.
    waiting: BytesMut,
    /// The server has said why it ends.
    finished: bool,
}

/// An event.
#[derive(Debug, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

impl Reply {
    pub(super) fn new(response: Response<Incoming>) -> Result<Self, Failure> {
        if response.status() != StatusCode::OK {
            return Err(Failure::Refused(response.status()));
        }
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(|value| value.trim_start().starts_with("text/event-stream")) {
            return Err(Failure::NotAStream);
        }
        Ok(Self { body: response.into_body(), waiting: BytesMut::new(), finished: false })
    }

    /// The next part; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            while let Some(line) = self.line() {
                let Some(data) = data(&line) else { continue };
                if data == DONE {
                    return Ok(None);
                }
                if let Some(part) = self.part(data)? {
                    return Ok(Some(part));
                }
            }
            let frame = timeout(SILENCE, self.body.frame()).await.map_err(|_| Failure::Silent(SILENCE))?;
            match frame {
                Some(Ok(frame)) => self.waiting.extend_from_slice(&frame.into_data().unwrap_or_default()),
                // Some servers leave the last word out.
                None if self.finished => return Ok(None),
                None | Some(Err(_)) => return Err(Failure::Broken),
            }
            if self.waiting.len() > LONGEST_LINE && !self.waiting.contains(&b'\n') {
                return Err(Failure::Garbled);
            }
        }
    }

    /// Takes the next whole line, without its end.
    fn line(&mut self) -> Option<Bytes> {
        let end = self.waiting.iter().position(|byte| *byte == b'\n')?;
        let mut line = self.waiting.split_to(end).freeze();
        self.waiting.advance(1);
        if line.ends_with(b"\r") {
            line.truncate(line.len() - 1);
        }
        Some(line)
    }

    /// The text of an event, if it has one.
    fn part(&mut self, data: &[u8]) -> Result<Option<String>, Failure> {
        let chunk: Chunk = serde_json::from_slice(data).map_err(|_| Failure::Garbled)?;
        if chunk.error.is_some() {
            return Err(Failure::Reported);
        }
        // Only one was asked for; the last events may have none.
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(None) };
        self.finished |= choice.finish_reason.is_some();
        Ok(choice.delta.content.filter(|content| !content.is_empty()))
    }
}

/// The data of a line. All servers send an event's data in one line; comments and other fields say nothing here.
fn data(line: &[u8]) -> Option<&[u8]> {
    let data = line.strip_prefix(b"data:")?;
    Some(data.strip_prefix(b" ").unwrap_or(data))
}
