//! Which room may name what.

use std::collections::BTreeSet;

use super::{
    page::{quoted, rows_of},
    source::{self, Source},
};

/// The tables of ARCHITECTURE.md.
pub(super) struct Rules {
    /// From top to bottom.
    rows: Vec<Row>,
    /// Room, other room, the only names.
    narrow: Vec<(String, String, Vec<String>)>,
    /// What the crate's root re-exports, as the path it takes it from.
    exports: Vec<Vec<String>>,
}

struct Row {
    rooms: Vec<String>,
    doors: Vec<String>,
    never: Vec<String>,
}

impl Rules {
    pub(super) fn read(page: &str) -> Self {
        let rows = rows_of(page, "Room", "Holds").into_iter().map(|row| Row {
            rooms: quoted(&row[0]),
            doors: quoted(&row[2]),
            never: quoted(&row[3]),
        });
        let narrow = rows_of(page, "Room", "From")
            .iter()
            .map(|row| (quoted(&row[0]).concat(), quoted(&row[1]).concat(), quoted(&row[2])))
            .collect();
        let lib = Source::new("framework/src/lib.rs", &super::read("framework/src/lib.rs"));
        let exports = paths(&lib.tokens).into_iter().filter(|path| path[0] == "crate").map(|path| path[1..].to_vec());
        Self { rows: rows.collect(), narrow, exports: exports.collect() }
    }

    /// Everything that a file names against the rules.
    pub(super) fn broken_by(&self, source: &Source) -> Vec<String> {
        let module = module(&source.path);
        let Some(room) = self.room(&module) else { return vec![format!("{}: is in no room", source.path)] };
        let own = self.row(&room);
        let mut found = BTreeSet::new();
        for path in paths(&source.tokens) {
            let full = path.join("::");
            let Some(inside) = resolve(&path, &module) else {
                found.extend(self.foreign(&path, own).map(|why| format!("{}: `{full}`: {why}", source.path)));
                continue;
            };
            let Some(other) = self.room(&inside).or_else(|| self.room(self.export(&inside)?)) else { continue };
            let (from, to) = (own, self.row(&other));
            if other != room && to <= from {
                found.insert(format!("{}: `{full}`: `{other}` is not below `{room}`", source.path));
            }
            found.extend(self.too_wide(&room, &other, &inside).map(|why| format!("{}: `{full}`: {why}", source.path)));
        }
        found.into_iter().collect()
    }

    /// What stands in the tables and not in the code.
    pub(super) fn unused(&self, sources: &[Source]) -> Vec<String> {
        let mut found = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let of_row =
                |source: &&Source| self.room(&module(&source.path)).is_some_and(|room| self.row(&room) == index);
            let named: BTreeSet<String> = sources
                .iter()
                .filter(of_row)
                .flat_map(|source| paths(&source.tokens))
                .map(|path| path[0].clone())
                .collect();
            let idle = row.doors.iter().filter(|door| !named.contains(*door));
            found.extend(idle.map(|door| format!("ARCHITECTURE.md: {:?} does not name `{door}`", row.rooms)));
        }
        found
    }

    /// The room of a path inside the crate: the longest that fits.
    fn room(&self, path: &[String]) -> Option<String> {
        let fits = |room: &&String| {
            let mut names = room.split('/');
            let wanted: Vec<&str> = names.by_ref().collect();
            path.len() >= wanted.len() && path.iter().zip(&wanted).all(|(name, wanted)| name == wanted)
        };
        let rooms = self.rows.iter().flat_map(|row| &row.rooms).filter(fits);
        rooms.max_by_key(|room| room.len()).cloned()
    }

    fn row(&self, room: &str) -> usize {
        self.rows.iter().position(|row| row.rooms.iter().any(|known| known == room)).expect("a known room")
    }

    /// Where the crate's root takes a name from.
    fn export(&self, path: &[String]) -> Option<&Vec<String>> {
        self.exports.iter().find(|export| export.last() == path.first())
    }

    /// Why a foreign path may not be named in a row.
    fn foreign(&self, path: &[String], own: usize) -> Option<String> {
        let row = &self.rows[own];
        let full = path.join("::");
        if let Some(never) = row.never.iter().find(|never| full == **never || full.starts_with(&format!("{never}::"))) {
            return Some(format!("{:?} never names `{never}`", row.rooms));
        }
        let has_door = self.rows.iter().any(|row| row.doors.contains(&path[0]));
        (has_door && !row.doors.contains(&path[0])).then(|| format!("{:?} is no door to `{}`", row.rooms, path[0]))
    }

    /// Whether a room takes more from another than it says.
    fn too_wide(&self, room: &str, other: &str, path: &[String]) -> Option<String> {
        let (_, _, only) = self.narrow.iter().find(|(from, to, _)| from == room && to == other)?;
        let name = &path[other.split('/').count()..];
        let known = name.first().is_none_or(|name| only.contains(name));
        (!known).then(|| format!("`{room}` takes only {only:?} from `{other}`"))
    }
}

