//! The use cases on a store in memory: keys, sites, articles, and a comment's way
//! from submission to verdict. No protocol, no device, a clock that stands still.

use std::{sync::Arc, time::Duration};

use arc_swap::{ArcSwap, ArcSwapOption};
use tamis::{
    classifier::{Bundle, Card, Head, TextWeights},
    features::{IdfTable, signals::COUNT},
    moderation::{
        Articles, Desk, FeedbackDesk, Heat, Intake, Keys, ModerationError, PseudonymKey, Shadow, SiteChange,
        Sites, Submission,
    },
    rules::{RuleSet, Source},
    scoring::Snapshot,
    store::{RequestMark, SharedStore, VerdictFilter, memory::MemoryStore},
    types::{
        Action, ArticleFields, ArticleId, Author, Body, Comment, CommentId, FeedbackSource, FixedClock,
        KeyId, Label, Markup, PageRequest, PerLabel, Place, Policy, QueueRules, RequestFacts, RequestId,
        Role, Ruling, SiteId, Timestamp, Verdict,
    },
};

const RULES: &str = r#"
[[list]]
name = "watches"
message = "Advertises watches."
terms = ["replica watches"]
action = "REJECT"
owner = "desk"
examples.match = ["replica watches here"]
examples.pass = ["he watches birds"]

[[list]]
name = "tried-out"
message = "A rule that is only watched."
terms = ["replica watches", "summit"]
action = "DISCARD"
state = "SHADOW"
owner = "desk"
examples.match = ["the summit"]
examples.pass = ["the valley"]
"#;

struct House {
    clock: Arc<FixedClock>,
    store: SharedStore,
    keys: Keys,
    sites: Sites,
    articles: Arc<Articles>,
    intake: Intake,
    feedback: FeedbackDesk,
    live: Arc<ArcSwap<Snapshot>>,
    beside: Arc<ArcSwapOption<Snapshot>>,
    shadow: Arc<Shadow>,
}

/// Heads without an opinion: what moves here are rules and memory.
fn untrained() -> Bundle {
    Bundle {
        id: "untrained".to_owned(),
        card: Card::default(),
        text: TextWeights::empty(8),
        heads: PerLabel::from_fn(|_| Head {
            base: -2.0,
            signals: vec![0.0; COUNT],
            rules: 1.0,
            languages: vec![0.0],
        }),
        languages: vec![String::new()],
        means: vec![0.0; COUNT],
        overall: (1.0, 0.0),
        idf: IdfTable::default(),
    }
}

async fn house() -> House {
    let store: SharedStore = Arc::new(MemoryStore::new());
    let clock = Arc::new(FixedClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
    let desk = Desk { store: store.clone(), clock: clock.clone(), metrics: Default::default() };
    let rules =
        RuleSet::parse(&[Source { name: "test.toml".into(), text: RULES.into() }]).expect("sound rules");
    let snapshot = Snapshot { bundle: Arc::new(untrained()), rules: Arc::new(rules) };
    let articles = Arc::new(Articles::new(desk.clone()));
    let snapshot = Arc::new(ArcSwap::from_pointee(snapshot));
    let beside = Arc::new(ArcSwapOption::empty());
    let shadow = Arc::new(Shadow::new(desk.clone(), snapshot.clone(), beside.clone()));
    let house = House {
        intake: Intake::new(
            desk.clone(),
            articles.clone(),
            snapshot.clone(),
            PseudonymKey::new([7; 32]),
            Arc::new(Heat::default()),
            shadow.clone(),
        ),
        live: snapshot,
        beside,
        shadow,
        keys: Keys::new(desk.clone()),
        sites: Sites::new(desk.clone()),
        feedback: FeedbackDesk::new(desk),
        articles,
        clock,
        store,
    };
    house
        .sites
        .create(daily(), "Daily".into(), vec!["en".into()], Policy::default(), QueueRules::default())
        .await
        .expect("made");
    house
}

fn daily() -> SiteId {
    SiteId::new("daily").expect("valid")
}

fn cms() -> KeyId {
    KeyId::new("cms").expect("valid")
}

fn article_id(name: &str) -> ArticleId {
    ArticleId::new(name).expect("valid")
}

fn comment(body: &str) -> Comment {
    Comment {
        id: None,
        body: Body::new(body.into()).expect("a body"),
        markup: Markup::Plain,
        author: Author { id: Some("ann".into()), ..Author::default() },
        place: Place::default(),
        request: RequestFacts::default(),
        posted_at: None,
    }
}

fn under(body: &str, article: &str) -> Submission {
    let place = Place { article: Some(article_id(article)), ..Place::default() };
    plain(Comment { place, ..comment(body) })
}

fn plain(comment: Comment) -> Submission {
    Submission { comment, request: None }
}

fn marked(comment: Comment, id: u8, payload: u8) -> Submission {
    let id = RequestId::from_bytes([id; 16]);
    Submission { comment, request: Some(RequestMark { actor: cms(), id, payload: [payload; 32] }) }
}

impl House {
    async fn score(&self, submission: Submission) -> Result<Verdict, ModerationError> {
        self.intake.score(&daily(), &cms(), submission).await
    }

    async fn count(&self) -> usize {
        let page = PageRequest { size: 500, after: None };
        self.intake.verdicts(&daily(), &VerdictFilter::default(), page).await.expect("listed").rows.len()
    }

    async fn put(&self, title: &str, text: &str) {
        let fields = ArticleFields { title: title.into(), text: text.into(), ..ArticleFields::default() };
        self.articles.put(&daily(), article_id("summit"), fields).await.expect("put");
    }
}

fn reason<T: std::fmt::Debug>(result: Result<T, ModerationError>) -> &'static str {
    result.expect_err("refused").reason()
}

