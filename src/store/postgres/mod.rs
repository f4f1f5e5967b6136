//! The store of many nodes: PostgreSQL, with the same behaviour as the embedded one.
//!
//! What happens to a queue is decided by the same functions as on every other backend;
//! here they run over images of rows that are fetched and written in groups (`lane`,
//! `image`). Why so, and not one SQL function per rule:
//! `docs/decisions/0030-postgres-groups-and-turns.md`.
//!
//! The driver's tasks and the lanes live on threads of their own, so that a caller that
//! goes away leaves no half-read connection behind.
//!
//! Knows no protocol and no other backend. May import: `types`, `store`.

mod backend;
mod blobs;
mod feedback;
mod fetch;
mod image;
mod lane;
mod ledger;
mod link;
mod nodes;
mod plain;
mod portable;
mod recent;
mod save;
mod schema;
mod sql;
mod tls;
mod unit;
mod verdicts;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::runtime::Runtime;
use tokio_postgres::Row;

use self::{
    image::{Image, Want},
    lane::{Entry, Kind, lane},
    link::{Failure, Link},
    nodes::Nodes,
    recent::Recent,
    sql::Query,
    unit::{submit, wait},
};
use super::{News, StoreError, StoreHealth};
use crate::types::{ApiKey, KeyId, Site, SiteId, Timestamp};

/// Lanes of reads and of free writes: while one waits for the server another gathers.
const LANES: usize = 2;

/// How the store uses the server.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Most connections of this node. Default 12.
    pub connections: usize,
    /// How long the server may take for one round trip before it counts as away.
    /// Default 5 s.
    pub limit: Duration,
    /// Certificates that the server's must come from, as a PEM file; those of the system
    /// when absent.
    pub root_certificate: Option<PathBuf>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { connections: 12, limit: Duration::from_secs(5), root_certificate: None }
    }
}

/// The store on PostgreSQL.
pub struct PostgresStore {
    runtime: Option<Runtime>,
    link: Arc<Link>,
    reads: Vec<Arc<Entry>>,
    looks: Arc<Entry>,
    free: Vec<Arc<Entry>>,
    ordered: Arc<Entry>,
    turn: AtomicUsize,
    closed: AtomicBool,
    sites: Arc<Recent<SiteId, Site>>,
    keys: Arc<Recent<KeyId, ApiKey>>,
    nodes: Arc<Nodes>,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects, brings the schema up to this program, and makes the partitions of the
    /// time around `now`. Blocks until that is done.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] when the server does not answer, [`StoreError::Newer`] when
    /// the schema is newer than this program, [`StoreError::Backend`] when the address is
    /// wrong or the server refuses it.
    pub fn open(url: &str, options: &PostgresOptions, now: Timestamp) -> Result<Self, StoreError> {
        let failed = |source: std::io::Error| StoreError::Backend {
            doing: "starting threads for PostgreSQL",
            source: source.into(),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("tamis-postgres")
            .enable_all()
            .build()
            .map_err(failed)?;
        let link = Arc::new(Link::new(url, options)?);
        let (done, ready) = std::sync::mpsc::sync_channel(1);
        let nodes = Arc::new(Nodes::new());
        let (first, clock) = (Arc::clone(&link), Arc::clone(&nodes));
        drop(runtime.spawn(async move {
            let prepared = async {
                let session = first.session().await?;
                schema::migrate(&session).await?;
                schema::make_partitions(&session, now).await?;
                drop(session);
                clock.read_clock(&first).await
            };
            let _ = done.send(prepared.await);
        }));
        let prepared = ready.recv().unwrap_or(Err(Failure::Away));
        if let Err(failure) = prepared {
            runtime.shutdown_background();
            return Err(match failure {
                Failure::Other(cause) => Arc::into_inner(cause).unwrap_or(StoreError::Closed),
                other @ (Failure::Again(_) | Failure::Away | Failure::Full | Failure::Busy) => other.error(),
            });
        }
        Ok(Self::start(runtime, link, nodes, (url, options)))
    }

    fn start(
        runtime: Runtime,
        link: Arc<Link>,
        nodes: Arc<Nodes>,
        address: (&str, &PostgresOptions),
    ) -> Self {
        let waiting = Arc::new(AtomicUsize::new(0));
        let begin = |kind, ordered: Option<&Arc<Entry>>| {
            let (entry, lane) = lane(kind, Arc::clone(&link), Arc::clone(&waiting), ordered.cloned());
            drop(runtime.spawn(lane.run()));
            entry
        };
        let ordered = begin(Kind::Ordered, None);
        let reads = (0..LANES).map(|_| begin(Kind::Reads, None)).collect();
        let looks = begin(Kind::Reads, None);
        let free = (0..LANES).map(|_| begin(Kind::Free, Some(&ordered))).collect();
        let probed = Arc::clone(&link);
        drop(runtime.spawn(async move { probed.probe().await }));
        let (sites, keys) = (Arc::new(Recent::new()), Arc::new(Recent::new()));
        let (known_sites, known_keys) = (Arc::clone(&sites), Arc::clone(&keys));
        Self::attend(&runtime, &link, &nodes, address, move |news| match news {
            News::Site(id) => known_sites.expire(id),
            News::Key(id) => known_keys.expire(id),
            News::Article(..) | News::Missed => {}
        });
        Self {
            runtime: Some(runtime),
            link,
            reads,
            looks,
            free,
            ordered,
            turn: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            sites,
            keys,
            nodes,
        }
    }

    /// A short read of one site, together with others that wait.
    async fn read<T: Send + 'static>(
        &self,
        site: &SiteId,
        read: impl Fn(&Image) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let entry = self.reads.get(turn % LANES).unwrap_or(&self.looks);
        wait(submit(entry, site, 0, Want::default(), move |image| read(image))).await
    }

