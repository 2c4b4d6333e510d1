//! Our decoder beside tungstenite's, in the role of a server, on streams of whole frames: the same messages and the same
//! verdict, but for the differences listed in `Difference`.

#![no_main]

use std::io::{self, Cursor, Read, Write};

use libfuzzer_sys::fuzz_target;
use sockeye::{
    CloseFrame, Message,
    fuzzing::{Limits, Said, decode},
};
use sockeye_fuzz::Frame;
use tungstenite::{
    Error, Message as Theirs,
    error::ProtocolError,
    protocol::{Role, WebSocket, WebSocketConfig},
};

/// Both hold the stream in memory.
const LONGEST: usize = 128 * 1024;

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// It may go on, or a close frame came.
    Well,
    /// The connection is to be failed: the code, and in whose words.
    Failed(u16, String),
}

impl End {
    fn code(&self) -> Option<u16> {
        match self {
            Self::Well => None,
            Self::Failed(code, _) => Some(*code),
        }
    }
}

/// Where we differ from tungstenite and mean to.
#[derive(Debug)]
enum Difference {
    /// It takes lengths in a longer form than they need, in control frames too. RFC 6455 §5.2: "Note that in all cases,
    /// the minimal number of bytes MUST be used to encode the length".
    PaddedLength,
    /// It gives a close frame whose code may not be sent as one of 1002 of its own. The connection ends with 1002 either
    /// way. RFC 6455 §7.4.1: "Reserved values" such as 1005 "MUST NOT be set as a status code in a Close control frame
    /// by an endpoint".
    CloseCode,
    /// It does not know 1014, bad gateway, which is registered since. RFC 6455 §7.4.2: "Status codes in the range
    /// 1000-2999 are reserved for definition by this protocol, its future revisions, and extensions specified in a
    /// permanent and readily available public specification"; the registry of §11.7 has it.
    BadGateway,
    /// One frame breaks two rules, and each of us tells the one it looks at first. RFC 6455 §7.1.7 leaves the code to us:
    /// "an endpoint SHOULD send a Close frame with an appropriate status code".
    OtherRuleFirst,
    /// A control frame may have 125 bytes, whatever the limit of a frame: RFC 6455 §5.5: "All control frames MUST have a
    /// payload length of 125 bytes or less". tungstenite holds it to that limit too.
    SmallControl,
}

fuzz_target!(|input: (u16, u16, Vec<Frame<'_>>)| {
    let (max_message, max_frame, frames) = input;
    // The highest bit stands for the default of both.
    let limit = |drawn: u16| if drawn >> 15 == 0 { usize::from(drawn) } else { 1 << 20 };
    let limits = (limit(max_message), limit(max_frame), 65_536, false);
    let mut stream = Vec::new();
    for frame in &frames {
        frame.put(&mut stream);
        if stream.len() > LONGEST {
            break;
        }
    }
    let (ours, our_end) = our_reading(limits, &stream);
    let (theirs, their_end) = their_reading(limits, stream);
    if ours == theirs && our_end.code() == their_end.code() {
        return;
    }
    if difference(&ours, &our_end, &theirs, &their_end).is_none() {
        panic!("ours: {ours:#?}\n{our_end:?}\n\ntheirs: {theirs:#?}\n{their_end:?}");
    }
});

/// A reason why the readings differ, if it is a known one.
fn difference(ours: &[Said], our_end: &End, theirs: &[Said], their_end: &End) -> Option<Difference> {
    // Up to where we differ, both have read the same.
    let common = ours.iter().zip(theirs).take_while(|(our, their)| our == their).count();
    let we_stopped = common == ours.len();
    let they_stopped = common == theirs.len();
    let text = match our_end {
        End::Failed(_, text) => text.as_str(),
        End::Well => "",
    };
    // A control frame with a long form of a length is refused for that alone: its length fits the short one.
    let padded = text.contains("length in its shortest form") || text.contains("125 bytes in a control frame");
    if we_stopped && padded && our_end.code() == Some(1002) {
        return Some(Difference::PaddedLength);
    }
    let violation = Said::Close(Some(close(1002, "Protocol violation")));
    if we_stopped && text.contains("close code that may be sent") && theirs[common..] == [violation.clone()] {
        return Some(Difference::CloseCode);
    }
    let bad_gateway = |said: &Said| matches!(said, Said::Close(Some(frame)) if frame.code == 1014);
    if ours[common..].iter().all(bad_gateway) && theirs[common..] == [violation] {
        return Some(Difference::BadGateway);
    }
    // It looks at the frame's length before all else, and at the text of a close frame before the code.
    let codes = (our_end.code(), their_end.code());
    let later =
        matches!(codes, (Some(1002), Some(1007 | 1009))) || text.contains("close reason") && codes.1 == Some(1009);
    if we_stopped && they_stopped && later {
        return Some(Difference::OtherRuleFirst);
    }
    let is_control = |said: &Said| matches!(said, Said::Ping(_) | Said::Pong(_) | Said::Close(_));
    if they_stopped && their_end.code() == Some(1009) && ours.get(common).is_some_and(is_control) {
        return Some(Difference::SmallControl);
    }
    None
}

fn close(code: u16, reason: &str) -> CloseFrame {
    CloseFrame { code: code.into(), reason: reason.into() }
}

fn our_reading(limits: Limits, stream: &[u8]) -> (Vec<Said>, End) {
    let mut outcome = decode(limits, stream, &[], false);
    // What comes after a close frame is nobody's business (RFC 6455 §1.4).
    if let Some(last) = outcome.said.iter().position(|said| matches!(said, Said::Close(_))) {
        outcome.said.truncate(last + 1);
        return (outcome.said, End::Well);
    }
    (outcome.said, outcome.error.map_or(End::Well, |(code, text)| End::Failed(code, text)))
}

fn their_reading((max_message, max_frame, ..): Limits, stream: Vec<u8>) -> (Vec<Said>, End) {
    let config = WebSocketConfig::default().max_message_size(Some(max_message)).max_frame_size(Some(max_frame));
    let mut socket = WebSocket::from_raw_socket(Recording(Cursor::new(stream)), Role::Server, Some(config));
    let mut said = Vec::new();
    loop {
        said.push(match socket.read() {
            Ok(Theirs::Text(text)) => Said::Message(Message::text(text.as_str())),
            Ok(Theirs::Binary(bytes)) => Said::Message(Message::binary(bytes)),
            Ok(Theirs::Ping(bytes)) => Said::Ping(bytes),
            Ok(Theirs::Pong(bytes)) => Said::Pong(bytes),
            Ok(Theirs::Close(frame)) => Said::Close(frame.map(|frame| close(frame.code.into(), &frame.reason))),
            Ok(Theirs::Frame(_)) => unreachable!("never read"),
            Err(error) => return (said, their_end(&error)),
        });
    }
}

fn their_end(error: &Error) -> End {
    let code = match error {
        Error::ConnectionClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return End::Well,
        Error::Capacity(_) => 1009,
        Error::Utf8(_) => 1007,
        Error::Protocol(_) => 1002,
        other => panic!("{other}"),
    };
    End::Failed(code, error.to_string())
}

/// A socket whose peer has said all it will, and does not listen.
struct Recording(Cursor<Vec<u8>>);

impl Read for Recording {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Recording {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
