//! Requests and frames as bytes, right or wrong as the test wants them.

/// A masking key; any will do (RFC 6455 section 5.3).
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;
/// The first frames of fragmented messages, and their continuations.
pub(crate) const TEXT_START: u8 = 0x01;
pub(crate) const BINARY_START: u8 = 0x02;
pub(crate) const MIDDLE: u8 = 0x00;
pub(crate) const END: u8 = 0x80;

/// A masked frame with this first byte.
pub(crate) fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut bytes = claim(first, payload.len() as u64);
    bytes.extend(masked(payload));
    bytes
}

/// The header of a masked frame with this first byte that claims `len` bytes, in the shortest form.
pub(crate) fn claim(first: u8, len: u64) -> Vec<u8> {
    match len {
        0..=125 => header(first, len as u8, &[]),
        126..=0xffff => header(first, 126, &(len as u16).to_be_bytes()),
        _ => header(first, 127, &len.to_be_bytes()),
    }
}

/// A header of a masked frame, byte by byte.
pub(crate) fn header(first: u8, short: u8, extended: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | short], extended, &KEY].concat()
}

/// The payload as it goes over the wire when it starts at the beginning of a frame.
pub(crate) fn masked(payload: &[u8]) -> Vec<u8> {
    payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

/// A close frame.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, [&code.to_be_bytes(), reason].concat())
}

/// What a good handshake holds beside its request line. `RFC 6455` section 1.3 gives the key and its answer.
const HANDSHAKE: [&str; 5] = [
    "Host: good.example",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A handshake for `path`.
pub(crate) fn handshake(path: &str) -> Vec<u8> {
    request(&format!("GET {path} HTTP/1.1"), &[])
}

/// A handshake with another request line, and with other header lines for some names: `("Upgrade", &[])` leaves it out.
pub(crate) fn request(line: &str, changes: &[(&str, &[&[u8]])]) -> Vec<u8> {
    let mut bytes = format!("{line}\r\n").into_bytes();
    let mut put = |line: &[u8]| bytes.extend([line, b"\r\n"].concat());
    for good in HANDSHAKE {
        let name = good.split(':').next().unwrap_or_default();
        if !changes.iter().any(|(changed, _)| *changed == name) {
            put(good.as_bytes());
        }
    }
    changes.iter().flat_map(|(_, lines)| *lines).for_each(|line| put(line));
    bytes.extend(b"\r\n");
    bytes
}

/// The same with header lines to be added.
pub(crate) fn with_lines(lines: &[&[u8]]) -> Vec<u8> {
    request("GET /echo HTTP/1.1", &[("", lines)])
}
