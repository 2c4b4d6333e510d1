//! An independent reader of the same streams.

use std::io::{self, Cursor, Read, Write};

use proptest::prelude::*;
use tungstenite::{
    Message as Theirs,
    protocol::{Role, WebSocket},
};

use super::{
    splits::{said, stream},
    *,
};

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

fn events_of_tungstenite(stream: Vec<u8>) -> Vec<Event> {
    let mut socket = WebSocket::from_raw_socket(Recording(Cursor::new(stream)), Role::Server, None);
    let next = || socket.read().ok();
    std::iter::from_fn(next)
        .map(|message| match message {
            Theirs::Text(said) => text(&said),
            Theirs::Binary(bytes) => binary(&bytes),
            Theirs::Ping(bytes) => Event::Ping(bytes),
            Theirs::Pong(bytes) => Event::Pong(bytes),
            other => panic!("expected data, ping or pong, got {other:?}"),
        })
        .collect()
}

proptest! {
    #[test]
    fn valid_streams_mean_the_same_to_tungstenite(said in prop::collection::vec(said(), 1..6)) {
        let (stream, _) = stream(&said);
        prop_assert_eq!(outcome(&stream).events, events_of_tungstenite(stream));
    }
}
