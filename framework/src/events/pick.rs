//! Which `#[on]` method takes a message.

use serde::de::Error as _;

use crate::{
    error::{Error, Result},
    ws::{Head, Message, id_in},
};

/// What a client sends to learn whether the server is there.
const PING: &str = "ping";

/// More than a ping has.
const LONGER: usize = 128;

/// What is to be done with a message.
#[derive(Debug, PartialEq)]
pub(super) enum Picked {
    /// It is one of the types, and maybe asks: the id as JSON.
    On(&'static str, Option<Box<str>>),
    /// The framework answers, as no method does.
    Ping(Option<Box<str>>),
}

/// The one of `types` that is the JSON field `type` of `message`.
pub(super) fn pick(types: &'static [&'static str], message: &Message) -> Result<Picked> {
    let Message::Text(text) = message else {
        return Err(Error::unexpected_kind("text", "binary"));
    };
    let picked = Head::of(text).and_then(|head| {
        let known = types.iter().find(|known| **known == head.kind);
        match known {
            Some(known) => Ok(Picked::On(known, head.into_id())),
            None if head.kind == PING => Ok(Picked::Ping(head.into_id())),
            None => Err(serde_json::Error::unknown_variant(&head.kind, types)),
        }
    });
    let why = |error| match types.is_empty() {
        true => serde_json::Error::custom("nothing is taken here"),
        false => error,
    };
    picked.map_err(|error| Error::invalid_message(why(error)).asked_by(id_in(text)))
}

/// A message that is a ping and nothing else, where all others go to one method unseen.
pub(super) fn pick_ping(message: &Message) -> Option<Picked> {
    let text = message.as_text().filter(|text| text.len() < LONGER && text.contains(PING))?;
    let head = Head::of(text).ok().filter(|head| head.kind == PING)?;
    Some(Picked::Ping(head.into_id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: &[&str] = &["typing", "read"];

    fn picked(text: &str) -> Result<Picked, String> {
        pick(TYPES, &Message::text(text)).map_err(|error| error.to_string())
    }

    fn on(kind: &'static str) -> Result<Picked, String> {
        Ok(Picked::On(kind, None))
    }

    #[test]
    fn by_the_field_type() {
        assert_eq!(picked(r#"{"type":"typing"}"#), on("typing"));
        assert_eq!(picked(" \n{\"a\": [1e400, {\"type\": 7}], \"type\": \"re\\u0061d\"}"), on("read"));
        let deep = format!("{{\"a\":{}{},\"type\":\"read\"}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(picked(&deep), on("read"));
        assert_eq!(picked(r#"{"id":"x","type":"read"}"#), Ok(Picked::On("read", Some(r#""x""#.into()))));
    }

    #[test]
    fn a_ping_that_no_method_takes() {
        assert_eq!(picked(r#"{"type":"ping"}"#), Ok(Picked::Ping(None)));
        assert_eq!(pick_ping(&Message::text(r#" {"type":"ping","id":7} "#)), Some(Picked::Ping(Some("7".into()))));
        for text in ["ping", r#""ping""#, r#"["ping"]"#, r#"{"kind":"ping"}"#, r#"{"type":"ping""#] {
            assert_eq!(pick_ping(&Message::text(text)), None, "{text}");
        }
        assert_eq!(pick_ping(&Message::binary(r#"{"type":"ping"}"#)), None);
        assert_eq!(pick(&["ping"], &Message::text(r#"{"type":"ping"}"#)).unwrap(), Picked::On("ping", None));
    }

    #[test]
    fn what_has_none() {
        for (text, said) in [
            ("[\"typing\"]", "expected an object with a `type`"),
            (r#"{"type":"left","id":7}"#, "unknown variant `left`"),
            ("\"typing\"", "expected an object with a `type`"),
            ("", "expected an object with a `type`"),
            ("{}", "missing field `type`"),
            (r#"{"type":7}"#, "invalid type: integer `7`"),
            (r#"{"type":null}"#, "invalid type: null"),
            (r#"{"type":"typing","type":"read"}"#, "duplicate field `type`"),
            (r#"{"type":"left"}"#, "unknown variant `left`, expected `typing` or `read`"),
            (r#"{"type":"typing""#, "EOF"),
            (r#"{"type":"typing"} x"#, "trailing characters"),
        ] {
            let error = picked(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        let error = pick(&[], &Message::text(r#"{"type":"x","id":7}"#)).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.asked()), ("invalid message: nothing is taken here", Some("7")));
        assert!(pick(TYPES, &Message::binary("{}")).unwrap_err().is_invalid_message());
    }
}
