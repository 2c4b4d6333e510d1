//! What goes over a broker: a header, which is one line of JSON, and a payload as it is.
//!
//! ```text
//! {"v":1,"node":"4f0c…","seq":17,"offset":3,"at":1765000000000}
//! {"type":"news"}
//! ```
//!
//! Everything in the header but `v` may be missing, and what is unknown there is passed over: a script publishes with
//! `{"v":1}` and nothing else. Whatever is no envelope of this version is refused, never guessed at.

use std::{borrow::Cow, fmt, sync::Arc};

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NodeId;
use crate::ws::{Message, Text};

const VERSION: u64 = 1;
/// A name of 1 KiB is up to 6 KiB of JSON.
const MAX_HEADER: usize = 8 * 1024;
/// Stores count with the numbers of SQL.
const MAX_OFFSET: u64 = i64::MAX as u64;
/// The longest message that goes to other nodes.
const MAX_PAYLOAD: usize = 4 * 1024 * 1024;

/// What one node, or a script, tells others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Envelope {
    /// Who tells it; a script need not say.
    pub(crate) node: Option<NodeId>,
    pub(crate) content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// For the members of a room, or for a user.
    Message(Carried),
    /// Something is stored in a room that was too long for the broker: its offset.
    Head(u64),
    /// What has changed in a room's presence, as far as it is the sender's.
    Presence(Delta),
    /// The sender is there. The first of a session is also its greeting.
    Beat { session: u64, number: u64 },
    /// The versions of the presences that have changed of late.
    Digest(Vec<(String, u64)>),
    /// The sender is gone.
    Bye { session: u64 },
    /// The sender, in this session of its, wants to know who is in these rooms.
    Ask { session: u64, rooms: Vec<String> },
    /// The answer.
    Lists { session: u64, lists: Vec<List> },
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Carried {
    pub(crate) message: Message,
    pub(crate) to: Whom,
    /// Its number among the sender's messages.
    pub(crate) seq: Option<u64>,
    pub(crate) place: Option<Place>,
}

/// Who is to get a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Whom {
    #[default]
    All,
    Only(Arc<str>),
    AllBut(Arc<str>),
}

/// Where a message is stored, and when it was in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) at: u64,
}

/// How the presence of a room, as far as it is one node's, went from one version to the next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delta {
    /// The version before.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// These are all users that the node has told of: whoever does not have the version before may begin here.
    pub(crate) is_whole: bool,
    pub(crate) users: Vec<Attendee>,
}

/// All users that one node has in a room, or a part of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct List {
    pub(crate) room: String,
    pub(crate) version: u64,
    /// The number of this part, from 0 on, and how many there are.
    #[serde(default)]
    pub(crate) part: u32,
    #[serde(default = "one")]
    pub(crate) parts: u32,
    pub(crate) users: Vec<Attendee>,
}

/// A user in a room, as a node sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attendee {
    pub(crate) user: String,
    /// It has left.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) gone: bool,
    #[serde(default)]
    pub(crate) connections: u32,
    #[serde(default, with = "shared")]
    pub(crate) meta: Arc<Value>,
    /// When it joined last, on a clock that all nodes push on.
    #[serde(default)]
    pub(crate) stamp: u64,
}

/// Why something is no envelope.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused(Cow<'static, str>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Message,
    Head,
    Presence,
    Beat,
    Digest,
    Bye,
    Ask,
    Lists,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    #[default]
    Text,
    Binary,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Header<'a> {
    v: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<NodeId>,
    #[serde(default, skip_serializing_if = "is_default")]
    op: Op,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    except: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<u64>,
    #[serde(default, skip_serializing_if = "is_default")]
    whole: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn one() -> u32 {
    1
}

/// A value that others hold too.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(value: &Arc<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        (**value).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Value>, D::Error> {
        Value::deserialize(deserializer).map(Arc::new)
    }
}

/// What a message needs to become an envelope; the payload is copied once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) node: Option<NodeId>,
    pub(crate) is_text: bool,
    pub(crate) payload: &'a [u8],
    pub(crate) to: &'a Whom,
    pub(crate) seq: Option<u64>,
    pub(crate) place: Option<Place>,
}

impl Outgoing<'_> {
    /// The envelope as bytes; `None` if it is too long for one.
    pub(crate) fn encode(&self) -> Option<Bytes> {
        let (user, except) = match self.to {
            Whom::All => (None, None),
            Whom::Only(user) => (Some(Cow::Borrowed(&**user)), None),
            Whom::AllBut(user) => (None, Some(Cow::Borrowed(&**user))),
        };
        let header = Header {
            node: self.node,
            op: if self.is_text { Op::Text } else { Op::Binary },
            user,
            except,
            seq: self.seq,
            offset: self.place.map(|place| place.offset),
            at: self.place.map(|place| place.at),
            ..Header::default()
        };
        seal(header, self.payload)
    }
}

