//! How much a connection may say: a bound for floods, not for who talks much.

use std::{str::FromStr, time::Duration};

use sockeye::{Error, time::Instant};

/// What may be said at once is what this time brings.
const BURST: Duration = Duration::from_secs(10);

/// So much a second, and as much at once as ten seconds bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Nothing: there is no limit.
    a_second: Option<u32>,
}

/// What a connection has said lately.
pub(crate) struct Meter {
    rate: Rate,
    /// When all would be paid for that was said so far.
    paid: Instant,
}

impl Rate {
    /// There is no limit.
    pub const UNLIMITED: Self = Self { a_second: None };

    /// So much a second; 0 is no limit.
    pub fn a_second(messages: u32) -> Self {
        Self { a_second: Some(messages).filter(|messages| *messages > 0) }
    }

    pub(crate) fn meter(self) -> Meter {
        Meter { rate: self, paid: Instant::now() }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self::a_second(50)
    }
}

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let expected = || Error::other(format!("expected CHAT_RATE to be a whole number, got `{text}`"));
        text.parse().map(Self::a_second).map_err(|_| expected())
    }
}

impl Meter {
    /// Whether one more may be said now.
    pub(crate) fn admits(&mut self) -> bool {
        let Some(a_second) = self.rate.a_second else { return true };
        let (now, one) = (Instant::now(), Duration::from_secs(1) / a_second);
        let paid = self.paid.max(now) + one;
        let is_admitted = paid <= now + BURST;
        if is_admitted {
            self.paid = paid;
        }
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[sockeye::test(start_paused = true)]
    async fn takes_a_burst_and_then_the_rate() {
        let mut meter = Rate::a_second(10).meter();
        let mut said = |most| (0..most).take_while(|_| meter.admits()).count();
        assert_eq!((said(1000), said(1000)), (100, 0));
        sockeye::time::sleep(Duration::from_millis(301)).await;
        assert_eq!((said(100), said(100)), (3, 0));
        sockeye::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(said(1000), 100);
        let mut free = Rate::UNLIMITED.meter();
        assert!((0..100_000).all(|_| free.admits()));
    }

    #[test]
    fn is_read_from_a_text() {
        assert_eq!(("50".parse::<Rate>().unwrap(), "0".parse::<Rate>().unwrap()), (Rate::default(), Rate::UNLIMITED));
        for text in ["-1", "fast", "1.5", " "] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert_eq!(error, format!("expected CHAT_RATE to be a whole number, got `{text}`"));
        }
    }
}
