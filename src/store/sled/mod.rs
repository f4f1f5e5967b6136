//! The embedded store: sled 0.34.7, used so that its weaknesses stay inside.
//!
//! One tree, keys that begin with the site, one committer thread that makes many
//! writes one atomic batch and acknowledges after a real sync, rows under
//! checksums, and a database that is opened again by itself after a full or
//! failing device. Why each of these: `docs/decisions/0001-sled-safely.md`.
//!
//! Knows no protocol and no other backend. May import: `types`, `store`.

mod articles;
mod codec;
mod commit;
mod disk;
mod feedback;
mod gate;
mod guard;
mod keys;
mod ledger;
mod merge;
mod migrate;
mod open;
mod packs;
mod plan;
pub(in crate::store) mod portable;
mod recount;
mod sites;
mod verdicts;
mod verify;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use async_trait::async_trait;

pub use disk::{Disk, SystemDisk};
pub use verify::{Problem, Report, verify, verify_with};

use self::{commit::Writer, gate::Gate, keys::Key};
use super::{StoreError, StoreHealth};

/// The directory of the store within the data directory.
pub const DIRECTORY: &str = "store";

/// How the store uses the machine.
#[derive(Clone, Debug)]
pub struct SledOptions {
    /// Bytes of pages kept in memory; sled may use a small multiple of it.
    /// Default 64 MiB.
    pub cache_bytes: u64,
    /// How often sled writes out and tidies in the background. Acknowledged
    /// writes do not wait for it. Default 500 ms.
    pub flush_every: Duration,
    /// Bytes of the device that are left alone: below it writes are refused as
    /// [`StoreError::Full`] while the database is still sound and reads go on. Without
    /// it, or when others use it up, sled itself meets the end of the device and may
    /// refuse reads as well until there is room and it has been opened again. Default
    /// 16 MiB.
    pub reserve_bytes: u64,
    /// The device; tests let it fail.
    pub disk: Arc<dyn Disk>,
    /// Is told how writes become durable.
    pub watch: Option<Arc<dyn super::CommitWatch>>,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            flush_every: Duration::from_millis(500),
            reserve_bytes: 16 << 20,
            disk: Arc::new(SystemDisk),
            watch: None,
        }
    }
}

/// The embedded store.
#[derive(Debug)]
pub struct SledStore {
    gate: Arc<Gate>,
    writer: Option<Writer>,
    committer: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl SledStore {
    /// Opens the store in `path`, a directory of its own, and creates it (mode
    /// 0700) when it is not there. Blocks: 25 ms for a small store, about a second
    /// per million verdicts.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] when it is open elsewhere, [`StoreError::Unreadable`]
    /// when it is damaged or no store, [`StoreError::Newer`], [`StoreError::Full`].
    pub fn open(path: &Path, options: SledOptions) -> Result<Self, StoreError> {
        let open::Opened { db, log, totals } = open::open(path, &options)?;
        let gate = Gate::new(db);
        let started = commit::start(Arc::clone(&gate), path.to_owned(), options, log, totals);
        let (writer, committer) = started.map_err(|source| StoreError::Backend {
            doing: "starting the committer",
            source: source.into(),
        })?;
        Ok(Self { gate, writer: Some(writer), committer: Some(committer), path: path.to_owned() })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or(StoreError::Closed)
    }
}

impl Drop for SledStore {
    /// Commits what waits and gives the directory free.
    fn drop(&mut self) {
        drop(self.writer.take());
        if let Some(committer) = self.committer.take() {
            let _ = committer.join();
        }
    }
}

#[async_trait]
impl StoreHealth for SledStore {
    async fn check(&self) -> Result<(), StoreError> {
        let written = self.writer()?.write(1, 64, |plan| plan.check()).await?;
        let read = self.gate.read(|view| codec::load::<u64>(&view, &Key::health())).await?;
        // Another check may have written since.
        if read >= Some(written) { Ok(()) } else { Err(codec::damaged(&Key::health())) }
    }

    async fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}

#[cfg(test)]
mod tests;
