//! A session that was dropped leaves nothing: no task here, no connection there.

use std::{
    future::{Future, poll_fn},
    task::Poll,
    time::{Duration, Instant},
};

use sockeye::{
    Result,
    time::{sleep, timeout},
};
use tokio::runtime::Handle;

use super::{Subject, looks::connections, next, proxied::behind_a_proxy, room, with_each_server};

with_each_server![what_was_dropped_is_gone, what_was_cancelled_is_gone, what_was_lost_is_gone, what_hangs_is_gone,];

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

async fn nothing_is_left(subject: &mut Subject) {
    let begin = Instant::now();
    loop {
        let (tasks, clients) = (tasks(), connections(subject.service()));
        if (tasks, clients) == (0, 0) {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "{tasks} tasks and {clients} connections are left");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn what_was_dropped_is_gone(mut subject: Subject) -> Result<()> {
    nothing_is_left(&mut subject).await;
    for round in 0..20 {
        let mut session = subject.connect().await?;
        let rooms: Vec<_> = (0..100).map(|number| room(&format!("room {number}"))).collect();
        session.outlet.subscribe(&rooms).await?;
        session.outlet.publish(&[(rooms[0].clone(), "hello".into())]).await?;
        next(&mut session).await?;
        assert!(tasks() > 0 && connections(subject.service()) == 1);
        if round % 2 == 0 {
            // In the middle of something.
            let messages = vec![(rooms[1].clone(), vec![0; 100_000].into()); 100];
            polled(0, session.outlet.publish(&messages)).await.transpose()?;
        }
        drop(session);
        nothing_is_left(&mut subject).await;
    }
    Ok(())
}

/// Polls a future so many times at most, and drops it then.
async fn polled<T>(mut times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if times == 0 => Poll::Ready(None),
        Poll::Pending => {
            times -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Wherever it waits: for an answer that does not come, and in all places before.
async fn what_was_cancelled_is_gone(mut subject: Subject) -> Result<()> {
    let (proxy, broker) = behind_a_proxy(&mut subject).await?;
    proxy.stall(true);
    for _ in 0..10 {
        assert!(timeout(Duration::from_millis(20), broker.connect()).await.is_err());
    }
    drop(proxy);
    nothing_is_left(&mut subject).await;
    let mut times = 0;
    loop {
        let session = polled(times, subject.connect()).await.transpose()?;
        let done = session.is_some();
        drop(session);
        nothing_is_left(&mut subject).await;
        if done {
            break;
        }
        times += 1;
    }
    Ok(())
}

async fn what_was_lost_is_gone(mut subject: Subject) -> Result<()> {
    let mut sessions = Vec::new();
    for _ in 0..10 {
        let mut session = subject.connect().await?;
        session.outlet.subscribe(&[room("lobby")]).await?;
        sessions.push(session);
    }
    subject.service().kill();
    subject.service().restart();
    for session in &mut sessions {
        assert!(next(session).await.is_err());
    }
    // Also while they are held.
    let begin = Instant::now();
    while tasks() > 0 {
        assert!(begin.elapsed() < Duration::from_secs(5), "{} tasks are left", tasks());
        sleep(Duration::from_millis(10)).await;
    }
    drop(sessions);
    nothing_is_left(&mut subject).await;
    Ok(())
}

/// A server that takes nothing any more can't be told that nobody wants anything of it.
async fn what_hangs_is_gone(mut subject: Subject) -> Result<()> {
    let mut session = subject.connect().await?;
    session.outlet.subscribe(&[room("lobby")]).await?;
    subject.service().stop();
    let messages = vec![(room("lobby"), vec![0; 1024 * 1024].into()); 32];
    assert!(session.outlet.publish(&messages).await.is_err());
    drop(session);
    let begin = Instant::now();
    while tasks() > 0 {
        assert!(begin.elapsed() < Duration::from_secs(25), "{} tasks are left", tasks());
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
