//! Checking text as it arrives: the first byte that cannot be UTF-8 is seen at once (RFC 6455 §8.1, RFC 3629).

/// From this length on SIMD is faster than std.
const SIMD: usize = 64;

/// Checks a whole text; the error is where its first invalid sequence starts.
pub(super) fn check(text: &[u8]) -> Result<(), usize> {
    let valid = if text.len() < SIMD {
        // std goes byte by byte to the first aligned word, which in a short text may be all of it.
        text.is_ascii() || std::str::from_utf8(text).is_ok()
    } else {
        simdutf8::basic::from_utf8(text).is_ok()
    };
    if valid { Ok(()) } else { Err(valid_up_to(text)) }
}

/// Checks the start of a text: how much of it is valid, the rest being 0 to 3 bytes that may yet become a character.
/// The error is where a sequence starts that cannot, whatever follows.
pub(super) fn check_prefix(text: &[u8]) -> Result<usize, usize> {
    let (valid, impossible) = if text.len() < SIMD {
        let Err(error) = std::str::from_utf8(text) else { return Ok(text.len()) };
        (error.valid_up_to(), error.error_len().is_some())
    } else {
        let Err(error) = simdutf8::compat::from_utf8(text) else { return Ok(text.len()) };
        (error.valid_up_to(), error.error_len().is_some())
    };
    if impossible { Err(valid) } else { Ok(valid) }
}

#[cold]
fn valid_up_to(text: &[u8]) -> usize {
    std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `text` in pieces as the assembly does; gives the byte count after which it failed, and where.
    fn in_pieces(text: &[u8], ends: impl IntoIterator<Item = usize>) -> Result<(), (usize, usize)> {
        let mut valid = 0;
        for end in ends {
            valid += check_prefix(&text[valid..end]).map_err(|at| (end, valid + at))?;
        }
        if valid == text.len() { Ok(()) } else { Err((text.len(), valid)) }
    }

    /// A table of RFC 3629 §4, written down on its own: the length of the prefix that proves the sequence impossible.
    fn verdict_of_rfc_3629(text: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < text.len() {
            let (second, len) = match text[at] {
                0x00..=0x7f => (0x80..=0xbf, 1),
                0xc2..=0xdf => (0x80..=0xbf, 2),
                0xe0 => (0xa0..=0xbf, 3),
                0xed => (0x80..=0x9f, 3),
                0xe1..=0xef => (0x80..=0xbf, 3),
                0xf0 => (0x90..=0xbf, 4),
                0xf4 => (0x80..=0x8f, 4),
                0xf1..=0xf3 => (0x80..=0xbf, 4),
                _ => return Some(at + 1),
            };
            for i in 1..len {
                let range = if i == 1 { second.clone() } else { 0x80..=0xbf };
                match text.get(at + i) {
                    None => return None,
                    Some(byte) if range.contains(byte) => {}
                    Some(_) => return Some(at + i + 1),
                }
            }
            at += len;
        }
        None
    }

    #[test]
    fn all_texts_of_two_bytes_and_many_of_four_fail_at_the_earliest_byte() {
        let edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0xff];
        for first in 0..=255u8 {
            for second in 0..=255u8 {
                fails_at_the_earliest_byte(&[first, second]);
            }
            for second in edges {
                for (third, fourth) in edges.iter().flat_map(|c| edges.map(|d| (*c, d))) {
                    fails_at_the_earliest_byte(&[first, second, third, fourth]);
                }
            }
        }
    }

    fn fails_at_the_earliest_byte(text: &[u8]) {
        let failed = in_pieces(text, 1..=text.len()).err();
        match verdict_of_rfc_3629(text) {
            Some(bytes) => assert_eq!(failed.map(|(fed, _)| fed), Some(bytes), "{text:x?}"),
            None => assert_eq!(failed.map(|(_, at)| at), check(text).err(), "{text:x?}"),
        }
    }

    proptest! {
        #[test]
        fn any_split_agrees_with_std(
            valid in ".{0,120}", tail in prop::collection::vec(any::<u8>(), 0..4), cuts in prop::collection::vec(0..400usize, 0..6),
        ) {
            let mut text = valid.into_bytes();
            text.extend(tail);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            cuts.push(text.len());
            let expected = std::str::from_utf8(&text).map(drop).map_err(|error| error.valid_up_to());
            prop_assert_eq!(check(&text), expected);
            prop_assert_eq!(in_pieces(&text, cuts).map_err(|(_, at)| at), expected);
        }
    }
}
