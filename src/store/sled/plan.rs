//! What one commit will write: a layer over the database in which the operations
//! of a group see each other's effects, and which becomes one batch.
//!
//! Each operation is staged and taken over only when it succeeds, so one that
//! fails leaves nothing. Only the committer plans, so what a plan reads cannot
//! change before it is applied.
//!
//! May import: `types`, `store`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    mem,
};

use ::sled::{Batch, Db, IVec};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Key, StoreError, codec, codec::Rows, gate::failed};
use crate::types::{KeyId, RequestId, SiteId, Timestamp};

/// Counts kept in the same batch as what they count, so that `verify` notices a
/// single lost row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Totals {
    /// Commits so far.
    pub(super) commits: u64,
    /// Verdicts of all sites.
    pub(super) verdicts: u64,
    /// Reports of all sites.
    pub(super) feedback: u64,
    /// Articles of all sites.
    pub(super) articles: u64,
}

/// A mark as its group lists it.
pub(super) type GroupedMark = (KeyId, RequestId, Timestamp);

/// What one commit will write.
#[derive(Debug)]
pub(super) struct Plan {
    db: Db,
    totals: Totals,
    writes: Image,
    marks: BTreeMap<SiteId, Vec<GroupedMark>>,
    staged: Staged,
    /// What the database held under the keys that were looked at.
    before: RefCell<HashMap<Key, IVec>>,
    /// Why a read failed, when the device was the reason.
    unread: RefCell<Option<StoreError>>,
}

/// Rows as they are at some moment; `None` where there is none.
/// In key order, so that a plan can be read in ranges.
pub(super) type Image = BTreeMap<Key, Option<IVec>>;

/// What the present operation will write.
#[derive(Debug, Default)]
struct Staged {
    writes: Image,
    marks: Vec<(SiteId, GroupedMark)>,
    totals: Totals,
}

/// A commit ready to be applied.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) batch: Batch,
    /// What it replaces: with this it can be taken back.
    pub(super) before: Image,
    pub(super) bytes: usize,
    pub(super) totals: Totals,
}

impl Rows for Plan {
    fn raw(&self, key: &Key) -> Result<Option<IVec>, StoreError> {
        match self.staged.writes.get(key).or_else(|| self.writes.get(key)) {
            Some(written) => Ok(written.clone()),
            None => {
                let stored = self.db.get(key.as_bytes()).map_err(|error| self.cannot_read(error))?;
                if let Some(stored) = &stored {
                    self.before.borrow_mut().insert(key.clone(), stored.clone());
                }
                Ok(stored)
            }
        }
    }
}

impl Plan {
    /// An empty plan over a database.
    pub(super) fn new(db: Db, totals: Totals) -> Self {
        let staged = Staged { totals, ..Staged::default() };
        Self {
            db,
            totals,
            writes: Image::new(),
            marks: BTreeMap::new(),
            staged,
            before: RefCell::new(HashMap::new()),
            unread: RefCell::new(None),
        }
    }

    /// The error of a read. Where the device failed, every later read and write
    /// fails too, so the plan as a whole is void; a damaged page concerns only who
    /// reads it.
    fn cannot_read(&self, error: ::sled::Error) -> StoreError {
        let of_device = matches!(error, ::sled::Error::Io(_));
        let error = failed("reading a row", error);
        if !of_device {
            return error;
        }
        let void = if matches!(error, StoreError::Full) {
            StoreError::Full
        } else {
            StoreError::Backend { doing: "reading a row", source: error.to_string().into() }
        };
        self.unread.replace(Some(void));
        error
    }

    /// Fails when the device failed under a read of any operation.
    pub(super) fn ensure_readable(&self) -> Result<(), StoreError> {
        self.unread.take().map_or(Ok(()), Err)
    }

