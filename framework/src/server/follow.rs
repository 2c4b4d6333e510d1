//! Follows the requests in a stream of bytes, to see what hyper hides.

/// What is kept of a line: enough for the names and numbers that matter here.
const KEPT: usize = 64;

/// Reads the same bytes as hyper does and knows of each whether it is head or body (RFC 9112 section 6.3).
///
/// hyper drops `Content-Length` where there is a `Transfer-Encoding`: that both were sent can't be seen in its request.
#[derive(Debug, Default)]
pub(super) struct Follower {
    place: Place,
    /// The start of the line that is under way, and its length so far.
    line: Vec<u8>,
    length: usize,
    head: Head,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before a request line, or in it.
    #[default]
    Start,
    Head,
    /// That many bytes before the next request.
    Body(u64),
    ChunkSize,
    /// That many bytes before the next chunk.
    Chunk(u64),
    Trailer,
    /// hyper will refuse this too, or it can't be told where the next request begins.
    Lost,
}

/// How a request says where it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    chunked: bool,
    length: Length,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Length {
    #[default]
    None,
    Known(u64),
    Unclear,
}

impl Head {
    /// RFC 9112 section 6.1: who sends both may be smuggling.
    pub(super) fn is_ambiguous(self) -> bool {
        self.chunked && self.length != Length::None
    }

    fn body(self) -> Place {
        match self.length {
            _ if self.chunked => Place::ChunkSize,
            Length::None | Length::Known(0) => Place::Start,
            Length::Known(length) => Place::Body(length),
            Length::Unclear => Place::Lost,
        }
    }

    fn line(&mut self, line: &[u8]) {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let value = value.get(1..).map(<[u8]>::trim_ascii).filter(|_| line.len() < KEPT);
            self.length = match value.and_then(|value| number(value, 10)) {
                Some(length) => Length::Known(length),
                None => Length::Unclear,
            };
        }
    }
}

impl Follower {
    /// One that follows nothing.
    pub(super) fn lost() -> Self {
        Self { place: Place::Lost, ..Self::default() }
    }

    /// Goes on by some bytes; says of each head that ends in them what it was like.
    pub(super) fn follow(&mut self, mut bytes: &[u8], mut ended: impl FnMut(Head)) {
        while !bytes.is_empty() {
            bytes = match self.place {
                Place::Lost => return,
                Place::Body(left) => self.skip(bytes, left, Place::Body, Place::Start),
                Place::Chunk(left) => self.skip(bytes, left, Place::Chunk, Place::ChunkSize),
                Place::Start | Place::Head | Place::ChunkSize | Place::Trailer => self.line(bytes, &mut ended),
            };
        }
    }

    /// Whether the stream is between two requests.
    pub(super) fn is_between(&self) -> bool {
        self.place == Place::Start && self.length == 0
    }

    /// The length of the request line, as long as it has not ended.
    pub(super) fn request_line(&self) -> usize {
        if self.place == Place::Start { self.length } else { 0 }
    }

    fn skip<'b>(&mut self, bytes: &'b [u8], left: u64, rest: fn(u64) -> Place, next: Place) -> &'b [u8] {
        let count = left.min(bytes.len() as u64);
        self.place = if count == left { next } else { rest(left - count) };
        &bytes[count as usize..]
    }

    fn line<'b>(&mut self, bytes: &'b [u8], ended: &mut impl FnMut(Head)) -> &'b [u8] {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        let kept = part.len().min(KEPT - self.line.len());
        self.line.extend_from_slice(&part[..kept]);
        self.length += part.len();
        let Some(end) = end else { return &[] };
        // RFC 9112 section 2.2: a line may end without CR.
        let line = std::mem::take(&mut self.line);
        self.length = 0;
        self.place = self.after(line.strip_suffix(b"\r").unwrap_or(&line), ended);
        &bytes[end + 1..]
    }

    fn after(&mut self, line: &[u8], ended: &mut impl FnMut(Head)) -> Place {
        match self.place {
            // Blank lines before a request line are ignored (RFC 9112 section 2.2).
            Place::Start if line.is_empty() => Place::Start,
            Place::Start => Place::Head,
            Place::Head if line.is_empty() => {
                let head = std::mem::take(&mut self.head);
                ended(head);
                head.body()
            }
            Place::Head => {
                self.head.line(line);
                Place::Head
            }
            Place::ChunkSize => chunk(line),
            Place::Trailer if line.is_empty() => Place::Start,
            other => other,
        }
    }
}

/// RFC 9112 section 7.1.
fn chunk(line: &[u8]) -> Place {
    let size = line.split(|byte| matches!(byte, b';' | b' ' | b'\t')).next().unwrap_or_default();
    match number(size, 16) {
        Some(0) => Place::Trailer,
        // With the line's end behind it.
        Some(size) => size.checked_add(2).map_or(Place::Lost, Place::Chunk),
        None => Place::Lost,
    }
}

/// Digits and nothing else: no sign, as the standard library would take.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u64::from_str_radix(text, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    const BOTH: &str = "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

    fn heads(text: &str, cut: usize) -> Vec<bool> {
        let mut follower = Follower::default();
        let mut heads = Vec::new();
        for bytes in text.as_bytes().chunks(cut) {
            follower.follow(bytes, |head| heads.push(head.is_ambiguous()));
        }
        heads
    }

    #[test]
    fn finds_every_head_however_the_bytes_are_cut() {
        let sized = format!("POST / HTTP/1.1\r\nCONTENT-LENGTH:{}\r\n\r\n{BOTH}", BOTH.len());
        let chunked =
            "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n4;a=b\r\n\r\n\r\n\r\n00\r\nContent-Length: 1\r\n\r\n";
        let all = ["\r\n", GET, &sized, chunked, BOTH, chunked, &sized, GET, BOTH].concat();
        for cut in [1, 2, 3, 7, 50, all.len()] {
            assert_eq!(heads(&all, cut), [false, false, false, true, false, false, false, true], "{cut}");
        }
    }

    #[test]
    fn gives_up_where_the_next_request_can_not_be_found() {
        for lost in [
            "POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        ] {
            assert_eq!(heads(&format!("{lost}{BOTH}"), 5).len(), 1, "{lost}");
        }
    }

    #[test]
    fn knows_how_long_the_request_line_is() {
        let mut follower = Follower::default();
        assert!(follower.is_between());
        for _ in 0..3 {
            follower.follow(&[b'a'; 1000], |_| {});
        }
        assert_eq!((follower.request_line(), follower.line.len()), (3000, KEPT));
        follower.follow(b"\n", |_| {});
        assert_eq!(follower.request_line(), 0);
        assert!(!follower.is_between());
    }
}
