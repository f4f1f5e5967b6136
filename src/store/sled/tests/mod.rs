//! The suite on sled, and what only an embedded store has to hold: re-opening,
//! failing devices, locks.
//!
//! May import: `types`, `store`.

mod damage;
mod faults;

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::store::{
    SharedStore,
    conformance::{model, queue_runs},
};

async fn open() -> (Arc<SledStore>, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let store = SledStore::open(&home.path().join(DIRECTORY), SledOptions::default()).unwrap();
    (Arc::new(store), home)
}

crate::store::conformance::suite!(open);

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// Random operations, re-opening among them, are answered like the reference
    /// answers them, and leave nothing that `verify` objects to.
    #[test]
    fn sled_agrees_with_the_reference(ops in model::ops()) {
        let home = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let open = || -> SharedStore { Arc::new(SledStore::open(&home.path().join(DIRECTORY), SledOptions::default()).unwrap()) };
        runtime.block_on(model::agree(&ops, open));
        let report = crate::store::verify(&home.path().join(DIRECTORY)).unwrap();
        prop_assert!(report.is_clean(), "{:#?}", report.problems);
    }

    /// Random interleavings of all calls of the queue end as the plain model says.
    #[test]
    fn the_queue_on_sled_agrees_with_the_model(ops in queue_runs::ops()) {
        let home = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = Arc::new(SledStore::open(&home.path().join(DIRECTORY), SledOptions::default()).unwrap());
        runtime.block_on(queue_runs::agree(&ops, store.clone()));
        runtime.block_on(store.close());
        drop(store);
        let report = crate::store::verify(&home.path().join(DIRECTORY)).unwrap();
        prop_assert!(report.is_clean(), "{:#?}", report.problems);
    }
}
