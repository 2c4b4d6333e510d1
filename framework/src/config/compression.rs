//! Whether and how messages are compressed.

/// Whether and how messages are compressed: permessage-deflate (RFC 7692).
///
/// By default a client that offers compression gets it. Messages of 256 bytes and more are then compressed, each by
/// itself, and an idle connection holds nothing for it. [`App::compression`](crate::App::compression) changes that for
/// all sockets, the route option `compression` for one.
///
/// ```
/// use sockeye::{App, Compression};
///
/// let app = App::new().compression(Compression::new().threshold(1024).level(6));
/// # app.check().unwrap();
/// ```
///
/// Without the feature `deflate` every offer is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Compression {
    pub(crate) on: bool,
    pub(crate) takeover: bool,
    pub(crate) window_bits: u8,
    pub(crate) level: u8,
    pub(crate) threshold: usize,
}

impl Compression {
    /// The default: on, without context takeover, from 256 bytes, at level 2.
    pub const fn new() -> Self {
        Self { on: true, takeover: false, window_bits: 15, level: 2, threshold: 256 }
    }

    /// No compression: every offer is declined.
    ///
    /// ```
    /// let app = sockeye::App::new().compression(sockeye::Compression::off());
    /// # app.check().unwrap();
    /// ```
    pub const fn off() -> Self {
        Self { on: false, ..Self::new() }
    }

    /// Whether a message may refer to those before it (RFC 7692 section 7.1.1). By default it may not.
    ///
    /// Messages that resemble each other then become far smaller, but each connection holds what it needs to remember:
    /// some 310 KiB once it has sent a compressed message and up to 32 KiB of what it has received. Fewer
    /// [`window_bits`](Self::window_bits) make it less: 190 KiB in all with 9. A client that asks for the server's part to
    /// be left out gets that.
    pub const fn takeover(mut self, takeover: bool) -> Self {
        self.takeover = takeover;
        self
    }

    /// How far back a message may refer, as the power of two of the bytes (RFC 7692 section 7.1.2). Default 15, which is
    /// 32 KiB.
    ///
    /// It binds what we send. A client is asked for the same if it lets itself be asked, and only with
    /// [`takeover`](Self::takeover): without, its window costs us nothing.
    ///
    /// # Panics
    ///
    /// Outside of `9..=15`.
    pub const fn window_bits(mut self, bits: u8) -> Self {
        assert!(9 <= bits && bits <= 15, "expected window bits from 9 to 15, got others");
        self.window_bits = bits;
        self
    }

    /// The bytes that a message must have to be compressed. Default 256: below that there is little to gain.
    pub const fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// How hard to try, from 0 (not at all) to 9 (the smallest). Default 2: hardly larger than with 6, which is zlib's
    /// default, in half the time.
    ///
    /// # Panics
    ///
    /// Above 9.
    pub const fn level(mut self, level: u8) -> Self {
        assert!(level <= 9, "expected a level from 0 to 9, got a higher one");
        self.level = level;
        self
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new()
    }
}
