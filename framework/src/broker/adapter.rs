//! What the adapters for servers have in common: a session that ends as one, batches, prefixes.

use std::{fmt::Display, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::watch;

use super::Channel;
use crate::{
    error::{Error, Result},
    rt::timeout,
};

/// How long a server may take for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// A batch goes out in parts of this many bytes: the server's time is for each.
const PART: usize = 1024 * 1024;
/// What a message counts on top of its length: a part has at most 1,024 of them.
const OVERHEAD: usize = 1024;
/// What the names of the channels begin with unless something else is asked for.
pub(super) const PREFIX: &str = "sockeye";
/// What is said where nobody has given a reason.
pub(super) const OVER: &str = "the session has ended";

/// Why a session has ended, for both of its halves. `None` for as long as it lives.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending(Arc<watch::Sender<Option<String>>>);

impl Ending {
    /// Ends the session. The reason that was given first stays.
    pub(super) fn set(&self, reason: impl Display) -> Error {
        self.0.send_if_modified(|known| {
            let is_first = known.is_none();
            known.get_or_insert_with(|| reason.to_string());
            is_first
        });
        self.check().err().unwrap_or_else(|| Error::broker(OVER))
    }

    pub(super) fn check(&self) -> Result<()> {
        self.0.borrow().clone().map_or(Ok(()), |reason| Err(Error::broker(reason)))
    }

    /// Has the server do something, within its time. A failure is the session's end: nobody knows what was done.
    pub(super) async fn guard<T, E: Display>(&self, what: &str, work: impl Future<Output = Result<T, E>>) -> Result<T> {
        self.check()?;
        let mut reason = self.0.subscribe();
        // What it gives would keep us from saying more. We hold what could close the channel.
        let ended = async { drop(reason.wait_for(Option::is_some).await) };
        let done = tokio::select! {
            biased;
            // An answer, or none.
            done = timeout(PATIENCE, work) => done,
            // The other half, or the library, has heard of the end.
            () = ended => return Err(self.set(OVER)),
        };
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(self.set(format_args!("can't {what}: {error}"))),
            Err(_) => Err(self.set(format_args!("can't {what}: the server has not answered within {PATIENCE:?}"))),
        }
    }
}

/// Cuts a batch into parts that a server can be given in one go.
pub(super) fn parts(messages: &[(Channel, Bytes)]) -> impl Iterator<Item = &[(Channel, Bytes)]> {
    let mut size = 0;
    let weigh = |(_, payload): &(Channel, Bytes)| payload.len() + OVERHEAD;
    messages.chunk_by(move |last, next| {
        size += weigh(last);
        let fits = size + weigh(next) <= PART;
        if !fits {
            size = 0;
        }
        fits
    })
}

/// A prefix can't have in it what separates it from the rest, at any server.
pub(super) fn checked_prefix(prefix: &str) -> Arc<str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    assert!(
        matches!(prefix.len(), 1..=64) && prefix.bytes().all(plain),
        "expected a prefix of 1 to 64 ASCII letters, digits, `-` and `_`, got {prefix:?}"
    );
    prefix.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(sizes: &[usize]) -> Vec<usize> {
        let messages: Vec<_> = sizes.iter().map(|&size| (Channel::Nodes, Bytes::from(vec![0; size]))).collect();
        parts(&messages).map(<[_]>::len).collect()
    }

    #[test]
    fn cuts_by_bytes_and_by_number() {
        assert!(cut(&[]).is_empty());
        assert_eq!(cut(&[0; 1024]), [1024]);
        assert_eq!(cut(&[0; 2049]), [1024, 1024, 1]);
        assert_eq!(cut(&[PART, 1, 1, PART, PART, 1]), [1, 2, 1, 1, 1]);
        assert_eq!(cut(&[PART / 2, PART / 4, PART / 2, 0]), [2, 2]);
    }

    #[test]
    fn the_first_reason_stays() {
        let (ending, same) = (Ending::default(), Ending::default());
        assert!(ending.check().is_ok());
        assert_eq!(ending.set("the first").to_string(), "the first");
        assert_eq!(ending.clone().set("another").to_string(), "the first");
        assert!(ending.check().is_err() && same.check().is_ok());
    }

    #[tokio::test]
    async fn work_ends_with_its_session() {
        let ending = Ending::default();
        let done = ending.guard("wait", async { Ok::<_, Error>(7) }).await;
        assert_eq!(done.unwrap(), 7);
        let never = std::future::pending::<Result<()>>();
        let (ended, ()) = tokio::join!(ending.guard("wait", never), async {
            tokio::task::yield_now().await;
            ending.set("the reason");
        });
        assert_eq!(ended.unwrap_err().to_string(), "the reason");
    }

    #[tokio::test(start_paused = true)]
    async fn work_has_its_time() {
        let ending = Ending::default();
        let never = std::future::pending::<Result<()>>();
        let error = ending.guard("wait", never).await.unwrap_err();
        assert_eq!(error.to_string(), "can't wait: the server has not answered within 5s");
        assert!(ending.check().is_err());
    }

    #[test]
    #[should_panic(expected = "expected a prefix of 1 to 64 ASCII letters, digits, `-` and `_`, got \"a.b\"")]
    fn a_prefix_with_a_dot_is_refused() {
        checked_prefix("a.b");
    }
}
