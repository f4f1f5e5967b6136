//! A queue of many items under steady work: how long a page, a claim and a
//! decision take, and what memory it needs.
//!
//! 2,000 items and two seconds, or as many as `TAMIS_QUEUE_ITEMS` and
//! `TAMIS_QUEUE_SECONDS` say; with a million items the figures have to hold:
//! 99 of 100 of each below 20 ms at 200 decisions a second, and resident memory
//! below the configured cache and 200 MiB.

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tamis::{
    store::{
        Claim, ClaimTarget, DecisionStore as _, Enqueue, ItemQuery, NewDecision, NewVerdict, Outcome,
        QueueStore as _, StoreHealth as _, VerdictStore as _,
        sled::{SledOptions, SledStore},
    },
    types::{
        Action, ArticleId, Assessment, Body, Cause, Causes, CommentId, DecisionId, KeyId, Label, LabelScore,
        LogOdds, Markup, PageRequest, PerLabel, Probability, Pseudonyms, QueueOrder, ReasonCode, SiteId,
        TallyKey, TallyKind, Timestamp, Verdict, VerdictId, Versions,
    },
};

const BATCH: usize = 500;
const CACHE: u64 = 64 << 20;
/// Decisions a second.
const PACE: f64 = 200.0;
/// Items of one claim.
const CLAIMED: usize = 10;

fn number(name: &str, default: usize) -> usize {
    std::env::var_os(name).and_then(|n| n.to_str()?.parse().ok()).unwrap_or(default)
}

fn at(second: usize) -> Timestamp {
    let second = i64::try_from(second).expect("small");
    Timestamp::from_micros(1_790_000_000_000_000 + second * 1_000_000)
}

/// A number in [0, 1) that looks random.
fn unit(i: usize, salt: usize) -> f64 {
    let mixed = (i * 2_654_435_761 + salt * 40_503).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
    (mixed % 1_000_003) as f64 / 1_000_003.0
}

fn verdict(i: usize) -> Verdict {
    let id = VerdictId::generate();
    let p = |salt| Probability::new(unit(i, salt)).expect("in range");
    let author = u64::try_from(i % 50_000).expect("small").to_be_bytes();
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&author);
    Verdict {
        id,
        site: SiteId::new("daily").expect("valid"),
        action: Action::Hold,
        assessment: Assessment {
            labels: PerLabel::from_fn(|label| LabelScore {
                probability: p(label.index()),
                ..LabelScore::default()
            }),
            overall: LogOdds::EVEN,
            probability: p(Label::COUNT),
            reasons: Vec::new(),
            article_read: "none".into(),
            language: Some("en".into()),
            counterfactual: None,
        },
        versions: Versions { model: "m".into(), rules: "r".into(), policy: 1, normalizer: 1 },
        comment: Some(CommentId::new(&format!("c{i}")).expect("valid")),
        body: Body::new(format!("comment number {i} says one thing and another")).expect("valid"),
        markup: Markup::Plain,
        author_id: Some(format!("u{}", i % 50_000)),
        author_name: None,
        author_url: None,
        pseudonyms: Pseudonyms::default(),
        article: Some(ArticleId::new(&format!("a{}", i % 2_000)).expect("valid")),
        parent: None,
        parent_text: None,
        posted_at: None,
        created_at: at(i / 50),
        requested_by: KeyId::new("cms").expect("valid"),
        tallies: vec![
            TallyKey { kind: TallyKind::Author, digest },
            TallyKey { kind: TallyKind::Text, digest: *id.as_bytes() },
        ],
        shadow_hits: Vec::new(),
        trace: None,
    }
}

/// Resident memory in MiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: usize = line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
    kib / 1024
}

