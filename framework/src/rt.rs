//! The runtime underneath: tokio.

use std::{
    cell::Cell,
    future::Future,
    num::NonZeroU64,
    ops::Add,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

pub(crate) use tokio::time::timeout;
use tokio::{task::JoinHandle, time::Instant};

/// A boxed future that may cross threads.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs a future beside the current one: tokio's `spawn`.
///
/// # Panics
///
/// Outside a runtime.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future)
}

/// A number of the current thread's own, never 0.
pub(crate) fn thread_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    thread_local! {
        static OWN: Cell<u32> = const { Cell::new(0) };
    }
    if OWN.get() == 0 {
        OWN.set(NEXT.fetch_add(1, Ordering::Relaxed).max(1));
    }
    OWN.get()
}

/// A moment in eight bytes, with or without `Option`: each connection has several. Of tokio's clock, which a test can stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(NonZeroU64);

impl Moment {
    pub(crate) fn now() -> Self {
        Self::at(Instant::now())
    }

    pub(crate) fn at(instant: Instant) -> Self {
        let nanos = instant.saturating_duration_since(origin()).as_nanos();
        Self(NonZeroU64::MIN.saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    pub(crate) fn instant(self) -> Instant {
        origin() + Duration::from_nanos(self.0.get())
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Long before the first moment that anybody asks for: a clock that a test has stopped may be behind ours.
fn origin() -> Instant {
    const BEFORE: Duration = Duration::from_secs(3600);
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(|| {
        let now = std::time::Instant::now();
        now.checked_sub(BEFORE).unwrap_or(now).into()
    })
}

/// How `#[sockeye::main]` and `#[sockeye::test]` run.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeOptions {
    pub flavor: Flavor,
    pub worker_threads: Option<usize>,
    pub start_paused: bool,
    pub test: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    CurrentThread,
    MultiThread,
}

/// Runs `future` to its end on a runtime of its own.
pub(crate) fn block_on<F: Future>(options: RuntimeOptions, future: F) -> F::Output {
    let mut builder = match options.flavor {
        Flavor::CurrentThread => tokio::runtime::Builder::new_current_thread(),
        Flavor::MultiThread => tokio::runtime::Builder::new_multi_thread(),
    };
    if let Some(threads) = options.worker_threads {
        builder.worker_threads(threads);
    }
    pause(&mut builder, options.start_paused);
    let runtime = builder.enable_all().build().expect("the operating system gives the runtime its threads and sockets");
    let output = runtime.block_on(future);
    if options.test {
        // What a test left behind must not hold it up.
        runtime.shutdown_background();
    }
    output
}

#[cfg(feature = "test-util")]
fn pause(builder: &mut tokio::runtime::Builder, start_paused: bool) {
    builder.start_paused(start_paused);
}

#[cfg(not(feature = "test-util"))]
fn pause(_: &mut tokio::runtime::Builder, start_paused: bool) {
    assert!(!start_paused, "`start_paused` needs the feature `test-util` of the crate `sockeye`");
}
