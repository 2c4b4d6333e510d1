//! What a message says about itself, whatever else is in it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::cause::Refused;
use crate::ws::{Message, Text};

/// Bytes that the `id` of a question has at most: 64 characters, each of which may be written `\uXXXX`.
const LONGEST_ID: usize = 64 * 6 + 2;

/// The fields that count, as they stand in the text.
#[derive(Default, Deserialize)]
struct Fields<'m> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'m RawValue>,
    #[serde(borrow)]
    id: Option<&'m RawValue>,
    #[serde(borrow)]
    offset: Option<&'m RawValue>,
    #[serde(borrow)]
    recovered: Option<&'m RawValue>,
    #[serde(borrow)]
    data: Option<&'m RawValue>,
}

/// What a message means to the client.
#[derive(Debug)]
pub(super) enum Meaning {
    /// It answers the question with this id: with JSON, or with an error.
    Answer(u64, Result<Text, Refused>),
    /// It is for the app.
    Plain(Head),
}

/// What is known of a message for the app.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// Its place in the history, as it is given where the app does not say how.
    pub(super) offset: Option<u64>,
    /// It says `"recovered":false`: what comes is not what followed.
    pub(super) gap: bool,
    /// The server asks, and waits for an answer under this id: a string or a number, as it stood in the text.
    pub(super) question: Option<Text>,
}

impl Fields<'_> {
    fn question(&self, questions: &[String]) -> Option<Text> {
        if questions.is_empty() {
            return None;
        }
        let kind: Cow<'_, str> = serde_json::from_str(self.kind?.get()).ok()?;
        let id = self.id?.get();
        let is_id = id.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit());
        (is_id && id.len() <= LONGEST_ID && questions.iter().any(|question| *question == kind)).then(|| id.into())
    }
}

impl Meaning {
    /// `questions` are the types of those messages that ask, if they have an `id`.
    pub(super) fn of(message: &Message, questions: &[String]) -> Self {
        let Some(text) = message.as_text() else { return Self::Plain(Head::default()) };
        let Some(fields) = object(text) else { return Self::Plain(Head::default()) };
        let id = fields.id.map(RawValue::get);
        let data = || fields.data.map_or("null", RawValue::get);
        match (fields.kind.map(RawValue::get), id.and_then(number)) {
            (Some(r#""reply""#), Some(id)) => return Self::Answer(id, Ok(data().into())),
            (Some(r#""error""#), Some(id)) => {
                let refused = serde_json::from_str(data());
                let unclear = |_| Refused { code: String::new(), message: data().to_owned() };
                return Self::Answer(id, Err(refused.unwrap_or_else(unclear)));
            }
            _ => {}
        }
        let inner = fields.data.and_then(|data| object(data.get())).unwrap_or_default();
        let is_false = |value: Option<&RawValue>| value.is_some_and(|value| value.get() == "false");
        Self::Plain(Head {
            offset: fields.offset.or(inner.offset).map(RawValue::get).and_then(number),
            gap: is_false(fields.recovered) || is_false(inner.recovered),
            question: fields.question(questions),
        })
    }
}

/// Serde would take an array for a struct too.
fn object(text: &str) -> Option<Fields<'_>> {
    let fields = text.trim_ascii_start().starts_with('{').then(|| serde_json::from_str(text))?;
    fields.ok()
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        match Meaning::of(&text.into(), &["ask".to_owned()]) {
            Meaning::Plain(head) => head,
            answer => panic!("{text}: {answer:?}"),
        }
    }

    #[test]
    fn an_offset_is_a_number_outside_or_in_the_data() {
        for (text, offset) in [
            (r#"{"offset":1,"data":{"offset":2}}"#, Some(1)),
            (r#" { "offset": null, "data": { "offset": 2 } }"#, Some(2)),
            (r#"{"offset":"x","data":[1],"id":1}"#, None),
            (r#"{"offset":-1}"#, None),
            (r#"{"offset":1.5}"#, None),
            (r#"{"offset":18446744073709551616}"#, None),
            (r#"{"offset":1,"offset":2}"#, None),
            ("[1,2,3,4,5]", None),
            ("5", None),
            ("", None),
            (r#"{"offset":1"#, None),
        ] {
            assert_eq!(head(text).offset, offset, "{text}");
        }
        let binary = Meaning::of(&Message::binary(r#"{"offset":1}"#), &[]);
        assert!(matches!(binary, Meaning::Plain(Head { offset: None, .. })));
    }

    #[test]
    fn gaps_and_questions_are_seen() {
        assert!(head(r#"{"recovered":false}"#).gap && head(r#"{"data":{"recovered":false}}"#).gap);
        assert!(!head(r#"{"recovered":true,"data":{"recovered":"false"}}"#).gap);
        for (text, question) in [
            (r#"{"type":"ask","id":"q1"}"#, Some(r#""q1""#)),
            (r#"{"type":"\u0061sk","id":"\u00e9"}"#, Some(r#""\u00e9""#)),
            (r#"{"type":"ask","id":-1.5}"#, Some("-1.5")),
            (r#"{"type":"ask","id":{"a":1}}"#, None),
            (r#"{"type":"ask","id":true}"#, None),
            (r#"{"type":"ask"}"#, None),
            (r#"{"type":"tell","id":1}"#, None),
            (r#"{"id":"q1"}"#, None),
            (&*format!(r#"{{"type":"ask","id":"{}"}}"#, "x".repeat(500)), None),
        ] {
            assert_eq!(head(text).question.as_deref(), question, "{text}");
        }
    }

    #[test]
    fn answers_are_told_from_the_rest() {
        let answer = |text: &str| match Meaning::of(&text.into(), &[]) {
            Meaning::Answer(id, answer) => Some((id, answer.map(String::from))),
            Meaning::Plain(_) => None,
        };
        let refused = |code: &str, message: &str| Err(Refused { code: code.into(), message: message.into() });
        for (text, expected) in [
            (r#"{"type":"reply","id":1,"data":{"a":[1, 2]}}"#, Some((1, Ok(r#"{"a":[1, 2]}"#.to_owned())))),
            (r#"{"id":2,"type":"reply"}"#, Some((2, Ok("null".to_owned())))),
            (r#"{"type":"error","id":3,"data":{"code":"c","message":"m"}}"#, Some((3, refused("c", "m")))),
            (r#"{"type":"error","id":3,"data":"no"}"#, Some((3, refused("", r#""no""#)))),
            (r#"{"type":"reply","id":"1"}"#, None),
            (r#"{"type":"error","data":{"code":"c","message":"m"}}"#, None),
        ] {
            assert_eq!(answer(text), expected, "{text}");
        }
    }
}
