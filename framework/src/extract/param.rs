//! Plain values: what a path segment, a query value, a header or a cookie can be.

use std::{borrow::Cow, fmt, num};

use super::request::PathValue;

/// A type that is written as one piece of text in a path, query, header or cookie.
///
/// Derive it for enums of plain variants and for wrappers around another such type.
///
/// ```
/// use sockeye::Param;
///
/// #[derive(Param, Debug, PartialEq)]
/// enum Sort {
///     Newest,
///     Oldest,
/// }
///
/// assert_eq!(Sort::from_param("newest").unwrap(), Sort::Newest);
/// assert!(Sort::from_param("best").is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be read from a piece of text",
    label = "not a plain value",
    note = "use `String`, a number, `bool`, `char`, or add `#[derive(sockeye::Param)]` to `{Self}`"
)]
pub trait Param: Sized + Send + 'static {
    /// Reads the text.
    fn from_param(value: &str) -> Result<Self, ParamError>;

    /// What it expects, for messages: "an integer from 0 to 255".
    fn expected() -> Cow<'static, str>;
}

/// Why a text is not a [`Param`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamError(String);

impl ParamError {
    /// The reason, in lower case and without a full stop.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// "expected …, got …", for `#[derive(Param)]`.
    #[doc(hidden)]
    pub fn unexpected<T: Param>(value: &str) -> Self {
        Self(format!("expected {}, got `{}`", T::expected(), shorten(value)))
    }
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParamError {}

/// Cuts what a client sent to a length that fits into a message.
fn shorten(value: &str) -> Cow<'_, str> {
    shorten_to(40, value)
}

/// The first `chars` characters.
pub(super) fn shorten_to(chars: usize, value: &str) -> Cow<'_, str> {
    match value.char_indices().nth(chars) {
        Some((cut, _)) => Cow::Owned(format!("{}…", &value[..cut])),
        None => Cow::Borrowed(value),
    }
}

impl Param for String {
    fn from_param(value: &str) -> Result<Self, ParamError> {
        Ok(value.to_owned())
    }

    fn expected() -> Cow<'static, str> {
        "text".into()
    }
}

impl Param for bool {
    fn from_param(value: &str) -> Result<Self, ParamError> {
        match value {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(ParamError::unexpected::<Self>(value)),
        }
    }

    fn expected() -> Cow<'static, str> {
        "`true` or `false`".into()
    }
}

macro_rules! from_str {
    ($($type:ty => $expected:expr;)*) => {$(
        impl Param for $type {
            fn from_param(value: &str) -> Result<Self, ParamError> {
                value.parse().map_err(|_| ParamError::unexpected::<Self>(value))
            }

            fn expected() -> Cow<'static, str> {
                $expected.into()
            }
        }
    )*};
}

macro_rules! integers {
    ($($type:ty)*) => {
        from_str! { $($type => format!("an integer from {} to {}", <$type>::MIN, <$type>::MAX);)* }
    };
}

integers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }
integers! { num::NonZeroU8 num::NonZeroU16 num::NonZeroU32 num::NonZeroU64 num::NonZeroUsize }
from_str! {
    f32 => "a number";
    f64 => "a number";
    char => "a single character";
    std::net::IpAddr => "an IP address";
}

#[cfg(feature = "uuid")]
from_str! { uuid::Uuid => "a UUID"; }

/// Why a value could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueError {
    /// It is not there.
    Missing {
        /// What it should have been.
        expected: Cow<'static, str>,
    },
    /// It is there and wrong.
    Invalid(ParamError),
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { expected } => write!(f, "missing, expected {expected}"),
            Self::Invalid(error) => error.fmt(f),
        }
    }
}

/// What the values of one name can be: one [`Param`], an `Option` or a `Vec` of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be read from a query, header or cookie value",
    label = "not a plain value",
    note = "use `String`, a number, `bool`, a type with `#[derive(sockeye::Param)]`, or an `Option` or `Vec` of those"
)]
pub trait FromValues: Sized + Send + 'static {
    /// Reads all values of the name, in their order.
    fn from_values(values: &[Cow<'_, str>]) -> Result<Self, ValueError>;
}

#[diagnostic::do_not_recommend]
impl<T: Param> FromValues for T {
    fn from_values(values: &[Cow<'_, str>]) -> Result<Self, ValueError> {
        // Of several the last one counts, as in most frameworks.
        match values.last() {
            Some(value) => T::from_param(value).map_err(ValueError::Invalid),
            None => Err(ValueError::Missing { expected: T::expected() }),
        }
    }
}

impl<T: Param> FromValues for Option<T> {
    fn from_values(values: &[Cow<'_, str>]) -> Result<Self, ValueError> {
        values.last().map(|value| T::from_param(value).map_err(ValueError::Invalid)).transpose()
    }
}

impl<T: Param> FromValues for Vec<T> {
    fn from_values(values: &[Cow<'_, str>]) -> Result<Self, ValueError> {
        values.iter().map(|value| T::from_param(value).map_err(ValueError::Invalid)).collect()
    }
}

/// What a path parameter can be: a [`Param`]; for `<rest..>` also a `Vec` of them, one a segment.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a path parameter",
    label = "not a path parameter",
    note = "use `String`, a number, `bool`, a type with `#[derive(sockeye::Param)]`; a `Vec` of those for `<rest..>`",
    note = "a path parameter is always there: it needs no `Option`"
)]
pub trait FromPath: Sized + Send + 'static {
    #[doc(hidden)]
    fn from_segments(segments: &[&str]) -> Result<Self, ParamError>;
}

#[diagnostic::do_not_recommend]
impl<T: Param> FromPath for T {
    fn from_segments(segments: &[&str]) -> Result<Self, ParamError> {
        match segments {
            [one] => T::from_param(one),
            many => T::from_param(&many.join("/")),
        }
    }
}

impl<T: Param> FromPath for Vec<T> {
    fn from_segments(segments: &[&str]) -> Result<Self, ParamError> {
        segments.iter().map(|segment| T::from_param(segment)).collect()
    }
}

impl PathValue {
    pub(crate) fn parse<T: FromPath>(&self) -> Result<T, ParamError> {
        match self {
            Self::One(segment) => T::from_segments(&[segment]),
            Self::Rest(segments) => T::from_segments(&segments.iter().map(String::as_str).collect::<Vec<_>>()),
        }
    }
}
