//! The open database between one writer and many readers.
//!
//! Readers run where they are: a point read of a cached page takes about 3 µs,
//! less than handing it to another thread. Only while the writer applies a batch
//! or re-opens the database, when a reader would have to wait, the read goes to
//! the blocking pool. A read sees all of a batch or nothing, also over several
//! keys.
//!
//! May import: `types`, `store`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ::sled::{Db, IVec};
use parking_lot::RwLock;
use tokio::sync::watch;

use super::{Key, StoreError, codec::Rows, disk, guard::caught, plan::Image};

/// The database and what is known about it.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// The database; `None` while it cannot be opened and after closing.
    pub(super) db: Option<Db>,
    /// What a refused batch would have replaced: shown instead of what sled has,
    /// until the database was opened again and the batch taken back.
    pub(super) before: Image,
    /// Whether the store was closed.
    pub(super) closed: bool,
}

impl Shelf {
    fn view(&self) -> Result<View<'_>, StoreError> {
        match &self.db {
            Some(db) => Ok(View { db, before: &self.before }),
            None if self.closed => Err(StoreError::Closed),
            None => Err(StoreError::Busy { retry_after: Duration::from_secs(1) }),
        }
    }
}

/// The newest batches known to be durable, and known not to be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Synced {
    pub(super) durable: u64,
    pub(super) failed: u64,
}

/// The database between one writer and many readers.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) shelf: RwLock<Shelf>,
    /// The batch that is applied but not yet durable; 0 when there is none.
    pub(super) unsynced: AtomicU64,
    pub(super) synced: watch::Sender<Synced>,
}

/// What a reader sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    db: &'a Db,
    before: &'a Image,
}

impl Rows for View<'_> {
    fn raw(&self, key: &Key) -> Result<Option<IVec>, StoreError> {
        if let Some(before) = self.before.get(key) {
            return Ok(before.clone());
        }
        self.db.get(key.as_bytes()).map_err(|error| failed("reading a row", error))
    }
}

impl<'a> View<'a> {
    /// Rows with `start <= key < end`, ascending or descending. Rows that a refused
    /// batch deleted are left out until it is taken back.
    pub(super) fn range(
        self,
        start: &Key,
        end: &Key,
    ) -> impl DoubleEndedIterator<Item = Result<(Key, IVec), StoreError>> + use<'a> {
        let shown = |(key, stored): (IVec, IVec)| {
            let key = Key::from_bytes(&key);
            let stored = self.before.get(&key).map_or(Some(stored), Clone::clone)?;
            Some((key, stored))
        };
        self.db.range(start.as_bytes()..end.as_bytes()).filter_map(move |row| match row {
            Ok(row) => shown(row).map(Ok),
            Err(error) => Some(Err(failed("listing rows", error))),
        })
    }
}

/// Wraps what sled says. No room is told apart from any other failure, for reads
/// too: sled answers them with the error of the write that found the device full.
pub(super) fn failed(doing: &'static str, error: ::sled::Error) -> StoreError {
    if let ::sled::Error::Io(io) = error {
        return disk::failed(doing, io);
    }
    StoreError::Backend { doing, source: error.into() }
}

impl Gate {
    /// A gate with an open database.
    pub(super) fn new(db: Db) -> Arc<Self> {
        Arc::new(Self {
            shelf: RwLock::new(Shelf { db: Some(db), ..Shelf::default() }),
            unsynced: AtomicU64::new(0),
            synced: watch::Sender::new(Synced::default()),
        })
    }

    /// Reads; what it saw may not be durable yet. For facts that scoring uses and
    /// nobody is promised.
    pub(super) async fn read<T, F>(self: &Arc<Self>, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(View<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        match self.read_at_once(read) {
            Ok(done) => done,
            Err(read) => self.read_later(read).await,
        }
    }

    /// Reads, and answers what it found only when that is durable: nobody is told
    /// of a verdict that a power cut could still take back.
    pub(super) async fn find<T, F>(self: &Arc<Self>, read: F) -> Result<Option<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(View<'_>) -> Result<Option<T>, StoreError> + Send + 'static,
    {
        let (found, batch) = self.read(self.noting_batch(read)).await?;
        match batch {
            batch if batch > 0 && found.is_some() => self.wait_for(batch).await.map(|()| found),
            _ => Ok(found),
        }
    }

    /// As [`Gate::find`], on the blocking pool: for lists, which may take
    /// milliseconds.
    pub(super) async fn scan<T, F>(self: &Arc<Self>, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(View<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (found, batch) = self.read_later(self.noting_batch(read)).await?;
        match batch {
            0 => Ok(found),
            batch => self.wait_for(batch).await.map(|()| found),
        }
    }

    /// Also answers which batch, of those it may have seen, is not durable yet.
    /// Asked while the reader keeps the writer out, so that a batch that fails
    /// cannot slip through in between.
    fn noting_batch<T, F>(
        self: &Arc<Self>,
        read: F,
    ) -> impl FnOnce(View<'_>) -> Result<(T, u64), StoreError> + use<T, F>
    where
        F: FnOnce(View<'_>) -> Result<T, StoreError>,
    {
        let gate = Arc::clone(self);
        move |view| Ok((read(view)?, gate.unsynced.load(Ordering::SeqCst)))
    }

    fn read_at_once<T, F>(&self, read: F) -> Result<Result<T, StoreError>, F>
    where
        F: FnOnce(View<'_>) -> Result<T, StoreError>,
    {
        match self.shelf.try_read() {
            Some(shelf) => Ok(shelf.view().and_then(|view| caught("reading", || read(view)))),
            None => Err(read),
        }
    }

    async fn read_later<T, F>(self: &Arc<Self>, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(View<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let gate = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            let shelf = gate.shelf.read();
            shelf.view().and_then(|view| caught("reading", || read(view)))
        });
        task.await.unwrap_or_else(|source| {
            Err(StoreError::Backend { doing: "waiting for a read", source: source.into() })
        })
    }

    async fn wait_for(&self, batch: u64) -> Result<(), StoreError> {
        let mut news = self.synced.subscribe();
        let known = news.wait_for(|s| s.durable >= batch || s.failed >= batch).await;
        match known.map(|s| *s) {
            Ok(Synced { durable, .. }) if durable >= batch => Ok(()),
            Ok(_) => Err(StoreError::Busy { retry_after: Duration::from_secs(1) }),
            Err(_) => Err(StoreError::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_full_device_is_told_apart_from_a_failing_one() {
        let of = |kind: io::ErrorKind| failed("reading a row", ::sled::Error::Io(kind.into()));
        assert!(matches!(of(io::ErrorKind::StorageFull), StoreError::Full));
        assert!(matches!(of(io::ErrorKind::QuotaExceeded), StoreError::Full));
        assert_eq!(of(io::ErrorKind::Other).reason(), "STORAGE_FAILED");
        let other = failed("reading a row", ::sled::Error::Unsupported("that".into()));
        assert_eq!(other.reason(), "STORAGE_FAILED");
    }
}
