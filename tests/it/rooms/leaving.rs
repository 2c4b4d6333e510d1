//! However a handler ends, its memberships do.

use std::{sync::Arc, time::Duration};

use sockeye::prelude::*;
use tokio::net::TcpListener;

use super::{Witness, app, join, silent, until};

#[tokio::test]
async fn return_error_panic_and_disconnect_leave() -> Result<()> {
    let app = app();
    let hub = app.hub();
    let client = TestClient::new(app);
    let mut stays = join(&client, "/rooms/a?user=stays").await;
    for end in ["return", "error", "panic", "close", "drop"] {
        let mut ws = join(&client, "/rooms/a?user=goes").await;
        assert_eq!((hub.room("a").len(), hub.stats().active_users), (2, 2));
        match end {
            "close" => ws.close(1000).await?,
            "drop" => drop(ws),
            verb => {
                ws.send_text(verb).await?;
                ws.expect_close(if verb == "return" { 1000 } else { 1011 }).await?;
            }
        }
        until(end, || hub.room("a").len() == 1).await;
        until(end, || hub.stats().active_users == 1).await;
        assert_eq!(hub.room("a").presence().len(), 1, "{end}");
        // Nothing is poisoned.
        stays.send_text(format!("all after {end}")).await?;
        assert_eq!(stays.receive_text().await?, format!("after {end}"));
    }
    Ok(())
}

/// What is aborted at the deadline of a stop leaves too.
#[tokio::test]
async fn cancelling_leaves() -> Result<()> {
    let app = App::new();
    let hub = app.hub();
    let witness = Witness::default();
    let (rooms, held) = (hub.clone(), witness.clone());
    let app = app.websocket("/", move |ws: WebSocket| {
        let (hub, held) = (rooms.clone(), held.clone());
        async move {
            let _member = hub.room("a").join_as(&ws, "eve", ()).await?;
            let _held = held;
            ws.send_text("in").await?;
            std::future::pending::<()>().await;
            Ok::<_, Error>(())
        }
    });
    let server = app.serve(TcpListener::bind("127.0.0.1:0").await?);
    let mut raw = crate::robustness::raw::Raw::open(server.local_addr(), "/").await;
    assert_eq!(raw.frame().await.payload, b"in");
    assert_eq!((hub.room("a").len(), Arc::strong_count(&witness)), (1, 3));
    server.shutdown(Duration::from_millis(50)).await?;
    assert!(hub.rooms().is_empty());
    assert_eq!((hub.stats().active_users, hub.stats().current_connections), (0, 0));
    assert!(Arc::strong_count(&witness) < 3, "the handler was not dropped");
    Ok(())
}

/// An empty room is gone; a handle to it works all the same.
#[tokio::test]
async fn empty_rooms_are_gone() -> Result<()> {
    let (app, hub) = silent(App::new());
    let client = TestClient::new(app);
    let handle = hub.room("a");
    assert!(hub.rooms().is_empty());
    for _ in 0..3 {
        let mut ws = client.websocket_connect("/a").await?;
        until("joined", || handle.len() == 1).await;
        assert_eq!((hub.rooms().len(), hub.stats().total_rooms), (1, 1));
        handle.broadcast_text("hello").await?;
        assert_eq!(ws.receive_text().await?, "hello");
        ws.close(1000).await?;
        until("left", || handle.is_empty()).await;
        assert_eq!((hub.rooms().len(), hub.stats().total_rooms), (0, 0));
    }
    Ok(())
}

/// A member that somebody else holds outlives its connection; it gets nothing, and nothing is counted.
#[tokio::test]
async fn a_member_without_its_connection() -> Result<()> {
    let app = App::new();
    let hub = app.hub();
    let (give, mut given) = tokio::sync::mpsc::unbounded_channel();
    let rooms = hub.clone();
    let app = app.websocket("/", move |ws: WebSocket| {
        let (hub, give) = (rooms.clone(), give.clone());
        async move {
            give.send(hub.room("a").join(&ws).await?)?;
            ws.closed().await;
            Ok::<_, Error>(())
        }
    });
    let client = TestClient::new(app);
    let mut ws = client.websocket_connect("/").await?;
    let member = given.recv().await.expect("a member");
    ws.close(1000).await?;
    until("closed", || hub.stats().current_connections == 0).await;
    member.room().broadcast_text("to nobody").await?;
    let stats = member.room().stats();
    assert_eq!((stats.connections, stats.messages, stats.messages_sent, stats.messages_lost), (1, 1, 0, 0));
    assert_eq!(member.lost(), 0);
    member.leave();
    assert!(hub.rooms().is_empty());
    Ok(())
}

/// Who has gone can't join.
#[tokio::test]
async fn a_closed_socket_does_not_join() -> Result<()> {
    let app = App::new();
    let hub = app.hub();
    let (give, mut given) = tokio::sync::mpsc::unbounded_channel();
    let rooms = hub.clone();
    let app = app.websocket("/", move |ws: WebSocket| {
        let (hub, give) = (rooms.clone(), give.clone());
        async move {
            ws.close(1000).await?;
            give.send(hub.room("a").join(&ws).await.map(drop))?;
            Ok::<_, Error>(())
        }
    });
    let client = TestClient::new(app);
    let mut ws = client.websocket_connect("/").await?;
    ws.expect_close(1000).await?;
    assert!(given.recv().await.expect("a result").unwrap_err().is_disconnect());
    assert!(hub.rooms().is_empty());
    Ok(())
}