#[tokio::test]
async fn a_key_works_until_it_ends() {
    let house = house().await;
    let end = Timestamp::from_micros(1_790_000_000_000_000).plus(Duration::from_secs(60));
    let (key, secret) =
        house.keys.create(Role::Lead, Some(daily()), "Ann".into(), Some(end)).await.expect("made");
    let shown = secret.to_string();
    assert!(!format!("{secret:?}").contains(&shown), "never in a log");
    assert!(shown.len() >= 6 + 16 + 1 + 64, "at least 128 random bits: {shown}");
    let stored = house.store.key(&key.id).await.expect("read").expect("there");
    assert!(!format!("{stored:?}").contains(shown.split_once('.').expect("two parts").1), "hashed at rest");
    let actor = house.keys.authenticate(&shown).await.expect("let in");
    assert_eq!((actor.key, actor.role, actor.site), (key.id.clone(), Role::Lead, Some(daily())));
    let wrong = format!("{}0", &shown[..shown.len() - 1]).replace("00", "01");
    for bad in ["", "tamis_", "tamis_x", "nonsense", &format!("tamis_{}.", key.id), &wrong[..20], &wrong] {
        if bad != shown {
            assert_eq!(reason(house.keys.authenticate(bad).await), "KEY_INVALID", "{bad}");
        }
    }
    house.clock.advance(Duration::from_secs(59));
    assert!(house.keys.authenticate(&shown).await.is_ok());
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(reason(house.keys.authenticate(&shown).await), "KEY_INVALID", "it ends at the moment itself");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let house = house().await;
    let (key, secret) = house.keys.create(Role::Cms, None, String::new(), None).await.expect("made");
    assert!(house.keys.authenticate(&secret.to_string()).await.is_ok(), "now it is cached");
    let first = house.keys.revoke(&key.id).await.expect("revoked").revoked_at;
    assert_eq!(reason(house.keys.authenticate(&secret.to_string()).await), "KEY_INVALID");
    house.clock.advance(Duration::from_secs(5));
    assert_eq!(house.keys.revoke(&key.id).await.expect("again").revoked_at, first, "the first time counts");
    assert_eq!(reason(house.keys.revoke(&KeyId::new("nobody").expect("valid")).await), "KEY_NOT_FOUND");
    assert_eq!(house.keys.list().await.expect("listed").len(), 1);
}