    /// Plans one operation; when it fails, nothing of it stays.
    pub(super) fn step<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = work(self);
        let staged = mem::take(&mut self.staged);
        if done.is_ok() {
            self.totals = staged.totals;
            self.writes.extend(staged.writes);
            for (site, mark) in staged.marks {
                self.marks.entry(site).or_default().push(mark);
            }
        }
        self.staged.totals = self.totals;
        done
    }

    /// The value under a key.
    pub(super) fn load<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        codec::load(self, key)
    }

    /// Writes a value of one row under a key that holds none, or was looked at in
    /// this plan.
    pub(super) fn insert<T: Serialize>(&mut self, key: &Key, value: &T) -> Result<(), StoreError> {
        self.insert_rows(codec::encode(key, value)?);
        Ok(())
    }

    /// Writes rows encoded before.
    pub(super) fn insert_rows(&mut self, rows: Vec<(Key, IVec)>) {
        self.staged.writes.extend(rows.into_iter().map(|(key, value)| (key, Some(value))));
    }

    /// Writes a value in place of the one before, if any; whether there was one.
    pub(super) fn replace<T: Serialize>(&mut self, key: &Key, value: &T) -> Result<bool, StoreError> {
        let rows = codec::encode(key, value)?;
        let existed = self.remove(key)?;
        self.insert_rows(rows);
        Ok(existed)
    }

    /// As [`Plan::replace`], for a value that is bytes already.
    pub(super) fn replace_bytes(&mut self, key: &Key, payload: &[u8]) -> Result<(), StoreError> {
        let rows = codec::encode_bytes(key, payload)?;
        self.remove(key)?;
        self.insert_rows(rows);
        Ok(())
    }

    /// What was written so far, the present operation last.
    pub(super) const fn layers(&self) -> [&Image; 2] {
        [&self.writes, &self.staged.writes]
    }

    /// The database below.
    pub(super) const fn db(&self) -> &Db {
        &self.db
    }

    /// Removes a value with all its pieces; whether it was there.
    pub(super) fn remove(&mut self, key: &Key) -> Result<bool, StoreError> {
        let Some(stored) = self.raw(key)? else { return Ok(false) };
        for number in 0..codec::pieces(key, &stored) {
            let chunk = key.chunk(number);
            // Looked at, so that it is known what is removed.
            self.raw(&chunk)?;
            self.staged.writes.insert(chunk, None);
        }
        self.staged.writes.insert(key.clone(), None);
        Ok(true)
    }

    /// Lists a mark to be forgotten in time.
    pub(super) fn list_mark(&mut self, site: &SiteId, mark: GroupedMark) {
        self.staged.marks.push((site.clone(), mark));
    }

    /// Counts kept with the rows.
    pub(super) fn totals(&mut self) -> &mut Totals {
        &mut self.staged.totals
    }

    /// Whether nothing would be written.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Adds what is written once per commit and makes it one batch.
    pub(super) fn finish(mut self) -> Result<Ready, StoreError> {
        let commit = self.totals.commits.saturating_add(1);
        let marks = mem::take(&mut self.marks);
        self.step(|plan| {
            for (site, group) in marks {
                if let Some(oldest) = group.iter().map(|(_, _, at)| *at).min() {
                    plan.insert(&Key::mark_group(&site, oldest, commit), &group)?;
                }
            }
            plan.totals().commits = commit;
            let totals = *plan.totals();
            plan.replace(&Key::totals(), &totals).map(drop)
        })?;
        let mut known = self.before.into_inner();
        let mut ready =
            Ready { batch: Batch::default(), before: Image::new(), bytes: 0, totals: self.totals };
        for (key, value) in self.writes {
            ready.bytes += key.as_bytes().len() + value.as_ref().map_or(0, |value| value.len());
            match value {
                Some(value) => ready.batch.insert(&key, value),
                None => ready.batch.remove(&key),
            }
            let before = known.remove(&key);
            ready.before.insert(key, before);
        }
        Ok(ready)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn plan() -> (Plan, tempfile::TempDir) {
        let home = tempfile::tempdir().unwrap();
        (Plan::new(::sled::open(home.path()).unwrap(), Totals::default()), home)
    }

    #[test]
    fn a_device_that_fails_under_a_read_voids_the_plan() {
        for (kind, reason) in
            [(io::ErrorKind::StorageFull, "STORAGE_FULL"), (io::ErrorKind::Other, "STORAGE_FAILED")]
        {
            let (plan, _home) = plan();
            assert_eq!(plan.cannot_read(::sled::Error::Io(kind.into())).reason(), reason);
            assert_eq!(plan.ensure_readable().unwrap_err().reason(), reason);
        }
    }

    #[test]
    fn a_damaged_page_concerns_only_who_reads_it() {
        let (plan, _home) = plan();
        let error = plan.cannot_read(::sled::Error::Corruption { at: None, bt: () });
        assert_eq!(error.reason(), "STORAGE_FAILED");
        assert!(plan.ensure_readable().is_ok());
    }

    #[test]
    fn an_operation_that_fails_leaves_nothing() {
        let (mut plan, _home) = plan();
        let failed: Result<(), _> = plan.step(|plan| {
            plan.insert(&Key::health(), &1_u64)?;
            plan.totals().articles += 1;
            Err(StoreError::Closed)
        });
        assert!(failed.is_err() && plan.is_empty());
        plan.step(|plan| plan.insert(&Key::health(), &2_u64)).unwrap();
        let ready = plan.finish().unwrap();
        assert_eq!(ready.totals, Totals { commits: 1, ..Totals::default() });
        assert_eq!(ready.before.get(&Key::health()), Some(&None), "taking it back removes it");
    }
}
