//! One event, and its form on the wire.

use std::{borrow::Cow, fmt, time::Duration};

use bytes::Bytes;
use serde::Serialize;

use crate::{
    error::{BoxError, Error, Result},
    ws::Text,
};

/// One event of a stream ([HTML, section 9.2](https://html.spec.whatwg.org/multipage/server-sent-events.html)).
///
/// Texts turn into one: where an event is expected, `"hello"` will do. What the format can't carry is refused when it is
/// given, so that no text of a user's can end an event or begin another.
///
/// ```
/// use sockeye::Event;
///
/// # fn main() -> sockeye::Result<()> {
/// let event = Event::new("first line\nsecond line").name("note")?.id(7)?;
/// assert_eq!(event.to_string(), "event: note\nid: 7\ndata: first line\ndata: second line\n\n");
/// assert!(Event::new("x").id("7\ndata: forged").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "an event does nothing until it is pushed or given by a stream"]
pub struct Event {
    comment: Option<String>,
    name: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
    data: Option<String>,
}

impl Event {
    /// An event with this data: any text, of any number of lines.
    ///
    /// The format knows one line end: `\r\n` and `\r` arrive as `\n`. Where that matters, [`json`](Self::json) keeps them.
    pub fn new(data: impl Into<String>) -> Self {
        Self { data: Some(with_newlines(data.into())), ..Self::default() }
    }

    /// An event whose data is a value as JSON.
    ///
    /// # Errors
    ///
    /// When the value can't be JSON: a map whose keys are no strings, say.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        Ok(Self { data: Some(serde_json::to_string(value)?), ..Self::default() })
    }

    /// A comment: it keeps the connection busy, and no client shows it.
    pub fn comment(text: impl Into<String>) -> Self {
        Self { comment: Some(with_newlines(text.into())), ..Self::default() }
    }

    /// Sets the name, which a page listens for: `source.addEventListener(name, …)`. Without one it is `message`.
    ///
    /// # Errors
    ///
    /// For a name with a line end in it.
    pub fn name(mut self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if name.contains(['\n', '\r']) {
            return Err(Error::other(format!("expected an event's name without a line end, got {name:?}")));
        }
        self.name = Some(name);
        Ok(self)
    }

    /// Sets the id, which the client gives back as [`LastEventId`](crate::LastEventId) when it connects again. An empty one
    /// makes it forget the last.
    ///
    /// # Errors
    ///
    /// For an id with a line end or a NUL in it.
    pub fn id(mut self, id: impl fmt::Display) -> Result<Self> {
        let id = id.to_string();
        if id.contains(['\n', '\r', '\0']) {
            return Err(Error::other(format!("expected an event's id without line ends and NUL, got {id:?}")));
        }
        self.id = Some(id);
        Ok(self)
    }

    /// Says how long the client shall wait before it connects again, in whole milliseconds.
    pub fn retry(mut self, delay: Duration) -> Self {
        self.retry = Some(delay);
        self
    }

    /// The form on the wire.
    pub(super) fn encode(&self) -> Bytes {
        self.to_string().into()
    }
}

/// The form on the wire, with the blank line that ends it.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.comment.iter().flat_map(|text| text.split('\n')) {
            writeln!(f, ": {line}")?;
        }
        if let Some(name) = &self.name {
            writeln!(f, "event: {name}")?;
        }
        if let Some(id) = &self.id {
            writeln!(f, "id: {id}")?;
        }
        if let Some(retry) = self.retry {
            writeln!(f, "retry: {}", retry.as_millis())?;
        }
        for line in self.data.iter().flat_map(|data| data.split('\n')) {
            writeln!(f, "data: {line}")?;
        }
        f.write_str("\n")
    }
}

/// A bare `\r` would end a line too.
fn with_newlines(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

/// What is taken as an event: [`Event`], a text, or a result of the two, whose error is passed on.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be an event",
    label = "not an event",
    note = "give an `Event`, a text, or a `Result` of one; `Event::json(&value)` makes an event of a value"
)]
pub trait IntoEvent {
    /// The event, or what kept it from being one.
    fn into_event(self) -> Result<Event>;
}

impl IntoEvent for Event {
    fn into_event(self) -> Result<Event> {
        Ok(self)
    }
}

// Not for all that turns into an `Event`: the compiler would name that bound, and not say what to give instead.
macro_rules! texts {
    ($($text:ty: $string:expr),*) => {$(
        impl From<$text> for Event {
            fn from(data: $text) -> Self {
                Self::new($string(data))
            }
        }

        impl IntoEvent for $text {
            fn into_event(self) -> Result<Event> {
                Ok(self.into())
            }
        }
    )*};
}

texts!(&str: String::from, String: String::from, Cow<'_, str>: String::from, Text: |text: Text| text.to_string());

impl<T: IntoEvent, E: Into<BoxError>> IntoEvent for Result<T, E> {
    fn into_event(self) -> Result<Event> {
        self.map_err(Error::other).and_then(IntoEvent::into_event)
    }
}
