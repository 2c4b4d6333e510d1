//! How far the users of a room have read.

use super::{
    Room,
    live::{MAX_NAME, check_len},
};
use crate::{
    error::Result,
    history::{Cursor, History, Offset},
};

impl Room {
    /// Notes that a user has read the room up to an offset, and gives where the user is now.
    ///
    /// Cursors are stored in the [`History`](crate::History). They only go forward, and never beyond the room's last
    /// offset: [`Cursor::advanced`](crate::Cursor::advanced) says whether there is news for the others. Nobody else is told
    /// by this call. Done when the store has it for good.
    ///
    /// # Errors
    ///
    /// If the app has no history, or the cursor could not be stored ([`Error::is_storage`](crate::Error::is_storage)). If
    /// the room's or the user's name has more than 1 KiB.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the cursor was stored or not.
    ///
    /// ```test_harness
    /// use sockeye::{MemoryHistory, Offset, prelude::*};
    ///
    /// #[sockeye::test]
    /// async fn only_goes_forward() -> Result<()> {
    ///     let room = App::new().history(MemoryHistory::new()).hub().room("tea");
    ///     for text in ["one", "two", "three"] {
    ///         room.publish(text).await?;
    ///     }
    ///     assert!(room.mark_read("ann", 2).await?.advanced);
    ///     assert!(!room.mark_read("ann", 1).await?.advanced);
    ///     assert_eq!(room.mark_read("ann", 9).await?.offset, Offset::new(3));
    ///     assert_eq!(room.read_cursors().await?, [("ann".to_owned(), Offset::new(3))]);
    ///     Ok(())
    /// }
    /// ```
    pub async fn mark_read(&self, user: &str, offset: impl Into<Offset>) -> Result<Cursor> {
        self.live.check_name()?;
        check_len("a user's name", user, MAX_NAME)?;
        self.live.registry.history()?.mark_read(&self.live.name, user, offset.into()).await
    }

    /// How far the users have read who have read anything: those who are furthest first. At most 10,000 of them.
    ///
    /// # Errors
    ///
    /// Those of [`mark_read`](Self::mark_read).
    pub async fn read_cursors(&self) -> Result<Vec<(String, Offset)>> {
        self.live.check_name()?;
        self.live.registry.history()?.cursors(&self.live.name).await
    }
}
