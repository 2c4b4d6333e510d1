//! Brokers: one suite for all adapters, with real servers, and what becomes of a session when the server does not help.

mod encrypted;
mod ends;
mod leftovers;
mod looks;
mod names;
mod proxied;
mod refused;
mod suite;

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use sockeye::{
    LocalBroker, NatsBroker, RedisBroker, Result,
    broker::{Broker, Channel, Session},
    time::timeout,
};
use sockeye_tests::services::Service;

/// A broker that comes with the crate, and its server.
struct Subject {
    broker: Arc<dyn Broker>,
    service: Option<Service>,
}

impl Subject {
    async fn redis() -> Self {
        let service = Service::start("redis");
        let broker = RedisBroker::new(service.url()).expect("its URL");
        Self { broker: Arc::new(broker), service: Some(service) }
    }

    async fn nats() -> Self {
        let service = Service::start("nats");
        let broker = NatsBroker::new(service.url()).expect("its URL");
        Self { broker: Arc::new(broker), service: Some(service) }
    }

    async fn local() -> Self {
        Self { broker: Arc::new(LocalBroker::new()), service: None }
    }

    async fn connect(&self) -> Result<Session> {
        self.broker.connect().await
    }

    fn service(&mut self) -> &mut Service {
        self.service.as_mut().expect("it has a server")
    }
}

fn room(name: &str) -> Channel {
    Channel::Room(name.into())
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("a port").port()
}

/// Waits for the next message, not for ever.
async fn next(session: &mut Session) -> Result<(Channel, Bytes)> {
    soon(session.intake.next()).await
}

/// What must not take longer than the limits of the adapters.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(15), future).await.expect("it comes to an end")
}

/// Runs each function with each broker that has a server, as a test of its own.
macro_rules! with_each_server {
    ($($test:ident),* $(,)?) => {
        mod redis {
            $(#[sockeye::test(flavor = "multi_thread")]
            async fn $test() -> sockeye::Result<()> { super::$test(super::super::Subject::redis().await).await })*
        }
        mod nats {
            $(#[sockeye::test(flavor = "multi_thread")]
            async fn $test() -> sockeye::Result<()> { super::$test(super::super::Subject::nats().await).await })*
        }
    };
}
use with_each_server;

/// Runs each function with each broker, as a test of its own.
macro_rules! with_each_broker {
    ($($test:ident),* $(,)?) => {
        $crate::brokers::with_each_server!($($test),*);
        mod local {
            $(#[sockeye::test(flavor = "multi_thread")]
            async fn $test() -> sockeye::Result<()> { super::$test(super::super::Subject::local().await).await })*
        }
    };
}
use with_each_broker;
