//! The user's own messages, which come as a receipt, as a message, or as both.

use std::collections::BTreeSet;

use sockeye::Offset;

/// Messages that are known to be shown.
const MOST: usize = 1000;

#[derive(Debug, Default)]
pub(crate) struct Own(BTreeSet<Offset>);

impl Own {
    /// Whether nothing was shown of it so far.
    pub(crate) fn is_first(&mut self, id: Offset) -> bool {
        let is_first = self.0.insert(id);
        if self.0.len() > MOST {
            self.0.pop_first();
        }
        is_first
    }

    /// The newest.
    pub(crate) fn last(&self) -> Option<Offset> {
        self.0.last().copied()
    }
}
