//! Where a server is, and who we are there.

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

use crate::error::{Error, Result};

/// A server, and the credentials of its URL.
pub(super) struct Address {
    /// Without the credentials: the library puts it into logs.
    server: ServerAddr,
    user: Option<String>,
    password: Option<String>,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self> {
        let unfit = |problem: &str| {
            Error::broker(format!(
                "expected `nats://[user:password@]host[:port]` or `tls://…`, got something else: {problem}"
            ))
        };
        let server: ServerAddr = url.parse().map_err(|error: std::io::Error| unfit(&error.to_string()))?;
        if !matches!(server.scheme(), "nats" | "tls") || server.host().is_empty() {
            return Err(unfit("there is no host, or another scheme"));
        }
        let decoded = |text: &str| match percent_decode_str(text).decode_utf8() {
            Ok(text) => Ok(text.into_owned()),
            Err(_) => Err(unfit("user and password are not UTF-8")),
        };
        let (user, password) =
            (server.username().map(decoded).transpose()?, server.password().map(decoded).transpose()?);
        let mut url = server.into_inner();
        let bare = url.set_username("").and_then(|()| url.set_password(None));
        bare.map_err(|()| unfit("there is no host"))?;
        let server = ServerAddr::from_url(url).map_err(|error| unfit(&error.to_string()))?;
        Ok(Self { server, user, password })
    }

    pub(super) fn server(&self) -> &ServerAddr {
        &self.server
    }

    /// What may be logged.
    pub(super) fn public(&self) -> String {
        let (host, port) = (self.server.host(), self.server.port());
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    pub(super) fn log_in(&self, options: ConnectOptions) -> ConnectOptions {
        match (&self.user, &self.password) {
            (Some(user), Some(password)) => options.user_and_password(user.clone(), password.clone()),
            (Some(token), None) => options.token(token.clone()),
            (None, _) => options,
        }
    }
}

/// An address that refuses every connection, at once: there is no port 0.
pub(super) fn nowhere() -> ServerAddr {
    "nats://127.0.0.1:0".parse().expect("an address and a port are a URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_credentials_apart() {
        let cases = [
            ("nats://host", "host:4222", None, None),
            ("host:1", "host:1", None, None),
            ("tls://[::1]:7", "[::1]:7", None, None),
            ("nats://me:p%40ss@host", "host:4222", Some("me"), Some("p@ss")),
            ("nats://t%2Foken@host", "host:4222", Some("t/oken"), None),
        ];
        for (url, public, user, password) in cases {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.public(), public, "{url}");
            assert_eq!((address.user.as_deref(), address.password.as_deref()), (user, password), "{url}");
            let logged = address.server.as_url_str();
            assert!(!logged.contains("ss@") && !logged.contains("oken"), "{logged}");
        }
    }

    #[test]
    fn says_what_it_expects_and_no_password() {
        for url in ["", "nats://", "http://host", "ws://host", "nats://me:hunter2@host:port", "nats://%ff@host"] {
            let Err(error) = Address::parse(url) else { panic!("{url}") };
            assert!(error.is_broker(), "{url}");
            let text = error.to_string();
            assert!(text.starts_with("expected `nats://[user") && !text.contains("hunter2"), "{url}: {text}");
        }
    }
}
