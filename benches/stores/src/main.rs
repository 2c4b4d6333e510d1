//! Stores messages for a while, on one thread beside that of SQLite, and says how many a second were acknowledged: `rate=…`.

mod ours;
mod plain;

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use common::{
    args::Args,
    frame::{Op, payload},
};

/// What is stored, and for how long.
struct Plan {
    /// The store's file or URL.
    at: String,
    /// Who publish at a time, each one message; or rows in one insert.
    publishers: usize,
    text: String,
    warm_up: Duration,
    time: Duration,
}

/// Messages that were acknowledged, and the time that it took.
struct Took {
    messages: u64,
    time: Duration,
}

impl Plan {
    fn from(args: &Args) -> Result<Self> {
        Ok(Self {
            at: args.required("at")?,
            publishers: args.get("publishers", 1)?,
            text: String::from_utf8(payload(Op::Text, args.get("size", 256)?))?,
            warm_up: Duration::from_secs_f64(args.get("warm-up", 0.25)?),
            time: Duration::from_secs_f64(args.get("seconds", 1.0)?),
        })
    }
}

/// Says whether the warm-up is over, and when it is time to end.
struct Window {
    begin: Instant,
    end: Instant,
}

impl Window {
    fn open(plan: &Plan) -> Self {
        let begin = Instant::now() + plan.warm_up;
        Self { begin, end: begin + plan.time }
    }

    /// Whether what is acknowledged now counts.
    fn counts(&self) -> bool {
        Instant::now() >= self.begin
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    fn took(&self, messages: u64) -> Took {
        Took { messages, time: self.begin.elapsed() }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::from_env(&["store", "subject", "at", "publishers", "size", "seconds", "warm-up"], &[])?;
    let (store, subject): (String, String) = (args.required("store")?, args.required("subject")?);
    let plan = Plan::from(&args)?;
    let took = match (&*store, &*subject) {
        ("sqlite", "plain") => plain::sqlite(&plan)?,
        ("postgres", "plain") => plain::postgres(&plan).await?,
        ("sqlite", "sockeye") => ours::run(&plan, sockeye::SqliteHistory::open(&plan.at)?).await?,
        ("postgres", "sockeye") => ours::run(&plan, sockeye::PostgresHistory::connect(&plan.at)?).await?,
        _ => bail!("expected --store sqlite or postgres and --subject plain or sockeye, got {store} and {subject}"),
    };
    ensure!(took.messages > 0, "nothing was stored");
    println!("rate={:.1}", took.messages as f64 / took.time.as_secs_f64());
    Ok(())
}