#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn at(&mut self, share: f64) -> Duration {
        self.0.sort_unstable();
        let rank = (self.0.len() as f64 * share) as usize;
        self.0.get(rank.min(self.0.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    fn say(&mut self, what: &str) -> Duration {
        let (p50, p99, most) = (self.at(0.5), self.at(0.99), self.at(1.0));
        println!("{what}: {} calls, p50 {p50:.2?}, p99 {p99:.2?}, max {most:.2?}", self.0.len());
        p99
    }
}

async fn fill(store: &SledStore, items: usize) {
    let started = Instant::now();
    let all: Vec<_> = (0..items).collect();
    for batch in all.chunks(BATCH) {
        let new = batch.iter().map(|i| NewVerdict {
            verdict: verdict(*i),
            request: None,
            campaign: None,
            queue: Some(Enqueue { causes: Causes::of(Cause::Held), section: None, exposure: 1.0 }),
        });
        let recorded = store.record(new.collect()).await;
        assert!(recorded.iter().all(Result::is_ok));
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("filled: {items} items in {seconds:.1} s, resident {} MiB", resident());
}

/// One moderator's round: look at a page, claim, decide; what each took.
async fn round(store: &SledStore, order: QueueOrder, now: Timestamp, times: &mut [Times; 3]) -> usize {
    let site = SiteId::new("daily").expect("valid");
    let actor = KeyId::new("mod").expect("valid");
    let [pages, claims, decisions] = times;
    let query = ItemQuery { order, ..ItemQuery::default() };
    let started = Instant::now();
    let page = store.items(&site, &query, PageRequest { size: 50, after: None }, now).await.expect("listed");
    assert!(!page.rows.is_empty(), "the queue is longer than the run");
    pages.0.push(started.elapsed());
    let started = Instant::now();
    let target = ClaimTarget::Next { filter: Box::default(), order, after: None };
    let lease = Duration::from_secs(600);
    let claim = Claim { target, max: CLAIMED, lease, actor: actor.clone(), request: None };
    let claimed = store.claim(&site, claim, now).await.expect("claimed").rows;
    claims.0.push(started.elapsed());
    for item in &claimed {
        let started = Instant::now();
        let new = NewDecision {
            id: DecisionId::generate(),
            item: item.id,
            adopt: None,
            token: Some(item.token),
            actor: actor.clone(),
            outcome: if item.token % 2 == 0 { Outcome::Approve } else { Outcome::Reject(ReasonCode::Spam) },
            policy_clause: String::new(),
            note: String::new(),
            author: None,
            batch: None,
            request: None,
        };
        store.decide(&site, vec![new], now).await.pop().expect("one").expect("decided");
        decisions.0.push(started.elapsed());
    }
    claimed.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_stays_quick() {
    let items = number("TAMIS_QUEUE_ITEMS", 2_000);
    let seconds = number("TAMIS_QUEUE_SECONDS", 2);
    let home = tempfile::tempdir().expect("made");
    let options = SledOptions { cache_bytes: CACHE, ..SledOptions::default() };
    let store = Arc::new(SledStore::open(&home.path().join("store"), options).expect("opens"));
    fill(&store, items).await;
    let orders =
        [QueueOrder::Oldest, QueueOrder::ValueOfLook, QueueOrder::MostLikelyWrong, QueueOrder::Newest];
    let mut times = [Times::default(), Times::default(), Times::default()];
    let (started, mut decided, mut rounds) = (Instant::now(), 0, 0);
    while started.elapsed() < Duration::from_secs(seconds as u64) {
        let due = Duration::from_secs_f64(decided as f64 / PACE);
        tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
        decided += round(&store, orders[rounds % orders.len()], at(items + rounds), &mut times).await;
        rounds += 1;
    }
    let (pace, memory) = (decided as f64 / started.elapsed().as_secs_f64(), resident());
    let [pages, claims, decisions] = &mut times;
    let p99 = [pages.say("list 50"), claims.say("claim 10"), decisions.say("decide 1")];
    let allowed = CACHE as usize / (1 << 20) + 200;
    println!("{decided} decisions, {pace:.0} a second, resident {memory} MiB of {allowed} MiB");
    let site = SiteId::new("daily").expect("valid");
    let stats = store.queue_stats(&site).await.expect("counted");
    assert_eq!((stats.open, stats.claimed, stats.decided), ((items - decided) as u64, 0, decided as u64));
    store.close().await;
    if items >= 1_000_000 {
        assert!(p99.iter().all(|p99| *p99 < Duration::from_millis(20)), "too slow: {p99:?}");
        assert!(memory < allowed, "{memory} MiB are more than {allowed} MiB");
    }
}
