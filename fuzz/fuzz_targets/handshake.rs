//! Whatever the header lines: no panic, and a handshake passes exactly when RFC 6455 §4.2.1 says that it is one and our
//! own rules, each listed in `oracle`, have nothing against it.

#![no_main]

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version, request::Parts};
use libfuzzer_sys::fuzz_target;
use sha1::{Digest, Sha1};
use sockeye::{Compression, Origins, fuzzing::handshake};
use sockeye_fuzz::{Line, Origin, Own};

const PROTOCOLS: &[&str] = &["chat", "superchat", "Chat"];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// GET over HTTP/1.1, unless it is one of the few numbers that stand for others.
    request_line: u8,
    origins: Own,
    protocols: u8,
    strict: bool,
    takeover: bool,
    /// What a client sends. A bit that is set leaves a line out.
    left_out: u8,
    lines: Vec<Line<'a>>,
}

const USUAL: [(&str, &str); 6] = [
    ("host", "example.com"),
    ("upgrade", "websocket"),
    ("connection", "keep-alive, Upgrade"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-protocol", "superchat, chat"),
];

fuzz_target!(|input: Input<'_>| {
    let parts = parts(&input);
    let protocols = &PROTOCOLS[..usize::from(input.protocols) % (PROTOCOLS.len() + 1)];
    let origins = match input.origins {
        Own::Same => Origins::same_origin(),
        Own::List => Origins::list(["https://app.example", "http://localhost:5173/"]),
        Own::Any => Origins::any(),
    };
    let compression = Compression::new().takeover(input.takeover);
    let result = handshake(&parts, &origins, &compression, protocols, input.strict);
    let expected = oracle(&parts, input.origins, protocols, input.strict);
    match (&result, expected) {
        (Ok(accepted), Ok(protocol)) => {
            assert_eq!(accepted.accept, accept(parts.headers["sec-websocket-key"].as_bytes()));
            assert_eq!(accepted.protocol, protocol);
            let offered = tokens(&parts.headers, "sec-websocket-protocol");
            assert!(protocol.is_none_or(|protocol| offered.iter().any(|offer| offer == protocol)));
            assert_eq!(accepted.offered, offered);
            if let Some(extensions) = &accepted.extensions {
                was_offered(extensions, &parts.headers);
            }
        }
        (Err(400 | 403 | 426), Err(_)) => {}
        (_, expected) => panic!("{result:?}, expected {expected:?}: {parts:?}"),
    }
});

fn parts(input: &Input<'_>) -> Parts {
    let (method, version) = match input.request_line {
        0 => (Method::POST, Version::HTTP_11),
        1 => (Method::GET, Version::HTTP_10),
        2 => (Method::CONNECT, Version::HTTP_2),
        3 => (Method::HEAD, Version::HTTP_11),
        _ => (Method::GET, Version::HTTP_11),
    };
    let (mut parts, ()) = Request::new(()).into_parts();
    (parts.method, parts.version) = (method, version);
    let usual = USUAL.iter().enumerate().filter(|(bit, _)| input.left_out >> bit & 1 == 0);
    for (_, (name, value)) in usual {
        parts.headers.append(*name, HeaderValue::from_static(value));
    }
    for line in &input.lines {
        let value = HeaderValue::from_bytes(&line.value());
        // hyper lets no others through.
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(line.name()), value) {
            parts.headers.append(name, value);
        }
    }
    parts
}

/// The subprotocol of a handshake that is to pass, or why none is. Written from the RFC, not from our code.
fn oracle(
    parts: &Parts,
    origins: Own,
    protocols: &[&'static str],
    strict: bool,
) -> Result<Option<&'static str>, &'static str> {
    let headers = &parts.headers;
    let once = |name: &str| match headers.get_all(name).iter().collect::<Vec<_>>()[..] {
        [one] => Some(one.as_bytes()),
        _ => None,
    };
    let check = |holds: bool, why: &'static str| if holds { Ok(()) } else { Err(why) };
    let has = |name: &str, token: &str| tokens(headers, name).iter().any(|item| item.eq_ignore_ascii_case(token));
    // The numbers are those of §4.2.1.
    check(parts.method == Method::GET, "1. GET")?;
    check(matches!(parts.version, Version::HTTP_11 | Version::HTTP_2), "1. HTTP/1.1 or higher")?;
    // 2. The host is looked at before the route is.
    check(has("upgrade", "websocket"), "3. Upgrade")?;
    check(has("connection", "upgrade"), "4. Connection")?;
    check(once("sec-websocket-key").is_some_and(is_sixteen_bytes), "5. Key")?;
    check(once("sec-websocket-version") == Some(b"13"), "6. Version")?;
    // Ours: what a proxy could take for a body.
    let length = headers.get("content-length").map_or(&b""[..], HeaderValue::as_bytes);
    check(length.iter().all(|digit| *digit == b'0') && !headers.contains_key("transfer-encoding"), "a body")?;
    // 7. Ours to judge; it comes once (RFC 6454 §7.3).
    if headers.contains_key("origin") {
        let origin = once("origin").and_then(Origin::parse).ok_or("more than one origin")?;
        let host = headers.get("host").map(HeaderValue::as_bytes);
        check(origin.is_let_in(origins, host), "7. Origin")?;
    }
    // 8. The client's order counts (§4.1, item 10).
    let offered = tokens(headers, "sec-websocket-protocol");
    let chosen = offered.iter().find_map(|offer| protocols.iter().find(|own| *own == offer).copied());
    check(chosen.is_some() || !strict, "8. no common subprotocol")?;
    Ok(chosen)
}

/// RFC 7692 §5.1: what is accepted was offered; §7.1.2.2: the client's window is limited only if it said it may be.
fn was_offered(extensions: &str, headers: &HeaderMap) {
    let mut offers = headers.get_all("sec-websocket-extensions").iter().map(HeaderValue::as_bytes);
    let mut params = extensions.split("; ");
    assert_eq!(params.next(), Some("permessage-deflate"));
    let client_bits = params.any(|param| param.starts_with("client_max_window_bits"));
    let needed = if client_bits { "client_max_window_bits" } else { "permessage-deflate" };
    let needed = needed.as_bytes();
    assert!(offers.any(|line| line.windows(needed.len()).any(|part| part == needed)), "{extensions} was not offered");
}

/// The items of a list over all its lines (RFC 9110 §5.6.1). Ours: a line that is not ASCII counts for nothing.
fn tokens(headers: &HeaderMap, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in headers.get_all(name) {
        let line = line.as_bytes();
        if !line.is_ascii() {
            continue;
        }
        for item in line.split(|byte| *byte == b',') {
            let item = String::from_utf8(item.to_vec()).expect("it is ASCII");
            let item = item.trim_matches([' ', '\t']);
            if !item.is_empty() {
                found.push(item.to_owned());
            }
        }
    }
    found
}

/// §4.1, item 7: "a nonce consisting of a randomly selected 16-byte value that has been base64-encoded". Ours: the bits
/// that the last digit has too many may be set.
fn is_sixteen_bytes(key: &[u8]) -> bool {
    let mut lenient = data_encoding::BASE64_NOPAD.specification();
    lenient.check_trailing_bits = false;
    let lenient = lenient.encoding().expect("a base");
    let digits = key.strip_suffix(b"==").unwrap_or_default();
    lenient.decode(digits).is_ok_and(|bytes| bytes.len() == 16)
}

/// §4.2.2, item 5.4.
fn accept(key: &[u8]) -> String {
    let digest = Sha1::digest([key, b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat());
    data_encoding::BASE64.encode(&digest)
}