#[tokio::test]
async fn a_site_changes_only_for_who_read_it_last() {
    let house = house().await;
    let again = house
        .sites
        .create(daily(), "Other".into(), Vec::new(), Policy::default(), QueueRules::default())
        .await;
    assert_eq!(reason(again), "SITE_EXISTS");
    let nowhere = SiteId::new("nowhere").expect("valid");
    assert_eq!(reason(house.sites.get(&nowhere).await), "SITE_NOT_FOUND");
    let change = |expected_version| SiteChange {
        display_name: Some("The Daily".into()),
        languages: None,
        policy: None,
        queue: None,
        expected_version,
    };
    assert_eq!(reason(house.sites.update(&nowhere, change(1)).await), "SITE_NOT_FOUND");
    house.clock.advance(Duration::from_secs(9));
    let changed = house.sites.update(&daily(), change(1)).await.expect("changed");
    assert_eq!((changed.display_name.as_str(), changed.policy_version), ("The Daily", 2));
    assert_eq!(changed.languages, ["en"], "what is not named stays");
    assert_eq!(changed.updated_at.since(changed.created_at), Duration::from_secs(9));
    assert_eq!(reason(house.sites.update(&daily(), change(1)).await), "ETAG_MISMATCH");
    assert_eq!(house.score(plain(comment("Well said"))).await.expect("scored").versions.policy, 2);
}

#[tokio::test]
async fn an_article_is_read_anew_when_it_changes() {
    let house = house().await;
    let nowhere = SiteId::new("nowhere").expect("valid");
    let put = house.articles.put(&nowhere, article_id("a"), ArticleFields::default()).await;
    assert_eq!(reason(put), "SITE_NOT_FOUND");
    assert_eq!(reason(house.articles.get(&daily(), &article_id("a")).await), "ARTICLE_NOT_FOUND");
    assert_eq!(reason(house.articles.delete(&daily(), &article_id("a")).await), "ARTICLE_NOT_FOUND");

    let read = async || house.score(under("Well said", "summit")).await.map(|v| v.assessment.article_read);
    assert_eq!(reason(read().await), "ARTICLE_NOT_FOUND");
    house.put("Leaders meet", "").await;
    assert_eq!(read().await.expect("scored"), "title", "degraded, and it says so");
    house.put("Leaders meet", "They spoke for three hours about gas, grain and rail freight.").await;
    assert_eq!(read().await.expect("scored"), "text", "not what was read before");
    house.articles.delete(&daily(), &article_id("summit")).await.expect("deleted");
    assert_eq!(reason(read().await), "ARTICLE_NOT_FOUND", "not from memory either");
}

#[tokio::test]
async fn a_retry_is_answered_with_what_was_recorded() {
    let house = house().await;
    let first = house.score(marked(comment("Well said"), 1, 1)).await.expect("scored");
    house.clock.advance(Duration::from_secs(30));
    let again = house.score(marked(comment("Well said"), 1, 1)).await.expect("recognised");
    assert_eq!(again, first);
    assert_eq!(house.count().await, 1);
    assert_eq!(reason(house.score(marked(comment("Other"), 1, 2)).await), "REQUEST_ID_REUSED");
    house.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_ne!(house.score(marked(comment("Other"), 1, 2)).await.expect("a day later").id, first.id);
}

#[tokio::test]
async fn a_batch_fails_item_by_item() {
    let house = house().await;
    let long = "word ".repeat(9_000);
    let items = vec![
        plain(comment("Well said")),
        under("Well said", "ghost"),
        marked(comment("once"), 1, 1),
        marked(comment("twice"), 1, 2),
        plain(comment(&long)),
    ];
    let answers = house.intake.score_many(&daily(), &cms(), items).await;
    let told: Vec<_> = answers.iter().map(|a| a.as_ref().map_or_else(|e| e.reason(), |_| "ok")).collect();
    assert_eq!(told, ["ok", "ARTICLE_NOT_FOUND", "ok", "REQUEST_ID_REUSED", "ok"]);
    let bodies: Vec<_> = answers.iter().flatten().map(|v| v.body.as_str().len()).collect();
    assert_eq!(bodies, [9, 4, long.len()], "in the order of the items");
    assert_eq!(house.count().await, 3);
    let nowhere = SiteId::new("nowhere").expect("valid");
    let lost =
        house.intake.score_many(&nowhere, &cms(), vec![plain(comment("a")), plain(comment("b"))]).await;
    assert_eq!(lost.len(), 2);
    assert!(lost.into_iter().all(|answer| reason(answer) == "SITE_NOT_FOUND"));
    assert!(house.intake.score_many(&daily(), &cms(), Vec::new()).await.is_empty());
}

