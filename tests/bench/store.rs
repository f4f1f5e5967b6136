//! How many verdicts a second become durable: 256 writers, each waiting for its
//! answer before it sends the next, as clients of the service do.
//!
//! `TAMIS_STORE_SECONDS` sets how long (5), `TAMIS_STORE_DIR` on which device.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tamis::{
    store::{
        NewVerdict, Recorded, RequestMark, StoreHealth as _, VerdictStore as _,
        sled::{SledOptions, SledStore},
    },
    types::{
        Action, ArticleId, Assessment, Body, CommentId, KeyId, Label, LogOdds, Markup, PerLabel, Probability,
        Pseudonyms, Reason, ReasonSource, RequestId, SiteId, Span, TallyKey, TallyKind, Timestamp, Verdict,
        VerdictId, Versions,
    },
};

const IN_FLIGHT: u64 = 256;

fn reason(number: usize) -> Reason {
    Reason {
        code: format!("family/signal_{number}").into(),
        source: ReasonSource::Signal,
        label: Label::Spam,
        log_odds: LogOdds::new(0.25),
        message: "0 of 4 words relate to the article or the thread it stands in".into(),
        value: Some(0.5),
        span: Some(Span::new(0, 19)),
    }
}

/// A verdict of usual size: 80 bytes of text, six reasons, four counts of which
/// two are shared with other comments.
fn verdict(number: u64) -> Verdict {
    let id = VerdictId::generate();
    let digest = |value: u64| u128::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c).to_be_bytes();
    Verdict {
        id,
        site: SiteId::new("daily").expect("valid"),
        action: Action::Hold,
        assessment: Assessment {
            labels: PerLabel::default(),
            overall: LogOdds::EVEN,
            probability: Probability::default(),
            reasons: (0..6).map(reason).collect(),
            article_read: "text".into(),
            language: Some("en".into()),
            counterfactual: None,
        },
        versions: Versions { model: "0".repeat(64), rules: "1".repeat(64), policy: 1, normalizer: 1 },
        comment: Some(CommentId::new(&format!("comment-{number}")).expect("valid")),
        body: Body::new("Well said, and about time that somebody put it into words that plain. ".into())
            .expect("valid"),
        markup: Markup::Plain,
        author_id: Some(format!("author-{}", number % 5_000)),
        author_name: Some("Ann Other".into()),
        author_url: None,
        pseudonyms: Pseudonyms { ip: Some([7; 16]), email: Some([8; 16]) },
        article: Some(ArticleId::new(&format!("article-{}", number % 50)).expect("valid")),
        parent: None,
        parent_text: None,
        posted_at: Some(Timestamp::from_micros(1_790_000_000_000_000)),
        created_at: Timestamp::from_micros(1_790_000_000_000_000 + i64::try_from(number).expect("small")),
        requested_by: KeyId::new("cms").expect("valid"),
        tallies: vec![
            TallyKey { kind: TallyKind::Author, digest: digest(number % 5_000) },
            TallyKey { kind: TallyKind::Network, digest: digest(number % 2_000) },
            TallyKey { kind: TallyKind::EmailDomain, digest: digest(number % 20) },
            TallyKey { kind: TallyKind::Text, digest: *id.as_bytes() },
        ],
        shadow_hits: Vec::new(),
        trace: None,
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(durable_verdicts_per_second());
}

async fn durable_verdicts_per_second() {
    let seconds = std::env::var_os("TAMIS_STORE_SECONDS").and_then(|s| s.to_str()?.parse().ok()).unwrap_or(5);
    let parent = std::env::var_os("TAMIS_STORE_DIR").map_or_else(std::env::temp_dir, Into::into);
    let home = tempfile::tempdir_in(parent).expect("made");
    let path = home.path().join("store");
    let store = Arc::new(SledStore::open(&path, SledOptions::default()).expect("opens"));
    let (done, next) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let started = Instant::now();
    let end = started + Duration::from_secs(seconds);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (store, done, next) = (Arc::clone(&store), Arc::clone(&done), Arc::clone(&next));
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while Instant::now() < end {
                let verdict = verdict(next.fetch_add(1, Ordering::Relaxed));
                let id = RequestId::from_bytes(*verdict.id.as_bytes());
                let request = Some(RequestMark { actor: verdict.requested_by.clone(), id, payload: [1; 32] });
                let sent = Instant::now();
                let recorded = store
                    .record(vec![NewVerdict { verdict, request, queue: None, campaign: None }])
                    .await
                    .pop()
                    .expect("one");
                assert!(matches!(recorded, Ok(Recorded::New)), "{recorded:?}");
                waits.push(sent.elapsed());
                done.fetch_add(1, Ordering::Relaxed);
            }
            waits
        });
    }
    let mut waits: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let (count, took) = (done.load(Ordering::Relaxed), started.elapsed());
    waits.sort_unstable();
    let quantile = |part: usize| waits.get(waits.len() * part / 100).copied().unwrap_or_default();
    store.close().await;
    let bytes: u64 = std::fs::metadata(path.join("db")).expect("there").len();
    println!(
        "{:.0} durable verdicts/s, {IN_FLIGHT} in flight: p50 {:?}, p99 {:?}; {} bytes on disk a verdict",
        f64::from(u32::try_from(count).expect("small")) / took.as_secs_f64(),
        quantile(50),
        quantile(99),
        bytes / count.max(1),
    );
}
