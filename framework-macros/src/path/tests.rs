use super::{Param, Path, Role, Segment, parse};

fn good(text: &str) -> Path {
    let (path, mistakes) = parse(text, Role::Route);
    assert_eq!(mistakes, [], "{text}");
    path
}

/// The culprit and the message of the only mistake.
fn mistake(text: &str) -> (String, String, String) {
    mistake_as(text, Role::Route)
}

fn mistake_as(text: &str, role: Role) -> (String, String, String) {
    let (path, mistakes) = parse(text, role);
    assert_eq!(mistakes.len(), 1, "{text}: {mistakes:#?}");
    assert!(path.broken);
    let mistake = mistakes.into_iter().next().expect("one mistake");
    (text[mistake.range].to_owned(), mistake.message, mistake.help)
}

fn fixed(text: &str) -> Segment {
    Segment::Fixed(text.to_owned())
}

#[test]
fn good_paths_are_taken_apart() {
    assert_eq!(good("/").segments, [fixed("")]);
    assert_eq!(good("/ws/").segments, [fixed("ws"), fixed("")]);
    assert_eq!(good("/v1/x:verb").segments, [fixed("v1"), fixed("x:verb")]);
    assert_eq!(good("/100%").segments, [fixed("100%")]);
    let path = good("/ws/<room>/<rest..>");
    let names: Vec<_> = path.params().map(|p| (p.name.as_str(), p.rest)).collect();
    assert_eq!(names, [("room", false), ("rest", true)]);
    assert_eq!(path.param("room").map(|p| p.range.clone()), Some(4..10));
}

#[test]
fn keywords_and_letters_of_any_script_are_names() {
    assert!(good("/<type>").param("type").is_some());
    assert!(good("/größe/<größe>").param("größe").is_some());
    assert!(good("/<_quiet>").param("_quiet").is_some());
}

#[test]
fn shapes_forget_names() {
    assert_eq!(good("/a/<b>/<c..>").shape(), good("/a/<x>/<y..>").shape());
    assert_ne!(good("/a/<b>").shape(), good("/a/<b..>").shape());
    assert_ne!(good("/a").shape(), good("/a/").shape());
}

#[test]
fn the_slash_at_the_beginning() {
    let (culprit, message, help) = mistake("ws/<id>");
    assert_eq!((culprit.as_str(), message.as_str()), ("w", "a path begins with a slash"));
    assert_eq!(help, "write \"/ws/<id>\"");
    assert_eq!(mistake("").1, "the path is empty");
}

#[test]
fn brackets() {
    assert_eq!(mistake("/ws/<room_id").0, "<room_id");
    assert_eq!(mistake("/ws/<room_id").1, "this `<` is never closed");
    assert_eq!(mistake("/ws/<room_id/x/<b>").0, "<room_id");
    assert_eq!(mistake("/ws/room_id>/x").0, ">");
    assert_eq!(mistake("/ws/room_id>/x").1, "this `>` closes nothing");
    assert_eq!(mistake("/ws/<>").1, "this path parameter has no name");
    assert_eq!(mistake("/ws/<..>").0, "<..>");
    assert_eq!(mistake("/a<b>").1, "a path parameter takes a whole segment");
    assert_eq!(mistake("/<a>-<b>").0, "<a>-<b>");
    assert_eq!(mistake("/<a>.json").0, "<a>.json");
    assert_eq!(mistake("/<a><b").0, "<b");
}

#[test]
fn names() {
    assert_eq!(mistake("/<room-id>").2, "write `<room_id>`");
    assert_eq!(mistake("/<1st>").2, "write `<n1st>`");
    assert_eq!(mistake("/<self>").2, "write `<self_>`");
    assert_eq!(mistake("/<r#type>").2, "write `<type>`");
    assert_eq!(mistake("/<_>").2, "write `<name>`");
    assert_eq!(mistake("/< id >").2, "write `<id>`");
    assert_eq!(mistake("/<a/b>").0, "a/b");
    assert_eq!(mistake("/<rest...>").2, "write `<rest..>`");
    assert_eq!(mistake("/<..rest>").2, "write `<rest..>`");
    assert_eq!(mistake("/<rest*>").2, "write `<rest..>`");
    assert!(mistake("/<id?>").2.starts_with("write `<id>`"));
    assert!(mistake("/<id: u32>").2.starts_with("write `<id>`"));
    assert!(mistake("/<int:id>").2.starts_with("write `<id>`"));
}

#[test]
fn parameters_stand_once_and_rest_at_the_end() {
    let (path, mistakes) = parse("/<a>/x/<a>", Role::Route);
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].range, 7..10);
    assert_eq!(path.params().count(), 2);
    assert_eq!(mistake("/<a..>/b").0, "<a..>");
    assert_eq!(mistake("/<a..>/").0, "<a..>");
}

#[test]
fn other_frameworks() {
    let written = |text: &str| {
        let (_, message, help) = mistake(text);
        assert_eq!(message, "this is how other frameworks write a path parameter");
        help
    };
    assert_eq!(written("/{id}"), "write `<id>`");
    assert_eq!(written("/{id}/x"), "write `<id>`");
    assert_eq!(written("/{*rest}"), "write `<rest..>`");
    assert_eq!(written("/{file:path}"), "write `<file..>`");
    assert_eq!(written("/:id"), "write `<id>`");
    assert_eq!(written("/*"), "write `<rest..>`");
    assert_eq!(written("/*rest"), "write `<rest..>`");
    assert_eq!(written("/[id]"), "write `<id>`");
    assert_eq!(written("/a{id}"), "write `<id>`");
}

#[test]
fn fixed_text() {
    assert_eq!(mistake("/a//b").0, "//");
    assert_eq!(mistake("/a b").0, " ");
    assert_eq!(mistake("/a\tb").1, "a path holds no white space");
    assert_eq!(mistake("/a?x=1/<b").0, "?x=1/<b");
    assert_eq!(mistake("/a#b").1, "a path holds no fragment");
    assert_eq!(mistake("/a/../b").0, "..");
    assert!(mistake("/caf%C3%A9").2.starts_with("write `é`"));
    assert!(mistake("/a%20b").2.starts_with("take the segment as a parameter"));
    assert!(mistake("/a%2Fb").2.starts_with("take the segment as a parameter"));
}

#[test]
fn prefixes() {
    assert_eq!(parse("/api/<tenant>", Role::Prefix).1, []);
    assert_eq!(mistake_as("/api/", Role::Prefix).2, "write \"/api\"");
    assert_eq!(mistake_as("/", Role::Prefix).0, "/");
    assert_eq!(mistake_as("", Role::Prefix).1, "the path is empty");
    assert_eq!(mistake_as("/<rest..>", Role::Prefix).0, "<rest..>");
}

#[test]
fn all_mistakes_at_once() {
    let (path, mistakes) = parse("a/<b/:c/<d>/<d>//?q", Role::Route);
    let at: Vec<_> = mistakes.iter().map(|m| m.range.start).collect();
    assert_eq!(at, [0, 2, 5, 12, 15]);
    let param = Param { name: "d".to_owned(), rest: false, range: 8..11 };
    assert_eq!(path.segments[1], Segment::Param(param));
}

#[test]
fn drawings_underline_the_culprit() {
    let text = "/größe/<id>/\t/<id>";
    let (_, mistakes) = parse(text, Role::Route);
    let drawn = mistakes.last().expect("two mistakes").describe(text);
    let lines: Vec<_> = drawn.lines().collect();
    assert_eq!(lines[2], "  /größe/<id>/\u{fffd}/<id>");
    assert_eq!(lines[3], "                ^^^^");
}
