//! Who is in a room, and the room's name.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sockeye::{Param, ParamError};

/// Characters that a name may have.
const LONGEST_NAME: usize = 64;
/// Bytes that a room's name may have.
const LONGEST_ROOM: usize = 1024;

/// A user, as all others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) user_id: i64,
    pub(crate) username: String,
}

/// How a user wants to be called; nothing, if it is blank.
pub(crate) struct Username(String);

/// The name of a room.
pub(crate) struct RoomId(pub(crate) String);

impl User {
    /// Who gives no name is called by the id.
    pub(crate) fn new(user_id: i64, username: Option<Username>) -> Self {
        let given = username.map(|Username(name)| name).filter(|name| !name.is_empty());
        Self { user_id, username: given.unwrap_or_else(|| format!("user-{user_id}")) }
    }

    /// The id, as the rooms know it.
    pub(crate) fn id(&self) -> String {
        self.user_id.to_string()
    }
}

impl Param for Username {
    fn from_param(value: &str) -> Result<Self, ParamError> {
        let (name, expected) = (value.trim(), Self::expected());
        match name.chars().count() {
            count if count > LONGEST_NAME => Err(ParamError::new(format!("expected {expected}, got {count}"))),
            _ => Ok(Self(name.to_owned())),
        }
    }

    fn expected() -> Cow<'static, str> {
        format!("at most {LONGEST_NAME} characters").into()
    }
}

impl Param for RoomId {
    fn from_param(value: &str) -> Result<Self, ParamError> {
        let expected = Self::expected();
        match value.len() {
            len if len > LONGEST_ROOM => Err(ParamError::new(format!("expected {expected}, got {len}"))),
            _ => Ok(Self(value.to_owned())),
        }
    }

    fn expected() -> Cow<'static, str> {
        format!("at most {LONGEST_ROOM} bytes").into()
    }
}
