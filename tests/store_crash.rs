//! kill -9 at any moment: what was acknowledged is there, and nothing is torn.
//!
//! The test starts itself again as a writer, which prints each acknowledgement,
//! kills it after 50 to 300 ms, opens the store and compares. 10 cycles, or as
//! many as `TAMIS_CRASH_CYCLES` says.

use std::{
    collections::{HashMap, HashSet},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use rand::Rng as _;
use tamis::{
    store::{
        ArticleStore as _, Claim, ClaimTarget, DecisionStore as _, Enqueue, FeedbackStore as _, NewDecision,
        NewVerdict, Outcome, QueueStore as _, Recorded, RequestMark, StoreHealth as _, UndoRequest,
        VerdictFilter, VerdictStore as _,
        sled::{SledOptions, SledStore},
        verify,
    },
    types::{
        Action, Article, ArticleFields, ArticleId, Assessment, Body, Cause, Causes, CommentId, DecisionId,
        Feedback, FeedbackId, FeedbackSource, ItemState, KeyId, LogOdds, Markup, PageRequest, PerLabel,
        Probability, Pseudonyms, RequestId, Ruling, SiteId, TallyKey, TallyKind, Timestamp, Verdict,
        VerdictId, Versions,
    },
};

/// Set in the writer: the store's directory.
const WRITER: &str = "TAMIS_CRASH_WRITER";
const TASKS: u8 = 8;

fn site(number: u8) -> SiteId {
    SiteId::new(if number.is_multiple_of(2) { "daily" } else { "weekly" }).expect("valid")
}

fn verdict(task: u8, round: u64) -> Verdict {
    let id = VerdictId::generate();
    let digest = |value: u8| [value; 16];
    Verdict {
        id,
        site: site(task),
        action: Action::Hold,
        assessment: Assessment {
            labels: PerLabel::default(),
            overall: LogOdds::EVEN,
            probability: Probability::default(),
            reasons: Vec::new(),
            article_read: "none".into(),
            language: None,
            counterfactual: None,
        },
        versions: Versions { model: "m".into(), rules: "r".into(), policy: 1, normalizer: 1 },
        comment: Some(CommentId::new(&format!("c{task}-{id}")).expect("valid")),
        body: Body::new("word ".repeat(1 + usize::try_from(round % 40).expect("small") * 50)).expect("valid"),
        markup: Markup::Plain,
        author_id: None,
        author_name: None,
        author_url: None,
        pseudonyms: Pseudonyms::default(),
        article: Some(ArticleId::new(&format!("a{}", round % 3)).expect("valid")),
        parent: None,
        parent_text: None,
        posted_at: None,
        created_at: Timestamp::from_micros(1_790_000_000_000_000 + i64::try_from(round).expect("small")),
        requested_by: KeyId::new("cms").expect("valid"),
        tallies: vec![
            TallyKey { kind: TallyKind::Author, digest: digest(task) },
            TallyKey { kind: TallyKind::Network, digest: digest(0) },
            TallyKey { kind: TallyKind::Text, digest: *id.as_bytes() },
        ],
        shadow_hits: Vec::new(),
        trace: None,
    }
}

fn mark(verdict: &Verdict) -> RequestMark {
    let id = RequestId::from_bytes(*verdict.id.as_bytes());
    RequestMark { actor: verdict.requested_by.clone(), id, payload: [1; 32] }
}

fn report(about: &Verdict) -> Feedback {
    Feedback {
        id: FeedbackId::generate(),
        verdict: about.id,
        ruling: Ruling::Approve,
        source: FeedbackSource::Moderator,
        reporter: about.requested_by.clone(),
        note: String::new(),
        created_at: about.created_at,
    }
}

/// Writes until it is killed; one line on standard output per acknowledgement.
async fn write_for_ever(path: &Path) {
    let store = Arc::new(SledStore::open(path, SledOptions::default()).expect("opens"));
    say("ready\n");
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for round in 0.. {
                let row = verdict(task, round);
                let queue = Enqueue { causes: Causes::of(Cause::Held), section: None, exposure: 1.0 };
                let queue = (round % 3 == 1).then_some(queue);
                let queued = queue.is_some();
                let new =
                    NewVerdict { verdict: row.clone(), request: Some(mark(&row)), queue, campaign: None };
                let recorded = store.record(vec![new]).await.pop().expect("one");
                assert!(matches!(recorded, Ok(Recorded::New)), "{recorded:?}");
                say(&format!("verdict {} {}\n", row.site, row.id));
                if queued {
                    decide(&store, &row).await;
                }
                if round % 5 == 0 {
                    store.add_feedback(&row.site, report(&row), None).await.expect("reported");
                    say(&format!("feedback {} {}\n", row.site, row.id));
                }
                if round % 7 == 0 {
                    let text = "t".repeat(usize::try_from(round % 50).expect("small") * 1_000);
                    let fields = ArticleFields { text, ..ArticleFields::default() };
                    let id = ArticleId::new(&format!("a{task}")).expect("valid");
                    let article = Article { id, fields, updated_at: row.created_at };
                    store.put_article(&row.site, article).await.expect("put");
                }
            }
        });
    }
    tasks.join_all().await;
}

