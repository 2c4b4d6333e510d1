//! What is offered and what is answered; the whole table is beside the code, `negotiate/tests.rs`.

use sockeye::{Compression, prelude::*};
use tokio::net::TcpListener;

use super::client::{Client, FIN, RSV1, TEXT, frame, serve, text};

const PLAIN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

#[tokio::test]
async fn offers_are_answered() {
    let server = serve(Compression::new()).await;
    let hundred = "permessage-deflate; unknown, ".repeat(100) + "permessage-deflate; server_max_window_bits=8";
    let ten_bits = format!("{PLAIN}; server_max_window_bits=10");
    for (offers, answer) in [
        (&[][..], None),
        // What browsers, Node's `ws` and Python's `websockets` send.
        (&["permessage-deflate; client_max_window_bits"], Some(PLAIN)),
        (&["permessage-deflate; server_max_window_bits=10"], Some(&ten_bits)),
        (&["permessage-deflate; server_max_window_bits=8"], None),
        (&["permessage-deflate; server_max_window_bits=7, permessage-deflate"], Some(PLAIN)),
        (&["x-webkit-deflate-frame", "permessage-deflate"], Some(PLAIN)),
        (&["permessage-deflate; client_no_context_takeover; client_no_context_takeover"], None),
        (&["permessage-deflate; server_max_window_bits=\"10"], None),
        (&[&hundred], None),
        (&[&hundred, "permessage-deflate"], Some(PLAIN)),
    ] {
        let mut client = Client::open(&server, "/echo", offers).await;
        assert_eq!(client.answer.as_deref(), answer, "{offers:?}");
        // What was declined is not used, and what was not agreed on may not be.
        let payload = text(1_000, 1);
        client.send_bytes(&frame(FIN | TEXT, &payload)).await;
        assert_eq!(client.receive().await, (TEXT, payload, answer.is_some()), "{offers:?}");
        if answer.is_none() {
            client.send_bytes(&frame(FIN | RSV1 | TEXT, &[0])).await;
            assert_eq!(client.closed().await, 1002, "{offers:?}");
        }
    }
}

#[tokio::test]
async fn compression_can_be_off() {
    let server = serve(Compression::off()).await;
    assert_eq!(Client::open(&server, "/echo", &["permessage-deflate"]).await.answer, None);
}

#[websocket("/on", compression)]
async fn on(mut ws: WebSocket) -> Result<()> {
    ws.receive_text().await.map(drop)
}

#[websocket("/off", compression = false)]
async fn off(mut ws: WebSocket) -> Result<()> {
    ws.receive_text().await.map(drop)
}

const SMALL: Compression = Compression::new().takeover(true).window_bits(9);

#[websocket("/own", compression = SMALL)]
async fn own(mut ws: WebSocket) -> Result<()> {
    ws.receive_text().await.map(drop)
}

#[tokio::test]
async fn a_route_has_its_own() {
    for ours in [Compression::new(), Compression::off()] {
        let app = App::new().compression(ours).route(on).route(off).route(own);
        let server = app.serve(TcpListener::bind("127.0.0.1:0").await.expect("can't bind"));
        let small = "permessage-deflate; server_max_window_bits=9";
        for (path, answer) in [("/on", Some(PLAIN)), ("/off", None), ("/own", Some(small))] {
            let client = Client::open(&server, path, &["permessage-deflate"]).await;
            assert_eq!(client.answer.as_deref(), answer, "{path}");
        }
    }
}
