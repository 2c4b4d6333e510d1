//! Publishes to a history in SQLite until it is killed. What was acknowledged is on stdout, a line each: room, offset, text.

use sockeye::{SqliteHistory, prelude::*};

#[sockeye::main]
async fn main() -> Result<()> {
    let file = std::env::args().nth(1).ok_or_else(|| Error::other("usage: publisher FILE"))?;
    let hub = App::new().history(SqliteHistory::open(file)?).hub();
    let process = std::process::id();
    let publishers: Vec<_> = (0..8)
        .map(|publisher| {
            let room = hub.room(format!("room-{}", publisher % 2));
            sockeye::spawn(async move {
                for number in 0_u64.. {
                    let text = format!("{process}/{publisher}/{number}");
                    let offset = room.publish(&text).await?;
                    println!("{} {offset} {text}", room.name());
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await??;
    }
    Ok(())
}
