//! How questions and answers look on the wire, in both directions.
//!
//! Who asks adds an `id` to an event. The answer is `{"type":"reply","id":…,"data":…}`, or
//! `{"type":"error","id":…,"data":{"code":…,"message":…}}`.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::json;

use crate::error::{Error, Result};

/// Characters that a text may have to be taken for an id.
const LONGEST_ID: usize = 64;

/// All that is looked at before it is known what an event is; what else there is has no limit of depth here.
#[derive(Deserialize)]
pub(crate) struct Head<'t> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Cow<'t, str>,
    #[serde(default)]
    id: Id,
}

/// The `id` of a peer that asks, as JSON. Numbers and short texts are ids, anything else is a matter of the event.
#[derive(Default)]
struct Id(Option<Box<str>>);

impl<'t> Head<'t> {
    /// Reads the head of an event: a JSON object with a `type`.
    pub(crate) fn of(text: &'t str) -> serde_json::Result<Self> {
        expect_object(text)?;
        serde_json::from_str(text)
    }

    /// The id, as JSON.
    pub(crate) fn into_id(self) -> Option<Box<str>> {
        self.id.0
    }
}

/// serde would take the fields of an array by their order.
fn expect_object(text: &str) -> serde_json::Result<()> {
    if text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        return Ok(());
    }
    Err(serde_json::Error::custom("expected an object with a `type`"))
}

/// The id in a text that is no event for us, as far as there is one.
pub(crate) fn id_in(text: &str) -> Option<Box<str>> {
    #[derive(Deserialize)]
    struct Asked {
        id: Id,
    }
    expect_object(text).ok()?;
    serde_json::from_str::<Asked>(text).ok()?.id.0
}

