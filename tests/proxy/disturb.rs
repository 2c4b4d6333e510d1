//! What Redis pushes, message by message: lost, doubled, overtaken.

use std::sync::atomic::Ordering::Relaxed;

use super::Tally;

/// Of a hundred messages, how many are lost, come twice, come after the next one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Odds {
    pub lose: u64,
    pub double: u64,
    pub overtake: u64,
}

/// One direction of one connection.
pub(super) struct Disturber {
    /// What has come and is not whole yet.
    partial: Vec<u8>,
    /// A message that the next one overtakes.
    held: Vec<u8>,
    /// Not RESP: handed on as it is.
    foreign: bool,
    random: u64,
}

impl Disturber {
    pub(super) fn new(seed: u64) -> Self {
        Self { partial: Vec::new(), held: Vec::new(), foreign: false, random: seed.wrapping_mul(2).wrapping_add(1) }
    }

    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn release(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
    }

    pub(super) fn pass(&mut self, bytes: &[u8], odds: Odds, tally: &Tally, out: &mut Vec<u8>) {
        self.partial.extend_from_slice(bytes);
        let mut begin = 0;
        while !self.foreign {
            let rest = &self.partial[begin..];
            match length(rest) {
                Ok(Some(length)) => {
                    let frame = rest[..length].to_vec();
                    begin += length;
                    self.frame(frame, odds, tally, out);
                }
                Ok(None) => break,
                Err(NotResp) => self.foreign = true,
            }
        }
        if self.foreign {
            out.extend_from_slice(&self.partial[begin..]);
            begin = self.partial.len();
        }
        self.partial.drain(..begin);
    }

    fn frame(&mut self, mut frame: Vec<u8>, odds: Odds, tally: &Tally, out: &mut Vec<u8>) {
        if !is_message(&frame) {
            out.append(&mut frame);
            return;
        }
        let dice = self.roll();
        let (lose, double) = (odds.lose, odds.lose + odds.double);
        let fate = match dice {
            dice if dice < lose => &tally.lost,
            dice if dice < double => {
                out.extend_from_slice(&frame);
                out.append(&mut frame);
                &tally.doubled
            }
            dice if dice < double + odds.overtake && self.held.is_empty() => {
                self.held = frame;
                tally.overtaken.fetch_add(1, Relaxed);
                return;
            }
            _ => {
                out.append(&mut frame);
                &tally.passed
            }
        };
        fate.fetch_add(1, Relaxed);
        self.release(out);
    }

    /// 0 to 99. Marsaglia's xorshift: the same for the same seed, everywhere.
    fn roll(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 33) % 100
    }
}

/// As RESP3 pushes it, and as RESP2 does.
fn is_message(frame: &[u8]) -> bool {
    frame.starts_with(b">3\r\n$7\r\nmessage\r\n") || frame.starts_with(b"*3\r\n$7\r\nmessage\r\n")
}

#[derive(Debug, PartialEq, Eq)]
struct NotResp;

/// How long the first value is, if it is whole.
fn length(bytes: &[u8]) -> Result<Option<usize>, NotResp> {
    let Some(kind) = bytes.first() else { return Ok(None) };
    if !b"+-:,#(_$!=*~>%|".contains(kind) {
        return Err(NotResp);
    }
    let Some(line) = bytes.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
    let count = || -> Result<usize, NotResp> {
        let number: i64 =
            std::str::from_utf8(&bytes[1..line]).ok().and_then(|text| text.parse().ok()).ok_or(NotResp)?;
        // -1 is null.
        Ok(usize::try_from(number).unwrap_or(0))
    };
    let values = match kind {
        b'$' | b'!' | b'=' => {
            let null = bytes[1] == b'-';
            let end = line + 2 + if null { 0 } else { count()? + 2 };
            return Ok((end <= bytes.len()).then_some(end));
        }
        b'*' | b'~' | b'>' => count()?,
        b'%' => 2 * count()?,
        // Attributes: the value they belong to comes behind them.
        b'|' => 2 * count()? + 1,
        _ => 0,
    };
    let mut end = line + 2;
    for _ in 0..values {
        match length(&bytes[end..])? {
            Some(length) => end += length,
            None => return Ok(None),
        }
    }
    Ok(Some(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: usize) -> Vec<u8> {
        let text = number.to_string();
        format!(">3\r\n$7\r\nmessage\r\n$1\r\nr\r\n${}\r\n{text}\r\n", text.len()).into()
    }

    fn run(bytes: &[u8], cut: usize, odds: Odds) -> (Vec<u8>, Tally) {
        let (mut disturber, tally, mut out) = (Disturber::new(7), Tally::default(), Vec::new());
        for piece in bytes.chunks(cut) {
            disturber.pass(piece, odds, &tally, &mut out);
        }
        disturber.release(&mut out);
        assert!(disturber.partial.is_empty() || odds.lose == 0);
        (out, tally)
    }

    #[test]
    fn knows_where_values_end() {
        let values: [&[u8]; 12] = [
            b"+OK\r\n",
            b"-ERR no\r\n",
            b":1\r\n",
            b"_\r\n",
            b"#t\r\n",
            b",1.5\r\n",
            b"$-1\r\n",
            b"$0\r\n\r\n",
            b"$4\r\n\r\n\r\n\r\n",
            b"*-1\r\n",
            b"%1\r\n+a\r\n*2\r\n:1\r\n$1\r\nx\r\n",
            b"|1\r\n+a\r\n+b\r\n>0\r\n",
        ];
        for value in values {
            assert_eq!(length(value), Ok(Some(value.len())), "{value:?}");
            for cut in 0..value.len() {
                assert_eq!(length(&value[..cut]), Ok(None), "{value:?} to {cut}");
            }
        }
        for other in [&b"INFO {}\r\n"[..], b"HTTP/1.1 200 OK\r\n", b"$x\r\n"] {
            assert_eq!(length(other), Err(NotResp));
        }
    }

    #[test]
    fn hands_on_what_it_is_not_to_disturb() {
        let mut bytes: Vec<u8> = b"+OK\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nr\r\n:1\r\n".to_vec();
        (0..9).for_each(|number| bytes.extend(message(number)));
        for cut in [1, 2, 7, 1000] {
            let (out, tally) = run(&bytes, cut, Odds::default());
            assert_eq!(out, bytes);
            assert_eq!(tally.passed.into_inner(), 9);
        }
        // Nor what is no RESP at all.
        assert_eq!(run(b"INFO {}\r\nMSG a 1 2\r\nhi\r\n", 3, Odds::default()).0, b"INFO {}\r\nMSG a 1 2\r\nhi\r\n");
    }

    #[test]
    fn loses_doubles_and_lets_overtake() {
        const MESSAGES: usize = 10_000;
        let bytes: Vec<u8> = (0..MESSAGES).flat_map(message).collect();
        let (out, tally) = run(&bytes, 999, Odds { lose: 5, double: 5, overtake: 5 });
        let [passed, lost, doubled, overtaken] =
            [tally.passed, tally.lost, tally.doubled, tally.overtaken].map(|count| count.into_inner());
        assert_eq!(passed + lost + doubled + overtaken, MESSAGES);
        for fate in [lost, doubled, overtaken] {
            assert!((300..700).contains(&fate), "{passed} {lost} {doubled} {overtaken}");
        }
        let (mut begin, mut frames) = (0, 0);
        while let Ok(Some(length)) = length(&out[begin..]) {
            begin += length;
            frames += 1;
        }
        assert_eq!((begin, frames), (out.len(), MESSAGES - lost + doubled));
    }
}
