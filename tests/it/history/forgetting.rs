//! PostgreSQL: a room that has grown, and then is to keep little.

use std::time::Duration;

use sockeye::{Draft, History, Offset, PostgresHistory, PostgresOptions, Result, Retention, Span, prelude::Message};
use sockeye_tests::services::Service;
use tokio_postgres::{Client, NoTls};

use super::stores::offsets;

const MESSAGES: u64 = 20_000;

/// 20,000 messages with keys, all but the last ten of 1970; and from now on it is written down how many each statement
/// deletes.
const GROWN: &str = "
    INSERT INTO sockeye_room (name, last, at) VALUES ('a', 20000, sockeye_now());
    INSERT INTO sockeye_message (room, number, at, kind, payload, key)
        SELECT id, number, CASE WHEN number <= 19990 THEN number ELSE sockeye_now() END, 0, 'x', ('k' || number)::bytea
        FROM sockeye_room CROSS JOIN generate_series(1, 20000) AS number WHERE name = 'a';
    CREATE TABLE deleted (messages bigint NOT NULL);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO deleted SELECT count(*) FROM gone HAVING count(*) > 0;
        RETURN NULL;
    END $$;
    CREATE TRIGGER note AFTER DELETE ON sockeye_message REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION note();
";

/// As it was left by the version that deleted all at once.
const OLD: &str = "
    UPDATE sockeye_version SET version = 1;
    DROP FUNCTION sockeye_first(bigint, bigint, bigint, bigint);
    DROP FUNCTION sockeye_trim(bigint, bigint, bigint, bigint);
    CREATE FUNCTION sockeye_trim(bigint, bigint, bigint, bigint) RETURNS void LANGUAGE sql AS '';
";

fn open(server: &Service, schema: &str, retention: Retention) -> Result<PostgresHistory> {
    let options = PostgresOptions::new().schema(schema).retention(retention);
    PostgresHistory::connect_with(server.url(), options)
}

/// The database itself.
async fn database(server: &Service, schema: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(server.url(), NoTls).await.expect("a connection");
    drop(tokio::spawn(connection));
    client.batch_execute(&format!("SET search_path = {schema}")).await.expect("a schema");
    client
}

async fn count(database: &Client, sql: &str) -> i64 {
    database.query_one(sql, &[]).await.expect("a row").get(0)
}

async fn append(store: &PostgresHistory, key: &str) -> Result<(u64, bool)> {
    let appended = store.append("a", vec![Draft::new(Message::text("new")).key(key)]).await?;
    Ok((appended[0].stored.offset.get(), appended[0].is_new))
}

/// Asserts that nothing before `first` is there for a reader.
async fn shows_from(store: &PostgresHistory, first: u64, last: u64) -> Result<()> {
    let kept: Vec<u64> = (first..=last).collect();
    for span in [Span::After(Offset::START), Span::Latest, Span::Before(Offset::new(last + 1))] {
        let page = store.read("a", span, 1000).await?;
        assert_eq!(
            (offsets(&page.messages), page.more, page.first.get(), page.last.get()),
            (kept.clone(), false, first, last)
        );
        assert!(page.recovers(Offset::new(first - 1)) && !page.recovers(Offset::new(first - 2)));
    }
    assert!(store.read("a", Span::Before(Offset::new(first)), 1000).await?.messages.is_empty());
    Ok(())
}

#[sockeye::test(flavor = "multi_thread")]
async fn much_is_deleted_bit_by_bit_and_seen_by_nobody() -> Result<()> {
    let server = Service::start("postgres");
    for (schema, retention) in
        [("by_count", Retention::all().count(10)), ("by_age", Retention::all().age(Duration::from_secs(3600)))]
    {
        open(&server, schema, Retention::all())?.check().await?;
        let database = database(&server, schema).await;
        database.batch_execute(GROWN).await.expect("messages");
        database.batch_execute(OLD).await.expect("an old database");
        let store = open(&server, schema, retention)?;
        shows_from(&store, 19_991, MESSAGES).await?;
        // Keys are forgotten with their messages, though these are still there.
        assert_eq!(append(&store, "k15000").await?, (MESSAGES + 1, true));
        assert_eq!(append(&store, "k15000").await?, (MESSAGES + 1, false));
        assert_eq!(append(&store, "k20000").await?, (MESSAGES, false));
        let first = if schema == "by_count" { 19_992 } else { 19_991 };
        shows_from(&store, first, MESSAGES + 1).await?;

        // A look at all rooms begins a second later, with a message for another room, and goes on until it is done.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        store.append("b", vec![Draft::new(Message::text("x"))]).await?;
        let kept = (MESSAGES + 2 - first) as i64;
        let left = "SELECT count(*) FROM sockeye_message JOIN sockeye_room ON id = room WHERE name = 'a'";
        tokio::time::timeout(Duration::from_secs(60), async {
            while count(&database, left).await > kept {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("all but what is kept is deleted");
        shows_from(&store, first, MESSAGES + 1).await?;
        assert_eq!(count(&database, left).await, kept);
        assert_eq!(count(&database, "SELECT sum(messages)::bigint FROM deleted").await, MESSAGES as i64 + 1 - kept);
        let most = count(&database, "SELECT max(messages) FROM deleted").await;
        assert!(most <= 1000, "{most} at once");
        assert_eq!(count(&database, "SELECT version::bigint FROM sockeye_version").await, 2);
    }
    Ok(())
}
