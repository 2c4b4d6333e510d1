//! What is stored, and whether it is what the clients have seen.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};
use tokio::time::{sleep, timeout};

use crate::chat::{
    client::encode,
    log::Log,
    socket::{Came, Event, Lost, Posted, Socket},
};

/// Users from here on are in none of the views that are compared.
pub(crate) const OUTSIDERS: u64 = 900_000;
/// Who reads all rooms.
const AUDITOR: u64 = OUTSIDERS + 1;
const PATIENCE: Duration = Duration::from_secs(30);

/// All that is stored for a room, which has no gap and nothing twice.
#[derive(Debug)]
pub(crate) struct Stored {
    posted: Vec<Posted>,
    /// The id of each message, by its first word.
    ids: HashMap<String, u64>,
}

impl Stored {
    pub(crate) async fn read(door: SocketAddr, room: &str) -> Result<Self> {
        let reading = async {
            loop {
                match read_once(door, room).await {
                    Ok(read) => return read,
                    Err(_lost) => sleep(Duration::from_millis(100)).await,
                }
            }
        };
        Self::new(timeout(PATIENCE, reading).await.with_context(|| format!("{room:?} can't be read at {door}"))??)
    }

    fn new(posted: Vec<Posted>) -> Result<Self> {
        let mut ids = HashMap::new();
        for (posted, id) in posted.iter().zip(1..) {
            ensure!(posted.id == id, "{posted:?} is where {id} should be");
            let word = posted.content.split(' ').next().unwrap_or_default();
            let twice = ids.insert(word.to_owned(), id);
            ensure!(twice.is_none(), "{word} is stored twice, as {twice:?} and {id}");
        }
        Ok(Self { posted, ids })
    }

    pub(crate) fn len(&self) -> usize {
        self.posted.len()
    }

    pub(crate) fn last(&self) -> Option<u64> {
        self.posted.last().map(|posted| posted.id)
    }

    /// What a client has heard is what is stored, from its first message on, and from the room's first if it wanted all.
    /// What it has said is stored under the id that its receipt names.
    pub(crate) fn compare(&self, log: &Log, wants_all: bool) -> Result<()> {
        let first = log.heard.first().map_or(self.len() + 1, |posted| posted.id as usize);
        ensure!(!wants_all || first == 1, "expected the first message that was heard to be 1, it is {first}");
        let expected = self.posted.get(first - 1..).unwrap_or_default();
        let differs = expected.iter().zip(&log.heard).find(|(stored, heard)| stored != heard);
        ensure!(differs.is_none(), "stored and heard differ: {differs:?}");
        ensure!(expected.len() == log.heard.len(), "{} are stored, {} were heard", expected.len(), log.heard.len());
        for (word, receipt) in &log.said {
            let stored = self.ids.get(word);
            ensure!(receipt.as_ref() == stored, "{word}: the receipt is for {receipt:?}, it is stored as {stored:?}");
        }
        if log.refusals.is_empty() {
            let swapped = log.said.windows(2).find(|pair| pair[0].1 > pair[1].1);
            ensure!(swapped.is_none(), "what one client has said is not in its order: {swapped:?}");
        }
        ensure!(log.gaps == 0, "{} times it could not be told what it had missed", log.gaps);
        Ok(())
    }

    /// All that is stored was said.
    pub(crate) fn compare_all(&self, said: impl Iterator<Item = String>) -> Result<()> {
        let said: HashSet<String> = said.collect();
        let invented = self.ids.keys().find(|word| !said.contains(*word));
        ensure!(invented.is_none(), "{invented:?} is stored, and nobody said it");
        Ok(())
    }
}

async fn read_once(door: SocketAddr, room: &str) -> Result<Result<Vec<Posted>>, Lost> {
    let mut socket = Socket::open(door, &encode(room), AUDITOR, Some(0)).await?;
    let mut stored: Vec<Posted> = Vec::new();
    loop {
        let Came::Event(Event::History { messages, recovered, more }) = socket.next().await? else { continue };
        stored.extend(messages);
        if !recovered {
            return Ok(Err(anyhow!("room {room:?} has lost what was said first")));
        }
        if !more {
            break;
        }
    }
    socket.close().await;
    Ok(Ok(stored))
}

