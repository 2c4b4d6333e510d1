//! What there is without us: one connection that publishes, one that subscribes, as the libraries' documentation shows it.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::StreamExt;
use redis::aio::{MultiplexedConnection, PubSubStream};

const CHANNEL: &str = "bench";

pub(crate) struct Redis {
    publisher: MultiplexedConnection,
    messages: PubSubStream,
}

impl Redis {
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let client = redis::Client::open(url)?;
        let publisher = client.get_multiplexed_async_connection().await?;
        let (mut sink, messages) = client.get_async_pubsub().await?.split();
        sink.subscribe(CHANNEL).await?;
        Ok(Self { publisher, messages })
    }

    pub(crate) async fn pass(&mut self, batch: &[Bytes]) -> Result<()> {
        let mut commands = redis::pipe();
        for message in batch {
            commands.cmd("PUBLISH").arg(CHANNEL).arg(&message[..]).ignore();
        }
        let (published, received) = tokio::join!(commands.exec_async(&mut self.publisher), async {
            for message in batch {
                let came = self.messages.next().await.context("the connection is closed")?;
                ensure!(came.get_payload_bytes() == message, "another message has come");
            }
            Ok(())
        });
        published?;
        received
    }
}

pub(crate) struct Nats {
    publisher: async_nats::Client,
    messages: async_nats::Subscriber,
    /// Without it the subscription would end.
    _subscriber: async_nats::Client,
}

impl Nats {
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let (publisher, subscriber) = (async_nats::connect(url).await?, async_nats::connect(url).await?);
        let messages = subscriber.subscribe(CHANNEL).await?;
        subscriber.flush().await?;
        // What is published before the server has heard of the subscription would be lost.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        Ok(Self { publisher, messages, _subscriber: subscriber })
    }

    pub(crate) async fn pass(&mut self, batch: &[Bytes]) -> Result<()> {
        for message in batch {
            self.publisher.publish(CHANNEL, message.clone()).await?;
        }
        self.publisher.flush().await?;
        for message in batch {
            let came = self.messages.next().await.context("the connection is closed")?;
            ensure!(came.payload == message, "another message has come");
        }
        Ok(())
    }
}
