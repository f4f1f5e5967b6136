//! A device that really fills up: what was acknowledged stays readable, writes are
//! refused as full, and they go on by themselves when there is room again.
//!
//! Needs a file system of its own, a tmpfs of 24 MiB: where it may not be mounted
//! the test says so and passes. `TAMIS_FULL_DISK_ROUNDS` sets how often (1).

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use tamis::{
    store::{
        ArticleStore as _, StoreError, StoreHealth as _,
        sled::{SledOptions, SledStore},
        verify,
    },
    types::{Article, ArticleFields, ArticleId, SiteId, Timestamp},
};

/// A mounted tmpfs that goes away with this value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Result<Self, String> {
        run(&["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs"], at).map(|()| Self(at.to_owned()))
    }

    fn resize(&self, size: &str) {
        run(&["mount", "-o", &format!("remount,size={size}")], &self.0).expect("remounted");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = run(&["umount", "-l"], &self.0);
    }
}

fn run(words: &[&str], at: &Path) -> Result<(), String> {
    let (program, rest) = words.split_first().expect("a program");
    let done = Command::new(program).args(rest).arg(at).output().map_err(|error| error.to_string())?;
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

fn site() -> SiteId {
    SiteId::new("daily").expect("valid")
}

/// Texts that no two articles share, so that nothing is saved on them.
fn article(number: usize) -> Article {
    let text = format!("{number} ").repeat(8_000);
    Article {
        id: ArticleId::new(&format!("a{number}")).expect("valid"),
        fields: ArticleFields { title: "Summit".into(), text, ..ArticleFields::default() },
        updated_at: Timestamp::from_micros(1_790_000_000_000_000),
    }
}

/// Writes until it is refused; how many were acknowledged.
async fn fill(store: &SledStore, from: usize) -> (usize, StoreError) {
    for number in from.. {
        assert!(number < 100_000, "a small disk is full at some time");
        if let Err(refused) = store.put_article(&site(), article(number)).await {
            return (number, refused);
        }
    }
    unreachable!("the loop ends by returning")
}

async fn all_readable(store: &SledStore, count: usize) {
    for number in 0..count {
        let want = article(number);
        let found = store.article(&site(), &want.id).await.expect("reads go on");
        assert_eq!(found, Some(want), "acknowledged and lost");
    }
}

/// One round; what there is to say of it.
async fn fills_up_and_goes_on(reserve_bytes: u64) -> String {
    let home = tempfile::tempdir().expect("made");
    let disk = match SmallDisk::mount(home.path()) {
        Ok(disk) => disk,
        Err(reason) => return format!("skipped: no tmpfs can be mounted here: {}", reason.trim()),
    };
    let path = home.path().join("store");
    let options = SledOptions { reserve_bytes, ..SledOptions::default() };
    let store = SledStore::open(&path, options).expect("opens");
    let (count, refused) = fill(&store, 0).await;
    assert_eq!(refused.reason(), "STORAGE_FULL", "{refused:?}");
    for again in 0..20 {
        let refused = store.put_article(&site(), article(count + again)).await.expect_err("still no room");
        // A small write may meet a store that is just being tried again.
        assert!(matches!(refused.reason(), "STORAGE_FULL" | "STORAGE_BUSY"), "{refused:?}");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    if reserve_bytes > 0 {
        all_readable(&store, count).await;
    }

    disk.resize("200m");
    let started = Instant::now();
    while let Err(refused) = store.check().await {
        assert!(started.elapsed() < Duration::from_secs(10), "still refusing: {refused}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let resumed = started.elapsed();
    all_readable(&store, count).await;
    store.put_article(&site(), article(count)).await.expect("there is room");
    store.close().await;
    let report = verify(&path).expect("readable");
    assert!(report.is_clean(), "{:#?}", report.problems);
    format!("full after {count} articles, writes went on {resumed:?} after there was room, 0 lost")
}

fn rounds() -> usize {
    std::env::var_os("TAMIS_FULL_DISK_ROUNDS").and_then(|n| n.to_str()?.parse().ok()).unwrap_or(1)
}

/// Nothing is held back: sled itself meets the full device, and answers reads with its
/// error, too, until it has been opened again. Nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_device_under_sled() {
    for _ in 0..rounds() {
        println!("{}", fills_up_and_goes_on(0).await);
    }
}

/// The usual reserve: writes are refused before sled meets the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nearly_full_device() {
    for _ in 0..rounds() {
        println!("{}", fills_up_and_goes_on(4 << 20).await);
    }
}
