//! What the peer was asked. Its answers are taken out before the inbox: who has asked may be the one who receives.

use std::task::{Poll, Waker};

use super::{Gone, Inbox};
use crate::ws::{
    asking::answer_in,
    proto::{Message, Text},
};

/// While an answer is due, that many messages may wait to be received if they are small in all: it may stand behind them.
const ASKED_MESSAGES: usize = 1024;
const ASKED_BYTES: usize = 256 * 1024;

/// The questions to a peer.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: Vec<Question>,
    last: u64,
}

#[derive(Debug)]
struct Question {
    number: u64,
    answer: Option<Text>,
    waker: Option<Waker>,
}

/// What a message was.
pub(super) enum Answered {
    /// No answer: it is for the inbox.
    No,
    /// An answer to an open question, and who waits for it.
    Yes(Option<Waker>),
    /// An answer to none, which nobody gets.
    Stray,
}

impl Questions {
    /// Whether there was ever one: only then is anything an answer.
    pub(super) fn were_asked(&self) -> bool {
        self.last > 0
    }

    /// How many messages may wait, if an answer may stand behind them.
    pub(super) fn limit(&self, bytes: usize) -> Option<usize> {
        (!self.open.is_empty() && bytes <= ASKED_BYTES).then_some(ASKED_MESSAGES)
    }

    pub(super) fn wakers(&mut self) -> impl Iterator<Item = Waker> + '_ {
        self.open.iter_mut().filter_map(|question| question.waker.take())
    }
}

impl Inbox {
    /// Opens a question, unless `limit` are open. Gives its number, and whether the driver waits for room, of which there
    /// may be some now.
    pub(crate) fn ask(&mut self, limit: usize) -> Option<(u64, bool)> {
        let questions = &mut self.seldom.get_or_insert_default().questions;
        if questions.open.len() >= limit {
            return None;
        }
        questions.last += 1;
        questions.open.push(Question { number: questions.last, answer: None, waker: None });
        let number = questions.last;
        Some((number, std::mem::take(&mut self.paused)))
    }

    /// Forgets a question.
    pub(crate) fn withdraw(&mut self, number: u64) {
        if let Some(seldom) = &mut self.seldom {
            seldom.questions.open.retain(|question| question.number != number);
        }
    }

    /// Takes a message that is an answer. Gives the waker of who waits for it, unless `own` wakes it too.
    pub(super) fn take_answer(&mut self, message: &Message, own: &Waker) -> Answered {
        let questions = self.seldom.as_mut().map(|seldom| &mut seldom.questions);
        let asked = questions.filter(|questions| questions.were_asked());
        let (Some(questions), Message::Text(text)) = (asked, message) else { return Answered::No };
        let Some(number) = answer_in(text) else { return Answered::No };
        let open = questions.open.iter_mut().find(|question| Some(question.number) == number);
        match open {
            Some(question) if question.answer.is_none() => {
                question.answer = Some(text.clone());
                Answered::Yes(question.waker.take().filter(|waker| !waker.will_wake(own)))
            }
            _ => Answered::Stray,
        }
    }

    /// Waits for the answer to an open question.
    pub(crate) fn poll_answer(&mut self, number: u64, waker: &Waker) -> Poll<Result<Text, Gone>> {
        let open = self.seldom.as_mut().map(|seldom| &mut seldom.questions.open);
        let question = open.and_then(|open| open.iter_mut().find(|question| question.number == number));
        let answer = question.and_then(|question| {
            question.waker = Some(waker.clone());
            question.answer.take()
        });
        match (answer, &self.gone) {
            (Some(answer), _) => Poll::Ready(Ok(answer)),
            (None, Some(gone)) => Poll::Ready(Err(Gone::clone(gone))),
            (None, None) => Poll::Pending,
        }
    }
}
