//! PostgreSQL is killed, hangs, is cut off, is busy: nothing is acknowledged that is not there, nothing is there twice, and
//! it goes on by itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    time::{Duration, Instant},
};

use sockeye::{Draft, History, Offset, PostgresHistory, PostgresOptions, RoomOptions, Span, prelude::*, time::sleep};
use sockeye_tests::{proxy::Proxy, services::Service};
use tokio::task::{JoinHandle, block_in_place};
use tokio_postgres::NoTls;

#[websocket("/join/<room>")]
async fn join(ws: WebSocket, room: String, hub: Hub) -> Result<()> {
    let _member = hub.room(&room).join(&ws).await?;
    ws.closed().await;
    Ok(())
}

fn connect(port: u16, patience: Duration) -> Result<PostgresHistory> {
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    PostgresHistory::connect_with(&url, PostgresOptions::new().patience(patience).connections(4))
}

/// A room over this history, and a member that keeps what it gets up to the text `end`.
async fn room_and_member(history: &PostgresHistory) -> Result<(Room, JoinHandle<Result<Vec<(u64, String)>>>)> {
    let rooms = RoomOptions::new().render(|stored| (stored.offset, stored.json::<String>().unwrap_or_default()));
    let app = App::new().history(history.clone()).rooms(rooms).route(join);
    let room = app.hub().room("a");
    let mut member = TestClient::new(app).patience(Duration::from_secs(60)).websocket_connect("/join/a").await?;
    until("a member", async || room.len() == 1).await;
    // From here on the room knows its place in the store.
    room.publish("begin").await?;
    let member = tokio::spawn(async move {
        let mut got = Vec::new();
        loop {
            got.push(member.receive_json::<(u64, String)>().await?);
            if got.last().is_some_and(|(_, text)| text == "end") {
                return Ok(got);
            }
        }
    });
    Ok((room, member))
}

