//! The suite on sled, and what only an embedded store has to hold: re-opening,
//! failing devices, locks.
//!
//! May import: `types`, `store`.

use std::sync::Arc;

use super::*;

async fn open() -> (Arc<SledStore>, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let store = SledStore::open(&home.path().join(DIRECTORY), SledOptions::default()).unwrap();
    (Arc::new(store), home)
}

crate::store::conformance::suite!(open);
