//! What there is without us: rows with a number of ours, as many in one transaction as there would be publishers, the next
//! when the one before is committed; as durable as ours.

use std::time::SystemTime;

use anyhow::Result;
use rusqlite::{Connection, params};
use tokio_postgres::NoTls;

use crate::{Plan, Took, Window};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS plain (room bigint, number bigint, at bigint, kind smallint,
    payload BYTES NOT NULL, PRIMARY KEY (room, number))";

/// How far the rows are.
struct Rows {
    window: Window,
    each: usize,
    next: i64,
    counted: u64,
}

impl Rows {
    fn of(plan: &Plan) -> Self {
        Self { window: Window::open(plan), each: plan.publishers, next: 0, counted: 0 }
    }

    /// The numbers of the next transaction, if there is to be one.
    fn next(&mut self) -> Option<std::ops::Range<i64>> {
        let first = self.next;
        self.next += self.each as i64;
        (!self.window.is_over()).then_some(first..self.next)
    }

    fn committed(&mut self) {
        self.counted += if self.window.counts() { self.each as u64 } else { 0 };
    }

    fn took(&self) -> Took {
        self.window.took(self.counted)
    }
}

fn room() -> Result<i64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_micros() as i64)
}

pub(crate) fn sqlite(plan: &Plan) -> Result<Took> {
    let mut connection = Connection::open(&plan.at)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    connection.execute_batch(&format!("{} WITHOUT ROWID", TABLE.replace("BYTES", "blob")))?;
    let room = room()?;
    let mut rows = Rows::of(plan);
    while let Some(numbers) = rows.next() {
        let transaction = connection.transaction()?;
        let mut insert = transaction.prepare_cached("INSERT INTO plain VALUES (?1, ?2, ?3, 0, ?4)")?;
        for number in numbers {
            insert.execute(params![room, number, room, plan.text.as_bytes()])?;
        }
        drop(insert);
        transaction.commit()?;
        rows.committed();
    }
    Ok(rows.took())
}

pub(crate) async fn postgres(plan: &Plan) -> Result<Took> {
    let (client, connection) = tokio_postgres::connect(&plan.at, NoTls).await?;
    let connection = tokio::spawn(connection);
    client.batch_execute(&TABLE.replace("BYTES", "bytea")).await?;
    let insert = "INSERT INTO plain SELECT $1, $2 + place, $1, 0, payload
        FROM unnest($3::bytea[]) WITH ORDINALITY AS given (payload, place)";
    let (insert, room) = (client.prepare(insert).await?, room()?);
    let payloads = vec![plan.text.as_bytes(); plan.publishers];
    let mut rows = Rows::of(plan);
    while let Some(numbers) = rows.next() {
        client.execute(&insert, &[&room, &numbers.start, &payloads]).await?;
        rows.committed();
    }
    let took = rows.took();
    drop(client);
    connection.await??;
    Ok(took)
}
