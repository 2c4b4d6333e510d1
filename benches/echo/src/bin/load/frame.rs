//! As much of RFC 6455 as a client needs that only counts echoes.

use anyhow::{Result, ensure};

const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// A text message as a client sends it.
pub(crate) fn masked(payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut frame = header(payload.len(), MASKED);
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// The same message as a server sends it.
pub(crate) fn plain(payload: &[u8]) -> Vec<u8> {
    let mut frame = header(payload.len(), 0);
    frame.extend(payload);
    frame
}

fn header(len: usize, mask_bit: u8) -> Vec<u8> {
    let mut header = vec![FIN | TEXT];
    match len {
        0..=125 => header.push(mask_bit | len as u8),
        126..=0xffff => {
            header.push(mask_bit | 126);
            header.extend((len as u16).to_be_bytes());
        }
        _ => {
            header.push(mask_bit | 127);
            header.extend((len as u64).to_be_bytes());
        }
    }
    header
}

/// Finds the ends of messages in a server's stream, however it is cut.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    header: [u8; 10],
    have: usize,
    /// Payload bytes of the current frame that have not come yet.
    left: u64,
}

impl Reader {
    /// How many messages end in `bytes`. Pings are passed over: no run is long enough for one to need its pong.
    pub(crate) fn count(&mut self, mut bytes: &[u8]) -> Result<usize> {
        let mut messages = 0;
        while let [first, rest @ ..] = bytes {
            if self.have < self.header_len() {
                self.header[self.have] = *first;
                self.have += 1;
                bytes = rest;
                if self.have < self.header_len() {
                    continue;
                }
                self.begin_payload()?;
            }
            let part = self.left.min(bytes.len() as u64);
            self.left -= part;
            bytes = &bytes[part as usize..];
            if self.left == 0 {
                messages += usize::from(self.ends_message());
                self.have = 0;
            }
        }
        Ok(messages)
    }

    fn header_len(&self) -> usize {
        match (self.have, self.header[1]) {
            (0 | 1, _) => 2,
            (_, 126) => 4,
            (_, 127) => 10,
            _ => 2,
        }
    }

    fn begin_payload(&mut self) -> Result<()> {
        ensure!(self.header[0] & 0xf != CLOSE, "the server closed a connection");
        ensure!(self.header[1] & MASKED == 0, "the server sent a masked frame");
        let long = &self.header[2..self.have];
        self.left = match long {
            [] => u64::from(self.header[1]),
            _ => long.iter().fold(0, |len, byte| len << 8 | u64::from(*byte)),
        };
        Ok(())
    }

    fn ends_message(&self) -> bool {
        let [first, ..] = self.header;
        first & FIN != 0 && first & 0xf < CLOSE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_same_count() {
        let mut stream = Vec::new();
        for len in [0, 1, 125, 126, 70_000, 20] {
            stream.extend(plain(&vec![b'x'; len]));
        }
        stream.extend([0x89, 1, b'p']); // a ping is no message
        for cut in [1, 2, 3, 7, 1000, stream.len()] {
            let mut reader = Reader::default();
            let counts = stream.chunks(cut).map(|part| reader.count(part).unwrap());
            assert_eq!(counts.sum::<usize>(), 6, "cut every {cut} bytes");
        }
    }

    #[test]
    fn a_close_frame_is_an_error() {
        assert!(Reader::default().count(&[0x88, 0]).is_err());
    }
}
