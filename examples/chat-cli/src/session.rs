//! The chat itself: what comes is shown, what is typed is said.

use std::{future, io, mem, pin::pin};

use sockeye::{
    Error, Result,
    client::{Builder, Client, Event, State},
    time::{Duration, Instant, sleep_until},
};
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use crate::{
    args::Args,
    command::{Command, HELP},
    input::Line,
    outbox::{Outbox, Verdict},
    own::Own,
    reading::Reading,
    screen::Screen,
    stats::stats,
    text::visible,
    wire::{Posted, Read, Receipt, Refusal, Request, Said},
};

/// Attempts in a row, where nobody is there who could say that it is enough.
const ATTEMPTS: u32 = 5;
/// How long the others see that somebody types who has said so.
const TYPING: Duration = Duration::from_secs(3);
/// How long what was said may take to be stored, counted from the last that was: with a user once nothing more is said, and
/// without one.
const LAST_WORDS: Duration = Duration::from_secs(3);
const LAST_LINES: Duration = Duration::from_secs(30);

pub(crate) struct Session {
    client: Client<Said, Request>,
    room: String,
    stats: String,
    me: i64,
    is_interactive: bool,
    outbox: Outbox,
    own: Own,
    reading: Reading,
    /// When the user types no more.
    typing: Option<Instant>,
    pinged: Option<Instant>,
    problem: Option<String>,
    /// The server has said that its store is away, and nothing has shown since that it is back.
    store_is_away: bool,
    /// Answers to `/stats`.
    numbers: (mpsc::Sender<String>, mpsc::Receiver<String>),
    /// What was said before has come.
    is_current: bool,
    /// Nothing more will be said: it ends when all is stored.
    is_ending: bool,
    /// It ends at this time whatever happens.
    deadline: Option<Instant>,
}

impl Session {
    /// Begins to connect.
    pub(crate) async fn start(args: &Args, is_interactive: bool) -> Result<Self> {
        Self::by(Client::builder(args.socket()), args, is_interactive).await
    }

    /// With a client that is built like this.
    pub(crate) async fn by(builder: Builder<Said, Request>, args: &Args, is_interactive: bool) -> Result<Self> {
        let mut builder = builder
            .query("user_id", args.user_id.to_string())
            .offset(Said::offset)
            // A page of the longest messages.
            .max_message(32 << 20);
        if let Some(username) = &args.username {
            builder = builder.query("username", username);
        }
        let client = match args.once {
            true => builder.retry(|_| false).connect().await?,
            false if is_interactive => builder.start()?,
            false => builder.attempts(ATTEMPTS).start()?,
        };
        Ok(Self {
            client,
            room: args.room.clone(),
            stats: args.stats(),
            me: args.user_id,
            is_interactive,
            outbox: Outbox::new(),
            own: Own::default(),
            reading: Reading::new(Instant::now()),
            typing: None,
            pinged: None,
            problem: None,
            store_is_away: false,
            numbers: mpsc::channel(1),
            is_current: false,
            is_ending: false,
            deadline: None,
        })
    }

    /// Until the user leaves, the input ends, or the server has had enough.
    pub(crate) async fn run(mut self, lines: mpsc::Receiver<Line>, screen: &mut Screen) -> Result<()> {
        let outcome = self.talk(lines, screen).await;
        // What is under way is told below; the server may be away.
        let _closed_or_away = self.client.close(1000).await;
        match (outcome, self.outbox.len()) {
            // Who reads what is shown has gone, and so do we.
            (Err(error), _) if is_broken_pipe(&error) => Ok(()),
            (Err(error), _) => Err(error),
            // The input has ended, and nothing was there to be read.
            (Ok(()), 0) if self.is_ending && !self.is_interactive && !self.is_current => {
                Err(Error::other("the server has shown nothing of the room"))
            }
            (Ok(()), 0) => Ok(()),
            (Ok(()), 1) => Err(Error::other("one message was not confirmed by the server")),
            (Ok(()), unsaid) => Err(Error::other(format!("{unsaid} messages were not confirmed by the server"))),
        }
    }

