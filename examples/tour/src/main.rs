//! Serves the tour on `SOCKEYE_ADDR`, by default on 127.0.0.1:8000.

use sockeye::prelude::*;

#[sockeye::main]
async fn main() -> Result<()> {
    // Stdout belongs to the address and to what the handlers print.
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    encrypted(tour::app())?.run().await
}

/// Over TLS, where the environment names a certificate and its key.
#[cfg(feature = "tls")]
fn encrypted(app: App) -> Result<App> {
    match (std::env::var_os("TOUR_CERTIFICATE"), std::env::var_os("TOUR_KEY")) {
        (Some(certificate), Some(key)) => Ok(app.tls(sockeye::TlsConfig::from_files(certificate, key)?)),
        _ => Ok(app),
    }
}

/// Never.
#[cfg(not(feature = "tls"))]
fn encrypted(app: App) -> Result<App> {
    Ok(app)
}
