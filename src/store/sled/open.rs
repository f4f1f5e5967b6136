//! Opening the directory: creation, lock, schema, and what a damaged file does.
//!
//! A store that was created has a marker file with the number of commits it had
//! when it was last opened or closed; a store that then has fewer lost its tail.
//!
//! May import: `types`, `store`.

use std::{
    fs::{self, File},
    io,
    path::Path,
    time::{Duration, Instant},
};

use ::sled::{Config, Db, IVec};

use super::{
    Key, SledOptions, StoreError,
    codec::{self, Rows},
    disk::{self, is_full, unreadable},
    gate::failed,
    guard::caught,
    migrate,
    plan::Totals,
};

/// Says that a store was created here, and how many commits it had.
pub(super) const MARKER: &str = "tamis-store";
/// How long a lock left by a database that is just being dropped is waited for.
pub(super) const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// An open database.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) db: Db,
    /// A second handle on its log, for syncing.
    pub(super) log: File,
    pub(super) totals: Totals,
}

impl Rows for Db {
    fn raw(&self, key: &Key) -> Result<Option<IVec>, StoreError> {
        self.get(key.as_bytes()).map_err(|error| failed("reading a row", error))
    }
}

/// Opens or creates the database in a directory.
///
/// # Errors
///
/// [`StoreError::Locked`], [`StoreError::Unreadable`], [`StoreError::Newer`],
/// [`StoreError::Full`].
pub(super) fn open(path: &Path, options: &SledOptions) -> Result<Opened, StoreError> {
    disk::create(path).map_err(|source| of_io(path, source))?;
    let created = path.join(MARKER).exists();
    let db = open_db(path, options)?;
    match prepare(&db, path, created, options) {
        Ok((log, totals)) => Ok(Opened { db, log, totals }),
        Err(error) => {
            discard(Some(db));
            Err(error)
        }
    }
}

/// Opens sled and waits for a lock that is just being given back.
fn open_db(path: &Path, options: &SledOptions) -> Result<Db, StoreError> {
    let started = Instant::now();
    loop {
        match disk::ensure_unused(path).and_then(|()| try_open(path, options)) {
            Err(StoreError::Locked { .. }) if started.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

pub(super) fn try_open(path: &Path, options: &SledOptions) -> Result<Db, StoreError> {
    let config = Config::new()
        .path(path)
        .cache_capacity(options.cache_bytes)
        .flush_every_ms(u64::try_from(options.flush_every.as_millis()).ok());
    caught("opening the store", || config.open().map_err(|error| of_sled(path, error)))
        .map_err(|error| about(path, error))
}

fn of_sled(path: &Path, error: ::sled::Error) -> StoreError {
    if let ::sled::Error::Io(io) = &error {
        if io.to_string().contains("could not acquire lock") {
            return StoreError::Locked { path: path.to_owned() };
        }
        if is_full(io) {
            return StoreError::Full;
        }
    }
    unreadable(path, error)
}

/// An error that a person who starts the program understands.
fn about(path: &Path, error: StoreError) -> StoreError {
    if matches!(error, StoreError::Damaged { .. } | StoreError::Backend { .. }) {
        return unreadable(path, error);
    }
    error
}

/// Checks the schema, or writes it into a new store and makes that durable.
fn prepare(db: &Db, path: &Path, created: bool, options: &SledOptions) -> Result<(File, Totals), StoreError> {
    caught("reading the schema", || {
        if created || migrate::stored_schema(db)?.is_some() {
            migrate::migrate(db, path)?;
        } else {
            initialise(db, path, options)?;
        }
        let totals = codec::load::<Totals>(db, &Key::totals())?.unwrap_or_default();
        let noted = noted_commits(path).unwrap_or_default();
        if noted > totals.commits {
            let lost = noted - totals.commits;
            tracing::error!(lost, "the newest commits are missing from storage: run `tamis verify`");
        } else {
            note_commits(path, totals).map_err(|source| of_io(path, source))?;
        }
        let log = disk::open_log(path).map_err(|source| of_io(path, source))?;
        Ok((log, totals))
    })
    .map_err(|error| about(path, error))
}

/// Writes what a new store begins with. A crash in between leaves no marker, and
/// the next start begins again.
fn initialise(db: &Db, path: &Path, options: &SledOptions) -> Result<(), StoreError> {
    if db.iter().next().is_some() {
        return Err(unreadable(path, "holds a database that is not a tamis store"));
    }
    migrate::write_schema(db)?;
    let io = |source| of_io(path, source);
    disk::sync_tree(path).map_err(io)?;
    options.disk.sync(&disk::open_log(path).map_err(io)?).map_err(io)?;
    note_commits(path, Totals::default()).map_err(io)
}

fn of_io(path: &Path, source: io::Error) -> StoreError {
    if is_full(&source) { StoreError::Full } else { unreadable(path, source) }
}

/// Notes how many commits there are, for the next start.
pub(super) fn note_commits(path: &Path, totals: Totals) -> io::Result<()> {
    disk::replace(path, MARKER, &format!("tamis store\ncommits {}\n", totals.commits))
}

/// How many commits there were when it was noted last.
pub(super) fn noted_commits(path: &Path) -> Option<u64> {
    let text = fs::read_to_string(path.join(MARKER)).ok()?;
    text.lines().find_map(|line| line.strip_prefix("commits "))?.parse().ok()
}

/// Drops a database; sled panics there when its last sync fails.
pub(super) fn discard(db: Option<Db>) {
    let dropped = caught("closing", || {
        drop(db);
        Ok(())
    });
    if let Err(error) = dropped {
        tracing::warn!(%error, "storage was closed after an error");
    }
}
