//! Blobs in a folder, and in memory.
//!
//! A file is written beside its place, synced, renamed, and its folder synced: a crash
//! leaves the old one or the new one. May import: `types`, `store`.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{BlobStore, StoreError};

/// Prefix of files that are being written.
const UNFINISHED: &str = ".new-";

/// Blobs as folders of a folder.
#[derive(Clone, Debug)]
pub struct FileBlobs {
    dir: Arc<Path>,
}

impl FileBlobs {
    /// Blobs in `dir`, which is made when the first is written.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.into() }
    }

    /// Does what blocks where it may.
    async fn off<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let dir = Arc::clone(&self.dir);
        let done = tokio::task::spawn_blocking(move || work(&dir)).await;
        let done = done.map_err(|source| StoreError::Backend { doing, source: source.into() })?;
        done.map_err(|source| {
            let full = matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
            if full { StoreError::Full } else { StoreError::Backend { doing, source: source.into() } }
        })
    }
}

/// The path of a part of a name; a part that could lead elsewhere is refused.
fn below(dir: &Path, part: &str) -> io::Result<PathBuf> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    if part.is_empty() || part.starts_with('.') || !part.bytes().all(fine) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no name of a blob"));
    }
    Ok(dir.join(part))
}

/// A file that is not there is `None`.
fn if_there<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn put(dir: &Path, id: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = below(dir, id)?;
    let path = below(&folder, name)?;
    if !folder.is_dir() {
        fs::create_dir_all(&folder)?;
        sync_folder(dir)?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
    }
    let beside = folder.join(format!("{UNFINISHED}{name}-{:x}", rand::random::<u64>()));
    let written = (|| {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        sync_folder(&folder)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[async_trait]
impl BlobStore for FileBlobs {
    async fn put_blob(&self, id: &str, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.off("writing a blob", move |dir| put(dir, &id, &name, &bytes)).await
    }

    async fn blob(&self, id: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let (id, name) = (id.to_owned(), name.to_owned());
        let read = move |dir: &Path| if_there(fs::read(below(&below(dir, &id)?, &name)?));
        self.off("reading a blob", read).await
    }

    async fn delete_blob(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        let delete = move |dir: &Path| match if_there(fs::remove_dir_all(below(dir, &id)?))? {
            Some(()) => sync_folder(dir),
            None => Ok(()),
        };
        self.off("deleting a blob", delete).await
    }

    async fn blob_ids(&self) -> Result<Vec<String>, StoreError> {
        let list = |dir: &Path| {
            let Some(entries) = if_there(fs::read_dir(dir))? else { return Ok(Vec::new()) };
            let mut found = Vec::new();
            for entry in entries {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    found.extend(entry.file_name().into_string());
                }
            }
            found.sort();
            Ok(found)
        };
        self.off("listing blobs", list).await
    }
}

/// Files of blobs, by id and name.
type Files = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// Blobs in memory, for tests and stores that forget.
#[derive(Debug, Default)]
pub struct MemoryBlobs(Mutex<Files>);

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn put_blob(&self, id: &str, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.0.lock().entry(id.to_owned()).or_default().insert(name.to_owned(), bytes);
        Ok(())
    }

    async fn blob(&self, id: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.lock().get(id).and_then(|files| files.get(name)).cloned())
    }

    async fn delete_blob(&self, id: &str) -> Result<(), StoreError> {
        self.0.lock().remove(id);
        Ok(())
    }

    async fn blob_ids(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.0.lock().keys().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn keeps_what_it_is_given(blobs: &dyn BlobStore) {
        assert!(blobs.blob_ids().await.unwrap().is_empty());
        assert_eq!(blobs.blob("a1", "x.bin").await.unwrap(), None);
        blobs.put_blob("a1", "x.bin", vec![1, 2]).await.unwrap();
        blobs.put_blob("a1", "x.bin", vec![3]).await.unwrap();
        blobs.put_blob("b2", "y.json", Vec::new()).await.unwrap();
        assert_eq!(blobs.blob("a1", "x.bin").await.unwrap(), Some(vec![3]));
        assert_eq!(blobs.blob_ids().await.unwrap(), ["a1", "b2"]);
        blobs.delete_blob("a1").await.unwrap();
        blobs.delete_blob("a1").await.unwrap();
        assert_eq!(blobs.blob("a1", "x.bin").await.unwrap(), None);
        assert_eq!(blobs.blob_ids().await.unwrap(), ["b2"]);
    }

    #[tokio::test]
    async fn both_keep_what_they_are_given() {
        let home = tempfile::tempdir().unwrap();
        keeps_what_it_is_given(&FileBlobs::new(&home.path().join("models"))).await;
        keeps_what_it_is_given(&MemoryBlobs::default()).await;
    }

    #[tokio::test]
    async fn no_name_leads_out_of_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let blobs = FileBlobs::new(&home.path().join("models"));
        for (id, name) in [("..", "x"), ("a", "../x"), ("a/b", "x"), ("", "x"), ("a", "")] {
            assert!(blobs.put_blob(id, name, vec![1]).await.is_err(), "{id:?} {name:?}");
        }
        assert!(!home.path().join("x").exists());
    }
}
