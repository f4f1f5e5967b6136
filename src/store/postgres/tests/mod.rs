//! The suite on a PostgreSQL that the tests start themselves, and what only this store has
//! to hold: walls between sites, nodes beside each other.
//!
//! May import: `types`, `store`.

mod server;

use std::sync::Arc;

use proptest::prelude::*;

use self::server::Database;
use super::*;
use crate::store::conformance::{model, queue_runs};

fn now() -> Timestamp {
    crate::types::Clock::now(&crate::types::SystemClock)
}

fn node(database: &Database) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::open(&database.url(), &PostgresOptions::default(), now()).unwrap())
}

async fn open() -> (Arc<PostgresStore>, Database) {
    let database = Database::new();
    (node(&database), database)
}

crate::store::conformance::suite!(open);

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 60, ..ProptestConfig::default() })]

    /// Random operations, re-opening among them, are answered like the reference answers.
    #[test]
    fn postgres_agrees_with_the_reference(ops in model::ops()) {
        let database = Database::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let open = || -> crate::store::SharedStore { node(&database) };
        runtime.block_on(model::agree(&ops, open));
    }

    /// Random interleavings of all calls of the queue end as the plain model says.
    #[test]
    fn the_queue_on_postgres_agrees_with_the_model(ops in queue_runs::ops()) {
        let database = Database::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(queue_runs::agree(&ops, node(&database)));
    }
}
