//! Text that shares its bytes with what it came from, unless it is so short that it holds them itself.

use std::{
    borrow::{Borrow, Cow},
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
    str::Utf8Error,
};

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Payload, mask, utf8};

/// The bits of eight bytes that no ASCII has.
const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// A string that is cheap to clone and never changes. It derefs to [`str`].
///
/// A text of at most 23 bytes that arrived in one piece, not compressed, or was copied from a `&str`, holds them itself and
/// allocates nothing. All others share their bytes with their clones.
#[derive(Clone)]
pub struct Text(Repr);

/// As large as [`Bytes`] either way, where a word has 64 bits.
#[derive(Clone)]
enum Repr {
    Shared(Bytes),
    Inline(Inline),
}

/// A text that fits beside the tag into what [`Bytes`] takes. Aligned, so that it is moved by words.
#[derive(Clone, Copy)]
#[repr(align(8))]
pub(crate) struct Inline {
    /// The text, zeros, and in the last byte the text's length.
    words: [[u8; 8]; 3],
}

impl Inline {
    /// Bytes.
    pub(super) const MOST: usize = 23;

    fn copy(text: &[u8]) -> Self {
        let mut words = [[0; 8]; 3];
        words.as_flattened_mut()[..text.len()].copy_from_slice(text);
        words[2][7] = text.len() as u8;
        Self { words }
    }

    /// Unmasks the text of `len` bytes that `masked` begins with, and checks it, without a detour through memory. The error
    /// is where its first invalid sequence starts.
    #[inline(always)]
    pub(super) fn unmask(key: [u8; 4], masked: &[u8; Self::MOST + 1], len: usize) -> Result<Self, usize> {
        let [first, second, third] = mask::unmasked(key, masked, len);
        let with_len = third | (len as u64) << 56;
        let text = Self { words: [first, second, with_len].map(u64::to_le_bytes) };
        if (first | second | third) & NOT_ASCII != 0 {
            utf8::check(text.as_bytes())?;
        }
        Ok(text)
    }

    fn as_bytes(&self) -> &[u8] {
        &self.words.as_flattened()[..usize::from(self.words[2][7])]
    }
}

impl Text {
    /// A text that copies nothing and allocates nothing.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Repr::Shared(Bytes::from_static(text.as_bytes())))
    }

    /// The text as a string slice.
    #[allow(unsafe_code)]
    pub fn as_str(&self) -> &str {
        // SAFETY: the bytes never change, and are UTF-8: every way to make a `Text` starts from a string or checks the
        // bytes, except `from_checked` and `copy_checked`, which are private to the protocol layer and called only on
        // checked bytes; an `Inline` is made by `copy_checked` or checks them itself. Checking again would make every
        // access to a text as dear as its receipt.
        unsafe { std::str::from_utf8_unchecked(self.bytes()) }
    }

    /// The bytes of the text: those that it shares, or a copy of the few that it holds itself.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Repr::Shared(bytes) => bytes,
            Repr::Inline(text) => Bytes::copy_from_slice(text.as_bytes()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Shared(bytes) => bytes,
            Repr::Inline(text) => text.as_bytes(),
        }
    }

    /// The text, to be sent.
    pub(crate) fn payload(&self) -> Payload<'_> {
        match &self.0 {
            Repr::Shared(bytes) => Payload::Shared(bytes),
            Repr::Inline(text) => Payload::Slice(text.as_bytes()),
        }
    }

    /// Takes bytes that the caller has found to be UTF-8.
    pub(super) fn from_checked(bytes: Bytes) -> Self {
        debug_assert!(std::str::from_utf8(&bytes).is_ok(), "expected checked bytes, got others");
        Self(Repr::Shared(bytes))
    }

    /// Copies bytes that the caller has found to be UTF-8.
    pub(super) fn copy_checked(bytes: &[u8]) -> Self {
        if bytes.len() > Inline::MOST {
            return Self::from_checked(Bytes::copy_from_slice(bytes));
        }
        debug_assert!(std::str::from_utf8(bytes).is_ok(), "expected checked bytes, got others");
        Self(Repr::Inline(Inline::copy(bytes)))
    }

    #[cfg(test)]
    pub(super) fn is_inline(&self) -> bool {
        matches!(self.0, Repr::Inline(_))
    }

    #[inline(always)]
    pub(super) fn inline(text: Inline) -> Self {
        Self(Repr::Inline(text))
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from_static("")
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

// Equality, order and hash are those of `str`, as `Borrow<str>` asks.

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

/// Equality with another kind of string, both ways.
macro_rules! eq_with {
    ($($string:ty),+) => {$(
        impl PartialEq<$string> for Text {
            fn eq(&self, other: &$string) -> bool {
                let other: &str = other;
                self.as_str() == other
            }
        }

        impl PartialEq<Text> for $string {
            fn eq(&self, other: &Text) -> bool {
                other == self
            }
        }
    )+};
}

eq_with!(str, &str, String);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::from_checked(text.into())
    }
}

