//! Sends messages through a broker, on one thread, and says how long they took: `p50=… p99=… rate=…`, in microseconds and
//! messages a second.
//!
//! A closed loop: a batch leaves when all of the one before has come. Every byte that comes is compared.

mod bare;
mod nodes;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use common::{
    args::Args,
    frame::{Op, payload},
};

/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What carries messages from one end to the other.
enum Path {
    Redis(bare::Redis),
    Nats(bare::Nats),
    Nodes(nodes::Nodes),
}

impl Path {
    async fn open(args: &Args) -> Result<Self> {
        let url: String = args.required("url")?;
        let (broker, subject): (String, String) = (args.required("broker")?, args.required("subject")?);
        Ok(match (&*broker, &*subject) {
            ("redis", "bare") => Self::Redis(bare::Redis::open(&url).await?),
            ("nats", "bare") => Self::Nats(bare::Nats::open(&url).await?),
            ("redis", "sockeye") => Self::Nodes(nodes::Nodes::open(sockeye::RedisBroker::new(&url)?).await?),
            ("nats", "sockeye") => Self::Nodes(nodes::Nodes::open(sockeye::NatsBroker::new(&url)?).await?),
            _ => bail!("expected --broker redis or nats and --subject bare or sockeye, got {broker} and {subject}"),
        })
    }

    /// Sends a batch and waits until all of it has come.
    async fn pass(&mut self, batch: &[Bytes]) -> Result<()> {
        match self {
            Self::Redis(path) => path.pass(batch).await,
            Self::Nats(path) => path.pass(batch).await,
            Self::Nodes(path) => path.pass(batch).await,
        }
    }
}

/// Numbered, so that none can be lost, doubled or moved without a byte that is wrong.
fn batches(size: usize, in_flight: usize) -> Vec<Vec<Bytes>> {
    let numbered = |number: usize| {
        let mut text = payload(Op::Text, size);
        let number = format!("{number:08} ");
        text[..number.len()].copy_from_slice(number.as_bytes());
        Bytes::from(text)
    };
    (0..16).map(|batch| (0..in_flight).map(|index| numbered(batch * in_flight + index)).collect()).collect()
}

async fn run(path: &mut Path, batches: &[Vec<Bytes>], time: Duration) -> Result<Vec<Duration>> {
    let (end, mut took) = (Instant::now() + time, Vec::new());
    for batch in batches.iter().cycle() {
        let begin = Instant::now();
        tokio::time::timeout(PATIENCE, path.pass(batch)).await.context("a message has not come")??;
        took.push(begin.elapsed());
        if Instant::now() >= end {
            break;
        }
    }
    Ok(took)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let names = ["broker", "url", "subject", "size", "in-flight", "seconds", "warm-up"];
    let args = Args::from_env(&names, &[])?;
    let in_flight: usize = args.get("in-flight", 1)?;
    let batches = batches(args.get("size", 64)?, in_flight);
    let mut path = Path::open(&args).await?;
    run(&mut path, &batches, Duration::from_secs_f64(args.get("warm-up", 0.25)?)).await?;
    let begin = Instant::now();
    let mut took = run(&mut path, &batches, Duration::from_secs_f64(args.get("seconds", 1.0)?)).await?;
    let elapsed = begin.elapsed().as_secs_f64();
    took.sort();
    let percentile = |part: f64| took[((took.len() - 1) as f64 * part).round() as usize].as_secs_f64() * 1e6;
    let rate = (took.len() * in_flight) as f64 / elapsed;
    println!("p50={:.3} p99={:.3} rate={rate:.1}", percentile(0.5), percentile(0.99));
    Ok(())
}
