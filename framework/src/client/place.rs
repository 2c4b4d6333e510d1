//! Where a message stands in the history, as it says itself.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What is seen of a message that the app does not look at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The number in its field `offset`, or in that of its `data`.
    pub(super) offset: Option<u64>,
    /// It says `"recovered":false`: what comes is not what followed.
    pub(super) gap: bool,
}

/// The fields that count, as they stand in the text.
#[derive(Default, Deserialize)]
struct Fields<'m> {
    #[serde(borrow)]
    offset: Option<&'m RawValue>,
    #[serde(borrow)]
    recovered: Option<&'m RawValue>,
    #[serde(borrow)]
    data: Option<&'m RawValue>,
}

impl Place {
    pub(super) fn of(text: &str) -> Self {
        let Some(fields) = object(text) else { return Self::default() };
        let inner = fields.data.and_then(|data| object(data.get())).unwrap_or_default();
        let is_false = |value: Option<&RawValue>| value.is_some_and(|value| value.get() == "false");
        Self {
            offset: fields.offset.or(inner.offset).and_then(|offset| offset.get().parse().ok()),
            gap: is_false(fields.recovered) || is_false(inner.recovered),
        }
    }
}

/// Serde would take an array for a struct too.
fn object(text: &str) -> Option<Fields<'_>> {
    let fields = text.trim_ascii_start().starts_with('{').then(|| serde_json::from_str(text))?;
    fields.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(Place::of(text).offset, offset, "{text}");
        }
    }

    #[test]
    fn gaps_are_seen() {
        assert!(Place::of(r#"{"recovered":false}"#).gap && Place::of(r#"{"data":{"recovered":false}}"#).gap);
        assert!(!Place::of(r#"{"recovered":true,"data":{"recovered":"false"}}"#).gap);
    }
}
