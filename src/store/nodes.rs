//! What nodes on one store owe each other: who does a background job, what has changed,
//! what time it is. An embedded store has one node, which does everything.
//!
//! May import: `types`, `store`.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::StoreError;
use crate::types::{ArticleId, KeyId, SiteId, Timestamp};

/// Something that another node has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A site: its policy or its queue's rules.
    Site(SiteId),
    /// A key.
    Key(KeyId),
    /// An article.
    Article(SiteId, ArticleId),
    /// News may have been missed: nothing that is remembered is certain.
    Missed,
}

/// Nodes beside each other.
#[async_trait]
pub trait NodeStore: Send + Sync {
    /// Whether this node has a background job, and takes it when no node has. A node that
    /// stops asking loses it within 6 seconds, by the store's clock: ask more often. At
    /// most one node has a job at a time.
    async fn holds(&self, _job: &str) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Says what every node must have the same, such as the digest of a secret; whether
    /// that is what was said first.
    async fn agrees(&self, _what: &str, _value: &[u8]) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// What other nodes change from now on; `None` when there are none.
    fn news(&self) -> Option<broadcast::Receiver<News>> {
        None
    }

    /// The present by the store's clock, of which leases are a matter, from the machine's.
    fn present(&self, machine: Timestamp) -> Timestamp {
        machine
    }

    /// Makes room for the time to come and drops verdicts older than `keep`; how many
    /// partitions were made and dropped.
    async fn upkeep(&self, _now: Timestamp, _keep: Option<Duration>) -> Result<(usize, usize), StoreError> {
        Ok((0, 0))
    }
}

impl NodeStore for super::memory::MemoryStore {}
impl NodeStore for super::sled::SledStore {}