async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    for _ in 0..2000 {
        if is_so().await {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain for {what}");
}

/// Asks again until it is told that the message is stored.
async fn insist(room: &Room, key: &str) -> Result<Offset> {
    loop {
        match room.publish_keyed(key, key).await {
            Ok(appended) => return Ok(appended.stored.offset),
            Err(error) if error.is_storage() => sleep(Duration::from_millis(20)).await,
            Err(error) => return Err(error),
        }
    }
}

/// Publishers that insist, on so many messages each. Gives the offsets that they were told.
fn insisting(room: &Room, publishers: usize, each: usize) -> Vec<JoinHandle<Result<BTreeMap<String, u64>>>> {
    let publish = |publisher| {
        let room = room.clone();
        tokio::spawn(async move {
            let mut told = BTreeMap::new();
            for number in 0..each {
                let key = format!("{publisher}/{number}");
                told.insert(key.clone(), insist(&room, &key).await?.get());
            }
            Ok(told)
        })
    };
    (0..publishers).map(publish).collect()
}

async fn all(told: Vec<JoinHandle<Result<BTreeMap<String, u64>>>>) -> Result<BTreeMap<String, u64>> {
    let mut all = BTreeMap::new();
    for told in told {
        all.extend(told.await??);
    }
    Ok(all)
}

/// What the store has, which has no gap and nothing twice, and each message where its publisher was told.
async fn whole(history: &PostgresHistory, told: &BTreeMap<String, u64>) -> Result<Vec<(u64, String)>> {
    let (mut kept, mut span) = (Vec::new(), Span::After(Offset::START));
    loop {
        let page = history.read("a", span, 1000).await?;
        for stored in &page.messages {
            kept.push((stored.offset.get(), stored.json()?));
        }
        if !page.more {
            break;
        }
        span = page.next(span);
    }
    assert!(kept.iter().map(|(offset, _)| *offset).eq(1..=kept.len() as u64));
    let texts: BTreeSet<_> = kept.iter().map(|(_, text)| text).collect();
    assert_eq!(texts.len(), kept.len(), "some are there twice");
    for (text, offset) in told {
        assert_eq!(&kept[*offset as usize - 1].1, text);
    }
    Ok(kept)
}

/// Names the first place that differs, rather than thousands that do not.
fn same(got: &[(u64, String)], expected: &[(u64, String)]) {
    let differs = got.iter().zip(expected).find(|(got, expected)| got != expected);
    assert_eq!(differs, None);
    assert_eq!(got.len(), expected.len());
}

#[sockeye::test(flavor = "multi_thread")]
async fn killed_and_restarted_under_load() -> Result<()> {
    let mut server = Service::start("postgres");
    let history = connect(server.port(), Duration::from_secs(2))?;
    let (room, member) = room_and_member(&history).await?;
    let publishers = insisting(&room, 8, 150);
    for _ in 0..3 {
        sleep(Duration::from_millis(150)).await;
        block_in_place(|| server.kill());
        assert!(history.check().await.unwrap_err().is_storage());
        sleep(Duration::from_millis(200)).await;
        block_in_place(|| server.restart());
        until("the store", async || history.check().await.is_ok()).await;
    }
    let told = all(publishers).await?;
    assert_eq!(told.len(), 8 * 150);
    insist(&room, "end").await?;
    let kept = whole(&history, &told).await?;
    assert_eq!(kept.len(), told.len() + 2);
    same(&member.await??, &kept);
    Ok(())
}

/// A server that hangs: each who waits is told in time, and nothing piles up.
#[sockeye::test(flavor = "multi_thread")]
async fn stopped_and_continued() -> Result<()> {
    const PUBLISHERS: usize = 2000;
    let mut server = Service::start("postgres");
    let history = connect(server.port(), Duration::from_millis(500))?;
    let (room, member) = room_and_member(&history).await?;
    server.stop();
    let begin = Instant::now();
    let publish = |number: usize| {
        let room = room.clone();
        tokio::spawn(async move { room.publish_keyed(&number.to_string(), &number.to_string()).await })
    };
    let mut publishers = (0..PUBLISHERS).map(publish).collect::<Vec<_>>().into_iter();
    // The connection that there is is to be theirs: what has been sent over it is what nobody knows about. So the check
    // comes when one of them has been told.
    let mut told = vec![publishers.next().expect("a publisher").await?];
    let asked = Instant::now();
    let error = history.check().await.unwrap_err();
    assert!(error.is_storage() && asked.elapsed() < Duration::from_secs(4), "{error}");
    for publisher in publishers {
        told.push(publisher.await?);
    }
    let mut unknown = 0;
    for told in told {
        let error = told.unwrap_err();
        assert!(error.is_storage());
        unknown += usize::from(error.to_string().contains("nobody knows"));
    }
    // 5 s in the lane, and 2 s with the store.
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert!(unknown > 0);
    server.cont();
    let mut told = BTreeMap::new();
    for number in 0..PUBLISHERS {
        let key = number.to_string();
        told.insert(key.clone(), insist(&room, &key).await?.get());
    }
    insist(&room, "end").await?;
    let kept = whole(&history, &told).await?;
    assert_eq!(kept.len(), PUBLISHERS + 2);
    same(&member.await??, &kept);
    Ok(())
}

/// The commit is done, its answer never comes: the error says that nobody knows, and asking again gives what is there.
#[sockeye::test(flavor = "multi_thread")]
async fn cut_between_commit_and_answer() -> Result<()> {
    let server = Service::start("postgres");
    let direct = connect(server.port(), Duration::from_secs(2))?;
    let proxy = Proxy::start(server.port(), 1).await?;
    let history = connect(proxy.port(), Duration::from_secs(2))?;
    let (room, member) = room_and_member(&history).await?;
    let head = async || Ok::<_, Error>(direct.heads(&["a".into()]).await?[0].get());
    for offset in [2, 3, 4] {
        let key = format!("key {offset}");
        proxy.mute(true);
        let publishing = tokio::spawn({
            let (room, key) = (room.clone(), key.clone());
            async move { room.publish_keyed(&key, &key).await }
        });
        until("the commit", async || head().await.is_ok_and(|head| head == offset)).await;
        proxy.cut();
        let error = publishing.await?.unwrap_err();
        assert!(error.is_storage() && error.to_string().contains("nobody knows whether it was stored"), "{error}");
        proxy.mute(false);
        let again = room.publish_keyed(&key, &key).await?;
        assert_eq!((again.stored.offset.get(), again.is_new), (offset, false));
    }
    insist(&room, "end").await?;
    let kept = whole(&direct, &BTreeMap::new()).await?;
    assert_eq!(kept.len(), 5);
    same(&member.await??, &kept);
    Ok(())
}

#[sockeye::test(flavor = "multi_thread")]
async fn cut_again_and_again_under_load() -> Result<()> {
    let server = Service::start("postgres");
    let proxy = Proxy::start(server.port(), 2).await?;
    let history = connect(proxy.port(), Duration::from_millis(500))?;
    let (room, member) = room_and_member(&history).await?;
    let publishers = insisting(&room, 8, 150);
    let mut cuts = 0;
    while !publishers.iter().all(JoinHandle::is_finished) {
        // Now with answers that were on their way, now without.
        proxy.mute(cuts % 2 == 0);
        sleep(Duration::from_millis(5 + cuts % 7 * 3)).await;
        proxy.cut();
        proxy.mute(false);
        sleep(Duration::from_millis(20 + cuts % 5 * 10)).await;
        cuts += 1;
    }
    assert!(cuts > 3);
    let told = all(publishers).await?;
    insist(&room, "end").await?;
    let kept = whole(&history, &told).await?;
    assert_eq!(kept.len(), told.len() + 2);
    same(&member.await??, &kept);
    Ok(())
}

async fn append(history: &PostgresHistory, room: &str) -> Result<Offset> {
    Ok(history.append(room, vec![Draft::new(Message::text("x"))]).await?[0].stored.offset)
}

/// Who finds no connection is told so, while another waits for its answer.
#[sockeye::test(flavor = "multi_thread")]
async fn all_connections_are_busy() -> Result<()> {
    let server = Service::start("postgres");
    let proxy = Proxy::start(server.port(), 3).await?;
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port());
    let options = PostgresOptions::new().patience(Duration::from_millis(500)).connections(1);
    let history = PostgresHistory::connect_with(&url, options)?;
    append(&history, "a").await?;
    proxy.mute(true);
    let begin = Instant::now();
    let (busy, crowded) = tokio::join!(append(&history, "a"), async {
        sleep(Duration::from_millis(50)).await;
        append(&history, "b").await
    });
    let (busy, crowded) = (busy.unwrap_err(), crowded.unwrap_err());
    assert!(busy.to_string().contains("nobody knows"), "{busy}");
    assert!(crowded.to_string().contains("can't store: expected a connection"), "{crowded}");
    assert!(crowded.to_string().contains("1 of 1 are in use"), "{crowded}");
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    proxy.mute(false);
    // It was stored after all; the other was not.
    assert_eq!((append(&history, "a").await?, append(&history, "b").await?), (Offset::new(3), Offset::new(1)));
    Ok(())
}

/// Somebody else holds the lock of a room: who waits for it has stored nothing, and others do not wait.
#[sockeye::test(flavor = "multi_thread")]
async fn a_room_is_locked() -> Result<()> {
    let server = Service::start("postgres");
    let history = connect(server.port(), Duration::from_millis(500))?;
    append(&history, "a").await?;
    let (other, connection) = tokio_postgres::connect(server.url(), NoTls).await?;
    let connection = tokio::spawn(connection);
    other.batch_execute("BEGIN; SELECT * FROM sockeye_room FOR UPDATE").await?;
    let error = append(&history, "a").await.unwrap_err();
    assert!(error.is_storage() && error.to_string().contains("can't store: canceling statement"), "{error}");
    assert_eq!(append(&history, "b").await?, Offset::new(1));
    other.batch_execute("ROLLBACK").await?;
    assert_eq!(append(&history, "a").await?, Offset::new(2));
    drop(other);
    Ok(connection.await??)
}
