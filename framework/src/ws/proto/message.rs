//! A message: what an application sends and receives.

use bytes::Bytes;

use super::Text;

/// A text or binary message. Cloning it copies no payload, but for a short text's, which [`Text`] holds itself.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text, which is always UTF-8.
    Text(Text),
    /// Any bytes.
    Binary(Bytes),
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// Whether it is text.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Whether it is binary.
    pub fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The payload, whatever the kind.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload, whatever the kind. Copies only what a short [`Text`] holds itself.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The text, if it is a text message.
    pub fn as_text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The text, if it is a text message.
    pub fn into_text(self) -> Option<Text> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

impl From<&'static [u8]> for Message {
    fn from(bytes: &'static [u8]) -> Self {
        Self::binary(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_binary_differ_even_with_the_same_bytes() {
        let (text, binary) = (Message::from("hé"), Message::from("hé".as_bytes()));
        assert_ne!(text, binary);
        assert_eq!(text.as_bytes(), binary.as_bytes());
        assert!(text.is_text() && !text.is_binary() && binary.is_binary() && !binary.is_text());
        assert!(text.len() == 3 && !text.is_empty() && Message::binary("").is_empty());
        assert_eq!(text.as_text().unwrap(), "hé");
        assert_eq!((binary.as_text(), binary.clone().into_text()), (None, None));
        assert_eq!(text.clone().into_bytes(), binary.into_bytes());
        assert_eq!(text.into_text().unwrap(), "hé");
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn is_five_words() {
        assert_eq!(size_of::<Option<Message>>(), 5 * size_of::<usize>());
    }
}
