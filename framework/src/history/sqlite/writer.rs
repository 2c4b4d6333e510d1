//! The one thread that writes.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{Retention, batch::Batch, schema};

/// Jobs that go into one transaction, at most.
const BATCH: usize = 64;
/// Time between two looks at rooms that nobody writes to, for what is too old.
const SWEEP: Duration = Duration::from_secs(1);

/// Something to be written, and somebody who waits for it.
pub(super) trait Job: Send {
    /// May be done again, if what was done was undone.
    fn run(&mut self, batch: &Batch<'_>) -> rusqlite::Result<()>;

    /// It is in the file for good, or not at all.
    fn answer(self: Box<Self>, outcome: Result<(), String>);
}

pub(super) struct Task<T, F> {
    work: F,
    done: Option<T>,
    reply: oneshot::Sender<Result<T, String>>,
}

impl<T: Send, F: FnMut(&Batch<'_>) -> rusqlite::Result<T> + Send> Task<T, F> {
    pub(super) fn new(work: F) -> (Box<Self>, oneshot::Receiver<Result<T, String>>) {
        let (reply, outcome) = oneshot::channel();
        (Box::new(Self { work, done: None, reply }), outcome)
    }
}

impl<T: Send, F: FnMut(&Batch<'_>) -> rusqlite::Result<T> + Send> Job for Task<T, F> {
    fn run(&mut self, batch: &Batch<'_>) -> rusqlite::Result<()> {
        self.done = Some((self.work)(batch)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), String>) {
        let Self { done, reply, .. } = *self;
        let outcome = outcome.and_then(|()| done.ok_or_else(|| "it was not done".to_owned()));
        // Who does not wait any more has nobody to be told.
        drop(reply.send(outcome));
    }
}

pub(super) struct Writer {
    path: PathBuf,
    retention: Retention,
    /// None after an error: the next job has a new one.
    connection: Option<Connection>,
    /// Where among the rooms the next look starts, and when the last was.
    swept: i64,
    swept_at: Instant,
}

impl Writer {
    pub(super) fn new(path: PathBuf, retention: Retention, connection: Connection) -> Self {
        Self { path, retention, connection: Some(connection), swept: 0, swept_at: Instant::now() }
    }

    /// Writes until nobody can ask for it any more.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let mut batch = Vec::with_capacity(BATCH);
        while jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
            self.write(std::mem::take(&mut batch));
            if self.swept_at.elapsed() >= SWEEP {
                self.sweep();
            }
        }
    }

    /// All in one transaction. Where that fails, each has one of its own: none fails because of another.
    fn write(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        match self.commit(&mut jobs) {
            Err(_) if jobs.len() > 1 => jobs.into_iter().for_each(|job| self.write(vec![job])),
            outcome => jobs.into_iter().for_each(|job| job.answer(outcome.clone())),
        }
    }

    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), String> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::open(&self.path)?,
        };
        self.within(&mut connection, |batch| jobs.iter_mut().try_for_each(|job| job.run(batch)))
            .map_err(|error| error.to_string())?;
        self.connection = Some(connection);
        Ok(())
    }

    fn within<T>(
        &self,
        connection: &mut Connection,
        work: impl FnOnce(&Batch<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let batch = Batch::begin(connection, self.retention)?;
        let done = work(&batch)?;
        batch.commit()?;
        Ok(done)
    }

    /// Deletes what is too old in some of the rooms.
    fn sweep(&mut self) {
        self.swept_at = Instant::now();
        let Some(mut connection) = self.connection.take() else { return };
        match self.within(&mut connection, |batch| batch.sweep(self.swept)) {
            Ok(swept) => (self.swept, self.connection) = (swept, Some(connection)),
            Err(error) => tracing::warn!("what is too old in {} was not deleted: {error}", self.path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::{Draft, Offset},
        ws::Message,
    };

    /// A message that can't be stored takes no other with it.
    #[test]
    fn each_fails_alone() {
        let folder = std::env::temp_dir().join(format!("sockeye-writer-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("history.db");
        let connection = schema::open(&path).unwrap();
        let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON sockeye_message WHEN new.payload = x'62'
            BEGIN SELECT raise(ABORT, 'not b'); END";
        connection.execute_batch(trigger).unwrap();
        let mut writer = Writer::new(path, Retention::all(), connection);
        let (jobs, mut replies): (Vec<Box<dyn Job>>, Vec<_>) = ["a", "b", "c"]
            .into_iter()
            .map(|text| {
                let drafts = [Draft::new(Message::binary(text))];
                let (task, reply) = Task::new(move |batch: &Batch<'_>| batch.append("room", &drafts));
                (task as Box<dyn Job>, reply)
            })
            .unzip();
        writer.write(jobs);
        let offsets = replies.iter_mut().map(|reply| reply.try_recv().unwrap().map(|stored| stored[0].stored.offset));
        assert_eq!(offsets.collect::<Vec<_>>(), [Ok(Offset(1)), Err("not b".to_owned()), Ok(Offset(2))]);
        drop(writer);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
