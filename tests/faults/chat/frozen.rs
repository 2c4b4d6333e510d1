//! SIGSTOP, and SIGCONT much later: nobody is cut off for what could not be heard.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, future::try_join_all, stream};
use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

use crate::chat::{
    Scratch, alone,
    client::Plan,
    is_whole,
    load::Load,
    node::Node,
    size,
    socket::{Came, Event, Lost, Socket},
};

/// Sockets whose pongs wait when the chat goes on: more than a runtime hears of at a time.
const SILENT: usize = 3000;
const IN_A_ROOM: usize = 50;
const AT_ONCE: usize = 64;
/// From a ping until the end.
const PONG_TIMEOUT: Duration = Duration::from_secs(20);

/// Sockets stay, and what was said meanwhile is stored and heard.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_cut_off() -> Result<()> {
    alone(Duration::from_secs(200), async {
        let scratch = Scratch::new();
        let node = Node::on_sqlite(&scratch.0)?;
        let mut load = Load::start(Plan { pause: Duration::from_millis(50), ..Plan::new(&[node.addr]) });
        load.all_in(Duration::from_secs(10)).await?;
        for _ in 0..size(1, 2) {
            load.talk(Duration::from_millis(500)).await?;
            node.stop();
            load.talk(Duration::from_secs(size(3, 60))).await?;
            node.cont();
        }
        load.talk(Duration::from_millis(500)).await?;
        let report = load.settle(node.addr, Duration::from_secs(20)).await?;
        println!("{report}");
        ensure!(report.lost.is_empty(), "some were cut off: {:?}", report.lost);
        Ok(())
    })
    .await
}

/// A pong that has come in time is heard in time, however late the chat looks.
#[tokio::test(flavor = "multi_thread")]
async fn pongs_that_wait_count() -> Result<()> {
    if !is_whole() {
        eprintln!("SKIPPED: takes a minute; scripts/faults has it");
        return Ok(());
    }
    alone(Duration::from_secs(120), async {
        let scratch = Scratch::new();
        let node = Node::on_sqlite(&scratch.0)?;
        let opening = stream::iter(0..SILENT).map(|number| enter(&node, number)).buffer_unordered(AT_ONCE);
        let sockets: Vec<_> = opening.collect().await;
        let (pinged, mut pings) = mpsc::channel(SILENT);
        let (is_stopped, stopped) = watch::channel(false);
        let answers =
            sockets.into_iter().map(|socket| tokio::spawn(answer_late(socket, pinged.clone(), stopped.clone())));
        let answers: Vec<_> = answers.collect();
        for _ in 0..SILENT {
            pings.recv().await.context("nobody waits for a ping any more")?;
        }
        node.stop();
        is_stopped.send(true)?;
        sleep(PONG_TIMEOUT + Duration::from_secs(5)).await;
        node.cont();
        let lost: Vec<_> = try_join_all(answers).await?.into_iter().filter_map(Result::err).collect();
        ensure!(lost.is_empty(), "{} of {SILENT} are lost: {:?}", lost.len(), lost.first());
        Ok(())
    })
    .await
}

/// A member that is up to date.
async fn enter(node: &Node, number: usize) -> Result<Socket, Lost> {
    let mut socket = Socket::open(node.addr, &(number / IN_A_ROOM).to_string(), number as u64, None).await?;
    loop {
        if let Came::Event(Event::History { .. }) = socket.next().await? {
            return Ok(socket);
        }
    }
}

/// Waits for a ping, and answers it when the chat has been stopped. Asks something when it goes on.
async fn answer_late(
    socket: Result<Socket, Lost>,
    pinged: mpsc::Sender<()>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Lost> {
    let mut socket = socket?;
    socket.ping().await?;
    pinged.send(()).await.expect("somebody counts");
    stopped.wait_for(|stopped| *stopped).await.expect("somebody stops it");
    socket.send(&json!({ "type": "ping" })).await?;
    loop {
        if let Came::Event(Event::Pong) = socket.next().await? {
            return Ok(());
        }
    }
}
