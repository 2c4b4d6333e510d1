//! Who may connect, as the environment says.

use std::{env, fmt};

use sockeye::{Error, Origins, Result, Uri};
use subtle::ConstantTimeEq;

/// Who may connect; by default all, but for pages of other origins.
#[derive(Debug, Default)]
pub struct Settings {
    pub(crate) token: Token,
    pub(crate) origins: Origins,
}

/// What clients must name as `?token=`, if anything.
#[derive(Default)]
pub(crate) struct Token(Option<String>);

impl Settings {
    /// What `HUB_TOKEN` and `HUB_ORIGINS` say. An empty variable is as good as none.
    ///
    /// # Errors
    ///
    /// As for [`origins`](Self::origins).
    pub fn from_env() -> Result<Self> {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let settings = Self { token: Token(variable("HUB_TOKEN")), origins: Origins::default() };
        settings.origins(&variable("HUB_ORIGINS").unwrap_or_default())
    }

    /// Clients must name this token.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Token(Some(token.into()));
        self
    }

    /// Pages of these origins may connect too: a list with commas.
    ///
    /// # Errors
    ///
    /// If something in it is no origin.
    pub fn origins(mut self, list: &str) -> Result<Self> {
        let origins: Vec<&str> = list.split(',').map(str::trim).filter(|origin| !origin.is_empty()).collect();
        if let Some(wrong) = origins.iter().find(|origin| !is_origin(origin)) {
            let text = format!(
                "expected HUB_ORIGINS to be a list such as `https://a.example,https://b.example`, got `{wrong}` in it"
            );
            return Err(Error::other(text));
        }
        self.origins = Origins::list(origins);
        Ok(self)
    }
}

/// Scheme, host and perhaps a port.
fn is_origin(text: &str) -> bool {
    let url: Option<Uri> = text.parse().ok();
    url.is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && url.path() == "/"
            && url.query().is_none()
    })
}

impl Token {
    /// Whether a client may come in that names this one. How long that takes says nothing about where the two differ.
    pub(crate) fn admits(&self, named: Option<&str>) -> bool {
        self.0.as_deref().is_none_or(|token| named.unwrap_or_default().as_bytes().ct_eq(token.as_bytes()).into())
    }
}

/// Without the token.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Token").field(&self.0.as_ref().map(|_| "…")).finish()
    }
}
