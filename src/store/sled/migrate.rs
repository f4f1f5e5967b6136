//! The version of the rows and the way from older ones.
//!
//! A row that gains a field at its end needs no migration: it has a default. A
//! change of keys or meaning adds one to [`SCHEMA`] and a step to [`STEPS`].
//!
//! May import: `types`, `store`.

use std::path::Path;

use ::sled::Db;

use super::{
    Key, StoreError, codec,
    disk::unreadable,
    gate::failed,
    keys::Kind,
    ledger::SledLedger,
    packs,
    plan::{Plan, Totals},
};
use crate::{
    store::queue::{self, RowKind},
    types::{Feedback, FeedbackId, SiteId, Verdict},
};

/// Most rows read for one batch of a step.
const MAX_BATCH: usize = 500;

/// The version this program writes.
pub(super) const SCHEMA: u32 = 3;

/// One step: brings rows of a version to the next. Runs again after a crash in
/// the middle, so it must bear that.
type Step = fn(&Db) -> Result<(), StoreError>;

/// `STEPS[i]` goes from version `i + 1` to `i + 2`.
const STEPS: [Step; SCHEMA as usize - 1] = [rulings_and_authors, packed_rows];

/// The standing ruling as version 1 wrote it.
#[derive(serde::Serialize, serde::Deserialize)]
struct OneRuling {
    feedback: FeedbackId,
    approved: bool,
}

/// From 1 to 2: the ruling that holds is kept with those before it and makes a
/// sample, and verdicts are found by their author.
fn rulings_and_authors(db: &Db) -> Result<(), StoreError> {
    let mut plan = Plan::new(db.clone(), totals(db)?);
    let mut read: usize = 0;
    for row in db.iter() {
        let (key, stored) = row.map_err(|error| failed("listing rows", error))?;
        let key = Key::from_bytes(&key);
        let Some((site, kind, _)) = key.parts() else { continue };
        let Ok(site) = SiteId::new(site) else { continue };
        if kind == Kind::Verdict {
            plan.step(|plan| find_by_author(db, plan, &site, &key, &stored))?;
        } else if kind == Kind::Row(RowKind::Standing) {
            plan.step(|plan| keep_ruling(db, plan, &site, &key, &stored))?;
        }
        read += 1;
        if read.is_multiple_of(MAX_BATCH) {
            commit(db, plan)?;
            plan = Plan::new(db.clone(), totals(db)?);
        }
    }
    commit(db, plan)
}

fn totals(db: &Db) -> Result<Totals, StoreError> {
    Ok(codec::load(db, &Key::totals())?.unwrap_or_default())
}

fn commit(db: &Db, plan: Plan) -> Result<(), StoreError> {
    if plan.is_empty() {
        return Ok(());
    }
    let ready = plan.finish()?;
    db.apply_batch(ready.batch).map_err(|error| failed("changing rows", error))
}

fn find_by_author(
    db: &Db,
    plan: &mut Plan,
    site: &SiteId,
    key: &Key,
    stored: &[u8],
) -> Result<(), StoreError> {
    let verdict: Verdict = codec::decode(db, key, stored)?;
    if let Some(author) = verdict.author() {
        let look_up = Key::by_author(site, author).with_verdict(verdict.id);
        packs::put(plan, &look_up, Vec::new())?;
    }
    Ok(())
}

fn keep_ruling(db: &Db, plan: &mut Plan, site: &SiteId, key: &Key, stored: &[u8]) -> Result<(), StoreError> {
    // A crash in the middle leaves some that are new already.
    let Ok(OneRuling { feedback, .. }) = codec::decode::<OneRuling>(db, key, stored) else { return Ok(()) };
    let id = key.verdict_id().ok_or_else(|| codec::damaged(key))?;
    let report: Option<Feedback> = codec::load(db, &Key::feedback(site, id, feedback))?;
    let verdict: Option<Verdict> = codec::load(db, &Key::verdict(site, id))?;
    match report.as_ref().and_then(queue::of_feedback).zip(verdict) {
        Some((given, verdict)) => queue::keep(&mut SledLedger::new(plan, site), &verdict, given),
        None => Err(codec::damaged(key)),
    }
}

/// From 2 to 3: small rows are packed. A row from before is a pack of one, so there
/// is nothing to do but to keep programs away that know no packs.
fn packed_rows(_: &Db) -> Result<(), StoreError> {
    Ok(())
}

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

    #[tokio::test]
    async fn a_store_of_version_1_is_brought_up() {
        use crate::store::{
            FeedbackStore as _, SampleStore as _, StoreHealth as _, VerdictFilter, VerdictStore as _,
            conformance::samples::{feedback, plain, verdict},
        };
        use crate::types::{FeedbackSource, PageRequest, Ruling};
        let home = tempfile::tempdir().unwrap();
        let about = verdict("daily");
        let report = feedback(about.id, FeedbackSource::Owner, Ruling::Approve);
        let store = SledStore::open(home.path(), SledOptions::default()).unwrap();
        store.record(vec![plain(about.clone())]).await.pop().unwrap().unwrap();
        store.add_feedback(&about.site, report.clone(), None).await.unwrap();
        store.close().await;
        drop(store);
        // What version 1 had not, and what it had instead.
        let db = ::sled::open(home.path()).unwrap();
        let author = Key::by_author(&about.site, about.author().unwrap()).with_verdict(about.id);
        // The only one there is: a pack of its own.
        assert!(db.remove(author.as_bytes()).unwrap().is_some());
        let samples = Key::row_at(&about.site, RowKind::Sample, &[]);
        let sample = db.range(samples.as_bytes()..samples.end().as_bytes()).next().unwrap().unwrap().0;
        db.remove(sample).unwrap();
        let standing = Key::row_at(&about.site, RowKind::Standing, about.id.as_bytes());
        let old = OneRuling { feedback: report.id, approved: true };
        for (key, value) in codec::encode(&standing, &old).unwrap() {
            db.insert(key.as_bytes(), value).unwrap();
        }
        write(&db, 1).unwrap();
        drop(db);
        let store = SledStore::open(home.path(), SledOptions::default()).unwrap();
        let filter = VerdictFilter { author: about.author(), ..VerdictFilter::default() };
        let page = PageRequest { size: 5, after: None };
        assert_eq!(
            store.verdicts(&about.site, &filter, page).await.unwrap().rows,
            std::slice::from_ref(&about)
        );
        let page = PageRequest { size: 5, after: None };
        let samples = store.samples(&about.site, page).await.unwrap().rows;
        assert_eq!((samples.len(), samples[0].ruling), (1, report.id.into()));
        store.close().await;
        drop(store);
        let report = crate::store::verify(home.path()).unwrap();
        assert!(report.is_clean(), "{:#?}", report.problems);
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
