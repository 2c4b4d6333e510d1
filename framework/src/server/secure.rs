//! Connections that are to speak TLS.

use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use super::{accept::asked_to_stop, connection::Caller, http2, wire::Wire};
use crate::tls::Acceptor;

/// What a request without TLS is told, as plainly as it came.
const PLAIN: &str = "This port speaks TLS: write `https://` or `wss://`.
";

/// Makes the TLS handshake, within the time for a request's head, and serves what then comes.
pub(super) async fn serve(stream: TcpStream, start: &[u8], tls: &Acceptor, caller: Caller) {
    let peer = caller.peer;
    if start.first().is_some_and(u8::is_ascii_uppercase) {
        tracing::debug!(%peer, "plain HTTP where TLS is spoken");
        let head = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length:";
        return refuse(stream, format!("{head} {}\r\n\r\n{PLAIN}", PLAIN.len()).as_bytes(), &caller).await;
    }
    let (limit, mut stopped) = (caller.limits().head_timeout, caller.stopping.clone());
    let accepted = tokio::select! {
        // Encrypted from here on, not at all, or too slow.
        accepted = timeout(limit, tls.accept(stream)) => accepted,
        // The server stops: who has asked for nothing gets nothing.
        _ = asked_to_stop(&mut stopped) => return,
    };
    match accepted {
        Ok(Ok((stream, protocol))) => {
            http2::serve_agreed(stream, protocol.as_deref(), Caller { secure: true, ..caller }).await;
        }
        Ok(Err((error, stream))) => {
            tracing::debug!(%peer, %error, "the TLS handshake failed");
            refuse(stream, b"", &caller).await;
        }
        Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
    }
}

/// Closes in an order in which the last bytes arrive, an alert say.
async fn refuse(stream: TcpStream, last: &[u8], caller: &Caller) {
    let mut wire = Wire::unfollowed(stream, Vec::new(), caller.limits().stall_timeout);
    let closing = async {
        wire.write_all(last).await?;
        wire.shutdown().await
    };
    if let Err(error) = closing.await {
        tracing::debug!(%error, "the connection broke before it was closed");
    }
}
