//! The client for Rust programs: what it does when the server is slow, away, cut off or hostile.

mod asking;
mod clock;
mod ending;
mod network;
mod queue;
mod resuming;
mod stage;
mod tls;

use sockeye::{
    Inbound,
    client::{Client, Event},
};
use std::fmt::Debug;

use crate::robustness::raw::soon;

#[test]
fn handles_cross_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Client>();
    check::<sockeye::client::Sender>();
    check::<sockeye::client::Builder>();
    check::<Event>();
}

/// Takes events until one is such.
async fn until<In: Inbound + Debug, Out, T>(
    client: &mut Client<In, Out>,
    what: &str,
    is_such: impl Fn(&Event<In>) -> Option<T>,
) -> T {
    soon(what, async {
        loop {
            let event = client.next().await.unwrap_or_else(|| panic!("ended before {what}"));
            if let Some(found) = is_such(&event.expect("a message that can be read")) {
                return found;
            }
        }
    })
    .await
}
