//! Which `#[on]` method takes a message.

use std::borrow::Cow;

use serde::{Deserialize, de::Error as _};

use crate::{
    error::{Error, Result},
    ws::Message,
};

/// All that is looked at before the method is known; what else there is has no limit of depth here.
#[derive(Deserialize)]
struct Head<'t> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'t, str>,
}

/// The one of `types` that is the JSON field `type` of `message`.
pub(super) fn pick(types: &'static [&'static str], message: &Message) -> Result<&'static str> {
    let Message::Text(text) = message else {
        return Err(Error::unexpected_kind("text", "binary"));
    };
    kind(types, text).map_err(Error::invalid_message)
}

fn kind(types: &'static [&'static str], text: &str) -> serde_json::Result<&'static str> {
    if types.is_empty() {
        return Err(serde_json::Error::custom("nothing is taken here"));
    }
    // serde would take the fields of an array by their order.
    if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        return Err(serde_json::Error::custom("expected an object with a `type`"));
    }
    let Head { kind } = serde_json::from_str(text)?;
    let known = types.iter().find(|known| **known == kind);
    known.copied().ok_or_else(|| serde_json::Error::unknown_variant(&kind, types))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: &[&str] = &["typing", "read"];

    fn picked(text: &str) -> Result<&'static str, String> {
        pick(TYPES, &Message::text(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn by_the_field_type() {
        assert_eq!(picked(r#"{"type":"typing"}"#), Ok("typing"));
        assert_eq!(picked(" \n{\"a\": [1e400, {\"type\": 7}], \"type\": \"re\\u0061d\"}"), Ok("read"));
        let deep = format!("{{\"a\":{}{},\"type\":\"read\"}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(picked(&deep), Ok("read"));
    }

    #[test]
    fn what_has_none() {
        for (text, said) in [
            ("[\"typing\"]", "expected an object with a `type`"),
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
        let error = pick(&[], &Message::text("{}")).unwrap_err();
        assert_eq!(error.to_string(), "invalid message: nothing is taken here");
        assert!(pick(TYPES, &Message::binary("{}")).unwrap_err().is_invalid_message());
    }
}
