//! What a route may set for itself.

use std::sync::Arc;

use crate::config::{Compression, Limits, Overflow};

/// What happens when a typed socket gets a message that does not parse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Invalid {
    /// A `{"type":"error","data":{"code":"invalid_message","message":…}}` frame goes back, and on we go.
    #[default]
    Reply,
    /// The socket closes with 1007 (1003 for a binary message).
    Close,
    /// The handler gets the error.
    Pass,
}

/// The options of a route; what is `None` comes from the app.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct RouteOptions {
    pub invalid: Invalid,
    pub protocols: &'static [&'static str],
    pub strict_protocol: bool,
    pub max_message: Option<usize>,
    pub max_frame: Option<usize>,
    pub max_body: Option<usize>,
    pub compression: Option<Compression>,
    pub overflow: Option<Overflow>,
    pub tag: Option<&'static str>,
}

impl RouteOptions {
    /// Nothing set.
    pub const DEFAULT: Self = Self {
        invalid: Invalid::Reply,
        protocols: &[],
        strict_protocol: false,
        max_message: None,
        max_frame: None,
        max_body: None,
        compression: None,
        overflow: None,
        tag: None,
    };

    /// The app's limits as this route changes them.
    pub(crate) fn limits(&self, app: &Arc<Limits>) -> Arc<Limits> {
        if self.max_message.is_none() && self.max_frame.is_none() && self.max_body.is_none() {
            return app.clone();
        }
        let mut limits = Limits::clone(app);
        if let Some(max_message) = self.max_message {
            // A message may always come in one frame, unless the route says otherwise.
            (limits.max_message, limits.max_frame) = (max_message, max_message);
        }
        limits.max_frame = self.max_frame.unwrap_or(limits.max_frame);
        limits.max_body = self.max_body.unwrap_or(limits.max_body);
        Arc::new(limits)
    }
}