/// `framework/src/ws/driver.rs` as `ws`, `driver`; the crate's root as `lib`.
fn module(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("framework/src/").trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

/// The absolute path inside the crate; `None` for a foreign one.
fn resolve(path: &[String], module: &[String]) -> Option<Vec<String>> {
    let ups = path.iter().take_while(|name| *name == "super").count();
    match path[0].as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([module, &path[1..]].concat()),
        "super" => Some([&module[..module.len().checked_sub(ups)?], &path[ups..]].concat()),
        _ => None,
    }
}

/// Every path of two names and more, those of `use` one by one.
fn paths(tokens: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let before = at.checked_sub(1).map_or("", |before| tokens[before].as_str());
        if tokens[at] == "use" && before != "+" && tokens.get(at + 1).is_some_and(|next| next != "<") {
            at = tree(tokens, at + 1, &[], &mut paths);
        } else if is_name(&tokens[at]) && before != "$" && (before != "::" || is_leading(tokens, at - 1)) {
            let mut path = vec![tokens[at].clone()];
            while tokens.get(at + 1).is_some_and(|next| next == "::")
                && tokens.get(at + 2).is_some_and(|next| is_name(next))
            {
                path.push(tokens[at + 2].clone());
                at += 2;
            }
            if path.len() > 1 {
                paths.push(path);
            }
        }
        at += 1;
    }
    paths
}

/// One tree of a `use`; gives where it ends.
fn tree(tokens: &[String], mut at: usize, prefix: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "{" => loop {
                at = tree(tokens, at + 1, &path, paths);
                if tokens.get(at).is_none_or(|end| end != ",") {
                    path = Vec::new();
                    break;
                }
            },
            "," | "}" | ";" => break,
            "as" => at += 1,
            "::" => {}
            "self" if !path.is_empty() => {}
            name => path.push(name.to_owned()),
        }
        at += 1;
    }
    // After `self`, and after a last comma, it is the prefix itself.
    if !path.is_empty() {
        paths.push(path);
    }
    at
}

/// Whether the `::` starts a path: `::http::X`, and not `Vec::<T>::new`.
fn is_leading(tokens: &[String], at: usize) -> bool {
    let before = |steps: usize| at.checked_sub(steps).map_or("", |before| tokens[before].as_str());
    match before(1) {
        ">" => before(2) == "-",
        before => before != "$" && !is_name(before),
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

#[test]
fn every_path_is_seen() {
    let text = "use crate::{a::{self, B}, c as d}; use ::hyper::X; fn f() -> ::bytes::E<crate::e::F> { super::g::h(::tokio::spawn()) }";
    let source = source::Source::new("x.rs", text);
    let found: Vec<String> = paths(&source.tokens).iter().map(|path| path.join("::")).collect();
    assert_eq!(
        found,
        ["crate::a", "crate::a::B", "crate::c", "hyper::X", "bytes::E", "crate::e::F", "super::g::h", "tokio::spawn"]
    );
}

#[test]
fn the_rules_bite() {
    let rules = Rules::read(&super::read("ARCHITECTURE.md"));
    let broken = |path: &str, text: &str| rules.broken_by(&Source::new(&format!("framework/src/{path}"), text)).len();
    // Up, through the root, past a door, past a narrow one, into the protocol's forbidden land.
    assert_eq!(broken("http/x.rs", "use crate::{app::App, error::Error};"), 1);
    assert_eq!(broken("ws/driver/x.rs", "fn f() { super::super::super::server::f() }"), 1);
    assert_eq!(broken("extract/x.rs", "use crate::Router;"), 1);
    assert_eq!(broken("route/x.rs", "use crate::testing::TestClient as Client;"), 1);
    assert_eq!(broken("ws/x.rs", "fn f(x: ::hyper::Uri) -> matchit::Match {}"), 2);
    assert_eq!(broken("error.rs", "use crate::ws::proto::{CloseFrame, Decoder};"), 1);
    assert_eq!(broken("error.rs", "use crate::ws::Connection;"), 1);
    assert_eq!(broken("ws/proto/x.rs", "use std::{fmt, time::Instant}; use tokio::sync::Mutex;"), 2);
    assert_eq!(broken("cellar.rs", ""), 1);
    assert_eq!(broken("ws/x.rs", "use crate::{error::{Error, Result}, rt, ws::proto::Op}; use super::io::Io;"), 0);
}
