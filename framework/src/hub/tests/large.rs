//! Many members: nobody holds a worker for long.

use std::{pin::Pin, sync::atomic::Ordering};

use futures_core::Stream;

use super::*;
use crate::{
    hub::feed::Listener,
    ws::{PublishScope, scope},
};

/// Members that got a message so far.
fn reached(members: &[Member]) -> usize {
    members.iter().filter(|member| member.tally.sent() > 0).count()
}

/// On one thread: between two turns of this task, or in a poll of the sender's, at most a share is delivered.
#[test]
fn a_large_broadcast_goes_on_in_turns() {
    const MEMBERS: usize = 10_000;
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let hub = Hub::default();
        let limits = Arc::<Limits>::default();
        let fakes: Vec<_> = (0..MEMBERS as u64).map(|id| Fake::new(id, &limits, &hub)).collect();
        let room = hub.room("a");
        let members: Vec<_> = fakes.iter().map(|fake| now(room.join(fake)).unwrap()).collect();
        let sends = tokio::spawn(async move { room.broadcast_text("hello").await });
        let (mut before, mut turns) = (0, 0);
        while !sends.is_finished() {
            tokio::task::yield_now().await;
            let after = reached(&members);
            // The sender's and the draining task may both have had theirs.
            assert!(after - before <= 2 * scope::DELIVERIES_A_POLL, "{} at once", after - before);
            (before, turns) = (after, turns + 1);
        }
        sends.await.unwrap().unwrap();
        assert_eq!(reached(&members), MEMBERS);
        assert!(turns >= MEMBERS / (2 * scope::DELIVERIES_A_POLL), "{turns} turns");
        for fake in &fakes {
            assert_eq!(fake.read(100), b"\x81\x05hello");
        }
    });
}

/// A task that broadcasts in a loop lets others run.
#[test]
fn a_loop_of_broadcasts_goes_on_in_turns() {
    const MEMBERS: u64 = 100;
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let hub = Hub::default();
        let limits = Arc::<Limits>::default();
        let options = RoomOptions::new().overflow(crate::config::Overflow::DropNewest);
        let room = hub.room_with("a", options);
        let fakes: Vec<_> = (0..MEMBERS).map(|id| Fake::new(id, &limits, &hub)).collect();
        let _members: Vec<_> = fakes.iter().map(|fake| now(room.join(fake)).unwrap()).collect();
        let sends = room.clone();
        let task = tokio::spawn(async move {
            loop {
                sends.broadcast_text("hello").await.unwrap();
            }
        });
        let mut before = 0;
        while before < 500 * MEMBERS {
            tokio::task::yield_now().await;
            let after = room.stats().messages_sent;
            assert!(after - before <= 4 * MEMBERS, "{} at once", after - before);
            before = after;
        }
        task.abort();
    });
}

/// Who gives up in the middle has sent it all the same.
#[test]
fn a_large_broadcast_goes_on_without_its_sender() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let hub = Hub::default();
        let limits = Arc::<Limits>::default();
        let fakes: Vec<_> = (0..5000).map(|id| Fake::new(id, &limits, &hub)).collect();
        let room = hub.room("a");
        let members: Vec<_> = fakes.iter().map(|fake| now(room.join(fake)).unwrap()).collect();
        {
            let mut sends = pin!(room.broadcast_text("hello"));
            assert!(sends.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        // Never polled.
        drop(room.broadcast_text("nothing"));
        while reached(&members) < members.len() {
            tokio::task::yield_now().await;
        }
        assert!(fakes.iter().all(|fake| fake.read(100) == b"\x81\x05hello"));
    });
}

/// Sockets whose flush is still to come.
fn touched(fakes: &[Fake]) -> usize {
    fakes.iter().filter(|fake| fake.0.outbox().touched).count()
}

/// One worker has one task to flush what is beyond a poll's share, and that one lets others run.
#[test]
fn a_large_flush_goes_on_in_turns() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let hub = Hub::default();
        let limits = Arc::<Limits>::default();
        let fakes: Vec<_> = (0..1000).map(|id| Fake::new(id, &limits, &hub)).collect();
        let room = hub.room("a");
        let _members: Vec<_> = fakes.iter().map(|fake| now(room.join(fake)).unwrap()).collect();
        let scope = PublishScope::enter();
        now(room.broadcast_text("hello")).unwrap();
        now(room.broadcast_text("again")).unwrap();
        assert_eq!(touched(&fakes), 1000);
        drop(scope);
        let mut before = touched(&fakes);
        assert!(before >= 1000 - scope::FLUSHES_A_POLL, "{before}");
        while before > 0 {
            tokio::task::yield_now().await;
            let after = touched(&fakes);
            assert!(after < before && before - after <= scope::FLUSHES_A_POLL, "{} at once", before - after);
            before = after;
        }
        for fake in &fakes {
            assert_eq!(fake.read(100), b"\x81\x05hello\x81\x05again");
        }
    });
}

