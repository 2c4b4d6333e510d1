//! No connection: what is said then.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use sockeye::{App, Error, NatsBroker, RedisBroker, Result, broker::Broker};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use sockeye_tests::services::Service;

use super::free_port;

/// Fails, in time, and does not say the password.
async fn refusal(broker: impl Broker) -> (Error, Duration) {
    let begin = Instant::now();
    let error = super::soon(broker.connect()).await.expect_err("it can't connect");
    assert!(error.is_broker(), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    (error, begin.elapsed())
}

#[track_caller]
fn assert_says(error: &Error, expected: &[&str]) {
    let text = error.to_string();
    for part in expected {
        assert!(text.contains(part), "expected {part:?} in {text:?}");
    }
}

#[sockeye::test]
async fn nobody_listens() -> Result<()> {
    let port = free_port();
    let (error, took) = refusal(RedisBroker::new(&format!("redis://:hunter2@127.0.0.1:{port}"))?).await;
    assert_says(&error, &[&format!("can't connect to Redis at 127.0.0.1:{port}: "), "refused"]);
    assert!(took < Duration::from_secs(1));
    let (error, took) = refusal(NatsBroker::new(&format!("nats://me:hunter2@127.0.0.1:{port}"))?).await;
    assert_says(&error, &[&format!("can't connect to NATS at 127.0.0.1:{port}: "), "refused"]);
    assert!(took < Duration::from_secs(1));
    Ok(())
}

#[sockeye::test]
async fn there_is_no_such_host() -> Result<()> {
    refusal(RedisBroker::new("redis://nobody.invalid")?).await;
    refusal(NatsBroker::new("nats://nobody.invalid")?).await;
    Ok(())
}

#[sockeye::test]
async fn the_password_is_wrong() -> Result<()> {
    let redis = Service::start_with("redis", &["--requirepass", "right"]);
    RedisBroker::new(&format!("redis://:right@127.0.0.1:{}", redis.port()))?.connect().await?;
    for login in [":hunter2@", "me:hunter2@", ""] {
        let (error, _) = refusal(RedisBroker::new(&format!("redis://{login}127.0.0.1:{}", redis.port()))?).await;
        assert_says(&error, &["can't connect to Redis at 127.0.0.1:", "it refuses the user or the password: "]);
    }
    let nats = Service::start_with("nats", &["--user", "user", "--pass", "right"]);
    NatsBroker::new(&format!("nats://user:right@127.0.0.1:{}", nats.port()))?.connect().await?;
    for login in ["user:hunter2@", "me:right@", "hunter2@", ""] {
        let (error, _) = refusal(NatsBroker::new(&format!("nats://{login}127.0.0.1:{}", nats.port()))?).await;
        assert_says(&error, &["can't connect to NATS at 127.0.0.1:", "it refuses the user, the password or the token"]);
    }
    Ok(())
}

#[sockeye::test]
async fn another_server_is_there() -> Result<()> {
    let server = App::new().serve(TcpListener::bind("127.0.0.1:0").await?);
    let address = server.local_addr();
    let (error, _) = refusal(RedisBroker::new(&format!("redis://{address}"))?).await;
    assert_says(&error, &["expected a Redis server, got an answer that is not of its protocol"]);
    refusal(NatsBroker::new(&format!("nats://{address}"))?).await;

    // The one for the other.
    let (redis, nats) = (Service::start("redis"), Service::start("nats"));
    refusal(RedisBroker::new(&format!("redis://127.0.0.1:{}", nats.port()))?).await;
    refusal(NatsBroker::new(&format!("nats://127.0.0.1:{}", redis.port()))?).await;
    Ok(())
}

/// One that takes connections and says nothing, one that says garbage for ever, one that hangs up.
#[sockeye::test(flavor = "multi_thread")]
async fn the_server_does_not_answer() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let silent = [
        RedisBroker::new(&format!("redis://{address}"))?.connect().await.err(),
        NatsBroker::new(&format!("nats://{address}"))?.connect().await.err(),
    ];
    for error in silent {
        assert_says(&error.expect("nobody answers"), &["there was no answer within 5s"]);
    }
    drop(listener);

    let words = ["", "$-1\r\n", "INFO {}\r\n", "INFO\r\n", "-ERR no\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"];
    let refusals = words.map(|says| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        sockeye::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // It may be gone already.
                stream.write_all(says.as_bytes()).await.ok();
                if !says.is_empty() {
                    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.ok();
                }
            }
        });
        refusal(RedisBroker::new(&format!("redis://{address}"))?).await;
        refusal(NatsBroker::new(&format!("nats://{address}"))?).await;
        Ok(())
    });
    try_join_all(refusals).await.map(|_| ())
}

/// Of several, one is there.
#[sockeye::test]
async fn the_next_of_a_cluster_is_tried() -> Result<()> {
    let service = Service::start("nats");
    let broker = NatsBroker::new(&format!("nats://127.0.0.1:{}, {}", free_port(), service.url()))?;
    for _ in 0..2 {
        assert!(broker.connect().await.is_err());
        broker.connect().await?;
    }
    Ok(())
}
