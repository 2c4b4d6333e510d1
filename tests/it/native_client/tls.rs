//! `wss`, with certificates that are trusted and such that are not.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use sockeye::{Server, TlsConfig, client::Client, prelude::*};
use tokio::net::TcpListener;

use crate::robustness::raw::soon;

#[websocket("/echo")]
async fn echo(mut ws: WebSocket) -> Result<()> {
    loop {
        let text = ws.receive_text().await?;
        ws.send_text(text).await?;
    }
}

/// A server, and its certificate for these names in PEM.
async fn serve(names: &[&str]) -> (Server, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let tls = TlsConfig::from_pem(cert.pem(), signing_key.serialize_pem()).unwrap();
    let server = App::new().route(echo).tls(tls).serve(TcpListener::bind("127.0.0.1:0").await.unwrap());
    (server, cert.pem())
}

fn client(server: &Server, host: &str, pem: &str) -> sockeye::client::Builder {
    let port = server.local_addr().port();
    Client::builder(format!("wss://{host}:{port}/echo")).root_certificates(pem)
}

#[sockeye::test]
async fn trusted_by_name_and_by_address() -> Result<()> {
    let (server, pem) = serve(&["localhost", "127.0.0.1"]).await;
    for host in ["localhost", "127.0.0.1"] {
        let mut client = soon("a connection", client(&server, host, &pem).connect()).await?;
        client.send_text("secret").await?;
        assert_eq!(soon("an echo", client.receive()).await?, Message::from("secret"));
        soon("the end", client.close(1000)).await?;
    }
    Ok(())
}

#[sockeye::test]
async fn what_is_not_trusted_is_not_spoken_to() -> Result<()> {
    let (server, pem) = serve(&["good.example"]).await;
    let (_other, stranger) = serve(&["localhost"]).await;
    for (pem, expected) in [(&pem, "not valid for name"), (&stranger, "invalid peer certificate")] {
        let error = soon("a refusal", client(&server, "localhost", pem).connect()).await.unwrap_err();
        assert!(error.is_offline() && error.to_string().contains(expected), "{error}");
    }
    // The system knows neither.
    let url = format!("wss://localhost:{}/echo", server.local_addr().port());
    let error = soon("a refusal", Client::<Message>::connect(url)).await.unwrap_err();
    assert!(error.is_offline() || error.kind() == sockeye::ErrorKind::Tls, "{error:?}");
    Ok(())
}

#[sockeye::test]
async fn roots_that_are_none_are_refused_at_once() -> Result<()> {
    let (server, _) = serve(&["localhost"]).await;
    for (pem, expected) in [
        ("", "expected PEM"),
        ("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "can't be used"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "can't be used"),
    ] {
        let error = client(&server, "localhost", pem).start().unwrap_err();
        assert!(error.kind() == sockeye::ErrorKind::Tls && error.to_string().contains(expected), "{error}");
    }
    Ok(())
}

/// Neither end finds in the other what it speaks, and the client says so.
#[sockeye::test]
async fn with_and_without_do_not_mix() -> Result<()> {
    let (secure, pem) = serve(&["localhost"]).await;
    let plain = App::new().route(echo).serve(TcpListener::bind("127.0.0.1:0").await?);
    let error = soon("a refusal", client(&plain, "localhost", &pem).connect()).await.unwrap_err();
    assert!(error.is_offline(), "{error}");
    let url = format!("ws://{}/echo", secure.local_addr());
    let error = soon("a refusal", Client::<Message>::connect(url)).await.unwrap_err();
    assert!(error.is_offline(), "{error}");
    Ok(())
}
