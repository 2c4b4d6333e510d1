//! One order for all.

use futures_util::future::join_all;
use sockeye::prelude::*;

use super::{app, join, silent, until};

/// Many senders at once: every member sees the same order, and in it each sender's own.
#[sockeye::test(worker_threads = 4)]
async fn all_members_see_one_order() -> Result<()> {
    const SENDERS: usize = 8;
    const EACH: usize = 100;
    let (app, hub) = silent(App::new());
    let client = TestClient::tcp(app).await?;
    let mut members = Vec::new();
    for _ in 0..20 {
        members.push(client.websocket_connect("/a").await?);
    }
    until("joined", || hub.room("a").len() == 20).await;
    let senders = (0..SENDERS).map(|sender| {
        let room = hub.room("a");
        sockeye::spawn(async move {
            for number in 0..EACH {
                room.broadcast_text(format!("{sender} {number}")).await.unwrap();
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    let received = join_all(members.iter_mut().map(async |ws| {
        let mut texts = Vec::new();
        for _ in 0..SENDERS * EACH {
            texts.push(ws.receive_text().await.unwrap().to_string());
        }
        texts
    }))
    .await;
    for sender in join_all(senders).await {
        sender?;
    }
    for texts in &received {
        assert_eq!(texts, &received[0]);
    }
    for sender in 0..SENDERS {
        let prefix = format!("{sender} ");
        let own: Vec<_> = received[0].iter().filter_map(|text| text.strip_prefix(&prefix)).collect();
        let expected: Vec<_> = (0..EACH).map(|number| number.to_string()).collect();
        assert_eq!(own, expected);
    }
    Ok(())
}

/// A direct message arrives behind the broadcasts that its sender has made before, and before those after it.
#[tokio::test]
async fn direct_messages_keep_their_place() -> Result<()> {
    let app = App::new();
    let hub = app.hub();
    let app = app.websocket("/", move |ws: WebSocket| {
        let hub = hub.clone();
        async move {
            let member = hub.room("a").join_as(&ws, "eve", ()).await?;
            for number in 0..100 {
                member.room().broadcast_text(format!("{number} broadcast")).await?;
                ws.send_text(format!("{number} sent")).await?;
                hub.send_to("eve", &number).await?;
            }
            ws.closed().await;
            Ok::<_, Error>(())
        }
    });
    for client in [TestClient::new(app.clone()), TestClient::tcp(app).await?] {
        let mut ws = client.websocket_connect("/").await?;
        for number in 0..100 {
            assert_eq!(ws.receive_text().await?, format!("{number} broadcast"));
            assert_eq!(ws.receive_text().await?, format!("{number} sent"));
            assert_eq!(ws.receive_text().await?, number.to_string());
        }
        ws.close(1000).await?;
    }
    Ok(())
}

/// Who joins gets what is broadcast from then on.
#[tokio::test]
async fn who_joins_gets_nothing_from_before() -> Result<()> {
    let client = TestClient::new(app());
    let mut one = join(&client, "/rooms/a").await;
    one.send_text("all first").await?;
    assert_eq!(one.receive_text().await?, "first");
    let mut two = join(&client, "/rooms/a").await;
    one.send_text("all second").await?;
    assert_eq!(two.receive_text().await?, "second");
    Ok(())
}

/// A broadcast that was dropped halfway is sent to all or to nobody.
#[tokio::test]
async fn a_broadcast_can_be_cancelled() -> Result<()> {
    let (app, hub) = silent(App::new());
    let client = TestClient::new(app);
    let mut ws = client.websocket_connect("/a").await?;
    until("joined", || hub.room("a").len() == 1).await;
    let room = hub.room("a");
    for number in 0..50 {
        // Polled once at most.
        tokio::select! {
            biased;
            sent = room.broadcast_text(number.to_string()) => sent?,
            () = std::future::ready(()) => panic!("a small broadcast is done at once"),
        }
        drop(room.broadcast_text("never polled"));
    }
    for number in 0..50 {
        assert_eq!(ws.receive_text().await?, number.to_string());
    }
    Ok(())
}
