//! Where a client connects to.

use ::http::Uri;

use crate::error::{Error, Result};

/// A URL of a socket, taken apart (RFC 6455 section 3).
#[derive(Debug)]
pub(super) struct Target {
    pub(super) secure: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    /// Host and port as they were given.
    authority: String,
    path: String,
    query: String,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self> {
        let wrong = |got: &str| Error::other(format!("expected a URL like `wss://example.com/path`, got {got}"));
        // The query may hold a token.
        let shown = url.split('?').next().unwrap_or_default();
        // `Uri` would take it off.
        if url.contains('#') {
            return Err(wrong("one with a fragment, which no socket has"));
        }
        let secure = match url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase()).as_deref() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            _ => return Err(wrong(&format!("{shown:?}, which does not begin with `ws://` or `wss://`"))),
        };
        let uri: Uri = url.parse().map_err(|error| wrong(&format!("{shown:?}: {error}")))?;
        let authority = uri.authority().ok_or_else(|| wrong("one without a host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("one with a user: give what the server wants in a header"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong("one without a host"));
        }
        // What follows the host can't be left out of the check: `Uri` takes `:99999` for no port.
        let port = authority.as_str().strip_prefix(authority.host()).and_then(|port| port.strip_prefix(':'));
        let port = match port {
            Some(port) => port.parse().map_err(|_| wrong(&format!("the port `{port}`")))?,
            None if secure => 443,
            None => 80,
        };
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        if form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "since") {
            return Err(wrong("one with `since`, which `Builder::since` gives"));
        }
        Ok(Self {
            secure,
            host: host.to_owned(),
            port,
            authority: authority.to_string(),
            path: path.to_owned(),
            query: query.to_owned(),
        })
    }

    /// With more in the query.
    pub(super) fn uri<'p>(&self, more: impl IntoIterator<Item = &'p (String, String)>) -> Result<Uri, ::http::Error> {
        let more = form_urlencoded::Serializer::new(String::new()).extend_pairs(more).finish();
        let mark = if self.query.is_empty() && more.is_empty() { "" } else { "?" };
        let and = if self.query.is_empty() || more.is_empty() { "" } else { "&" };
        Uri::builder()
            .scheme(if self.secure { "wss" } else { "ws" })
            .authority(&*self.authority)
            .path_and_query(format!("{}{mark}{}{and}{more}", self.path, self.query))
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_urls_are_taken_apart() {
        for (url, secure, host, port, uri) in [
            ("ws://a", false, "a", 80, "ws://a/?q=1%262"),
            ("http://a:8000/x?y", false, "a", 8000, "ws://a:8000/x?y&q=1%262"),
            ("WSS://a/x?", true, "a", 443, "wss://a/x?q=1%262"),
            ("https://[::1]:9/%20?a=b&c", true, "::1", 9, "wss://[::1]:9/%20?a=b&c&q=1%262"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!((target.secure, &*target.host, target.port), (secure, host, port), "{url}");
            assert_eq!(target.uri(&[("q".into(), "1&2".into())]).unwrap(), uri);
        }
        assert_eq!(Target::parse("ws://a/x").unwrap().uri([]).unwrap(), "ws://a/x");
    }

    #[test]
    fn bad_urls_say_what_was_expected() {
        for (url, expected) in [
            ("", "`ws://`"),
            ("localhost:8000/ws", "`ws://`"),
            ("/ws", "`ws://`"),
            ("ftp://a/", "`ws://`"),
            ("ws:///x", "expected a URL"),
            ("ws://a/#x", "a fragment"),
            ("ws://ann:secret@a/", "a header"),
            ("ws://a:99999/", "the port `99999`"),
            ("ws://a:/", "the port ``"),
            ("ws://a b/", "invalid"),
            ("ws://[::1/", "expected a URL"),
            ("ws://a/?x=1&since=3", "`Builder::since`"),
            ("ws://a/\u{1b}[31m", "expected a URL"),
        ] {
            let error = Target::parse(url).unwrap_err().to_string();
            assert!(error.contains(expected) && error.starts_with("expected a URL"), "{url:?}: {error}");
        }
    }
}
