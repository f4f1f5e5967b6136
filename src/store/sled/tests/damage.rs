//! Damaged files: never a panic, never a wrong value, always words.
//!
//! May import: `types`, `store`.

use std::{fs, time::Instant};

use super::super::*;
use crate::{
    store::{
        ArticleStore as _, FeedbackStore as _, Report, VerdictStore as _,
        conformance::samples::{article, comment, feedback, mark, marked, site, verdict},
        queue::RowKind,
        verify,
    },
    types::{Body, FeedbackSource, Ruling, Verdict},
};

/// A closed store with some of everything.
async fn filled(home: &Path) -> Vec<Verdict> {
    let store = SledStore::open(home, SledOptions::default()).unwrap();
    let mut rows = Vec::new();
    for i in 0..250_u8 {
        let mut row = verdict(if i % 5 == 0 { "weekly" } else { "daily" });
        row.comment = Some(comment(&format!("c{}", i % 40)));
        row.body = Body::new("body ".repeat(usize::from(i) * 8 + 1)).unwrap();
        rows.push(row);
    }
    for (i, part) in rows.chunks(25).enumerate() {
        let mark = |j| mark(u8::try_from(i * 25 + j).unwrap(), 1);
        let items = part.iter().enumerate().map(|(j, row)| marked(row.clone(), mark(j))).collect();
        assert!(store.record(items).await.iter().all(Result::is_ok));
        let report = feedback(part[0].id, FeedbackSource::Owner, Ruling::Approve);
        store.add_feedback(&part[0].site, report, None).await.unwrap();
        store.put_article(&site("daily"), article(&format!("a{i}"), &"text ".repeat(i * 900))).await.unwrap();
    }
    store.close().await;
    rows
}

fn copied(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.path().join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&target).unwrap();
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
    to
}

#[tokio::test]
async fn a_sound_store_is_counted_and_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(DIRECTORY);
    let rows = filled(&path).await;
    let before = fs::read(path.join("db")).unwrap();
    let report = verify(&path).unwrap();
    assert!(report.is_clean(), "{:#?}", report.problems);
    assert_eq!(fs::read(path.join("db")).unwrap(), before, "looking changes nothing");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "the copy is gone");
    let count = |site: &str, kind: &str| report.sites[site].get(kind).copied().unwrap_or_default();
    assert_eq!(count("daily", "verdict") + count("weekly", "verdict"), rows.len() as u64);
    assert_eq!(count("daily", "comment index") + count("weekly", "comment index"), 250);
    assert_eq!((count("daily", "article"), count("weekly", "feedback")), (10, 10));
    assert_eq!(report.schema, Some(migrate::SCHEMA));
}

#[test]
fn what_is_no_store_is_said_to_be_none() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(verify(home.path()).unwrap_err().reason(), "STORAGE_UNREADABLE");
    assert_eq!(verify(&home.path().join("missing")).unwrap_err().reason(), "STORAGE_UNREADABLE");
    let open = SledStore::open(&home.path().join("s"), SledOptions::default()).unwrap();
    assert_eq!(verify(open.path()).unwrap_err().reason(), "STORAGE_LOCKED");
    drop(open);
    fs::write(home.path().join("file"), "text").unwrap();
    assert_eq!(verify(&home.path().join("file")).unwrap_err().reason(), "STORAGE_UNREADABLE");
    let refused = SledStore::open(&home.path().join("file"), SledOptions::default()).unwrap_err();
    assert_eq!(refused.reason(), "STORAGE_UNREADABLE");
    drop(::sled::open(home.path().join("other")).and_then(|db| db.insert(b"k", b"v")).unwrap());
    let refused = SledStore::open(&home.path().join("other"), SledOptions::default()).unwrap_err();
    assert_eq!(refused.reason(), "STORAGE_UNREADABLE");
}

/// Changes one row behind the store's back.
fn tampered(from: &Path, change: impl FnOnce(&::sled::Db)) -> Report {
    let copy = copied(from);
    let db = ::sled::open(copy.path()).unwrap();
    change(&db);
    drop(db);
    // Threads of sled that tidy up keep its lock for some milliseconds.
    assert!(disk::wait_until_unused(copy.path(), Duration::from_secs(10)));
    verify(copy.path()).unwrap()
}

/// Takes one row out of its pack.
fn unpack(db: &::sled::Db, key: &Key) {
    let totals = codec::load(db, &Key::totals()).unwrap().unwrap_or_default();
    let mut plan = plan::Plan::new(db.clone(), totals);
    assert!(plan.step(|plan| packs::remove(plan, key)).unwrap());
    db.apply_batch(plan.finish().unwrap().batch).unwrap();
}