    /// A read of many rows, which must not hold up the short ones.
    async fn look_at<T: Send + 'static>(
        &self,
        site: &SiteId,
        read: impl Fn(&Image) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        wait(submit(&self.looks, site, 0, Want::default(), move |image| read(image))).await
    }

    /// Does something on the threads of the store: it goes on when the caller goes away.
    async fn on_threads<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(runtime) = &self.runtime else { return Err(StoreError::Closed) };
        match runtime.spawn(work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(failure)) => {
                self.link.note(&failure);
                Err(failure.error())
            }
            Err(_) => Err(StoreError::Closed),
        }
    }

    /// Rows of one site.
    async fn select(&self, site: &SiteId, query: Query) -> Result<Vec<Row>, StoreError> {
        let (link, site) = (Arc::clone(&self.link), site.as_str().to_owned());
        self.on_threads(async move {
            let mut session = link.session().await?;
            let mut rows = session.begin("BEGIN READ ONLY", &site, &[query]).await?;
            session.commit().await?;
            Ok(rows.pop().unwrap_or_default())
        })
        .await
    }

    /// Rows that belong to no site.
    async fn select_any(&self, query: Query) -> Result<Vec<Row>, StoreError> {
        let link = Arc::clone(&self.link);
        self.on_threads(async move {
            let session = link.session().await?;
            Ok(session.rows(&[query]).await?.pop().unwrap_or_default())
        })
        .await
    }

    /// Writes rows of one site in one transaction.
    async fn write(&self, site: &SiteId, queries: Vec<Query>) -> Result<Vec<u64>, StoreError> {
        self.write_as(site.as_str().to_owned(), queries).await
    }

    /// Writes rows that belong to no site, in one transaction.
    async fn write_any(&self, queries: Vec<Query>) -> Result<Vec<u64>, StoreError> {
        self.write_as(String::new(), queries).await
    }

    async fn write_as(&self, sites: String, queries: Vec<Query>) -> Result<Vec<u64>, StoreError> {
        self.ensure_open()?;
        let link = Arc::clone(&self.link);
        self.on_threads(async move {
            let mut session = link.session().await?;
            session.begin("BEGIN", &sites, &[]).await?;
            session.commit_with(&queries).await
        })
        .await
    }

    /// Upkeep that goes through all sites.
    async fn maintain(&self, query: Query) -> Result<u64, StoreError> {
        let task = Query::new("SELECT set_config('tamis.task', 'upkeep', true)");
        let counts = self.write_any(vec![task, query]).await?;
        Ok(counts.last().copied().unwrap_or(0))
    }

    fn ensure_open(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::Acquire) { Err(StoreError::Closed) } else { Ok(()) }
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // What was handed in and not answered was promised to nobody.
            runtime.shutdown_background();
        }
    }
}

#[async_trait]
impl StoreHealth for PostgresStore {
    async fn check(&self) -> Result<(), StoreError> {
        let write = "INSERT INTO jobs (name, holder, until) VALUES ('health', gen_random_uuid(), now()) \
                     ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until";
        self.write_any(vec![Query::new(write)]).await.map(drop)
    }

    async fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        for entry in self.free.iter().chain([&self.ordered, &self.looks]).chain(&self.reads) {
            entry.close().await;
        }
        self.link.close();
    }
}

#[cfg(test)]
mod tests;