/// What is sent in an inner scope leaves at its end, and what was sent before, in the outer one, only at that one's.
#[test]
fn scopes_flush_what_is_their_own() {
    let (hub, limits) = (Hub::default(), Arc::<Limits>::default());
    let fakes: Vec<_> = (0..3).map(|id| Fake::new(id, &limits, &hub)).collect();
    let rooms = ["a", "b", "c"].map(|name| hub.room(name));
    let _members: Vec<_> = fakes.iter().zip(&rooms).map(|(fake, room)| now(room.join(fake)).unwrap()).collect();
    let is_touched = || fakes.iter().map(|fake| fake.0.outbox().touched).collect::<Vec<_>>();
    let outer = PublishScope::enter();
    now(rooms[0].broadcast_text("x")).unwrap();
    let inner = PublishScope::enter();
    now(rooms[1].broadcast_text("x")).unwrap();
    now(rooms[2].broadcast_text("x")).unwrap();
    assert_eq!((outer.touched(), is_touched()), (2, vec![true; 3]), "the innermost tells");
    drop(inner);
    assert_eq!((outer.touched(), is_touched()), (1, vec![true, false, false]));
    drop(outer);
    assert_eq!(is_touched(), [false; 3]);
}

/// Handing out is left by one and taken up by another when a runtime ends in the middle.
#[test]
fn a_drain_outlives_its_runtime() {
    let hub = Hub::default();
    let limits = Arc::<Limits>::default();
    let fakes: Vec<_> = (0..10_000).map(|id| Fake::new(id, &limits, &hub)).collect();
    let room = hub.room("a");
    let members: Vec<_> = fakes.iter().map(|fake| now(room.join(fake)).unwrap()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut first = pin!(room.broadcast_text("first"));
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    drop(runtime);
    assert!(reached(&members) < fakes.len());
    now(room.broadcast_text("second")).unwrap();
    for fake in &fakes {
        assert_eq!(fake.read(100), b"\x81\x05first\x81\x06second");
    }
}

/// What a runtime leaves unflushed at its end is flushed by the drivers, on theirs; and what comes later is not held back.
#[test]
fn a_flush_outlives_its_runtime() {
    let hub = Hub::default();
    let limits = Arc::<Limits>::default();
    let fakes: Vec<_> = (0..1000).map(|id| Fake::new(id, &limits, &hub)).collect();
    let room = hub.room("a");
    let _members: Vec<_> = fakes.iter().map(|fake| now(room.join(fake)).unwrap()).collect();
    let woken = Arc::<Woken>::default();
    fakes.iter().for_each(|fake| fake.0.outbox().driver = Some(woken.clone().into()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async { room.broadcast_text("hello").await.unwrap() });
    let before = woken.0.load(Ordering::Relaxed);
    drop(runtime);
    assert_eq!(touched(&fakes), 0);
    assert!(woken.0.load(Ordering::Relaxed) > before, "a driver learns that it has something to flush");
    assert!(fakes.iter().all(|fake| fake.read(100) == b"\x81\x05hello"));
}

#[derive(Default)]
struct Woken(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Those who only listen get their share in turns too.
#[test]
fn many_listeners_get_a_message_in_turns() {
    const LISTENERS: usize = 10_000;
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let hub = Hub::default();
        let room = hub.room("a");
        let fake = Fake::new(1, &Arc::default(), &hub);
        let _member = now(room.join(&fake)).unwrap();
        let mut listeners: Vec<_> = (0..LISTENERS).map(|_| Listener::new(room.clone(), false)).collect();
        let (sends, mut before) = (room.clone(), 0);
        let task = tokio::spawn(async move { sends.broadcast_text("hello").await });
        while !task.is_finished() {
            tokio::task::yield_now().await;
            let after = room.stats().messages_sent as usize;
            assert!(after - before <= 2 * scope::DELIVERIES_A_POLL, "{} at once", after - before);
            before = after;
        }
        task.await.unwrap().unwrap();
        assert_eq!(before, LISTENERS + 1);
        assert_eq!(fake.read(100), b"\x81\x05hello");
        let mut cx = Context::from_waker(Waker::noop());
        for listener in &mut listeners {
            let text = |polled: Poll<Option<Result<crate::sse::Event>>>| match polled {
                Poll::Ready(Some(event)) => event.unwrap().to_string(),
                Poll::Pending | Poll::Ready(None) => panic!("expected a text"),
            };
            assert_eq!(text(Pin::new(&mut *listener).poll_next(&mut cx)), "data: hello\n\n");
            assert!(Pin::new(listener).poll_next(&mut cx).is_pending());
        }
    });
}

/// A crowd that has left at once is forgotten in turns.
#[test]
fn many_graces_end_in_turns() {
    const USERS: usize = 2000;
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let hub = Hub::default();
        let room = hub.room_with("a", RoomOptions::new().grace(std::time::Duration::from_secs(2)));
        let fakes: Vec<_> = (0..USERS as u64).map(|id| Fake::new(id, &Arc::default(), &hub)).collect();
        let mut members = Vec::new();
        for (at, fake) in fakes.iter().enumerate() {
            members.push(room.join_as(fake, format!("u{at}"), ()).await.unwrap());
        }
        drop(members);
        assert_eq!((room.presence().len(), hub.rooms().len()), (USERS, 1));
        let mut before = USERS;
        tokio::time::advance(std::time::Duration::from_secs(3)).await;
        while before > 0 {
            let after = room.presence().len();
            assert!(before - after <= 512, "{} at once", before - after);
            before = after;
            tokio::task::yield_now().await;
        }
        assert_eq!(hub.rooms().len(), 0);
    });
}
