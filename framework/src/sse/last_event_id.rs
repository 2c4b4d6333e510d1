//! Where a client wants to go on.

use std::{convert::Infallible, str::FromStr};

use ::http::HeaderName;

use crate::extract::{ArgInfo, FromRequest, Request};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The id of the last event that the client has got before it lost the connection: the header `Last-Event-ID`, which
/// `EventSource` sends by itself. Empty at the first connection.
///
/// ```
/// use sockeye::{LastEventId, prelude::*};
///
/// #[get("/next")]
/// async fn next(last: LastEventId) -> String {
///     // Anybody can send anything: what is no number is as good as nothing.
///     format!("{}", last.parse::<u64>().map_or(0, |id| id + 1))
/// }
/// # App::new().route(next).check().unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastEventId(Option<String>);

impl LastEventId {
    /// The id, if there is one of UTF-8.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The id as a `T`, if there is one that can be read so.
    pub fn parse<T: FromStr>(&self) -> Option<T> {
        self.get()?.parse().ok()
    }
}

impl FromRequest for LastEventId {
    type Rejection = Infallible;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, Infallible> {
        // Browsers send it as UTF-8.
        let value = request.headers().get(LAST_EVENT_ID).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
        Ok(Self(value.filter(|id| !id.is_empty()).map(str::to_owned)))
    }
}
