//! Clients that talk while something is done to the servers, and what they say at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::chat::{
    audit::{OUTSIDERS, Stored},
    client::{Client, Phase, Plan, Random},
    log::Log,
    socket::Lost,
};

/// One in so many clients is a second connection of its predecessor's user.
const SECOND: usize = 5;
const GOODBYE: Duration = Duration::from_secs(15);

pub(crate) struct Load {
    plan: Arc<Plan>,
    clients: JoinSet<Result<()>>,
    people: Vec<Person>,
    phase: watch::Sender<Phase>,
}

#[derive(Clone)]
struct Person {
    number: usize,
    user: u64,
    room: String,
    log: Arc<Mutex<Log>>,
}

impl Person {
    fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What has happened, for who reads the test's output.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) stored: usize,
    pub(crate) heard: usize,
    pub(crate) entries: usize,
    pub(crate) users_left: usize,
    pub(crate) refusals: BTreeMap<String, usize>,
    pub(crate) lost: BTreeMap<Lost, usize>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stored, heard, entries, users_left, refusals, lost } = self;
        write!(f, "{stored} messages stored, {heard} heard, {entries} times entered, {users_left} users seen leaving")?;
        let lost: Vec<_> = lost.iter().map(|(lost, count)| format!("{lost}: {count}")).collect();
        write!(f, "; refused: {refusals:?}; lost: {}", lost.join(", "))
    }
}

impl Load {
    /// Lets the clients come and talk.
    pub(crate) fn start(plan: Plan) -> Self {
        let (plan, (phase, is)) = (Arc::new(plan), watch::channel(Phase::Talk));
        let (mut clients, mut people) = (JoinSet::new(), Vec::new());
        for number in 0..plan.clients {
            // Clients of one room follow each other.
            let room = plan.rooms[number * plan.rooms.len() / plan.clients].clone();
            let is_second =
                number % SECOND == SECOND - 1 && people.last().is_some_and(|last: &Person| last.room == room);
            let user = 1 + number as u64 - u64::from(is_second);
            let log = Arc::default();
            people.push(Person { number, user, room: room.clone(), log: Arc::clone(&log) });
            let (plan, phase, random) = (plan.clone(), is.clone(), Random::new(number as u64));
            clients.spawn(Client { number, user, room, plan, phase, log, random }.run());
        }
        Self { plan, clients, people, phase }
    }

    /// Lets them talk for a time.
    pub(crate) async fn talk(&mut self, time: Duration) -> Result<()> {
        let over = Instant::now() + time;
        self.until("the time is over", time + Duration::from_secs(1), || (Instant::now() >= over).then_some(())).await
    }