/// The answer to who has asked, of a value that is JSON already.
pub(crate) fn reply(id: &str, data: &str) -> String {
    format!(r#"{{"type":"reply","id":{id},"data":{data}}}"#)
}

/// What goes back in place of an answer; without an id if nobody has asked.
pub(crate) fn refusal(id: Option<&str>, code: &str, message: &str) -> String {
    let data = json!({ "code": code, "message": message });
    match id {
        Some(id) => format!(r#"{{"type":"error","id":{id},"data":{data}}}"#),
        None => format!(r#"{{"type":"error","data":{data}}}"#),
    }
}

/// What goes back to a peer whose message did not parse (`invalid = "reply"`).
pub(crate) fn invalid_reply(error: &Error) -> String {
    refusal(error.asked(), "invalid_message", &error.to_string())
}

/// An event with the id of our question.
pub(super) fn question<T: Serialize + ?Sized>(event: &T, number: u64) -> Result<String> {
    with_id(serde_json::to_string(event)?, number)
}

/// The same of an event that is JSON already.
pub(crate) fn with_id(mut text: String, number: u64) -> Result<String> {
    #[derive(Deserialize)]
    struct Plain<'t> {
        #[serde(borrow, rename = "type")]
        _kind: Cow<'t, str>,
        id: Option<IgnoredAny>,
    }
    let plain = expect_object(&text).and_then(|()| serde_json::from_str(&text));
    match plain {
        Ok(Plain { id: None, .. }) => {}
        Ok(Plain { id: Some(_), .. }) => {
            return Err(Error::other(
                "expected an event without an `id`, which a question brings; got one that has its own",
            ));
        }
        Err(error) => {
            return Err(Error::other(format!("expected an event that is a JSON object with a `type`: {error}")));
        }
    }
    // The last brace.
    text.truncate(text.trim_end().len() - 1);
    Ok(format!(r#"{text},"id":"q{number}"}}"#))
}

/// Whether a text is an answer, and the number of the question if it has one of ours.
pub(crate) fn answer_in(text: &str) -> Option<Option<u64>> {
    let head = Head::of(text).ok().filter(|head| head.kind == "reply" || head.kind == "error")?;
    let id = head.into_id()?;
    let number = id.strip_prefix("\"q").and_then(|id| id.strip_suffix('"'));
    Some(number.and_then(|number| number.parse().ok()))
}

/// What is in an answer.
pub(crate) fn read_answer<T: DeserializeOwned>(text: &str) -> Result<T> {
    #[derive(Deserialize)]
    struct Reply<T> {
        data: T,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Refused {
        code: Option<String>,
        message: Option<String>,
    }
    if Head::of(text).is_ok_and(|head| head.kind == "error") {
        let refused = serde_json::from_str(text).map(|Reply { data }| data);
        let Refused { code, message } = refused.unwrap_or_default();
        return Err(Error::refused_by_peer(code, message));
    }
    serde_json::from_str(text).map(|Reply { data }| data).map_err(Error::invalid_message)
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl<'de> Visitor<'de> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Id, E> {
        Ok(Id(Some(number.to_string().into())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Id, E> {
        Ok(Id(Some(number.to_string().into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Id, E> {
        Ok(Id(serde_json::Number::from_f64(number).map(|number| number.to_string().into())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Id, E> {
        let is_short = text.chars().nth(LONGEST_ID).is_none();
        Ok(Id(is_short.then(|| json!(text).to_string().into())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Id, E> {
        Ok(Id(None))
    }

    fn visit_unit<E>(self) -> Result<Id, E> {
        Ok(Id(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Id, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Id(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Id, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Id(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_and_short_texts() {
        let (longest, longer) = ("é".repeat(64), "é".repeat(65));
        for (id, known) in [
            ("7", Some("7")),
            ("-7", Some("-7")),
            ("1.5", Some("1.5")),
            (r#""""#, Some(r#""""#)),
            (r#""a\"\u0000b""#, Some(r#""a\"\u0000b""#)),
            (&json!(longest).to_string(), Some(&*json!(longest).to_string())),
            (&json!(longer).to_string(), None),
            ("null", None),
            ("true", None),
            ("[1]", None),
            (&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)), None),
            (r#"{"id":1}"#, None),
        ] {
            let text = format!(r#"{{"type":"x","id":{id}}}"#);
            assert_eq!(Head::of(&text).unwrap().into_id().as_deref(), known, "{id}");
            assert_eq!(id_in(&format!(r#" {{"id":{id},"type":7}}"#)).as_deref(), known, "{id}");
        }
        for text in ["[1]", "{}", "{\"id\":1", "1"] {
            assert_eq!(id_in(text), None, "{text}");
        }
    }

    #[test]
    fn a_question_is_the_event_with_an_id() {
        assert_eq!(question(&json!({"type": "x"}), 7).unwrap(), r#"{"type":"x","id":"q7"}"#);
        for event in [json!([1]), json!({}), json!({"type": 1}), json!({"type": "x", "id": 1})] {
            assert!(question(&event, 1).unwrap_err().to_string().starts_with("expected an event"), "{event}");
        }
    }

    #[test]
    fn answers_are_known_by_their_id() {
        for (text, answer) in [
            (r#"{"type":"reply","id":"q7","data":1}"#, Some(Some(7))),
            (r#"{"type":"error","id":"q8"}"#, Some(Some(8))),
            (r#"{"type":"reply","id":"x"}"#, Some(None)),
            (r#"{"type":"reply","id":7}"#, Some(None)),
            (r#"{"type":"reply","id":"q-7"}"#, Some(None)),
            (r#"{"type":"reply"}"#, None),
            (r#"{"type":"other","id":"q7"}"#, None),
            ("reply", None),
        ] {
            assert_eq!(answer_in(text), answer, "{text}");
        }
    }

    #[test]
    fn what_is_in_an_answer() {
        assert_eq!(read_answer::<u8>(r#"{"type":"reply","id":"q1","data":7}"#).unwrap(), 7);
        assert_eq!(read_answer::<Option<u8>>(r#"{"type":"reply","id":"q1"}"#).unwrap(), None);
        assert!(read_answer::<u8>(r#"{"type":"reply","id":"q1","data":"7"}"#).unwrap_err().is_invalid_message());
        let error = read_answer::<u8>(r#"{"type":"error","data":{"code":"busy","message":"not now"}}"#).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (Some("busy"), "not now"));
        let error = read_answer::<u8>(r#"{"type":"error","data":7}"#).unwrap_err();
        assert_eq!((error.code(), error.is_answer()), (Some("error"), true));
    }
}
