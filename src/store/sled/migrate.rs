//! The version of the rows and the way from older ones.
//!
//! A row that gains a field needs no migration: fields have names and defaults. A
//! change of keys or meaning adds one to [`SCHEMA`] and a step to [`STEPS`].
//!
//! May import: `types`, `store`.

use std::path::Path;

use ::sled::Db;

use super::{Key, StoreError, codec, disk::unreadable, gate::failed};

/// The version this program writes.
pub(super) const SCHEMA: u32 = 1;

/// One step: brings rows of a version to the next. Runs again after a crash in
/// the middle, so it must bear that.
type Step = fn(&Db) -> Result<(), StoreError>;

/// `STEPS[i]` goes from version `i + 1` to `i + 2`.
const STEPS: [Step; SCHEMA as usize - 1] = [];

/// Brings a store to the present version.
///
/// # Errors
///
/// [`StoreError::Newer`]; [`StoreError::Unreadable`] when the version is missing.
pub(super) fn migrate(db: &Db, path: &Path) -> Result<(), StoreError> {
    let found = stored_schema(db)?.ok_or_else(|| unreadable(path, "the schema version is missing"))?;
    if found > SCHEMA {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: SCHEMA });
    }
    for step in STEPS.iter().skip(found.saturating_sub(1) as usize) {
        step(db)?;
    }
    if found < SCHEMA { write_schema(db) } else { Ok(()) }
}

/// The version a store says it has.
pub(super) fn stored_schema(db: &Db) -> Result<Option<u32>, StoreError> {
    codec::load(db, &Key::schema())
}

/// Writes the present version.
pub(super) fn write_schema(db: &Db) -> Result<(), StoreError> {
    write(db, SCHEMA)
}

fn write(db: &Db, version: u32) -> Result<(), StoreError> {
    for (key, value) in codec::encode(&Key::schema(), &version)? {
        db.insert(key.as_bytes(), value).map_err(|error| failed("writing the schema", error))?;
    }
    db.flush().map(drop).map_err(|error| failed("writing the schema", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sled::{SledOptions, SledStore};

    #[test]
    fn a_newer_schema_is_refused_and_left_alone() {
        let home = tempfile::tempdir().unwrap();
        drop(SledStore::open(home.path(), SledOptions::default()).unwrap());
        let db = ::sled::open(home.path()).unwrap();
        write(&db, SCHEMA + 1).unwrap();
        drop(db);
        for _ in 0..2 {
            let refused = SledStore::open(home.path(), SledOptions::default()).unwrap_err();
            assert!(matches!(refused, StoreError::Newer { found, known: SCHEMA, .. } if found == SCHEMA + 1));
        }
    }

    #[test]
    fn a_store_without_its_schema_is_unreadable() {
        let home = tempfile::tempdir().unwrap();
        drop(SledStore::open(home.path(), SledOptions::default()).unwrap());
        let db = ::sled::open(home.path()).unwrap();
        db.remove(Key::schema().as_bytes()).unwrap();
        drop(db);
        let refused = SledStore::open(home.path(), SledOptions::default()).unwrap_err();
        assert_eq!(refused.reason(), "STORAGE_UNREADABLE");
    }
}
