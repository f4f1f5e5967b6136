//! The way to the server: a bounded pool, sessions with limits, and what its errors mean.
//!
//! Every call has a limit of its own, because a server that is stopped or cut off does
//! not answer at all. After a failure of the connection the link counts as down: calls
//! are refused at once and one probe at a time tries the server until it answers.
//!
//! May import: `types`, `store`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use futures_util::future::{try_join_all, try_join3};
use tokio_postgres::{
    Config, Row,
    config::{SslMode, TargetSessionAttrs},
    error::SqlState,
};

use super::{PostgresOptions, sql::Query};
use crate::store::{StoreError, error::Shared};

/// How long a caller of a refused call should wait.
const COME_BACK: Duration = Duration::from_secs(1);
/// How often a server that is down is tried.
const PROBE_EVERY: Duration = Duration::from_millis(250);

/// Every session begins so. All queries look rows up by key: a plan made while a table
/// was empty must not turn them into scans later, so everything but nested loops over
/// indexes is off.
/// `synchronous_commit = on` is what "durable" means here: the commit record is on the
/// server's disk (and on its synchronous standbys, where there are any) before a write is
/// acknowledged.
const SESSION: &str = "SET synchronous_commit = on; SET statement_timeout = '4s'; SET lock_timeout = '2s'; \
     SET idle_in_transaction_session_timeout = '10s'; SET client_min_messages = warning; \
     SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
     SET enable_bitmapscan = off; SET enable_material = off; SET jit = off";

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another transaction was in the way: trying again may help.
    Again(String),
    /// The server does not answer, or refuses connections.
    Away,
    /// The server has no room.
    Full,
    /// Too much is going on.
    Busy,
    /// Something else.
    Other(Arc<StoreError>),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(code) = error.code() else {
            tracing::warn!(%error, "PostgreSQL does not answer");
            return Self::Away;
        };
        let again = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::UNIQUE_VIOLATION,
            SqlState::LOCK_NOT_AVAILABLE,
        ];
        if again.contains(code) {
            return Self::Again(error.to_string());
        }
        if *code == SqlState::DISK_FULL {
            return Self::Full;
        }
        if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
            // A standby, after a failover: the next connection finds the primary.
            return Self::Away;
        }
        match code.code().get(..2) {
            Some("57") if *code == SqlState::QUERY_CANCELED => Self::Busy,
            // No connection, or one that the server ends.
            Some("08" | "57") => Self::Away,
            // Too many connections, no memory.
            Some("53") => Self::Busy,
            _ => Self::Other(Arc::new(StoreError::Backend {
                doing: "talking to PostgreSQL",
                source: Box::new(error),
            })),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Other(Arc::new(error))
    }
}

impl Failure {
    /// What one caller is told.
    pub(super) fn error(&self) -> StoreError {
        match self {
            Self::Again(_) | Self::Busy => StoreError::Busy { retry_after: Duration::from_millis(100) },
            Self::Away => StoreError::Busy { retry_after: COME_BACK },
            Self::Full => StoreError::Full,
            Self::Other(cause) => {
                StoreError::Backend { doing: "committing", source: Box::new(Shared(Arc::clone(cause))) }
            }
        }
    }
}

/// The way to the server.
pub(super) struct Link {
    pool: Pool,
    down: AtomicBool,
    limit: Duration,
}

impl Link {
    /// A link that connects when it is first used.
    pub(super) fn new(url: &str, options: &PostgresOptions) -> Result<Self, StoreError> {
        let config = config(url)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = if config.get_ssl_mode() == SslMode::Disable {
            Manager::from_config(config, tokio_postgres::NoTls, recycling)
        } else {
            Manager::from_config(
                config,
                super::tls::connector(options.root_certificate.as_deref())?,
                recycling,
            )
        };
        let ready = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager)
            .max_size(options.connections.max(4))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(Duration::from_secs(1)))
            .create_timeout(Some(Duration::from_secs(3)))
            .recycle_timeout(Some(Duration::from_secs(1)))
            .post_create(ready)
            .build()
            .map_err(|source| StoreError::Backend { doing: "making a pool", source: source.into() })?;
        Ok(Self { pool, down: AtomicBool::new(false), limit: options.limit })
    }

    /// A session.
    pub(super) async fn session(&self) -> Result<Session, Failure> {
        if self.is_down() {
            return Err(Failure::Away);
        }
        self.connect().await.inspect_err(|failure| self.note(failure))
    }

    async fn connect(&self) -> Result<Session, Failure> {
        match self.pool.get().await {
            Ok(client) => Ok(Session { client: Some(client), limit: self.limit, in_transaction: false }),
            Err(PoolError::Timeout(deadpool_postgres::TimeoutType::Wait)) => Err(Failure::Busy),
            Err(PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error))) => {
                match Failure::from(error) {
                    // A wrong password or database is told; anything else passes.
                    Failure::Other(cause) => Err(Failure::Other(cause)),
                    Failure::Again(_) | Failure::Away | Failure::Full | Failure::Busy => Err(Failure::Away),
                }
            }
            Err(_) => Err(Failure::Away),
        }
    }

    /// Whether the server was last seen not to answer.
    pub(super) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// Takes note of a failure.
    pub(super) fn note(&self, failure: &Failure) {
        if matches!(failure, Failure::Away) && !self.down.swap(true, Ordering::Relaxed) {
            tracing::error!("PostgreSQL is away: calls that need it are refused until it answers");
        }
    }

    /// Tries a server that is down until it answers; for ever.
    pub(super) async fn probe(&self) {
        loop {
            tokio::time::sleep(PROBE_EVERY).await;
            if !self.is_down() {
                continue;
            }
            let tried = async { self.connect().await?.counts(vec![Query::new("SELECT 1")]).await };
            if let Ok(Ok(_)) = tokio::time::timeout(Duration::from_secs(2), tried).await {
                self.down.store(false, Ordering::Relaxed);
                tracing::info!("PostgreSQL answers again");
            }
        }
    }

    /// Closes all connections.
    pub(super) fn close(&self) {
        self.pool.close();
    }
}

