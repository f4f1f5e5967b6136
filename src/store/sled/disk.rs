//! The device below sled: syncs, free space, and the directory itself.
//!
//! sled 0.34.7 writes its log but never waits for the device in `flush`, and sees
//! a full device only when it is too late; this is what the store asks and does
//! besides sled. Behind a trait, so that tests let it fail.
//!
//! May import: `types`, `store`.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    time::{Duration, Instant},
};

use fs2::FileExt as _;

use super::StoreError;

/// The file sled writes its log to.
pub(super) const LOG: &str = "db";
/// Where sled puts pages too large for its log.
const PAGES: &str = "blobs";

/// What durability asks of the device.
pub trait Disk: Send + Sync + fmt::Debug + 'static {
    /// Bytes that may still be written below `directory`.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn free_bytes(&self, directory: &Path) -> io::Result<u64>;

    /// Waits until everything written to `file` is on the device.
    ///
    /// # Errors
    ///
    /// What the system says. What was written since the last success may be lost.
    fn sync(&self, file: &File) -> io::Result<()>;
}

/// The disk of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn free_bytes(&self, directory: &Path) -> io::Result<u64> {
        fs2::available_space(directory)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }
}

/// Whether an error says that there is no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Wraps what the system says: [`StoreError::Full`] when there is no room.
pub(super) fn failed(doing: &'static str, error: io::Error) -> StoreError {
    if is_full(&error) { StoreError::Full } else { StoreError::Backend { doing, source: error.into() } }
}

/// Makes the directory and what leads to it, for the owner only.
pub(super) fn create(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    directory.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_directory)
}

/// Makes the entries of a directory durable.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Makes everything below the directory durable, entries included: after
/// creation, when sled has synced none of it.
pub(super) fn sync_tree(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { sync_tree(&path)? } else { File::open(&path)?.sync_all()? }
    }
    sync_directory(directory)
}

/// Syncs pages that sled put beside its log. The chunk size keeps rows so small
/// that there are none; this holds the promise even if one slips through. One
/// look into an empty directory costs a few microseconds.
pub(super) fn sync_pages(directory: &Path) -> io::Result<()> {
    let pages = directory.join(PAGES);
    let mut any = false;
    for entry in fs::read_dir(&pages)? {
        match File::open(entry?.path()) {
            Ok(page) => page.sync_all()?,
            // sled removes pages it no longer needs at any time.
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        any = true;
    }
    if any { sync_directory(&pages) } else { Ok(()) }
}

/// A second handle on sled's log, for syncing. A handle of our own also gets its
/// own report of a failed write-back: Linux tells each open file once.
pub(super) fn open_log(directory: &Path) -> io::Result<File> {
    File::open(directory.join(LOG))
}

/// Refuses a directory that another process, or another store of this one, uses.
///
/// # Errors
///
/// [`StoreError::Locked`]; [`StoreError::Unreadable`] when the log cannot be opened.
pub(super) fn ensure_unused(directory: &Path) -> Result<(), StoreError> {
    lock(directory).map(drop)
}

/// Waits until nobody uses the directory; whether that came true in time. Threads
/// of sled that still tidy up keep its lock for some milliseconds after the
/// database is dropped.
pub(super) fn wait_until_unused(directory: &Path, patience: Duration) -> bool {
    let started = Instant::now();
    loop {
        match lock(directory) {
            Err(StoreError::Locked { .. }) if started.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(StoreError::Locked { .. }) => return false,
            Ok(_) | Err(_) => return true,
        }
    }
}

/// Takes the lock that sled takes; it ends with the file. `None` when there is no
/// log yet.
pub(super) fn lock(directory: &Path) -> Result<Option<File>, StoreError> {
    let log = match OpenOptions::new().read(true).write(true).open(directory.join(LOG)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|source| unreadable(directory, source))?,
    };
    match log.try_lock_exclusive() {
        Ok(()) => Ok(Some(log)),
        Err(_) => Err(StoreError::Locked { path: directory.to_owned() }),
    }
}

/// The error of a directory that cannot be used.
pub(super) fn unreadable(
    directory: &Path,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Unreadable { path: directory.to_owned(), source: source.into() }
}

/// Writes the log once more over itself and syncs it. After a failed sync the
/// kernel may call pages clean that never reached the device, so that the next
/// sync would succeed without them; written again they are dirty again.
pub(super) fn rewrite(directory: &Path, disk: &dyn Disk) -> io::Result<()> {
    let mut log = OpenOptions::new().read(true).write(true).open(directory.join(LOG))?;
    log.try_lock_exclusive()?;
    let mut buffer = vec![0; 1 << 20];
    let mut at = 0;
    loop {
        log.seek(SeekFrom::Start(at))?;
        let read = log.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        log.seek(SeekFrom::Start(at))?;
        log.write_all(bytes)?;
        at += read as u64;
    }
    disk.sync(&log)
}

/// Writes, syncs and removes `bytes` of noise: whether there is really room.
pub(super) fn probe(directory: &Path, bytes: usize, disk: &dyn Disk) -> io::Result<()> {
    let path = directory.join("probe");
    let result = File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0x5a; bytes])?;
        disk.sync(&file)
    });
    let _ = fs::remove_file(&path);
    result
}

/// Replaces a small file so that after a crash it is the old or the new one.
pub(super) fn replace(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    let next = directory.join(format!("{name}.next"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&next, directory.join(name))?;
    sync_directory(directory)
}