#[tokio::test]
async fn a_preview_leaves_no_trace() {
    let house = house().await;
    let body = "a remark that is long enough to be known again";
    let before = house.intake.preview(&daily(), &cms(), comment(body)).await.expect("previewed");
    assert_eq!(house.count().await, 0);
    let tallies = house.store.tallies(&daily(), &before.tallies).await.expect("read");
    assert!(!before.tallies.is_empty() && tallies.iter().all(|tally| tally.seen == 0));
    let scored = house.score(plain(comment(body))).await.expect("scored");
    assert_eq!((scored.assessment, scored.tallies), (before.assessment, before.tallies));
}

#[tokio::test]
async fn rules_in_shadow_are_told_and_move_nothing() {
    let house = house().await;
    let watched = house.score(plain(comment("The summit went well"))).await.expect("scored");
    assert_eq!(watched.shadow_hits, ["tried-out"]);
    assert_eq!(watched.action, Action::Allow);
    assert!(watched.assessment.reasons.iter().all(|reason| !reason.code.starts_with("rule/")));
    let both = house.score(plain(comment("Get replica watches now"))).await.expect("scored");
    assert_eq!((both.action, both.shadow_hits.len()), (Action::Reject, 1));
    let kept = house.intake.verdict(&daily(), both.id).await.expect("kept");
    assert_eq!(kept.shadow_hits, both.shadow_hits);
}

#[tokio::test]
async fn a_persons_ruling_changes_copies_at_once() {
    let house = house().await;
    let said = Comment { id: CommentId::new("c1").ok(), ..comment("Call the number below for easy money") };
    let first = house.score(plain(said)).await.expect("scored");
    assert_eq!(first.action, Action::Allow, "the model has no opinion");
    let report = async |source, ruling: Ruling| {
        house
            .feedback
            .report(&daily(), &cms(), first.id, ruling, source, String::new(), None)
            .await
            .expect("kept");
        let copy =
            Comment { author: Author::default(), ..comment("CALL the number BELOW, for easy money!!") };
        house.score(plain(copy)).await.expect("scored").action
    };
    let reject = || Ruling::Reject(vec![Label::Spam]);
    assert_eq!(report(FeedbackSource::Reader, reject()).await, Action::Allow, "readers do not decide");
    assert_ne!(report(FeedbackSource::Moderator, reject()).await, Action::Allow);
    assert_eq!(report(FeedbackSource::Moderator, Ruling::Approve).await, Action::Allow, "the newest counts");
    assert_eq!(
        house.intake.verdict_of(&daily(), &CommentId::new("c1").expect("valid")).await.expect("found").id,
        first.id
    );
    let unknown = house.intake.verdict_of(&daily(), &CommentId::new("c2").expect("valid")).await;
    assert_eq!(reason(unknown), "COMMENT_NOT_FOUND");
    let lost = tamis::types::VerdictId::generate();
    assert_eq!(reason(house.intake.verdict(&daily(), lost).await), "VERDICT_NOT_FOUND");
}

/// A bundle that finds everything likely to be spam.
fn wary() -> Bundle {
    let mut bundle = untrained();
    bundle.id = "wary".to_owned();
    bundle.heads[Label::Spam].base = 1.0;
    bundle
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_judges_beside_and_decides_nothing() {
    let house = house().await;
    let (site, key) = (daily(), cms());
    let score = |n: usize| {
        house.intake.score(&site, &key, plain(comment(&format!("a thought of its own, number {n}"))))
    };
    score(0).await.unwrap();
    assert_eq!(house.shadow.report().await.unwrap().model, "", "nothing is in shadow");
    let beside = Snapshot { bundle: Arc::new(wary()), ..(**house.live.load()).clone() };
    house.beside.store(Some(Arc::new(beside)));
    let stop = tokio_util::sync::CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "joined below")]
    let running = tokio::spawn(house.shadow.clone().run(stop.clone()));
    let mut verdicts = Vec::new();
    for n in 1..=20 {
        verdicts.push(score(n).await.unwrap());
    }
    assert!(verdicts.iter().all(|verdict| verdict.action == Action::Allow), "nobody acts on a shadow");
    for _ in 0..200 {
        if house.shadow.report().await.unwrap().comments == 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let report = house.shadow.report().await.unwrap();
    assert_eq!((report.model.as_str(), report.comments, report.dropped), ("wary", 20, 0));
    let flipped: u64 =
        report.flips.iter().map(|(from, _, count)| u64::from(*from == Action::Allow) * count).sum();
    assert_eq!(flipped, 20, "{:?}", report.flips);
    assert!(report.examples.iter().all(|one| verdicts.iter().any(|verdict| verdict.id == one.verdict)));
    stop.cancel();
    running.await.unwrap();
    // Nobody takes what is handed over now: it is dropped and counted, and no call waits.
    for n in 0..2_200 {
        score(100 + n).await.unwrap();
    }
    let report = house.shadow.report().await.unwrap();
    assert!(report.dropped >= 100, "{}", report.dropped);
}