/// The configuration in a URL, with what a URL should not have to say.
pub(super) fn config(url: &str) -> Result<Config, StoreError> {
    let bad = |source: tokio_postgres::Error| StoreError::Backend {
        doing: "reading the address of PostgreSQL",
        source: source.into(),
    };
    let mut config: Config = url.parse().map_err(bad)?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(2));
    }
    if config.get_hosts().len() > 1 {
        // Of several servers the one that takes writes: the standby does after a promotion.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    config.tcp_user_timeout(Duration::from_secs(5));
    config.keepalives_idle(Duration::from_secs(10));
    if config.get_application_name().is_none() {
        config.application_name("tamis");
    }
    Ok(config)
}

/// One connection, in or outside a transaction. Dropped within a transaction it is closed.
pub(super) struct Session {
    client: Option<Object>,
    limit: Duration,
    in_transaction: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.in_transaction
            && let Some(client) = self.client.take()
        {
            drop(Object::take(client));
        }
    }
}

impl Session {
    fn client(&self) -> Result<&Object, Failure> {
        self.client.as_ref().ok_or(Failure::Away)
    }

    /// Within the limit of a call, or the server counts as away.
    async fn within<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        match tokio::time::timeout(self.limit, work).await {
            Ok(done) => done,
            Err(_) => {
                tracing::warn!(limit = ?self.limit, "PostgreSQL did not answer in time");
                Err(Failure::Away)
            }
        }
    }

    /// Begins a transaction over these sites and reads in the same round trip. The sites
    /// are the second wall: row-level security lets the transaction see no others.
    pub(super) async fn begin(
        &mut self,
        begin: &'static str,
        sites: &str,
        queries: &[Query],
    ) -> Result<Vec<Vec<Row>>, Failure> {
        self.in_transaction = true;
        let work = async {
            let client = self.client()?;
            let set = client.prepare_cached("SELECT set_config('tamis.sites', $1, true)").await?;
            let statements = prepare(client, queries).await?;
            let bound: Vec<_> = queries.iter().map(Query::bound).collect();
            let reads =
                statements.iter().zip(&bound).map(|(statement, values)| client.query(statement, values));
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&sites];
            let (_, _, rows) =
                try_join3(client.batch_execute(begin), client.query(&set, &values), try_join_all(reads))
                    .await?;
            Ok(rows)
        };
        self.within(work).await
    }

    /// Reads, all in one round trip.
    pub(super) async fn rows(&self, queries: &[Query]) -> Result<Vec<Vec<Row>>, Failure> {
        let work = async {
            let client = self.client()?;
            let statements = prepare(client, queries).await?;
            let bound: Vec<_> = queries.iter().map(Query::bound).collect();
            let reads =
                statements.iter().zip(&bound).map(|(statement, values)| client.query(statement, values));
            Ok(try_join_all(reads).await?)
        };
        self.within(work).await
    }

    /// Writes, all in one round trip; how many rows each touched.
    pub(super) async fn counts(&self, queries: Vec<Query>) -> Result<Vec<u64>, Failure> {
        let work = async {
            let client = self.client()?;
            let statements = prepare(client, &queries).await?;
            let bound: Vec<_> = queries.iter().map(Query::bound).collect();
            let writes =
                statements.iter().zip(&bound).map(|(statement, values)| client.execute(statement, values));
            Ok(try_join_all(writes).await?)
        };
        self.within(work).await
    }

    /// Statements as they stand.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Failure> {
        let limit = self.limit.max(Duration::from_secs(60));
        let done = tokio::time::timeout(limit, self.client()?.batch_execute(sql)).await;
        done.map_err(|_| Failure::Away)?.map_err(Failure::from)
    }

    /// Writes and commits in one round trip; how many rows each touched.
    pub(super) async fn commit_with(mut self, queries: &[Query]) -> Result<Vec<u64>, Failure> {
        let work = async {
            let client = self.client()?;
            let statements = prepare(client, queries).await?;
            let bound: Vec<_> = queries.iter().map(Query::bound).collect();
            let writes =
                statements.iter().zip(&bound).map(|(statement, values)| client.execute(statement, values));
            let (counts, ()) =
                futures_util::future::try_join(try_join_all(writes), client.batch_execute("COMMIT")).await?;
            Ok(counts)
        };
        let counts = self.within(work).await?;
        self.in_transaction = false;
        Ok(counts)
    }

    /// Commits.
    pub(super) async fn commit(mut self) -> Result<(), Failure> {
        self.within(async { Ok(self.client()?.batch_execute("COMMIT").await?) }).await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Takes everything back and gives the connection back.
    pub(super) async fn roll_back(mut self) {
        let done = self.within(async { Ok(self.client()?.batch_execute("ROLLBACK").await?) }).await;
        self.in_transaction = done.is_err();
    }
}

async fn prepare(client: &Object, queries: &[Query]) -> Result<Vec<tokio_postgres::Statement>, Failure> {
    let mut statements = Vec::with_capacity(queries.len());
    for query in queries {
        // Prepared once per connection: afterwards this is a look-up in memory.
        statements.push(client.prepare_cached(query.sql).await?);
    }
    Ok(statements)
}
