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
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn attendees() -> impl Strategy<Value = Vec<Attendee>> {
        let attendee = (".*", any::<bool>(), any::<u32>(), any::<u64>(), ".*");
        let attendee = attendee.prop_map(|(user, gone, connections, stamp, name)| {
            let meta = if gone { Value::Null } else { json!({ "name": name, "n": [connections] }) };
            Attendee { user, gone, connections, meta: Arc::new(meta), stamp }
        });
        prop::collection::vec(attendee, 0..4)
    }

    fn messages() -> impl Strategy<Value = Content> {
        let message = prop_oneof![
            ".*".prop_map(Message::text),
            prop::collection::vec(any::<u8>(), 0..64).prop_map(Message::binary),
        ];
        let whom = prop_oneof![
            Just(Whom::All),
            ".*".prop_map(|user| Whom::Only(user.into())),
            ".*".prop_map(|user| Whom::AllBut(user.into())),
        ];
        let place = (1..MAX_OFFSET, any::<u64>()).prop_map(|(offset, at)| Place { offset, at });
        let carried = (message, whom, any::<Option<u64>>(), prop::option::of(place));
        carried.prop_map(|(message, to, seq, place)| Content::Message(Carried { message, to, seq, place }))
    }

    fn contents() -> impl Strategy<Value = Content> {
        let list = (".*", any::<u64>(), any::<u32>(), any::<u32>(), attendees())
            .prop_map(|(room, version, part, parts, users)| List { room, version, part, parts, users });
        prop_oneof![
            messages(),
            (1..MAX_OFFSET).prop_map(Content::Head),
            (any::<u64>(), any::<u64>(), any::<bool>(), attendees())
                .prop_map(|(from, to, is_whole, users)| Content::Presence(Delta { from, to, is_whole, users })),
            any::<(u64, u64)>().prop_map(|(session, number)| Content::Beat { session, number }),
            prop::collection::vec((".*", any::<u64>()), 0..4).prop_map(Content::Digest),
            any::<u64>().prop_map(|session| Content::Bye { session }),
            (any::<u64>(), prop::collection::vec(".*", 0..4))
                .prop_map(|(session, rooms)| Content::Ask { session, rooms }),
            (any::<u64>(), prop::collection::vec(list, 0..3))
                .prop_map(|(session, lists)| Content::Lists { session, lists }),
        ]
    }

    fn envelopes() -> impl Strategy<Value = Envelope> {
        let node = any::<Option<u128>>().prop_map(|id| id.map(NodeId));
        (node, contents()).prop_map(|(node, content)| Envelope { node, content })
    }

    proptest! {
        #[test]
        fn what_is_sealed_can_be_opened(envelope in envelopes()) {
            let bytes = envelope.encode().unwrap();
            prop_assert_eq!(Envelope::decode(&bytes).unwrap(), envelope);
        }

        /// Anything may come, and what was cut or changed on its way.
        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..512), envelope in envelopes(), at: prop::sample::Index, with: u8) {
            drop(Envelope::decode(&bytes.into()));
            let mut bytes = envelope.encode().unwrap().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = with;
            drop(Envelope::decode(&Bytes::from(bytes.clone())));
            bytes.truncate(at);
            drop(Envelope::decode(&bytes.into()));
        }
    }

    fn decode(bytes: impl Into<Vec<u8>>) -> Result<Envelope, String> {
        Envelope::decode(&Bytes::from(bytes.into())).map_err(|refused| refused.to_string())
    }

    #[test]
    fn a_script_needs_one_field() {
        let carried = Carried { message: Message::text("{\"a\":1}\n"), to: Whom::All, seq: None, place: None };
        let expected = Envelope { node: None, content: Content::Message(carried) };
        assert_eq!(decode("{\"v\":1}\n{\"a\":1}\n"), Ok(expected.clone()));
        assert_eq!(decode("{\"later\":[1e9],\"v\":1}\n{\"a\":1}\n"), Ok(expected));
    }

    #[test]
    fn what_is_none_is_refused() {
        let refused = |bytes: &[u8], why: &str| {
            let error = decode(bytes).unwrap_err();
            assert!(error.contains(why), "{error}");
        };
        refused(b"", "no header line");
        refused(b"{\"v\":1}", "no header line");
        refused(&[b'x'; 10 * 1024 * 1024], "no header line");
        refused(b"nonsense\n", "breaks at line 1");
        refused(b"[]\n", "breaks");
        refused(b"{\"v\":0}\n", "expected version 1, it has version 0");
        refused(b"{\"v\":2}\n", "expected version 1");
        refused(b"{}\n", "breaks");
        refused(b"{\"v\":1,\"kind\":\"later\"}\n", "breaks");
        refused(b"{\"v\":1,\"node\":\"+0000000000000000000000000000001\"}\n", "breaks");
        refused(b"{\"v\":1,\"offset\":0}\n", "an offset of 1 to");
        refused(b"{\"v\":1,\"offset\":18446744073709551615}\n", "an offset of 1 to");
        refused(b"{\"v\":1,\"kind\":\"head\",\"offset\":9223372036854775807}\n", "an offset of 1 to");
        refused(b"{\"v\":1,\"user\":\"a\",\"except\":\"b\"}\n", "`user` or `except`");
        refused(b"{\"v\":1,\"offset\":1e400}\n", "breaks");
        refused(b"{\"v\":1}\n\xff", "UTF-8");
        refused(b"{\"v\":1,\"kind\":\"head\"}\n", "`offset`");
        refused(b"{\"v\":1,\"kind\":\"presence\",\"from\":0,\"to\":1}\n{}", "its users");
        let mut long = b"{\"v\":1}\n".to_vec();
        long.resize(10 * 1024 * 1024, b' ');
        refused(&long, "at most");
        let deep = format!("{{\"v\":1,\"x\":{}", "[".repeat(8000));
        refused(format!("{deep}\n").as_bytes(), "breaks");
    }

    /// The longest name that a room may have, and nothing much longer.
    #[test]
    fn names_fit() {
        let named = |user: &str| {
            let (message, to) = (Message::text(""), Whom::AllBut(user.into()));
            let content = Content::Message(Carried { message, to, seq: Some(u64::MAX), place: None });
            Envelope { node: Some(NodeId(u128::MAX)), content }
        };
        for name in ["\0".repeat(1024), "\u{1f600}".repeat(256), "\n".repeat(1024)] {
            let envelope = named(&name);
            assert_eq!(Envelope::decode(&envelope.encode().unwrap()), Ok(envelope));
        }
        assert_eq!(named(&"\0".repeat(2048)).encode(), None);
        let content = Content::Message(Carried {
            message: Message::binary(vec![0; MAX_PAYLOAD + 1]),
            to: Whom::All,
            seq: None,
            place: None,
        });
        assert_eq!(Envelope { node: None, content }.encode(), None);
    }

    #[test]
    fn ids_are_their_text() {
        let (one, other) = (NodeId::random(), NodeId::random());
        assert_ne!(one, other);
        assert_eq!(one.to_string().parse(), Ok(one));
        assert_eq!(NodeId(1).to_string(), "00000000000000000000000000000001");
        for text in ["", "1", "0000000000000000000000000000000G", "0000000000000000000000000000000F"] {
            assert!(text.parse::<NodeId>().is_err());
        }
    }
}
