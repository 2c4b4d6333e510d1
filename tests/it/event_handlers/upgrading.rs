//! `upgrade`: before there is a peer.

use std::sync::Arc;

use sockeye::{Response, prelude::*};

use super::{Log, next};

struct Name(String);

#[derive(Default)]
struct Gate {
    log: Log,
}

#[websocket("/gate")]
impl Gate {
    async fn upgrade(&self, up: &mut Upgrade, token: Option<String>) -> Result<(), impl IntoResponse> {
        match token.as_deref() {
            None => Err((StatusCode::UNAUTHORIZED, [("x-why", "no token")], "no token")),
            Some("panic") => panic!("at the gate"),
            Some("gone") => {
                up.close(4001, "unauthorized").await.unwrap_or_default();
                Ok(())
            }
            Some("deny") => {
                up.deny(StatusCode::IM_A_TEAPOT).await.unwrap_or_default();
                Ok(())
            }
            Some(token) => {
                up.header("set-cookie", format!("seen={token}"));
                up.extensions().insert(Name(token.to_owned()));
                Ok(())
            }
        }
    }

    async fn open(&self, peer: &Peer) -> Result<()> {
        self.log.note("open");
        let name = peer.extensions().get::<Name>().ok_or_else(|| Error::other("no name"))?;
        peer.send_text(&name.0).await
    }

    async fn close(&self, peer: &Peer) {
        self.log.note("close");
    }
}

fn gate() -> (TestClient, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let handler = Arc::new(Gate::default());
    let log = handler.log.listen();
    (TestClient::new(App::new().route(handler)), log)
}

#[sockeye::test]
async fn it_can_refuse() -> Result<()> {
    let (client, mut log) = gate();
    let refused = client.websocket("/gate").connect().await.expect_denied(401);
    assert_eq!((refused.text(), &refused.headers()["x-why"]), ("no token".into(), &"no token".parse()?));
    client.websocket("/gate?token=deny").connect().await.expect_denied(418);
    let mut ws = client.websocket_connect("/gate?token=gone").await?;
    ws.expect_close(4001).await?;
    assert!(log.try_recv().is_err(), "neither open nor close");
    Ok(())
}

#[sockeye::test]
async fn it_can_add_headers_and_values() -> Result<()> {
    let (client, mut log) = gate();
    let mut ws = client.websocket_connect("/gate?token=Ada").await?;
    assert_eq!(ws.headers()["set-cookie"], "seen=Ada");
    assert_eq!(ws.receive_text().await?, "Ada");
    ws.close(1000).await?;
    assert_eq!((next(&mut log).await, next(&mut log).await), ("open".into(), "close".into()));
    Ok(())
}

#[sockeye::test]
async fn other_returns() -> Result<()> {
    #[derive(Default)]
    struct Plain;

    #[websocket("/plain")]
    impl Plain {
        async fn upgrade(&self, up: &mut Upgrade) {
            up.header("x-a", "1");
        }
    }

    #[derive(Default)]
    struct Never;

    #[websocket("/never")]
    impl Never {
        async fn upgrade(&self, up: &mut Upgrade) -> Result<(), Response> {
            Err(up.uri().to_string().into_response())
        }
    }

    let client = TestClient::new(App::new().route(Plain).route(Never));
    let ws = client.websocket_connect("/plain").await?;
    assert_eq!(ws.headers()["x-a"], "1");
    let refused = client.websocket("/never").connect().await.expect_denied(200);
    assert_eq!(refused.text(), "/never");
    Ok(())
}
