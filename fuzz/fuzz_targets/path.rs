//! The path grammar, that of the macros and that at run time: no panic, the same reading by both, and values that come
//! through a request's path unchanged.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use sockeye::fuzzing::{Pattern, normalize};

/// A proc-macro crate gives out macros only, so its grammar comes in as a file.
#[allow(dead_code, unreachable_pub)]
#[path = "../../framework-macros/src"]
mod macros {
    pub(crate) mod path;
}

use macros::path::{Role, Segment, parse};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    request: &'a str,
    one: Written<'a>,
    two: Written<'a>,
    values: Vec<&'a str>,
    encode_all: bool,
}

#[derive(Arbitrary, Debug)]
enum Written<'a> {
    Segments(Vec<Written1<'a>>),
    Anything(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Written1<'a> {
    Fixed(&'a str),
    Param(&'a str),
    Named(u8),
    Rest(&'a str),
    NamedRest(u8),
}

impl Written<'_> {
    fn path(&self) -> String {
        let name = |number: &u8| char::from(b'a' + number % 26);
        match self {
            Self::Anything(text) => (*text).to_owned(),
            Self::Segments(segments) => segments
                .iter()
                .map(|segment| match segment {
                    Written1::Fixed(text) => format!("/{text}"),
                    Written1::Param(text) => format!("/<{text}>"),
                    Written1::Named(number) => format!("/<{}>", name(number)),
                    Written1::Rest(text) => format!("/<{text}..>"),
                    Written1::NamedRest(number) => format!("/<{}..>", name(number)),
                })
                .collect(),
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    normal(input.request);
    let (one, two) = (input.one.path(), input.two.path());
    let (one, two) = (read(&one), read(&two));
    if let Some(one) = &one {
        round_trip(one, &input.values, input.encode_all);
        if let Some(two) = &two {
            beside(one, two);
        }
    }
});

/// A normal path stays as it is, and none is made longer by more than its escapes.
fn normal(path: &str) {
    let Some(normal) = normalize(path) else { return };
    assert_eq!(normalize(&normal).as_ref(), Some(&normal));
    assert_eq!(normal.matches('/').count(), path.matches('/').count(), "{path}: a slash came or went");
    assert!(normal.len() <= path.len(), "{path}: {normal} is longer");
}

/// What the macros take the run-time grammar takes too, and reads the same.
fn read(path: &str) -> Option<Pattern> {
    for role in [Role::Route, Role::Prefix] {
        let (read, mistakes) = parse(path, role);
        assert_eq!(read.broken, !mistakes.is_empty());
        mistakes.iter().for_each(|mistake| drop(mistake.describe(path)));
        if role == Role::Route && mistakes.is_empty() {
            let pattern = Pattern::parse(path).unwrap_or_else(|reason| panic!("the macros take it: {reason}"));
            let names: Vec<_> = read.params().map(|param| param.name.clone()).collect();
            let values = pattern.values(names.iter().map(|_| "x"));
            assert_eq!(values.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), names);
            // A shape is a path of its own, with the brackets in other words.
            let shape = read.segments.iter().enumerate().map(|(index, segment)| match segment {
                Segment::Fixed(text) => {
                    format!("/{}", text.replace('%', "%25").replace('{', "{{").replace('}', "}}"))
                }
                Segment::Param(param) if param.rest => format!("/{{*p{index}}}"),
                Segment::Param(_) => format!("/{{p{index}}}"),
            });
            assert_eq!(pattern.shape(), shape.collect::<String>());
        }
    }
    Pattern::parse(path).ok()
}

/// A request made from the pattern and values meets the route and gives the values back.
fn round_trip(pattern: &Pattern, values: &[&str], encode_all: bool) {
    let mut router = matchit::Router::new();
    let shape = pattern.shape();
    router.insert(&shape, ()).unwrap_or_else(|error| panic!("{shape}: {error}"));
    // The characters that a URI has to escape, or nearly all.
    const NEEDED: &AsciiSet = &CONTROLS.add(b' ').add(b'/').add(b'%').add(b'?').add(b'#').add(b'"').add(b'<').add(b'>');
    let set = if encode_all { NON_ALPHANUMERIC } else { NEEDED };
    let mut values = values.iter().filter(|value| !value.is_empty() && !value.contains('\0'));
    let mut expected = Vec::new();
    let mut request = String::new();
    for segment in shape[1..].split('/') {
        request.push('/');
        let is_param = segment.starts_with('{') && !segment.starts_with("{{");
        let count = if segment.starts_with("{*") { 2 } else { 1 };
        let fixed = segment.replace("{{", "{").replace("}}", "}").replace("%2F", "/").replace("%25", "%");
        let taken: Vec<_> =
            if is_param { (0..count).map(|_| *values.next().unwrap_or(&"x")).collect() } else { vec![fixed.as_str()] };
        let encoded: Vec<_> = taken.iter().map(|value| utf8_percent_encode(value, set).to_string()).collect();
        request += &encoded.join("/");
        if is_param {
            expected.push(taken.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
        }
    }
    // No request can say NUL.
    if shape.contains('\0') {
        return;
    }
    let normal = normalize(&request).unwrap_or_else(|| panic!("{request} is not normal"));
    let matched = router.at(&normal).unwrap_or_else(|error| panic!("{normal} does not meet {shape}: {error}"));
    let found = pattern.values(matched.params.iter().map(|(_, value)| value));
    assert_eq!(found.into_iter().map(|(_, values)| values).collect::<Vec<_>>(), expected);
}

/// Two routes: the same shape, or an overlap that is reported, or both in one table.
fn beside(one: &Pattern, two: &Pattern) {
    assert_eq!(one.overlaps(two), two.overlaps(one));
    if one.shape() == two.shape() {
        assert!(one.overlaps(two), "{one:?} {two:?}");
    }
    if one.overlaps(two) {
        return;
    }
    let mut router = matchit::Router::new();
    router.insert(one.shape(), ()).expect("alone it fits");
    router.insert(two.shape(), ()).unwrap_or_else(|error| panic!("{one:?} beside {two:?}: {error}"));
}
