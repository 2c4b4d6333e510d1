//! A broker as one node sees it, when things go wrong between the two.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{Arc, Mutex},
};

use sockeye::{
    BoxFuture, Broker, Bytes, Error, Result,
    broker::{Channel, Intake, Outlet, Session},
};
use tokio::sync::watch;

/// What can go wrong. Clones are the same.
#[derive(Clone)]
pub(crate) struct Faulty {
    inner: Arc<dyn Broker>,
    state: watch::Sender<State>,
    /// How often it was cut.
    cuts: watch::Sender<u64>,
    /// It does not answer those who subscribe.
    holds: watch::Sender<bool>,
    /// How many of a thousand messages are lost, come twice, or come after the next.
    share: Arc<Mutex<u64>>,
    seed: Arc<Mutex<u64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Works,
    /// The connection is gone, and there is no other.
    Cut,
    /// The connection stands, and nothing goes over it.
    Frozen,
}

impl Faulty {
    pub(crate) fn new(inner: impl Broker) -> Self {
        let (state, cuts, holds) = (watch::Sender::new(State::Works), watch::Sender::new(0), watch::Sender::new(false));
        let (share, seed) = (Arc::default(), Arc::new(Mutex::new(0x9e37_79b9)));
        Self { inner: Arc::new(inner), state, cuts, holds, share, seed }
    }

    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    pub(crate) fn freeze(&self) {
        self.state.send_replace(State::Frozen);
    }

    /// Answers nobody who subscribes until told otherwise.
    pub(crate) fn hold(&self, holds: bool) {
        self.holds.send_replace(holds);
    }

    pub(crate) fn mend(&self) {
        self.state.send_replace(State::Works);
    }

    /// So many of a thousand messages are lost, as many come twice, and as many too late.
    pub(crate) fn shake(&self, share: u64) {
        *self.share.lock().unwrap() = share;
    }

    /// Xorshift, as one of a thousand.
    fn dice(&self) -> u64 {
        let mut seed = self.seed.lock().unwrap();
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        *seed % 1000
    }

    /// Waits until it works; an error if it is cut.
    async fn works(&self) -> Result<()> {
        let mut state = self.state.subscribe();
        let state = *state.wait_for(|state| *state != State::Frozen).await?;
        if state == State::Cut { Err(Error::broker("it was cut")) } else { Ok(()) }
    }

    /// Waits until it is cut again.
    async fn is_cut(&self, before: u64) -> Error {
        let mut cuts = self.cuts.subscribe();
        drop(cuts.wait_for(|cuts| *cuts != before).await);
        Error::broker("it was cut")
    }
}

impl Broker for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn connect(&self) -> BoxFuture<'_, Result<Session>> {
        Box::pin(async {
            self.works().await?;
            let cuts = *self.cuts.borrow();
            let Session { outlet, intake } = self.inner.connect().await?;
            let outlet = Box::new(FaultyOutlet { outlet, faults: self.clone(), late: VecDeque::new() });
            Ok(Session { outlet, intake: Box::new(FaultyIntake { intake, faults: self.clone(), cuts }) })
        })
    }
}

struct FaultyOutlet {
    outlet: Box<dyn Outlet>,
    faults: Faulty,
    late: VecDeque<(Channel, Bytes)>,
}

impl Outlet for FaultyOutlet {
    fn max_len(&self) -> usize {
        self.outlet.max_len()
    }

    fn subscribe<'a>(&'a mut self, channels: &'a [Channel]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            self.faults.works().await?;
            self.faults.holds.subscribe().wait_for(|holds| !holds).await?;
            self.outlet.subscribe(channels).await
        })
    }

    fn unsubscribe<'a>(&'a mut self, channels: &'a [Channel]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            self.faults.works().await?;
            self.outlet.unsubscribe(channels).await
        })
    }

    fn publish<'a>(&'a mut self, messages: &'a [(Channel, Bytes)]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.faults.works().await?;
            let share = *self.faults.share.lock().unwrap();
            let mut sent = Vec::with_capacity(messages.len());
            for message in messages {
                let dice = self.faults.dice();
                match dice {
                    dice if dice < share => {}
                    dice if dice < 2 * share => sent.extend([message.clone(), message.clone()]),
                    dice if dice < 3 * share => self.late.push_back(message.clone()),
                    _ => {
                        sent.push(message.clone());
                        sent.extend(self.late.drain(..));
                    }
                }
            }
            self.outlet.publish(&sent).await
        })
    }
}

struct FaultyIntake {
    intake: Box<dyn Intake>,
    faults: Faulty,
    cuts: u64,
}

impl Intake for FaultyIntake {
    fn next(&mut self) -> BoxFuture<'_, Result<(Channel, Bytes)>> {
        Box::pin(async {
            let faults = self.faults.clone();
            loop {
                let mut state = faults.state.subscribe();
                let frozen = *state.borrow_and_update() == State::Frozen;
                tokio::select! {
                    biased;
                    error = faults.is_cut(self.cuts) => return Err(error),
                    _ = state.changed() => {}
                    next = async { if frozen { pending().await } else { self.intake.next().await } } => return next,
                }
            }
        })
    }
}