/// The comparison finds what there is to be found.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::socket::{Receipt, User};

    fn posted(id: u64) -> Posted {
        Posted { id, user_id: 1, content: format!("1/{id} …") }
    }

    fn page(ids: impl IntoIterator<Item = u64>) -> Event {
        Event::History { messages: ids.into_iter().map(posted).collect(), recovered: true, more: false }
    }

    fn stored(ids: impl IntoIterator<Item = u64>) -> Result<Stored> {
        Stored::new(ids.into_iter().map(posted).collect())
    }

    fn log(ids: impl IntoIterator<Item = u64>) -> Log {
        let mut log = Log::default();
        log.take(page(ids)).unwrap();
        log
    }

    #[test]
    fn what_is_stored_has_no_gap_and_nothing_twice() {
        assert!(stored(1..5).is_ok() && stored([]).is_ok());
        assert!(stored([1, 3]).is_err() && stored([2, 3]).is_err() && stored([1, 2, 2]).is_err());
        let again = Posted { id: 2, ..posted(1) };
        assert!(Stored::new(vec![posted(1), again]).is_err());
    }

    #[test]
    fn what_is_heard_has_no_gap_and_nothing_twice() {
        assert!(log(3..6).take(Event::Message(posted(6))).is_ok());
        for wrong in [1, 4, 5, 7] {
            assert!(log(3..6).take(Event::Message(posted(wrong))).is_err(), "{wrong}");
            assert!(log(3..6).take(page([wrong])).is_err(), "{wrong}");
        }
        assert!(Log::default().take(Event::Message(posted(1))).is_err());
    }

    #[test]
    fn what_is_heard_is_what_is_stored() {
        let stored = stored(1..5).unwrap();
        assert!(stored.compare(&log(1..5), true).is_ok() && stored.compare(&log(3..5), false).is_ok());
        assert!(stored.compare(&log(3..5), true).is_err(), "the first are missing");
        assert!(stored.compare(&log(1..4), true).is_err(), "the last is missing");
        assert!(stored.compare(&log(1..6), true).is_err(), "one more was heard");
        let mut other = log(1..5);
        other.heard[2].content.push('!');
        assert!(stored.compare(&other, true).is_err());
        let mut gap = log(1..5);
        gap.gaps = 1;
        assert!(stored.compare(&gap, true).is_err());
        assert!(stored.compare_all((1..5).map(|id| format!("1/{id}"))).is_ok());
        assert!(stored.compare_all((1..4).map(|id| format!("1/{id}"))).is_err());
    }

    #[test]
    fn receipts_are_promises() {
        let stored = stored(1..5).unwrap();
        let mut log = log(1..5);
        let said = |said: &[(&str, Option<u64>)]| said.iter().map(|(word, id)| ((*word).to_owned(), *id)).collect();
        log.said = said(&[("1/2", None), ("1/4", None)]);
        let receipt = |message_id, id: &str| Receipt { message_id, client_id: Some(id.to_owned()) };
        assert!(stored.compare(&log, true).is_err(), "stored without a receipt");
        log.note(&receipt(4, "1/4")).unwrap();
        log.note(&receipt(4, "1/4")).unwrap();
        assert!(log.note(&receipt(3, "1/4")).is_err() && log.note(&receipt(3, "1/3")).is_err());
        log.note(&receipt(2, "1/2")).unwrap();
        assert!(stored.compare(&log, true).is_ok());
        log.said = said(&[("1/4", Some(4)), ("1/2", Some(2))]);
        assert!(stored.compare(&log, true).is_err(), "out of order");
        log.said = said(&[("1/5", Some(5))]);
        assert!(stored.compare(&log, true).is_err(), "acknowledged and not stored");
        log.said = said(&[("1/4", Some(3))]);
        assert!(stored.compare(&log, true).is_err(), "acknowledged as another");
    }

    #[test]
    fn users_come_and_go_once() {
        let mut log = log([]);
        let user = |user_id| User { user_id };
        log.take(Event::Connected { active_users: vec![user(1)] }).unwrap();
        assert!(log.take(Event::UserJoined(user(1))).is_err());
        log.take(Event::UserJoined(user(2))).unwrap();
        log.take(Event::UserLeft(user(2))).unwrap();
        assert!(log.take(Event::UserLeft(user(2))).is_err());
        assert!(log.lose(Lost::Closed(1001)).is_ok() && log.lose(Lost::Closed(1008)).is_err());
    }
}