    async fn talk(&mut self, mut lines: mpsc::Receiver<Line>, screen: &mut Screen) -> Result<()> {
        let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        loop {
            self.speak().await?;
            if self.is_over() {
                return Ok(());
            }
            let reads = !self.is_ending && !self.outbox.is_full() && !self.waits_its_turn();
            let due = self.due();
            let due = pin!(async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => future::pending().await,
                }
            });
            select! {
                event = self.client.next() => match event {
                    Some(Ok(event)) => self.take(event, screen)?,
                    Some(Err(error)) => screen.show(screen.problem(visible(&error.to_string())))?,
                    None => return Err(Error::other(self.client.closed().await)),
                },
                line = lines.recv(), if reads => match line {
                    Some(Ok(line)) => self.command(Command::parse(&line), screen).await?,
                    Some(Err(error)) => return Err(Error::other(error)),
                    None => self.end(),
                },
                Some(numbers) = self.numbers.1.recv() => screen.show(screen.note(numbers))?,
                _ = interrupted.recv() => return Ok(()),
                _ = terminated.recv() => return Ok(()),
                () = due => {}
            }
        }
    }

    /// Without a user each line waits until the one before it was stored.
    fn waits_its_turn(&self) -> bool {
        !self.is_interactive && self.outbox.len() > 0
    }

    fn is_over(&self) -> bool {
        // Who only wants to read has seen something.
        let is_done = self.outbox.len() == 0 && (self.is_interactive || self.is_current);
        self.is_ending && is_done || self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// When something is to be done that nobody asks for.
    fn due(&self) -> Option<Instant> {
        let read = self.reading.due().filter(|_| self.outbox.is_connected());
        [self.outbox.due(), read, self.typing, self.deadline].into_iter().flatten().min()
    }

    /// Says what is due.
    async fn speak(&mut self) -> Result<()> {
        let now = Instant::now();
        if self.typing.is_some_and(|end| end <= now) {
            self.typing = None;
            self.client.send(&Request::Typing { is_typing: false }).await?;
        }
        if let Some(request) = self.outbox.next(now) {
            self.client.send(&request).await?;
        }
        if self.outbox.is_connected() {
            if let Some(request) = self.reading.next(now) {
                self.client.send(&request).await?;
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        self.is_ending = true;
        self.wait_anew();
    }

    /// From now on the server has its time for what waits, or for nothing.
    fn wait_anew(&mut self) {
        let (patience, waits) = match self.is_interactive {
            true => (LAST_WORDS, false),
            // Nobody is there who could say that it is enough.
            false => (LAST_LINES, self.outbox.len() > 0),
        };
        self.deadline = (waits || self.is_ending).then(|| Instant::now() + patience);
    }

    async fn command(&mut self, command: Command, screen: &mut Screen) -> Result<()> {
        match command {
            Command::Nothing => {}
            Command::Say(content) => {
                self.typing = None;
                self.outbox.push(content);
                self.wait_anew();
                if !self.outbox.is_connected() {
                    screen.show(screen.note("waits for a connection"))?;
                }
            }
            // Later they would be of no use.
            Command::Ping | Command::Typing if !self.outbox.is_connected() => {
                screen.show(screen.problem("there is no connection"))?;
            }
            Command::Ping => {
                self.pinged = Some(Instant::now());
                self.client.send(&Request::Ping).await?;
            }
            Command::Typing => {
                self.typing = Some(Instant::now() + TYPING);
                self.client.send(&Request::Typing { is_typing: true }).await?;
            }
            Command::Stats => {
                let (url, numbers) = (self.stats.clone(), self.numbers.0.clone());
                // Nobody waits for the numbers of a session that is over.
                tokio::spawn(async move { numbers.send(stats(url).await).await.ok() });
            }
            Command::Help => screen.show(screen.note(HELP))?,
            Command::Quit => self.end(),
            Command::Unknown(text) => {
                let text = visible(&text.chars().take(80).collect::<String>());
                screen.show(screen.problem(format_args!("expected a command that /help lists, got {text}")))?;
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Event<Said>, screen: &mut Screen) -> Result<()> {
        match event {
            Event::Message(said) => self.hear(said, screen)?,
            Event::State(state) => self.changed(&state, screen)?,
            _ => {}
        }
        Ok(())
    }

    /// Says once why there is no connection, and not at each attempt.
    fn changed(&mut self, state: &State, screen: &mut Screen) -> io::Result<()> {
        // On one that is open, too, nothing can be said before the server has greeted.
        self.outbox.disconnected();
        let State::Waiting { cause, .. } = state else { return Ok(()) };
        let problem = cause.to_string();
        if self.problem.as_ref() != Some(&problem) {
            screen.show(screen.problem(format_args!("offline: {}", visible(&problem))))?;
            self.problem = Some(problem);
        }
        Ok(())
    }

    fn hear(&mut self, said: Said, screen: &mut Screen) -> io::Result<()> {
        match said {
            // The server says so at each attempt of its own to read what was said.
            Said::Connected { .. } if self.outbox.is_connected() => Ok(()),
            Said::Connected { data } => {
                self.outbox.connected();
                self.reading.connected(Instant::now());
                self.problem = None;
                screen.show(screen.here(&self.room, &data.active_users))
            }
            Said::History { data } => {
                (self.is_current, self.store_is_away) = (!data.more, false);
                if !data.recovered {
                    screen.show(screen.problem("some of what was said is not kept any more"))?;
                }
                data.messages.iter().try_for_each(|posted| self.posted(posted, screen))
            }
            Said::Message { data } => {
                self.store_is_away = false;
                self.posted(&data, screen)
            }
            Said::MessageSent(receipt) => self.stored(&receipt, screen),
            Said::UserJoined { data } => screen.show(screen.came(&data)),
            Said::UserLeft { data } => screen.show(screen.went(&data)),
            Said::Typing { data } if data.is_typing => screen.show(screen.typing(&data.user)),
            Said::Typing { .. } | Said::Unknown => Ok(()),
            Said::Read { data } => self.was_read(&data, screen),
            Said::Pong => match self.pinged.take() {
                Some(pinged) => {
                    screen.show(screen.note(format_args!("pong after {} ms", pinged.elapsed().as_millis())))
                }
                None => Ok(()),
            },
            Said::Error { data } => self.refused(&data, screen),
        }
    }

    fn posted(&mut self, posted: &Posted, screen: &mut Screen) -> io::Result<()> {
        if posted.user.user_id == self.me && !self.own.is_first(posted.id) {
            return Ok(());
        }
        if posted.user.user_id != self.me {
            self.reading.shown(posted.id, Instant::now());
        }
        screen.show(screen.message(posted))
    }

    fn stored(&mut self, receipt: &Receipt, screen: &mut Screen) -> io::Result<()> {
        self.store_is_away = false;
        let Some(content) = self.outbox.stored(receipt) else { return Ok(()) };
        self.wait_anew();
        // It may have come as a message before, if the connection was lost in between.
        let content = if self.own.is_first(receipt.message_id) { &*content } else { "" };
        screen.show(screen.stored(&receipt.timestamp, content))
    }

    fn was_read(&self, read: &Read, screen: &mut Screen) -> io::Result<()> {
        // Of those that were said now, the last is of interest.
        match self.own.last() {
            Some(last) if read.user.user_id != self.me && read.message_id >= last => {
                screen.show(screen.read_by(&read.user))
            }
            _ => Ok(()),
        }
    }

    fn refused(&mut self, refusal: &Refusal, screen: &mut Screen) -> io::Result<()> {
        let (why, now) = (visible(&refusal.message), Instant::now());
        // That the store is away is said once, however much it keeps from being done.
        let is_known = refusal.is_of_the_store() && mem::replace(&mut self.store_is_away, true);
        self.reading.refused(refusal, now);
        match self.outbox.refused(refusal, now) {
            Verdict::Later { is_news } if is_known || !is_news => Ok(()),
            Verdict::Later { .. } => screen.show(screen.problem(format_args!("{why}: it is said again soon"))),
            Verdict::Never(content) => {
                self.wait_anew();
                let beginning: String = visible(&content).chars().take(40).collect();
                screen.show(screen.problem(format_args!("not said: {beginning}: {why}")))
            }
            Verdict::Other if is_known => Ok(()),
            Verdict::Other => screen.show(screen.problem(why)),
        }
    }
}

fn is_broken_pipe(error: &Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests;