impl Envelope {
    /// The envelope as bytes; `None` if it is too long for one.
    pub(crate) fn encode(&self) -> Option<Bytes> {
        let header = Header { node: self.node, ..Header::default() };
        match &self.content {
            Content::Message(Carried { message, to, seq, place }) => {
                let (node, payload, is_text) = (self.node, message.as_bytes(), message.is_text());
                Outgoing { node, is_text, payload, to, seq: *seq, place: *place }.encode()
            }
            Content::Head(offset) => seal(Header { kind: Kind::Head, offset: Some(*offset), ..header }, &[]),
            Content::Presence(Delta { from, to, is_whole, users }) => {
                let (from, to, whole) = (Some(*from), Some(*to), *is_whole);
                seal(Header { kind: Kind::Presence, from, to, whole, ..header }, &json(users)?)
            }
            Content::Beat { session, number } => {
                let (session, number) = (Some(*session), Some(*number));
                seal(Header { kind: Kind::Beat, session, number, ..header }, &[])
            }
            Content::Digest(rooms) => seal(Header { kind: Kind::Digest, ..header }, &json(rooms)?),
            Content::Bye { session } => seal(Header { kind: Kind::Bye, session: Some(*session), ..header }, &[]),
            Content::Ask { session, rooms } => {
                seal(Header { kind: Kind::Ask, session: Some(*session), ..header }, &json(rooms)?)
            }
            Content::Lists { session, lists } => {
                seal(Header { kind: Kind::Lists, session: Some(*session), ..header }, &json(lists)?)
            }
        }
    }

    /// What came over a broker.
    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, Refused> {
        let head = &bytes[..bytes.len().min(MAX_HEADER + 1)];
        let end = head.iter().position(|byte| *byte == b'\n').ok_or(Refused("it has no header line".into()))?;
        let header: Header<'_> = parse(&bytes[..end], "its header")?;
        if header.v != VERSION {
            return Err(Refused(format!("expected version {VERSION}, it has version {}", header.v).into()));
        }
        let payload = bytes.slice(end + 1..);
        if payload.len() > MAX_PAYLOAD {
            return Err(Refused(format!("expected at most {MAX_PAYLOAD} bytes, it has {}", payload.len()).into()));
        }
        let content = match header.kind {
            Kind::Message => Content::Message(Carried::new(&header, payload)?),
            Kind::Head => Content::Head(checked(need(header.offset, "offset")?)?),
            Kind::Presence => {
                let (from, to, is_whole) = (need(header.from, "from")?, need(header.to, "to")?, header.whole);
                Content::Presence(Delta { from, to, is_whole, users: parse(&payload, "its users")? })
            }
            Kind::Beat => {
                let session = need(header.session, "session")?;
                Content::Beat { session, number: need(header.number, "number")? }
            }
            Kind::Digest => Content::Digest(parse(&payload, "its rooms")?),
            Kind::Bye => Content::Bye { session: need(header.session, "session")? },
            Kind::Ask => {
                Content::Ask { session: need(header.session, "session")?, rooms: parse(&payload, "its rooms")? }
            }
            Kind::Lists => {
                Content::Lists { session: need(header.session, "session")?, lists: parse(&payload, "its lists")? }
            }
        };
        Ok(Self { node: header.node, content })
    }
}

impl Carried {
    fn new(header: &Header<'_>, payload: Bytes) -> Result<Self, Refused> {
        let message = match header.op {
            Op::Text => Message::Text(Text::try_from(payload).map_err(|_| Refused("its text is not UTF-8".into()))?),
            Op::Binary => Message::Binary(payload),
        };
        let place = match header.offset {
            None => None,
            Some(offset) => Some(Place { offset: checked(offset)?, at: header.at.unwrap_or_default() }),
        };
        let to = match (&header.user, &header.except) {
            (None, None) => Whom::All,
            (Some(user), None) => Whom::Only(Arc::from(&**user)),
            (None, Some(user)) => Whom::AllBut(Arc::from(&**user)),
            (Some(_), Some(_)) => return Err(Refused("expected `user` or `except`, it has both".into())),
        };
        Ok(Self { message, to, seq: header.seq, place })
    }
}

/// An offset as a store may have given it out.
fn checked(offset: u64) -> Result<u64, Refused> {
    match offset {
        1..MAX_OFFSET => Ok(offset),
        _ => Err(Refused(format!("expected an offset of 1 to {}, it has {offset}", MAX_OFFSET - 1).into())),
    }
}

fn seal(header: Header<'_>, payload: &[u8]) -> Option<Bytes> {
    let header = json(&Header { v: VERSION, ..header })?;
    if header.len() > MAX_HEADER || payload.len() > MAX_PAYLOAD {
        return None;
    }
    let mut bytes = BytesMut::with_capacity(header.len() + 1 + payload.len());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(b"\n");
    bytes.extend_from_slice(payload);
    Some(bytes.freeze())
}

/// Nothing that has no form in JSON gets here.
fn json(value: &(impl Serialize + ?Sized)) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &'static str) -> Result<T, Refused> {
    // serde names what came, which is nothing for a log.
    let place = |error: serde_json::Error| format!("{what} breaks at line {}, column {}", error.line(), error.column());
    serde_json::from_slice(bytes).map_err(|error| Refused(place(error).into()))
}

fn need<T>(value: Option<T>, name: &'static str) -> Result<T, Refused> {
    value.ok_or_else(|| Refused(format!("expected `{name}` in its header").into()))
}

#[cfg(test)]
mod tests;
