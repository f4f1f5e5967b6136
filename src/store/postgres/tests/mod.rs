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

/// What a store went through, it has after a move to another kind of store and back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_moves_and_comes_back() {
    use crate::store::{
        conformance::samples::{article, key, plain, recorded, site, site_row, verdict},
        portable::{Progress, compare, copy},
        sled::{DIRECTORY, SledOptions, SledStore},
        *,
    };
    let sled = |home: &tempfile::TempDir| {
        SledStore::open(&home.path().join(DIRECTORY), SledOptions::default()).unwrap()
    };
    let (home, back, database) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), Database::new());
    let (from, to) = (Arc::new(sled(&home)), node(&database));
    let shared: SharedStore = from.clone();
    shared.create_site(site_row("daily")).await.unwrap();
    shared.put_key(key("m1")).await.unwrap();
    shared.put_article(&site("daily"), article("a", "text")).await.unwrap();
    recorded(&shared, verdict("daily")).await;
    let many: Vec<_> = (0..1_200)
        .map(|n| NewVerdict {
            queue: (n % 3 == 0).then(|| Enqueue {
                causes: crate::types::Causes::of(crate::types::Cause::Held),
                section: None,
                exposure: 1.0,
            }),
            ..plain(verdict("daily"))
        })
        .collect();
    assert!(shared.record(many).await.iter().all(Result::is_ok));
    // Broken off after the third step, and gone on with.
    let (mut steps, mut last) = (0, Progress::default());
    let mut note = |progress: &Progress| {
        (steps, last) = (steps + 1, progress.clone());
        if steps == 3 { Err(StoreError::Closed) } else { Ok(()) }
    };
    assert!(copy(&*from, &*to, Progress::default(), &mut note).await.is_err());
    let done = copy(&*from, &*to, last.clone(), &mut |_| Ok(())).await.unwrap();
    assert!(done.records > last.records);
    let compared = compare(&*from, &*to).await.unwrap();
    assert!(compared.iter().all(|one| one.same), "{compared:#?}");
    assert!(compared.iter().any(|one| one.counts == (1_201, 1_201)), "{compared:#?}");
    let other = Arc::new(sled(&back));
    copy(&*to, &*other, Progress::default(), &mut |_| Ok(())).await.unwrap();
    let compared = compare(&*from, &*other).await.unwrap();
    assert!(compared.iter().all(|one| one.same), "{compared:#?}");
    other.close().await;
    drop(other);
    let report = verify(&back.path().join(DIRECTORY)).unwrap();
    assert!(report.is_clean(), "{:#?}", report.problems);
}

/// A session that names no site sees none of its rows, whatever it asks for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_sees_the_sites_that_it_names() {
    use crate::store::{
        VerdictStore as _,
        conformance::samples::{plain, verdict},
    };
    let (store, database) = open().await;
    assert!(
        store.record(vec![plain(verdict("daily")), plain(verdict("other"))]).await.iter().all(Result::is_ok)
    );
    assert_eq!(database.sql("SELECT count(*) FROM verdicts"), "0");
    let named = |sites: &str| format!("SET tamis.sites = '{sites}'; SELECT count(*) FROM verdicts");
    assert_eq!(database.sql(&named("daily")), "1");
    assert_eq!(database.sql(&named("daily,other")), "2");
    assert_eq!(database.sql(&format!("{}_rest", named("daily"))), "0", "a partition asked for by name");
}

/// Of two nodes one has a job, and the other takes it when that one stops asking.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_one_nodes_and_is_taken_over() {
    use crate::store::{NodeStore as _, StoreHealth as _};
    let database = Database::new();
    let (a, b) = (node(&database), node(&database));
    assert!(a.holds("x").await.unwrap() && !b.holds("x").await.unwrap());
    assert!(b.holds("y").await.unwrap() && !a.holds("y").await.unwrap());
    a.close().await;
    let began = std::time::Instant::now();
    while !b.holds("x").await.unwrap() {
        assert!(began.elapsed() < Duration::from_secs(10), "nobody took it over");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