#[tokio::test]
async fn decisions_teach_the_site_at_once_and_are_taken_back_to_the_bit() {
    let house = house().await;
    let odds = async |body: &str| {
        let verdict = house.score(plain(comment(body))).await.expect("scored");
        (verdict.assessment.labels[Label::Spam].log_odds, verdict)
    };
    let report = async |id, ruling: Ruling| {
        house
            .feedback
            .report(&daily(), &cms(), id, ruling, FeedbackSource::Moderator, String::new(), None)
            .await
            .expect("kept");
    };
    let like = "write to my channel for profits";
    let (before, _) = odds(like).await;
    let (ferry, _) = odds("the ferry to the island was late again").await;
    let mut ruled = Vec::new();
    for n in 0..12 {
        // Too short to be recognised as copies of each other.
        let (_, verdict) = odds(&format!("my channel, profits daily {n}")).await;
        report(verdict.id, Ruling::Reject(vec![Label::Spam])).await;
        ruled.push(verdict.id);
    }
    let (after, verdict) = odds(like).await;
    assert!(after.get() > before.get() + 0.5, "{before:?} {after:?}");
    let reason = verdict.assessment.reasons.iter().find(|r| r.code == "site/decisions").expect("told");
    assert!(reason.message.contains("Moderators here found comments with"), "{}", reason.message);
    assert!(reason.span.is_some());
    assert!((odds("the ferry to the island was late again").await.0.get() - ferry.get()).abs() < 0.4);
    for (label, score) in verdict.assessment.labels.iter() {
        let listed = verdict.assessment.reasons.iter().filter(|r| r.label == label);
        let told: f64 = listed.map(|r| r.log_odds.get()).sum();
        assert_eq!(score.base.get() + score.rest.get() + told, score.log_odds.get());
    }
    // The newer ruling takes the place of the one before.
    for id in &ruled {
        report(*id, Ruling::Approve).await;
    }
    let (approved, _) = odds(like).await;
    assert!(approved.get() < before.get(), "{approved:?}");
}

#[tokio::test]
async fn a_ruling_counts_for_near_copies_at_once() {
    let house = house().await;
    let text = "Earn five hundred dollars a day from home, no experience needed, write to me on the channel of \
                Maria Invest and ask for the starter plan today";
    let near = "Earn five hundred dollars a day from home, no experience needed, write to me on the channel of \
                Maria Invest and ask for the starter plan tonight";
    let other = "The council should explain why the second ferry was cancelled before anybody on the island was \
                 asked, and what it means to do about the school run";
    let first = house.score(plain(comment(text))).await.expect("scored");
    assert_eq!(first.action, Action::Allow, "the model has no opinion");
    let rule = async |ruling: Ruling| {
        house
            .feedback
            .report(&daily(), &cms(), first.id, ruling, FeedbackSource::Moderator, String::new(), None)
            .await
            .expect("kept");
    };
    rule(Ruling::Reject(vec![Label::Spam])).await;
    let copy = house.score(plain(comment(near))).await.expect("scored");
    assert_ne!(copy.action, Action::Allow, "{:?}", copy.assessment.reasons);
    let told = copy.assessment.reasons.iter().find(|r| r.code == "seen/decided_alike").expect("told");
    assert_eq!(told.message, "People rejected nearly this text before.");
    assert_eq!(house.score(plain(comment(other))).await.expect("scored").action, Action::Allow);
    rule(Ruling::Approve).await;
    assert_eq!(house.score(plain(comment(near))).await.expect("scored").action, Action::Allow);
}
