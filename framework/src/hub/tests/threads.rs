//! What threads do to each other, in every order that shuttle thinks of:
//! `cargo nextest run -p sockeye --lib --features shuttle -E 'test(/threads/)'`.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    task::Wake,
};

use shuttle::{Config, Runner, future::block_on, scheduler::RandomScheduler, thread};

use super::*;
use crate::ws::proto::{Op, Payload};

const SCHEDULES: usize = 3000;

/// Runs it in many orders.
fn check(run: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    // A hub's maps are made on the stack.
    config.stack_size = 1 << 20;
    Runner::new(RandomScheduler::new(SCHEDULES), config).run(run);
}

fn spawn(run: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    thread::spawn(run)
}

fn join_all(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Whoever holds a room of a name at the same time holds the same; in the end it is forgotten.
#[test]
fn a_name_is_one_room() {
    let run = || {
        let hub = Hub::default();
        let fakes = [1, 2, 3].map(|id| Fake::new(id, &Arc::default(), &hub));
        let threads = fakes.map(|fake| {
            let hub = hub.clone();
            spawn(move || {
                let member = block_on(hub.room("a").join(&fake)).unwrap();
                assert!(Arc::ptr_eq(&hub.room("a").live, &member.room().live));
                block_on(hub.publish("a", &1)).unwrap();
                drop(member);
            })
        });
        join_all(threads);
        assert_eq!((hub.registry.known_rooms(), hub.stats().total_rooms), (0, 0));
    };
    check(run);
}

/// Two send, one comes and goes: all that stay get all in one order, and it gets a part of it without a gap.
#[test]
fn members_see_one_order() {
    let run = || {
        let hub = Hub::default();
        let limits = Arc::default();
        let fakes = [1, 2, 3].map(|id| Fake::new(id, &limits, &hub));
        let room = hub.room("a");
        let members = [&fakes[0], &fakes[1]].map(|fake| block_on(room.join(fake)).unwrap());
        let senders = ["a", "b"].map(|sender| {
            let room = room.clone();
            spawn(move || {
                for number in 0..2 {
                    block_on(room.broadcast_text(format!("{sender}{number}"))).unwrap();
                }
            })
        });
        let (guest, joins) = (fakes[2].clone(), room.clone());
        let visitor = spawn(move || drop(block_on(joins.join_as(&guest, "eve", ())).unwrap()));
        join_all(senders.into_iter().chain([visitor]));
        let [one, two, three] = fakes.map(|fake| frames(&fake.read(usize::MAX)).0);
        assert_eq!((one.len(), &one), (4, &two));
        let place = |text: &[u8]| one.iter().position(|known| known == text).unwrap();
        assert!(place(b"a0") < place(b"a1") && place(b"b0") < place(b"b1"));
        assert!(three.is_empty() || one.windows(three.len()).any(|part| part == three));
        let stats = room.stats();
        assert_eq!((stats.waiting, stats.messages, stats.messages_sent), (0, 4, 8 + three.len() as u64));
        drop(members);
    };
    check(run);
}

/// Presence as of the join and the events behind it are the whole truth.
#[test]
fn no_presence_event_is_lost_and_none_comes_twice() {
    let run = || {
        let hub = Hub::default();
        let options = RoomOptions::new().announce(|event| match event {
            PresenceEvent::Joined(user) => Some(crate::ws::Message::from(user.id())),
            PresenceEvent::Left(_) => None,
        });
        let room = hub.room_with("a", options);
        let limits = Arc::default();
        let threads = ["x", "y", "z"].map(|user| {
            let (room, fake) = (room.clone(), Fake::new(user.as_bytes()[0].into(), &limits, &hub));
            thread::spawn(move || (block_on(room.join_as(&fake, user, ())).unwrap(), fake))
        });
        for (member, fake) in threads.map(|thread| thread.join().unwrap()) {
            let mut seen: Vec<Vec<u8>> = member.presence().iter().map(|user| user.id().into()).collect();
            seen.extend(frames(&fake.read(usize::MAX)).0);
            seen.sort();
            assert_eq!(seen, [b"x", b"y", b"z"]);
        }
    };
    check(run);
}

/// Whether the driver was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A driver that polls its handler while others send: what is not flushed by it, it is woken for.
#[test]
fn no_flush_is_forgotten() {
    let run = || {
        let hub = Hub::default();
        let fake = Fake::new(1, &Arc::default(), &hub);
        let woken = Arc::new(Woken::default());
        fake.0.outbox().driver = Some(Waker::from(woken.clone()));
        let room = hub.room("a");
        let member = block_on(room.join(&fake)).unwrap();
        let sends = spawn(move || block_on(room.broadcast_text("shared")).unwrap());
        let direct = fake.clone();
        let sends_direct = spawn(move || {
            let sent = direct.0.poll_send(&mut Context::from_waker(Waker::noop()), Op::Text, &Payload::Slice(b"own"));
            assert!(matches!(sent, Poll::Ready(Ok(()))));
        });
        let driver = fake.clone();
        let drives = thread::spawn(move || {
            driver.0.begin_poll();
            thread::yield_now();
            let mut outbox = driver.0.end_poll();
            let mut read = Vec::new();
            outbox.flush_with(|bytes| {
                read.extend_from_slice(bytes);
                Poll::Ready(Ok(bytes.len()))
            });
            driver.0.count(&mut outbox);
            read
        });
        join_all([sends, sends_direct]);
        let read = drives.join().unwrap();
        let rest = fake.read(usize::MAX);
        assert!(rest.is_empty() || woken.0.load(Ordering::Relaxed), "{} bytes wait", rest.len());
        let mut all = frames(&[read, rest].concat()).0;
        all.sort();
        assert_eq!(all, [&b"own"[..], b"shared"]);
        // The join's end counts what the last poll has not.
        fake.0.count(&mut fake.0.outbox());
        assert_eq!(hub.stats().messages_sent, 2);
        drop(member);
    };
    check(run);
}