impl From<Box<str>> for Text {
    fn from(text: Box<str>) -> Self {
        Self::from_checked(text.into_boxed_bytes().into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::copy_checked(text.as_bytes())
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<char> for Text {
    fn from(char: char) -> Self {
        (&*char.encode_utf8(&mut [0; 4])).into()
    }
}

impl From<&Text> for Text {
    fn from(text: &Text) -> Self {
        text.clone()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        match text.0 {
            // Takes the buffer over where nobody else holds it. A second check costs less than a second `unsafe`.
            Repr::Shared(bytes) => Self::from_utf8(bytes.into()).expect("the bytes of a text are utf-8"),
            Repr::Inline(_) => text.as_str().to_owned(),
        }
    }
}

impl From<Text> for Bytes {
    fn from(text: Text) -> Self {
        text.into_bytes()
    }
}

impl TryFrom<Bytes> for Text {
    type Error = Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Self::from_checked(bytes))
    }
}

impl TryFrom<Vec<u8>> for Text {
    type Error = Utf8Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Utf8Error> {
        Bytes::from(bytes).try_into()
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(text.into())
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Text, E> {
                Ok(text.into())
            }
        }

        deserializer.deserialize_string(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    #[test]
    fn every_string_becomes_the_same_text() {
        let string = String::from("é");
        let text = Text::from_static("é");
        for same in [
            Text::from("é"),
            Text::from(&string),
            Text::from(string.clone()),
            Text::from('é'),
            Text::from(Box::<str>::from("é")),
            Text::from(Cow::Borrowed("é")),
            Text::from(Cow::<str>::Owned(string.clone())),
            Text::from(&text),
            Text::try_from(Bytes::from_static(b"\xc3\xa9")).unwrap(),
            Text::try_from(vec![0xc3, 0xa9]).unwrap(),
        ] {
            assert_eq!(same, text);
            assert_eq!(same, "é");
            assert_eq!("é", same);
            assert_eq!(same, *"é");
            assert_eq!(*"é", same);
            assert_eq!(same, string);
            assert_eq!(string, same);
            assert_eq!((same.to_string(), format!("{same:?}")), ("é".to_owned(), "\"é\"".to_owned()));
            assert_eq!(String::from(same.clone()), string);
            assert_eq!(Bytes::from(same.clone()), same.into_bytes());
        }
    }

    #[test]
    fn held_or_shared_it_is_the_same() {
        for len in 0..30 {
            let string = "x".repeat(len);
            let (copied, shared) = (Text::from(&string), Text::from(string.clone()));
            assert_eq!((copied.is_inline(), shared.is_inline()), (len <= Inline::MOST, false));
            assert_eq!((&copied, copied.cmp(&shared)), (&shared, Ordering::Equal));
            assert!(HashSet::from([copied.clone()]).contains(&shared));
            assert_eq!(copied.clone().into_bytes(), shared.clone().into_bytes());
            assert_eq!((String::from(copied.clone()), &*copied.payload()), (string.clone(), string.as_bytes()));
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn is_as_large_as_bytes() {
        assert_eq!(size_of::<Text>(), size_of::<Bytes>());
    }

    #[test]
    fn other_bytes_are_refused() {
        assert_eq!(Text::try_from(vec![b'a', 0xff]).unwrap_err().valid_up_to(), 1);
        assert!(Text::try_from(Bytes::from_static(b"\xc3")).is_err());
    }

    #[test]
    fn sets_are_searched_by_str() {
        let texts = ["a", "b"].map(Text::from);
        assert!(HashSet::from(texts.clone()).contains("b") && BTreeSet::from(texts).contains("a"));
        let (small, large) = (Text::from("a"), Text::from("b"));
        assert!(small < large && Text::default() < small);
    }

    #[test]
    fn json_strings_go_in_and_out() {
        let text: Text = serde_json::from_str(r#""a\n""#).unwrap();
        assert_eq!(text, "a\n");
        assert_eq!(serde_json::to_string(&text).unwrap(), r#""a\n""#);
        assert!(serde_json::from_str::<Text>("1").unwrap_err().to_string().contains("expected a string"));
    }

    #[test]
    fn clones_and_strings_share_the_bytes() {
        let string = String::from("a long enough string");
        let at = string.as_ptr();
        let text = Text::from(string);
        assert_eq!(text.clone().as_ptr(), at);
        let string = String::from(text);
        assert_eq!(string.as_ptr(), at);
    }
}