/// Claims and approves a comment; every second time after a detour: approved,
/// undone, approved again.
async fn decide(store: &SledStore, row: &Verdict) {
    let (actor, now) = (row.requested_by.clone(), row.created_at);
    let claim = Claim {
        target: ClaimTarget::Items(vec![row.id.into()]),
        max: 1,
        lease: Duration::from_secs(600),
        actor: actor.clone(),
        request: None,
    };
    let item = store.claim(&row.site, claim, now).await.expect("claimed").rows.pop().expect("open");
    let mut token = Some(item.token);
    loop {
        let new = NewDecision {
            id: DecisionId::generate(),
            item: item.id,
            adopt: None,
            token,
            actor: actor.clone(),
            outcome: Outcome::Approve,
            policy_clause: String::new(),
            note: String::new(),
            author: None,
            batch: None,
            request: None,
        };
        let decision = store.decide(&row.site, vec![new], now).await.pop().expect("one").expect("decided");
        if token.take().is_none() || row.id.as_bytes()[15].is_multiple_of(2) {
            return say(&format!("decision {} {}\n", row.site, row.id));
        }
        let undo = UndoRequest {
            id: DecisionId::generate(),
            reverses: decision.id,
            actor: actor.clone(),
            note: String::new(),
            batch: None,
            request: None,
        };
        store.undo(&row.site, vec![undo], now).await.pop().expect("one").expect("undone");
    }
}

/// One write to the pipe per line: what the parent reads is whole lines.
fn say(line: &str) {
    std::io::stdout().write_all(line.as_bytes()).expect("the parent reads");
}

fn start_writer(path: &Path) -> Child {
    Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", "what_was_acknowledged_survives_kill_9", "--nocapture", "--test-threads=1"])
        .env(WRITER, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts")
}

/// Runs a writer for a random time; what it acknowledged.
fn crash(path: &Path) -> Vec<(String, SiteId, VerdictId)> {
    let mut writer = start_writer(path);
    let mut lines = BufReader::new(writer.stdout.take().expect("piped")).lines();
    let ready = lines.by_ref().map_while(Result::ok).any(|line| line.ends_with("ready"));
    assert!(ready, "the writer opened the store");
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(rand::rng().random_range(50..300)));
        writer.kill().expect("killed");
        writer.wait().expect("ended")
    });
    let mut acknowledged = Vec::new();
    for line in lines.map_while(Result::ok) {
        if let [what, site, id] = line.split(' ').collect::<Vec<_>>()[..] {
            let id = VerdictId::parse(id).expect("an id");
            acknowledged.push((what.to_owned(), SiteId::new(site).expect("a site"), id));
        }
    }
    killer.join().expect("killed");
    acknowledged
}

