//! Two nodes with one store, over a broker that fails.

mod failing;
mod load;
mod partitions;

/// Runs each function with each broker, as a test of its own.
macro_rules! with_each_broker {
    ($($test:ident),* $(,)?) => {
        mod redis {
            $(#[sockeye::test(flavor = "multi_thread")]
            async fn $test() -> sockeye::Result<()> { super::$test(super::Load::start("redis").await?).await })*
        }
        mod nats {
            $(#[sockeye::test(flavor = "multi_thread")]
            async fn $test() -> sockeye::Result<()> { super::$test(super::Load::start("nats").await?).await })*
        }
    };
}
use with_each_broker;