    /// Waits until a condition holds. Fails at once if a client has seen what it should not.
    async fn until<T>(&mut self, what: &str, limit: Duration, holds: impl Fn() -> Option<T>) -> Result<T> {
        let begin = Instant::now();
        loop {
            if let Some(ended) = self.clients.try_join_next() {
                ended.context("a client panicked")??;
                bail!("a client has left too early");
            }
            if let Some(held) = holds() {
                return Ok(held);
            }
            ensure!(begin.elapsed() < limit, "not within {limit:?}: {what}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until a condition holds for each client.
    pub(crate) async fn all(&mut self, what: &str, limit: Duration, holds: impl Fn(&Log) -> bool) -> Result<()> {
        let logs: Vec<_> = self.people.iter().map(|person| (person.number, Arc::clone(&person.log))).collect();
        let fails = || {
            let log = |log: &Arc<Mutex<Log>>| holds(&lock(log));
            logs.iter().filter(|(_, one)| !log(one)).map(|(number, _)| *number).collect::<Vec<_>>()
        };
        let waited = self.until(what, limit, || fails().is_empty().then_some(())).await;
        waited.with_context(|| {
            let failed = fails();
            let first = failed.first().map(|number| lock(&logs[*number].1).to_string()).unwrap_or_default();
            format!("clients {failed:?}, the first: {first}")
        })
    }

    /// Waits until all are connected and have been told what they had missed.
    pub(crate) async fn all_in(&mut self, limit: Duration) -> Result<()> {
        self.all("is connected, and has heard what it had missed", limit, |log| log.is_in).await
    }

    /// How often each has entered so far.
    pub(crate) fn entries(&self) -> Vec<usize> {
        self.people.iter().map(|person| person.log().entries).collect()
    }

    /// Waits until each has entered once more than that, and is in.
    pub(crate) async fn all_back(&mut self, entries: &[usize], limit: Duration) -> Result<()> {
        let logs: Vec<_> = self.people.iter().map(|person| Arc::clone(&person.log)).collect();
        let is_back = |(log, entries): (&Arc<Mutex<Log>>, &usize)| {
            let log = lock(log);
            log.is_in && log.entries > *entries
        };
        let all = || logs.iter().zip(entries).all(is_back).then_some(());
        self.until("all have come back", limit, all).await
    }

    /// What was acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.people.iter().map(|person| person.log().said.iter().filter(|(_, id)| id.is_some()).count()).sum()
    }

    /// Waits until each client was refused once more with this code.
    pub(crate) async fn all_refused(&mut self, code: &str, limit: Duration) -> Result<()> {
        let count = |log: &Log| log.refusals.get(code).copied().unwrap_or(0);
        let before: Vec<_> = self.people.iter().map(|person| count(&person.log())).collect();
        let logs: Vec<_> = self.people.iter().map(|person| Arc::clone(&person.log)).collect();
        let is_refused = |(log, before): (&Arc<Mutex<Log>>, &usize)| count(&lock(log)) > *before;
        let all = || logs.iter().zip(&before).all(is_refused).then_some(());
        self.until(&format!("all are refused with {code}"), limit, all).await
    }

    /// Waits until each client sees all others that there are, and nobody else.
    pub(crate) async fn all_see_each_other(&mut self, limit: Duration) -> Result<()> {
        self.views(limit, |_, _| true, |_, _| true).await
    }

    /// Waits until nobody sees any who is not of us.
    pub(crate) async fn no_outsider_is_seen(&mut self, limit: Duration) -> Result<()> {
        self.all("sees no outsider", limit, |log| log.there.range(OUTSIDERS..).next().is_none()).await
    }

    /// Waits until each client that is connected sees all others that are, and nobody else.
    pub(crate) async fn all_see_who_is_in(&mut self, limit: Duration) -> Result<()> {
        self.views(limit, |_, log| log.is_in, |_, log| log.is_in).await
    }

    /// Waits until those who are at home at one node see those of these nodes, and nobody else.
    pub(crate) async fn all_of_home_see(&mut self, home: usize, nodes: &[usize], limit: Duration) -> Result<()> {
        let of = self.plan.doors.len();
        self.views(limit, |number, _| number % of == home, |number, _| nodes.contains(&(number % of))).await
    }

    /// Waits until those who look see those who are to be seen in their room, and nobody else.
    async fn views(
        &mut self,
        limit: Duration,
        looks: impl Fn(usize, &Log) -> bool,
        is_seen: impl Fn(usize, &Log) -> bool,
    ) -> Result<()> {
        let people = self.people.clone();
        let wrong = || {
            people.iter().find_map(|one| {
                let (room, seen) = {
                    let log = one.log();
                    looks(one.number, &log)
                        .then(|| (&one.room, log.there.range(..OUTSIDERS).copied().collect::<Vec<_>>()))?
                };
                let others = people.iter().filter(|other| other.room == *room && is_seen(other.number, &other.log()));
                let there: BTreeSet<u64> = others.map(|other| other.user).collect();
                let is_right = there.iter().eq(&seen);
                (!is_right).then(|| format!("client {} in {room:?} sees {seen:?}, there are {there:?}", one.number))
            })
        };
        let waited = self.until("all see who is there", limit, || wrong().is_none().then_some(())).await;
        waited.with_context(|| wrong().unwrap_or_default())
    }

    /// Lets the clients come to rest, and compares all that they have seen with what is stored and who is there.
    pub(crate) async fn settle(mut self, door: SocketAddr, limit: Duration) -> Result<Report> {
        self.phase.send_replace(Phase::Listen);
        self.all("has a receipt for all it said", limit, |log| log.is_in && log.waiting() == 0).await?;
        let mut report = Report::default();
        for room in self.plan.rooms.clone() {
            let stored = Stored::read(door, &room).await?;
            let logs: Vec<_> = self.people.iter().filter(|person| person.room == room).collect();
            let logs: Vec<_> = logs.into_iter().map(|person| (person.number, Arc::clone(&person.log))).collect();
            let guards = || logs.iter().map(|(_, log)| lock(log));
            let all_heard = || guards().all(|log| log.last() == stored.last()).then_some(());
            let what = format!("all in {room:?} have heard what is stored last, {:?}", stored.last());
            let waited = self.until(&what, limit, all_heard).await;
            waited.with_context(|| format!("heard last: {:?}", guards().map(|log| log.last()).collect::<Vec<_>>()))?;
            for (number, log) in &logs {
                let log = lock(log);
                report.add(&log);
                let place = || format!("client {number} in {room:?}");
                stored.compare(&log, number % 2 == 0).with_context(place)?;
            }
            stored.compare_all(guards().flat_map(|log| log.said.clone()).map(|(word, _)| word))?;
            report.stored += stored.len();
        }
        self.all_see_each_other(limit).await?;
        self.leave().await?;
        Ok(report)
    }

    async fn leave(mut self) -> Result<()> {
        self.phase.send_replace(Phase::Leave);
        while let Some(ended) = timeout(GOODBYE, self.clients.join_next()).await.context("a client does not leave")? {
            ended.context("a client panicked")??;
        }
        Ok(())
    }
}

impl Report {
    fn add(&mut self, log: &Log) {
        self.heard += log.heard.len();
        self.entries += log.entries;
        self.users_left += log.users_left;
        for (code, count) in &log.refusals {
            *self.refusals.entry(code.clone()).or_default() += count;
        }
        for (lost, count) in &log.lost {
            *self.lost.entry(lost.clone()).or_default() += count;
        }
    }
}