#[tokio::test]
async fn each_kind_of_inconsistency_is_named() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(DIRECTORY);
    let rows = filled(&path).await;
    let row = &rows[1];
    let lookup = Key::of_comment(&row.site, row.comment.as_ref().unwrap()).with_verdict(row.id);
    let mark_key = Key::mark(&row.site, &mark(1, 1).actor, mark(1, 1).id);
    let remove = |key: &Key| tampered(&path, |db| drop(db.remove(key.as_bytes()).unwrap()));
    let unpack = |key: &Key| tampered(&path, |db| unpack(db, key));
    let check = |report: Report, said: &str| {
        let found = report.problems.iter().any(|problem| problem.message.contains(said));
        assert!(found, "nothing says {said:?}: {:#?}", report.problems);
    };
    check(remove(&Key::verdict(&row.site, row.id)), "leads to a verdict that is not there");
    check(remove(&Key::verdict(&row.site, row.id)), "250 were written");
    check(unpack(&lookup), "is not found by its comment index");
    check(unpack(&Key::tally(&row.site, &row.tallies[0])), "is missing, the rows say");
    check(
        remove(&Key::row_at(&rows[0].site, RowKind::Standing, rows[0].id.as_bytes())),
        "do not agree with its standing ruling",
    );
    check(remove(&Key::schema()), "the schema version is missing");
    let long = Key::verdict(&rows[249].site, rows[249].id);
    check(remove(&long.chunk(1)), "cannot be read");
    check(remove(&long), "belongs to no row");
    check(tampered(&path, |db| drop(db.insert(b"strange", b"row").unwrap())), "not a key of this program");
    let groups = Key::mark_groups(&row.site);
    let ungroup = |db: &::sled::Db| {
        for key in db.scan_prefix(groups.as_bytes()).keys().flatten().collect::<Vec<_>>() {
            db.remove(key).unwrap();
        }
    };
    let report = tampered(&path, ungroup);
    assert!(report.problems.iter().any(|problem| problem.key == mark_key.hex()));
    check(report, "never be forgotten");
    let flip = |db: &::sled::Db| {
        let mut stored = db.get(long.as_bytes()).unwrap().unwrap().to_vec();
        stored[0] ^= 1;
        db.insert(long.as_bytes(), stored).unwrap();
    };
    check(tampered(&path, flip), "does not match its checksum");
    let later = copied(&path);
    fs::write(later.path().join(open::MARKER), "tamis store\ncommits 1000\n").unwrap();
    check(verify(later.path()).unwrap(), "commits are missing");
}

/// Random damage to a random file of a copy: opening and verifying end in words
/// within seconds, and no verdict comes back changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_damage_is_never_silent() {
    use rand::{Rng as _, SeedableRng as _};
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(DIRECTORY);
    let rows = filled(&path).await;
    let mut random = rand::rngs::StdRng::seed_from_u64(7);
    let mut outcomes = [0; 3];
    let trials = std::env::var_os("TAMIS_DAMAGE_TRIALS").and_then(|n| n.to_str()?.parse().ok()).unwrap_or(50);
    for trial in 0..trials {
        let copy = copied(&path);
        let files: Vec<_> = fs::read_dir(copy.path()).unwrap().map(|e| e.unwrap().path()).collect();
        let files: Vec<_> = files.into_iter().filter(|p| p.is_file()).collect();
        let hit = if trial % 4 == 0 {
            &files[random.random_range(0..files.len())]
        } else {
            &copy.path().join("db")
        };
        let mut bytes = fs::read(hit).unwrap();
        if trial % 10 == 9 {
            bytes.truncate(random.random_range(0..bytes.len()));
        } else {
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 1 << random.random_range(0..8);
            }
        }
        fs::write(hit, bytes).unwrap();
        let name = format!("trial {trial}: {}", hit.file_name().unwrap().display());
        let started = Instant::now();
        let report = verify(copy.path());
        assert!(started.elapsed().as_secs() < 5, "{name}: verify took {:?}", started.elapsed());
        let started = Instant::now();
        let opened = SledStore::open(copy.path(), SledOptions::default());
        assert!(started.elapsed().as_secs() < 5, "{name}: opening took {:?}", started.elapsed());
        let mut missing = 0;
        match &opened {
            Err(error) => assert_eq!(error.reason(), "STORAGE_UNREADABLE", "{name}: {error}"),
            Ok(store) => {
                for row in &rows {
                    match store.verdict(&row.site, row.id).await {
                        Ok(Some(found)) => assert_eq!(&found, row, "{name}: a changed value"),
                        Ok(None) | Err(_) => missing += 1,
                    }
                }
            }
        }
        let words = report.as_ref().map_or(true, |report| !report.is_clean());
        assert!(missing == 0 || words, "{name}: {missing} verdicts gone and nothing said");
        outcomes[if report.is_err() { 0 } else { 1 + usize::from(!words) }] += 1;
    }
    println!("refused {}, problems named {}, unharmed {}", outcomes[0], outcomes[1], outcomes[2]);
}