/// Compares the store with all that was acknowledged so far.
async fn check(store: &SledStore, acknowledged: &[(String, SiteId, VerdictId)]) {
    for (what, site, id) in acknowledged {
        let found = store.verdict(site, *id).await.expect("readable");
        let found = found.unwrap_or_else(|| panic!("{what} {id} was acknowledged and is lost"));
        let comment = found.comment.clone().expect("has one");
        assert!(store.verdict_of(site, &comment).await.expect("readable").is_some());
        let replayed = store.replay(site, &mark(&found), found.created_at).await.expect("readable");
        assert_eq!(replayed.as_ref(), Some(&found));
        if what == "feedback" {
            assert_eq!(store.feedback_on(site, *id).await.expect("readable").len(), 1);
        }
        if what == "decision" {
            assert!(is_approved(store, site, *id).await, "a decision on {id} was acknowledged and is lost");
        }
    }
    for number in 0..2 {
        recount(store, &site(number)).await;
    }
}

/// Whether a decision holds on the item of a verdict.
async fn is_approved(store: &SledStore, site: &SiteId, id: VerdictId) -> bool {
    let item = store.item(site, id.into()).await.expect("readable");
    item.is_some_and(|item| item.state == ItemState::Decided && item.decision.is_some())
}

/// Tallies equal a recount of the verdicts and reports that are there.
async fn recount(store: &SledStore, site: &SiteId) {
    let (mut counts, mut after, mut ids) = (HashMap::<TallyKey, (u32, u32)>::new(), None, HashSet::new());
    loop {
        let request = PageRequest { size: 500, after };
        let page = store.verdicts(site, &VerdictFilter::default(), request).await.expect("readable");
        for row in page.rows {
            let reported = !store.feedback_on(site, row.id).await.expect("readable").is_empty();
            let approved = reported || is_approved(store, site, row.id).await;
            for key in row.tallies {
                let count = counts.entry(key).or_default();
                count.0 += 1;
                count.1 += u32::from(approved);
            }
            assert!(ids.insert(row.id), "listed twice");
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let keys: Vec<_> = counts.keys().copied().collect();
    let tallies = store.tallies(site, &keys).await.expect("readable");
    for (key, tally) in keys.iter().zip(tallies) {
        assert_eq!(Some(&(tally.seen, tally.approved)), counts.get(key), "{key:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    if let Some(path) = std::env::var_os(WRITER) {
        return write_for_ever(Path::new(&path)).await;
    }
    let cycles = std::env::var_os("TAMIS_CRASH_CYCLES").and_then(|n| n.to_str()?.parse().ok()).unwrap_or(10);
    let (mut total, mut slowest) = (0, Duration::ZERO);
    let mut home = tempfile::tempdir().expect("made");
    let mut acknowledged = Vec::new();
    for cycle in 0..cycles {
        // A new store every ten cycles: checking all of a long run each time would
        // take most of the time, and the first start is worth crashing too.
        if cycle % 10 == 0 {
            home = tempfile::tempdir().expect("made");
            acknowledged.clear();
        }
        let path = home.path().join("store");
        let news = crash(&path);
        total += news.len();
        acknowledged.extend(news);
        let started = Instant::now();
        let store = SledStore::open(&path, SledOptions::default()).expect("opens after a crash");
        slowest = slowest.max(started.elapsed());
        check(&store, &acknowledged).await;
        store.check().await.expect("writes go on");
        store.close().await;
        let report = verify(&path).expect("readable");
        assert!(report.is_clean(), "cycle {cycle}: {:#?}", report.problems);
    }
    assert!(total > 0, "no writer got as far as one acknowledgement");
    println!("{cycles} crashes, {total} acknowledged, 0 lost, slowest open {slowest:?}");
}
