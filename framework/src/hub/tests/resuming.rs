//! Who resumes while others publish: each gets exactly what it misses, whatever waits for what.

use proptest::prelude::*;
use tokio::task::yield_now;

use super::*;
use crate::{
    history::{Appended, Draft, History, MemoryHistory, Offset, Page, Retention, Span},
    rt::BoxFuture,
    sync::Mutex,
    ws::Message,
};

/// A store whose answers take a while, each another one.
struct Fickle {
    inner: MemoryHistory,
    seed: Mutex<u64>,
}

impl Fickle {
    async fn pause(&self) {
        for _ in 0..self.next() % 7 {
            yield_now().await;
        }
    }

    /// Xorshift.
    fn next(&self) -> u64 {
        let mut seed = lock(&self.seed);
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        *seed
    }
}

impl History for Fickle {
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
        Box::pin(async move {
            self.pause().await;
            let appended = self.inner.append(room, drafts).await;
            self.pause().await;
            appended
        })
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        Box::pin(async move {
            self.pause().await;
            let page = self.inner.read(room, span, limit).await;
            self.pause().await;
            page
        })
    }
}

#[derive(Clone, Debug)]
struct Plan {
    seed: u64,
    /// How many messages each publishes.
    publishers: Vec<u64>,
    /// When each resumes, how far back, and with which size of pages.
    resumers: Vec<(usize, u64, usize)>,
    /// Messages from elsewhere that the store gets when the publishers begin.
    elsewhere: usize,
}

fn plans() -> impl Strategy<Value = Plan> {
    let publishers = prop::collection::vec(1..60_u64, 1..5);
    let resumers = prop::collection::vec((0..200_usize, 0..40_u64, 1..20_usize), 1..6);
    (1..u64::MAX, publishers, resumers, 0..5_usize).prop_map(|(seed, publishers, resumers, elsewhere)| Plan {
        seed,
        publishers,
        resumers,
        elsewhere,
    })
}

async fn run(plan: Plan) {
    let (hub, limits) = (Hub::default(), Arc::<Limits>::default());
    let inner = MemoryHistory::with(Retention::all());
    let store = Arc::new(Fickle { inner, seed: Mutex::new(plan.seed) });
    hub.set_history(store.clone());
    hub.set_defaults(RoomOptions::new().render(|stored| stored.offset));
    let total = plan.publishers.iter().sum::<u64>() + plan.elsewhere as u64;
    let mut tasks = Vec::new();
    for count in plan.publishers {
        let room = hub.room("a");
        tasks.push(tokio::spawn(async move {
            for number in 0..count {
                room.publish(&number).await.unwrap();
                if number % 3 == 0 {
                    room.broadcast_text("-").await.unwrap();
                }
            }
        }));
    }
    store.inner.append("a", vec![Draft::new(Message::text("elsewhere")); plan.elsewhere]).await.unwrap();
    let mut readers = Vec::new();
    for (number, (after, back, page)) in plan.resumers.into_iter().enumerate() {
        let (hub, store) = (hub.clone(), store.clone());
        let fake = Fake::new(number as u64, &limits, &hub);
        readers.push(tokio::spawn(async move {
            for _ in 0..after {
                yield_now().await;
            }
            let last = store.inner.read("a", Span::Latest, 1).await.unwrap().last.get();
            let since = last.saturating_sub(back);
            let resume = Resume::since(Offset::new(since)).page_size(page);
            let resumed = hub.room("a").resume(&fake, resume).await.unwrap();
            assert!(resumed.recovered);
            (since, fake, resumed.member)
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    for reader in readers {
        let (since, fake, _member) = reader.await.unwrap();
        let bytes = fake.read(1 << 20);
        let (frames, rest) = frames(&bytes);
        let got: Vec<_> = frames.into_iter().filter(|frame| frame != b"-").collect();
        let expected: Vec<_> = (since + 1..=total).map(|offset| offset.to_string().into_bytes()).collect();
        assert_eq!((got, rest.len()), (expected, 0));
    }
    assert_eq!(hub.room("a").live.state().tail.kept(), 0, "something is kept for nobody");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn each_gets_what_it_misses(plan in plans()) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run(plan));
    }
}
