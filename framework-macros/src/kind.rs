//! The kinds of handlers, each with an attribute of its own.

/// What a handler serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    WebSocket,
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Kind {
    pub(crate) const ALL: [Kind; 6] = [Kind::WebSocket, Kind::Get, Kind::Post, Kind::Put, Kind::Patch, Kind::Delete];

    /// The name of the attribute.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::WebSocket => "websocket",
            Kind::Get => "get",
            Kind::Post => "post",
            Kind::Put => "put",
            Kind::Patch => "patch",
            Kind::Delete => "delete",
        }
    }

    /// The attribute as it stands in a message.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Kind::WebSocket => "`#[websocket]`",
            Kind::Get => "`#[get]`",
            Kind::Post => "`#[post]`",
            Kind::Put => "`#[put]`",
            Kind::Patch => "`#[patch]`",
            Kind::Delete => "`#[delete]`",
        }
    }

    /// The variant of the runtime's `HttpMethod`; none for a socket.
    pub(crate) fn method(self) -> Option<&'static str> {
        match self {
            Kind::WebSocket => None,
            Kind::Get => Some("Get"),
            Kind::Post => Some("Post"),
            Kind::Put => Some("Put"),
            Kind::Patch => Some("Patch"),
            Kind::Delete => Some("Delete"),
        }
    }

    pub(crate) fn is_socket(self) -> bool {
        self == Kind::WebSocket
    }

    /// The kind that an attribute's path names: `get` as well as `sockeye::get`.
    pub(crate) fn of(path: &syn::Path) -> Option<Kind> {
        let last = path.segments.last()?;
        if !last.arguments.is_empty() {
            return None;
        }
        Kind::ALL.into_iter().find(|kind| last.ident == kind.word())
    }
}
