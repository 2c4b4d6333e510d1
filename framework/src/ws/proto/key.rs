//! The key of the opening handshake and the answer to it (RFC 6455 §4.2.2).

/// The value of `Sec-WebSocket-Accept` that answers `key`.
pub(crate) fn accept_key(key: &[u8]) -> String {
    tungstenite::handshake::derive_accept_key(key)
}

/// Whether `key` is 16 bytes in base64 (RFC 6455 §4.2.1, item 5): 22 digits and two pads.
///
/// The four bits that the last digit has too many may be anything: RFC 4648 §3.5 leaves that to the decoder, and there
/// are clients that draw the digits at random.
pub(crate) fn is_valid_key(key: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24 && key[..22].iter().all(digit) && key[22..] == *b"=="
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        // §1.3.
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(is_valid_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
    }

    #[test]
    fn keys_of_another_length_or_alphabet_are_refused() {
        for key in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZQ===",
            "dGhlIHNhbXBsZSBub25jZWU=",
            "dGhlIHNhbXBsZSBub25jZWVl",
            "dGhlIHNhbXBsZSBub25jZ===",
            "dGhlIHNhbXBsZSBub25j-_==",
            "dGhlIHNhbXBsZSBub25j Q==",
            " dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZÿ==",
        ] {
            assert!(!is_valid_key(key.as_bytes()), "{key}");
        }
    }
}
