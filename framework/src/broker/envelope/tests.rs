//! Envelopes there and back, and what is refused.

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
    let message =
        prop_oneof![".*".prop_map(Message::text), prop::collection::vec(any::<u8>(), 0..64).prop_map(Message::binary),];
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
        (any::<u64>(), prop::collection::vec(".*", 0..4)).prop_map(|(session, rooms)| Content::Ask { session, rooms }),
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
