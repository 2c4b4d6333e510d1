//! How long to wait before the next attempt.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// The first wait is at most this long; the bound doubles with each attempt that fails.
pub(super) const SHORTEST: Duration = Duration::from_millis(250);
/// No bound is longer.
pub(super) const LONGEST: Duration = Duration::from_secs(30);
/// A connection that lasted this long was a good one: the bounds begin anew.
pub(super) const GOOD: Duration = Duration::from_secs(5);

/// Full jitter: any time between none and the bound, so that clients who lost their server together do not come back
/// together.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The number of the next attempt, from 1.
    pub(super) fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }

    /// Counts an attempt that failed, and gives the wait before the next.
    pub(super) fn failed(&mut self) -> Duration {
        let bound = SHORTEST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        bound.mul_f64(fraction())
    }

    /// After a connection that lasted so long.
    pub(super) fn lasted(&mut self, time: Duration) {
        if time >= GOOD {
            self.failures = 0;
        }
    }
}

/// From 0 to 1, at random: the keys of each `RandomState` differ.
fn fraction() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_up_to_the_longest() {
        for (failures, bound) in [(0, 250), (1, 500), (6, 16_000), (7, 30_000), (40, 30_000), (u32::MAX, 30_000)] {
            let waits: Vec<_> = (0..200).map(|_| Backoff { failures }.failed()).collect();
            let bound = Duration::from_millis(bound);
            assert!(waits.iter().all(|wait| *wait <= bound), "{failures}");
            // Spread over all of it: each quarter is missed 200 times in a row once in 10^25 runs.
            for quarter in 0..4 {
                let range = bound * quarter / 4..=bound * (quarter + 1) / 4;
                assert!(waits.iter().any(|wait| range.contains(wait)), "{failures}: nothing in quarter {quarter}");
            }
        }
    }

    #[test]
    fn a_good_connection_starts_anew() {
        let mut backoff = Backoff::default();
        let _ = (backoff.failed(), backoff.failed());
        backoff.lasted(GOOD - Duration::from_millis(1));
        assert_eq!(backoff.attempt(), 3);
        backoff.lasted(GOOD);
        assert_eq!(backoff.attempt(), 1);
    }
}
