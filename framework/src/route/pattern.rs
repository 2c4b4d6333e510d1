//! The path grammar at run time: `/fixed/<param>/<rest..>`.
//!
//! The macros have checked the path of each handler by then; prefixes given in code are checked here.

use std::sync::Arc;

use crate::extract::{PathValue, PathValues, percent_decode_segment};

/// A parsed path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Fixed(String),
    Param(Arc<str>),
    Rest(Arc<str>),
}

impl Pattern {
    pub(crate) fn parse(path: &str) -> Result<Self, String> {
        let Some(tail) = path.strip_prefix('/') else {
            return Err(format!("the path `{path}` must start with `/`"));
        };
        let raw: Vec<_> = tail.split('/').collect();
        let mut segments = Vec::with_capacity(raw.len());
        for (index, segment) in raw.iter().enumerate() {
            let parsed = Segment::parse(segment).map_err(|reason| format!("the path `{path}`: {reason}"))?;
            if matches!(parsed, Segment::Rest(_)) && index + 1 < raw.len() {
                return Err(format!("the path `{path}`: `{segment}` takes all that is left, so it must come last"));
            }
            if let Some(name) = parsed.name() {
                if segments.iter().any(|other: &Segment| other.name() == Some(name)) {
                    return Err(format!("the path `{path}` has two parameters of the name `{name}`"));
                }
            }
            segments.push(parsed);
        }
        Ok(Self { segments })
    }

    /// The path in matchit's words, with positions for names: paths that match the same requests are equal.
    pub(crate) fn shape(&self) -> String {
        let mut shape = String::new();
        for (index, segment) in self.segments.iter().enumerate() {
            shape.push('/');
            match segment {
                Segment::Fixed(text) => shape.push_str(&escape(text).replace('{', "{{").replace('}', "}}")),
                Segment::Param(_) => shape.push_str(&format!("{{p{index}}}")),
                Segment::Rest(_) => shape.push_str(&format!("{{*p{index}}}")),
            }
        }
        shape
    }

    /// Names the values that matchit found.
    pub(crate) fn values<'v>(&self, values: impl Iterator<Item = &'v str>) -> PathValues {
        let named = self.segments.iter().filter(|segment| segment.name().is_some());
        PathValues(named.zip(values).map(|(segment, value)| segment.value(value)).collect())
    }

    /// Whether some request could match both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let mut pairs = self.segments.iter().zip(&other.segments);
        let same_shape = pairs.all(|pair| match pair {
            (Segment::Fixed(one), Segment::Fixed(two)) => one == two,
            (Segment::Fixed(_), _) | (_, Segment::Fixed(_)) => false,
            _ => true,
        });
        let ends_in_rest = |pattern: &Self| matches!(pattern.segments.last(), Some(Segment::Rest(_)));
        let as_long = self.segments.len() == other.segments.len()
            || (self.segments.len() < other.segments.len() && ends_in_rest(self))
            || (self.segments.len() > other.segments.len() && ends_in_rest(other));
        same_shape && as_long
    }
}

impl Segment {
    fn parse(segment: &str) -> Result<Self, String> {
        if !segment.contains(['<', '>']) {
            return Ok(Self::Fixed(segment.to_owned()));
        }
        let name = segment.strip_prefix('<').and_then(|tail| tail.strip_suffix('>'));
        let (name, rest) = match name.map(|name| (name, name.strip_suffix(".."))) {
            Some((_, Some(name))) => (name, true),
            Some((name, None)) => (name, false),
            None => return Err(format!("`{segment}` is no parameter; one takes a whole segment, as in `/<name>/`")),
        };
        let first_fits = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if !first_fits || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(format!("`{name}` in `{segment}` is no name; use letters, digits and `_`"));
        }
        Ok(if rest { Self::Rest(name.into()) } else { Self::Param(name.into()) })
    }

    fn name(&self) -> Option<&Arc<str>> {
        match self {
            Self::Fixed(_) => None,
            Self::Param(name) | Self::Rest(name) => Some(name),
        }
    }

    fn value(&self, raw: &str) -> (Arc<str>, PathValue) {
        match self {
            Self::Rest(name) => (name.clone(), PathValue::Rest(raw.split('/').map(decode).collect())),
            Self::Param(name) => (name.clone(), PathValue::One(decode(raw))),
            Self::Fixed(text) => (text.as_str().into(), PathValue::One(decode(raw))),
        }
    }
}

/// Undoes `escape`.
fn decode(normal: &str) -> String {
    percent_decode_segment(normal).unwrap_or_default().into_owned()
}

/// In a normal path only these two stay escaped: a slash would cut the segment, and a percent sign is the escape.
fn escape(segment: &str) -> String {
    segment.replace('%', "%25").replace('/', "%2F")
}

/// A request's path with every segment decoded, slashes and percent signs inside of segments excepted.
///
/// So `/%61dmin` meets the route, and the guard, of `/admin`. `None` for broken escapes, NUL and what is not UTF-8.
pub(crate) fn normalize(path: &str) -> Option<std::borrow::Cow<'_, str>> {
    if !path.contains('%') {
        return Some(path.into());
    }
    let segments: Option<Vec<_>> =
        path.split('/').map(|segment| percent_decode_segment(segment).map(|text| escape(&text))).collect();
    Some(segments?.join("/").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_forget_names() {
        let shape = |path| Pattern::parse(path).unwrap().shape();
        assert_eq!(shape("/a/<x>/<y..>"), shape("/a/<one>/<two..>"));
        assert_eq!(shape("/{id}"), "/{{id}}");
        assert_eq!(shape("/"), "/");
    }

    #[test]
    fn refuses_what_is_no_path() {
        for path in ["", "a", "/<", "/<>", "/a<b>", "/<a>b", "/<a..>/b", "/<a>/<a>", "/<1a>"] {
            assert!(Pattern::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn overlaps() {
        let overlap = |one, two| Pattern::parse(one).unwrap().overlaps(&Pattern::parse(two).unwrap());
        assert!(overlap("/a/<x>", "/a/<y>"));
        assert!(overlap("/a/<x>", "/a/<y..>"));
        assert!(overlap("/a/<x>/<y>", "/a/<z..>"));
        assert!(!overlap("/a/<x>", "/a/b"));
        assert!(!overlap("/a/<x>", "/b/<x>"));
        assert!(!overlap("/a/<x>", "/a/<x>/<y>"));
    }

    #[test]
    fn normal_paths_are_decoded_once() {
        assert_eq!(normalize("/%61dmin").as_deref(), Some("/admin"));
        assert_eq!(normalize("/a%2Fb/%25").as_deref(), Some("/a%2Fb/%25"));
        assert_eq!(normalize("/caf%C3%A9").as_deref(), Some("/café"));
        for broken in ["/%", "/%zz", "/%4", "/%00", "/%ff"] {
            assert_eq!(normalize(broken), None, "{broken}");
        }
        let pattern = Pattern::parse("/<a>/<b..>").unwrap();
        let values = pattern.values(["a%2Fb%25", "x/y%2Fz"].into_iter());
        assert!(matches!(values.get("a"), Some(PathValue::One(text)) if text == "a/b%"));
        assert!(matches!(values.get("b"), Some(PathValue::Rest(all)) if *all == ["x", "y/z"]));
    }
}
