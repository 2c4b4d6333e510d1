//! How the program ends.

use std::{process::Stdio, time::Instant};

use sockeye::{Result, prelude::*};
use tokio::{net::TcpListener, process::Command};

use super::{
    guest::{Guest, command, soon},
    site::Site,
};

async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", listener.local_addr().expect("its number"))
}

#[sockeye::test(flavor = "multi_thread")]
async fn a_wrong_call_is_2() -> Result<()> {
    for (id, more, expected) in [
        (None, &[][..], "--user-id <USER_ID>"),
        (Some("x"), &[], "invalid value 'x'"),
        (Some("1"), &["--nope"], "unexpected argument"),
        (Some("1"), &["--room", ""], "1 to 1024 bytes"),
        (Some("1"), &["--url", "localhost:8000"], "expected a URL like"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-cli"));
        command.args(more).env_remove("USER_ID").stdin(Stdio::null()).kill_on_drop(true);
        if let Some(id) = id {
            command.env("USER_ID", id);
        }
        let output = soon("the end", command.output()).await?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && errors.contains(expected), "{errors}");
    }
    Ok(())
}

#[sockeye::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_1() -> Result<()> {
    let url = nowhere().await;
    let ended = Guest::new(command(&url, "1", "Ann", &["--once"])).wait().await;
    assert!(ended.code == Some(1) && ended.errors.starts_with("chat-cli: can't connect to 127.0.0.1:"), "{ended:?}");
    assert!(ended.lines.is_empty());
    // Some attempts, with what waits to be said; told once.
    let before = Instant::now();
    let mut guest = Guest::new(command(&url, "1", "Ann", &[]));
    guest.say("hello").await;
    let ended = guest.end().await;
    assert!(ended.code == Some(1) && ended.errors.starts_with("chat-cli: can't connect"), "{ended:?}");
    assert!(before.elapsed().as_secs() < 10);
    let offline = ended.lines.iter().filter(|line| line.starts_with("! offline: can't connect to ")).count();
    assert_eq!(offline, 1, "{:?}", ended.lines);
    Ok(())
}

#[sockeye::test(flavor = "multi_thread")]
async fn a_refusal_is_1() -> Result<()> {
    let site = Site::start().await;
    let name = "x".repeat(65);
    let ended = Guest::new(command(&site.url(), "1", &name, &[])).wait().await;
    assert!(ended.code == Some(1) && ended.errors.contains("the server refused: 422"), "{ended:?}");
    let elsewhere = format!("{}/elsewhere", site.url());
    let ended = Guest::new(command(&elsewhere, "1", "Ann", &[])).wait().await;
    assert!(ended.code == Some(1) && ended.errors.contains("404"), "{ended:?}");
    Ok(())
}

/// It takes what is said and confirms nothing: the program does not claim that it was said.
#[sockeye::test(flavor = "multi_thread")]
async fn what_was_not_confirmed_is_1() -> Result<()> {
    #[websocket("/ws/<_room>")]
    async fn deaf(mut ws: WebSocket, _room: String) -> Result<()> {
        ws.send_text(r#"{"type":"connected","data":{"active_users":[],"new":1}}"#).await?;
        ws.send_text(r#"{"type":"news","data":{}}"#).await?;
        ws.receive_text().await?;
        ws.close(4000).await
    }
    let server = App::new().route(deaf).serve(TcpListener::bind("127.0.0.1:0").await?);
    let mut guest = Guest::new(command(&format!("ws://{}", server.local_addr()), "1", "Ann", &[]));
    guest.expect("connected").await;
    guest.say("hello").await;
    let ended = guest.end().await;
    assert!(ended.code == Some(1) && ended.errors.contains("4000"), "{ended:?}");
    Ok(())
}

/// The server greets and complains each time that it looks for its store: it is shown once, and again when it was back.
#[sockeye::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_told_once() -> Result<()> {
    #[websocket("/ws/<_room>")]
    async fn storeless(mut ws: WebSocket, _room: String) -> Result<()> {
        const AWAY: &str = r#"{"type":"error","data":{"code":"storage_unavailable","message":"no store"}}"#;
        for _ in 0..2 {
            for _ in 0..3 {
                ws.send_text(r#"{"type":"connected","data":{"active_users":[]}}"#).await?;
                ws.send_text(AWAY).await?;
            }
            ws.send_text(r#"{"type":"history","data":{"messages":[],"recovered":true,"more":false}}"#).await?;
        }
        ws.send_text(r#"{"type":"user_left","data":{"user_id":2,"username":"Bob"}}"#).await?;
        ws.closed().await;
        Ok(())
    }
    let server = App::new().route(storeless).serve(TcpListener::bind("127.0.0.1:0").await?);
    let mut guest = Guest::new(command(&format!("ws://{}", server.local_addr()), "1", "Ann", &[]));
    guest.expect("← Bob has gone").await;
    let ended = guest.end().await;
    assert_eq!((ended.code, &*ended.errors), (Some(0), ""));
    let lines: Vec<_> = ended.lines.iter().map(|line| line.split(';').next().unwrap_or_default()).collect();
    assert_eq!(lines, ["connected to lobby", "! no store", "! no store", "← Bob has gone"]);
    Ok(())
}

#[sockeye::test(flavor = "multi_thread")]
async fn a_signal_is_an_orderly_end() -> Result<()> {
    let site = Site::start().await;
    let mut bob = Guest::come(&site.url(), "2", "Bob").await;
    for (id, signal) in [("3", "TERM"), ("4", "INT")] {
        let guest = Guest::come(&site.url(), id, "Cat").await;
        bob.expect("→ Cat has come").await;
        let status = Command::new("kill").arg(format!("-{signal}")).arg(guest.id().to_string()).status().await?;
        assert!(status.success());
        let ended = guest.wait().await;
        assert_eq!((ended.code, &*ended.errors), (Some(0), ""), "{signal}");
        bob.expect("← Cat has gone").await;
    }
    Ok(())
}

/// `chat-cli | head -1`: nobody reads any more.
#[sockeye::test(flavor = "multi_thread")]
async fn an_output_that_is_closed_is_an_end() -> Result<()> {
    let site = Site::start().await;
    let mut bob = Guest::come(&site.url(), "2", "Bob").await;
    let mut ann = command(&site.url(), "1", "Ann", &[]);
    let mut ann = ann.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    bob.expect("→ Ann has come").await;
    drop(ann.stdout.take());
    bob.say("hello").await;
    assert_eq!(soon("the end", ann.wait()).await?.code(), Some(0));
    Ok(())
}
