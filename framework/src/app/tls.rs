//! What the feature `tls` adds to `App`.

use super::App;
use crate::tls::TlsConfig;

impl App {
    /// Serves over TLS: [`run`](Self::run) and [`serve`](Self::serve) then speak `https` and `wss` only, and HTTP/2 too
    /// where the feature `http2` is on. As a tower service, and for a [`TestClient`](crate::TestClient), the app is as it
    /// was without.
    ///
    /// A handshake has [`Limits::head_timeout`](crate::Limits::head_timeout), and its first byte
    /// [`Limits::first_byte_timeout`](crate::Limits::first_byte_timeout). [`TlsConfig`] has an example.
    pub fn tls(self, config: TlsConfig) -> Self {
        self.with(|app| app.tls = Some(config))
    }
}
