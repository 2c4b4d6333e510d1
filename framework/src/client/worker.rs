//! The task of a client: connects, lives with the connection, waits, connects again.

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    backoff::Backoff,
    cause::Cause,
    dial::{Dialer, Dialled},
    session,
    shared::Shared,
    state::State,
};
use crate::history::Offset;

/// A server may ask for so much more time than we would take.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// What the task goes by.
pub(super) struct Settings {
    pub(super) retry: Box<dyn Fn(&Cause) -> bool + Send + Sync>,
    /// So many attempts in a row may fail.
    pub(super) attempts: Option<u32>,
    /// There has to be a connection at the first attempt.
    pub(super) first_counts: bool,
    /// The types of the questions that the app answers.
    pub(super) questions: Vec<String>,
    pub(super) silence: Duration,
    pub(super) patience: Duration,
    pub(super) close_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retry: Box::new(Cause::is_temporary),
            attempts: None,
            first_counts: false,
            questions: Vec::new(),
            silence: Duration::from_secs(25),
            patience: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
        }
    }
}

pub(super) struct Worker {
    shared: Arc<Shared>,
    dialer: Dialer,
    settings: Settings,
    backoff: Backoff,
    /// Attempts that have failed since the last connection.
    failed: u32,
    was_open: bool,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, dialer: Dialer, settings: Settings) -> Self {
        Self { shared, dialer, settings, backoff: Backoff::default(), failed: 0, was_open: false }
    }

    pub(super) async fn run(mut self) {
        let _end_of_the_task = Ending(self.shared.clone());
        let cause = self.live().await;
        self.shared.end(cause);
    }

    /// Gives why it is over.
    async fn live(&mut self) -> Cause {
        loop {
            let cause = self.connection().await;
            if self.shared.outbox.is_closing() {
                return Cause::Asked;
            }
            let gives_up = self.settings.attempts.is_some_and(|most| self.failed >= most);
            let is_first = self.settings.first_counts && !self.was_open;
            if gives_up || is_first || !(self.settings.retry)(&cause) {
                return cause;
            }
            self.wait(cause).await;
            if self.shared.outbox.is_closing() {
                return Cause::Asked;
            }
            self.shared.tell(State::connecting(self.backoff.attempt()));
        }
    }

    /// One attempt, and the life of what comes of it.
    async fn connection(&mut self) -> Cause {
        let since = self.shared.position();
        let dialled = tokio::select! {
            biased;
            () = self.shared.outbox.closing() => return Cause::Asked,
            dialled = self.dialer.dial(since) => dialled,
        };
        match dialled {
            Ok(dialled) => self.session(dialled, since).await,
            Err(cause) => {
                self.failed = self.failed.saturating_add(1);
                cause
            }
        }
    }

    async fn session(&mut self, dialled: Dialled, since: Option<Offset>) -> Cause {
        (self.was_open, self.failed) = (true, 0);
        let connection = self.shared.outbox.opened();
        self.shared.tell(State::open(since, dialled.subprotocol));
        let opened = Instant::now();
        let cause = session::run(dialled.socket, &self.shared, connection, &self.settings).await;
        self.backoff.lasted(opened.elapsed());
        self.shared.outbox.lost(&cause);
        cause
    }

    async fn wait(&mut self, cause: Cause) {
        let mut delay = self.backoff.failed();
        if let Cause::Refused { retry_after: Some(asked), .. } = cause {
            delay = delay.max(asked.min(LONGEST_RETRY_AFTER));
        }
        tracing::debug!(%cause, ?delay, "a client is offline");
        // Before anybody is told of the wait that may be ended.
        let mut hurry = pin!(self.shared.hurry.notified());
        hurry.as_mut().enable();
        self.shared.tell(State::waiting(delay, cause));
        tokio::select! {
            () = self.shared.outbox.closing() => {}
            () = hurry => {}
            () = sleep(delay) => {}
        }
    }
}

/// Whoever waits is told, also when the task panics in a function of the user's, or its runtime stops.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.0.state.borrow().is_closed() {
            self.0.end(Cause::lost("the client's task was stopped, by a panic or with its runtime"));
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("attempts", &self.attempts)
            .field("questions", &self.questions)
            .field("silence", &self.silence)
            .field("patience", &self.patience)
            .field("close_timeout", &self.close_timeout)
            .finish_non_exhaustive()
    }
}
