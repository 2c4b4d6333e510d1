//! The way to the server: connections, how long anything may take, and what is known after a failure.

use std::{error::Error as StdError, time::Duration};

use deadpool_postgres::{Connect, Manager, ManagerConfig, Object, Pool, PoolError};
use tokio::{sync::OnceCell, task::JoinHandle, time::timeout};
use tokio_postgres::{Client, Config, NoTls, Row, Statement, error::Severity, types::ToSql};

use super::{options::PostgresOptions, schema};
use crate::{
    error::{Error, Result},
    rt::BoxFuture,
};

/// How much longer than the server we wait: if it gives up, it should be the one to say so.
const GRACE: Duration = Duration::from_secs(1);

/// What is known of a statement that has failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was not done.
    Undone(String),
    /// The answer is missing: it was done, or was not, or still will be.
    Unknown(String),
}

impl Failure {
    /// For statements that change nothing, or may be done twice.
    pub(super) fn text(self) -> String {
        match self {
            Self::Undone(text) | Self::Unknown(text) => text,
        }
    }
}

pub(super) struct Server {
    pool: Pool,
    schema: Option<String>,
    patience: Duration,
    tables: OnceCell<()>,
}

impl Server {
    pub(super) fn new(url: &str, options: &PostgresOptions) -> Result<Self> {
        let refused = |error: &(dyn StdError + 'static)| {
            Error::storage(format!(
                "expected `postgres://user:password@host/database`, got something else: {}",
                chain(error)
            ))
        };
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| refused(&error))?;
        let patience = options.patience;
        config.connect_timeout(patience).tcp_user_timeout(patience);
        // These are in whole seconds.
        let silence = patience.max(Duration::from_secs(1));
        config.keepalives_idle(silence).keepalives_interval(silence).keepalives_retries(2);
        if config.get_application_name().is_none() {
            config.application_name("sockeye");
        }
        let opening = Opening { session: session(options) };
        let manager = Manager::from_connect(config, opening, ManagerConfig::default());
        let pool = Pool::builder(manager).max_size(options.connections).build().map_err(|error| refused(&error))?;
        Ok(Self { pool, schema: options.schema.clone(), patience, tables: OnceCell::new() })
    }

    pub(super) async fn query(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Failure> {
        let begun = timeout(self.patience, self.begin(sql)).await;
        let (lease, statement) = begun.map_err(|_| Failure::Undone(self.late()))?.map_err(Failure::Undone)?;
        match timeout(self.patience + GRACE, lease.client().query(&statement, parameters)).await {
            Ok(Ok(rows)) => {
                lease.give_back();
                Ok(rows)
            }
            Ok(Err(error)) if is_refused(&error) => {
                lease.give_back();
                Err(Failure::Undone(chain(&error)))
            }
            Ok(Err(error)) => Err(Failure::Unknown(chain(&error))),
            Err(_) => Err(Failure::Unknown(format!("no answer within {:?}", self.patience + GRACE))),
        }
    }

    /// A connection and the statement. Nothing is done by that.
    async fn begin(&self, sql: &str) -> Result<(Lease, Statement), String> {
        let mut lease = self.lease().await?;
        self.tables.get_or_try_init(|| set_up(lease.client_mut(), self.schema.as_deref())).await?;
        let statement = lease.client().prepare_cached(sql).await.map_err(|error| chain(&error))?;
        Ok((lease, statement))
    }

    async fn lease(&self) -> Result<Lease, String> {
        let object = self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => chain(&error),
            error => chain(&error),
        })?;
        Ok(Lease(Some(object)))
    }

    fn late(&self) -> String {
        let (status, patience) = (self.pool.status(), self.patience);
        let (busy, most) = (status.size.saturating_sub(status.available), status.max_size);
        format!("expected a connection that answers within {patience:?}, got none; {busy} of {most} are in use")
    }
}

/// A connection. If it is not given back, it is closed: something of it may still be under way.
struct Lease(Option<Object>);

impl Lease {
    fn client(&self) -> &Object {
        self.0.as_ref().expect("there until it is given back")
    }

    fn client_mut(&mut self) -> &mut Object {
        self.0.as_mut().expect("there until it is given back")
    }

    fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

/// How each connection begins.
struct Opening {
    session: String,
}

impl Connect for Opening {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        let config = config.clone();
        Box::pin(async move {
            let (client, connection) = config.connect(NoTls).await?;
            let connection = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!("a connection to PostgreSQL has ended: {}", chain(&error));
                }
            });
            client.batch_execute(&self.session).await?;
            Ok((client, connection))
        })
    }
}

fn session(options: &PostgresOptions) -> String {
    let mut session = format!("SET statement_timeout = {};{}", options.patience.as_millis(), schema::SESSION);
    if let Some(schema) = &options.schema {
        session.push_str(&format!("SET search_path = {};", quoted(schema)));
    }
    session
}

/// A name in a statement, where it can't be a parameter.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Makes the tables, or brings them to this version.
async fn set_up(client: &mut Object, schema: Option<&str>) -> Result<(), String> {
    let known = schema::STEPS.len();
    let version = match version(client).await.map_err(|error| chain(&error))? {
        version if version < known => {
            step(client, schema).await.map_err(|error| format!("can't make the tables: {}", chain(&error)))?
        }
        version => version,
    };
    match version > known {
        true => Err(format!("expected the tables to be of version {known} or older, they are of version {version}")),
        false => Ok(()),
    }
}

async fn version(client: &tokio_postgres::Client) -> Result<usize, tokio_postgres::Error> {
    if !client.query_one(schema::HAS_TABLES, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    Ok(client.query_one(schema::VERSION, &[]).await?.try_get::<_, i32>(0)? as usize)
}

/// Gives the version that it has come to.
async fn step(client: &mut Object, schema: Option<&str>) -> Result<usize, tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    transaction.query_one(schema::LOCK, &[]).await?;
    if let Some(name) = schema {
        if !transaction.query_one(schema::HAS_SCHEMA, &[&name]).await?.try_get::<_, bool>(0)? {
            transaction.batch_execute(&format!("CREATE SCHEMA {}", quoted(name))).await?;
        }
    }
    // Somebody else may have done it while we waited.
    let version = version(transaction.client()).await?;
    let Some(steps @ [_, ..]) = schema::STEPS.get(version..) else { return Ok(version) };
    transaction.batch_execute(&steps.concat()).await?;
    transaction.batch_execute(schema::FUNCTIONS).await?;
    transaction.execute(schema::SET_VERSION, &[&(schema::STEPS.len() as i32)]).await?;
    transaction.commit().await?;
    Ok(schema::STEPS.len())
}

/// Whether the server has said that it did not do it. An error that ends the connection may come after the commit.
fn is_refused(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| error.parsed_severity() == Some(Severity::Error))
}

/// An error and its causes in one line. Details of the server's are left out: they quote what was to be stored.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = match error.downcast_ref::<tokio_postgres::Error>().and_then(|error| error.as_db_error()) {
        Some(error) => return format!("{} (SQLSTATE {})", error.message(), error.code().code()),
        None => error.to_string(),
    };
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}
