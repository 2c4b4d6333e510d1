//! Says a word to itself over a broker, by its URL: what it hears is on stdout, or why it hears nothing.

use sockeye::{
    NatsBroker, RedisBroker,
    broker::{Broker, Channel},
    prelude::*,
};

#[sockeye::main]
async fn main() -> Result<()> {
    let url = std::env::args().nth(1).ok_or_else(|| Error::other("usage: broker URL"))?;
    let heard = match url.starts_with("redis") {
        true => echo(RedisBroker::new(&url)).await,
        false => echo(NatsBroker::new(&url)).await,
    };
    match heard {
        Ok(heard) => println!("heard {heard}"),
        Err(error) => println!("error: {error}"),
    }
    Ok(())
}

async fn echo(broker: Result<impl Broker>) -> Result<String> {
    let mut session = broker?.connect().await?;
    session.outlet.subscribe(&[Channel::Nodes]).await?;
    session.outlet.publish(&[(Channel::Nodes, "hello".into())]).await?;
    let (_, payload) = session.intake.next().await?;
    Ok(String::from_utf8_lossy(&payload).into_owned())
}
