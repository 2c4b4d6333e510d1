//! What was acknowledged survives `kill -9`.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use sockeye::{History, Offset, Result, Span, SqliteHistory};

use super::Scratch;

const ROUNDS: usize = 4;
const ACKNOWLEDGED: usize = 300;

/// Room and offset of all that a publisher was told, until it is killed in the middle of it.
fn publish_and_kill(scratch: &Scratch) -> Vec<((String, u64), String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_publisher"));
    let mut publisher = command.arg(scratch.file()).stdout(Stdio::piped()).spawn().expect("a process");
    let mut lines = BufReader::new(publisher.stdout.take().expect("its output"));
    let mut acknowledged = Vec::new();
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line of text");
        // The last may be cut.
        let Some(line) = line.strip_suffix('\n') else { break };
        let [room, offset, text]: [&str; 3] = line.split(' ').collect::<Vec<_>>().try_into().expect("three words");
        acknowledged.push(((room.to_owned(), offset.parse().expect("an offset")), text.to_owned()));
        if acknowledged.len() == ACKNOWLEDGED {
            publisher.kill().expect("it is killed");
        }
    }
    assert!(!publisher.wait().expect("its end").success());
    acknowledged
}

#[sockeye::test]
async fn what_was_acknowledged_is_there_once() -> Result<()> {
    let scratch = Scratch::new();
    let mut acknowledged = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (place, text) in publish_and_kill(&scratch) {
            assert_eq!(acknowledged.insert(place.clone(), text), None, "{place:?} was given out twice");
        }
        let history = SqliteHistory::open(scratch.file())?;
        let mut texts = Vec::new();
        for room in ["room-0", "room-1"] {
            let mut last = 0;
            loop {
                let page = history.read(room, Span::After(Offset::new(last)), 1000).await?;
                for stored in &page.messages {
                    last += 1;
                    assert_eq!(stored.offset.get(), last);
                    texts.push(((room.to_owned(), last), stored.json::<String>()?));
                }
                if !page.more {
                    break;
                }
            }
        }
        let stored: BTreeMap<_, _> = texts.iter().cloned().collect();
        for (place, text) in &acknowledged {
            assert_eq!(stored.get(place), Some(text), "{place:?}");
        }
        let mut each: Vec<_> = texts.iter().map(|(_, text)| text).collect();
        each.sort();
        each.dedup();
        assert_eq!(each.len(), texts.len(), "some are there twice");
    }
    assert!(acknowledged.len() >= ROUNDS * ACKNOWLEDGED);
    Ok(())
}
