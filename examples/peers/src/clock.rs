//! One message a second, with the time of day in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sockeye::{
    Event, EventSender, EventStream, LastEventId,
    prelude::*,
    time::{Instant, MissedTickBehavior, interval},
};

const SECOND: Duration = Duration::from_secs(1);

/// The most that is made up for, to a client that comes back, in seconds.
const MOST_MISSED: u64 = 60;

/// A message's id is its second, so that a client that comes back gets what it has missed.
#[get("/api/sse")]
pub(crate) async fn sse(last: LastEventId) -> EventStream {
    let events = EventStream::new();
    let timer = sockeye::spawn(tick(events.sender(), last.parse()));
    events.on_closed(async move { timer.abort() });
    events
}

async fn tick(events: EventSender, last: Option<u64>) -> Result<()> {
    let (started, began) = (SystemTime::now().duration_since(UNIX_EPOCH)?, Instant::now());
    let now = || (started + began.elapsed()).as_secs();
    let missed = last.filter(|last| *last < now()).map(|last| (last + 1).max(now().saturating_sub(MOST_MISSED)));
    let mut next = missed.unwrap_or_else(now);
    let mut timer = interval(SECOND);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        while next <= now() {
            events.push(Event::new(format!("Message @ {}", time_of_day(next))).id(next)?).await?;
            next += 1;
        }
    }
}

/// `HH:MM:SS` of a second since 1970.
pub(crate) fn time_of_day(second: u64) -> String {
    let of_day = second % 86_400;
    format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
}
