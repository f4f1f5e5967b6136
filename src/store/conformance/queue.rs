//! Cases of the queue's traits that say more than the random runs in
//! `queue_runs`: filters, pages, names, batches, marks, bounds.
//!
//! May import: `types`, `store`.

use std::time::Duration;

use super::samples::{at, comment, plain, recorded, site, tally, verdict};
use crate::{
    store::{
        Claim, ClaimTarget, Enqueue, ItemCursor, ItemQuery, Membership, NewDecision, NewReport, NewVerdict,
        Outcome, QueueRefusal, Recorded, ReportOutcome, Share, SharedStore, StoreError, UndoRequest,
        VerdictFilter,
    },
    types::{
        Action, Appeal, AppealId, AppealOutcome, Audience, AuditAction, AuthorAction, AuthorRule, BatchId,
        CampaignId, Cause, Causes, ChainHead, Decision, DecisionId, Disposition, Inheritance, KeyId, Label,
        LabelScore, MAX_REPORTS, NamedQueue, PageRequest, Probability, QueueFilter, QueueItemId, QueueName,
        QueueOrder, ReasonCode, Report, TallyKind, Timestamp, Verdict, VerdictId,
    },
};

fn key(name: &str) -> KeyId {
    KeyId::new(name).unwrap()
}

fn p(value: f64) -> Probability {
    Probability::new(value).unwrap()
}

fn held() -> Enqueue {
    Enqueue { causes: Causes::of(Cause::Held), section: Some("sport".into()), exposure: 1.0 }
}

async fn queued(store: &SharedStore, verdict: Verdict) -> Verdict {
    let new = NewVerdict { verdict: verdict.clone(), request: None, queue: Some(held()), campaign: None };
    assert_eq!(store.record(vec![new]).await.pop().unwrap().unwrap(), Recorded::New);
    verdict
}

fn ruling(on: &Verdict, outcome: Outcome) -> NewDecision {
    NewDecision {
        id: DecisionId::generate(),
        item: on.id.into(),
        adopt: None,
        token: None,
        actor: key("mod1"),
        outcome,
        policy_clause: "3.2".into(),
        note: "seen before".into(),
        author: None,
        batch: None,
        request: None,
    }
}

async fn decided(store: &SharedStore, new: NewDecision) -> Decision {
    store.decide(&site("daily"), vec![new], at(10)).await.pop().unwrap().unwrap()
}

fn undoing(decision: &Decision) -> UndoRequest {
    UndoRequest {
        id: DecisionId::generate(),
        reverses: decision.id,
        actor: key("mod2"),
        note: String::new(),
        batch: None,
        request: None,
    }
}

/// Ids of all pages of a query, and how many pages there were.
async fn walk(store: &SharedStore, query: &ItemQuery, size: usize) -> (Vec<QueueItemId>, usize) {
    let (mut ids, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let page = store.items(&site("daily"), query, PageRequest { size, after }, at(3_600)).await.unwrap();
        assert!(page.rows.len() <= size);
        ids.extend(page.rows.iter().map(|placed| placed.item.id));
        pages += 1;
        after = page.next;
        if after.is_none() {
            return (ids, pages);
        }
    }
}

pub(crate) async fn filters_of_items_hold_together(store: SharedStore) {
    let mut all = Vec::new();
    for i in 0..40_u8 {
        let mut row = verdict("daily");
        row.created_at = at(u64::from(i));
        row.assessment.probability = p(f64::from(i) / 40.0);
        let label = [Label::Spam, Label::Abuse][usize::from(i % 2)];
        row.assessment.labels[label] = LabelScore { probability: p(0.9), ..LabelScore::default() };
        row.assessment.language = Some(if i % 3 == 0 { "de".into() } else { "en".into() });
        row.tallies = vec![tally(TallyKind::Author, i % 5)];
        row.article = Some(super::samples::article_id(if i % 4 == 0 { "a" } else { "ab" }));
        let row = queued(&store, row).await;
        all.push(store.item(&row.site, row.id.into()).await.unwrap().unwrap());
    }
    let none = QueueFilter::default();
    let filters = [
        none.clone(),
        QueueFilter { label: Some(Label::Abuse), ..none.clone() },
        QueueFilter { language: Some("de".into()), label: Some(Label::Spam), ..none.clone() },
        QueueFilter { score_from: Some(p(0.25)), score_below: Some(p(0.5)), ..none.clone() },
        QueueFilter { author: Some([3; 16]), ..none.clone() },
        QueueFilter { article: Some(super::samples::article_id("a")), ..none.clone() },
        QueueFilter { author: Some([3; 16]), label: Some(Label::Abuse), ..none.clone() },
        QueueFilter { section: Some("sport".into()), action: Some(Action::Hold), ..none.clone() },
        QueueFilter { section: Some("politics".into()), ..none.clone() },
        QueueFilter { waited_at_least: Some(Duration::from_secs(3_600 - 20)), ..none.clone() },
        QueueFilter { waited_less_than: Some(Duration::from_secs(3_600 - 20)), ..none.clone() },
        QueueFilter { cause: Some(Cause::Appealed), ..none },
    ];
    for filter in filters {
        let fits = all.iter().filter(|item| filter.admits(item, at(3_600)));
        let mut want: Vec<_> = fits.map(|item| item.id).collect();
        for size in [1, 7, 100] {
            let query =
                ItemQuery { filter: filter.clone(), order: QueueOrder::Oldest, ..ItemQuery::default() };
            assert_eq!(walk(&store, &query, size).await.0, want, "{filter:?}, size {size}");
        }
        want.reverse();
        let query = ItemQuery { filter: filter.clone(), order: QueueOrder::Newest, ..ItemQuery::default() };
        assert_eq!(walk(&store, &query, 3).await.0, want, "newest, {filter:?}");
    }
}

pub(crate) async fn a_rare_filter_is_walked_in_bounded_steps(store: SharedStore) {
    let mut rare = verdict("daily");
    rare.assessment.language = Some("de".into());
    rare.created_at = at(100);
    let many: Vec<_> = (0..6_000)
        .map(|_| NewVerdict { verdict: verdict("daily"), request: None, queue: Some(held()), campaign: None })
        .collect();
    for chunk in many.chunks(500) {
        assert!(store.record(chunk.to_vec()).await.iter().all(Result::is_ok));
    }
    let rare = queued(&store, rare).await;
    let filter = QueueFilter { language: Some("de".into()), ..QueueFilter::default() };
    let (mut after, mut steps): (Option<ItemCursor>, _) = (None, 0);
    let found = loop {
        steps += 1;
        let target = ClaimTarget::Next { filter: Box::new(filter.clone()), order: QueueOrder::Oldest, after };
        let claim =
            Claim { target, max: 5, lease: Duration::from_secs(60), actor: key("mod1"), request: None };
        let page = store.claim(&rare.site, claim, at(200)).await.unwrap();
        if !page.rows.is_empty() {
            break page.rows;
        }
        after = page.next;
        assert!(after.is_some(), "the walk goes on until it is found");
    };
    assert_eq!(found[0].id, QueueItemId::from(rare.id));
    assert!(steps > 1, "one step looks at a bounded number of items");
}

pub(crate) async fn a_batch_is_listed_and_undone_as_one(store: SharedStore) {
    let batch = BatchId::generate();
    let mut new = Vec::new();
    for _ in 0..7 {
        let row = queued(&store, verdict("daily")).await;
        let outcome = Outcome::Reject(ReasonCode::Spam);
        new.push(NewDecision { batch: Some(batch), ..ruling(&row, outcome) });
    }
    let mut unknown = new[0].clone();
    unknown.item = QueueItemId::from_bytes([9; 16]);
    unknown.id = DecisionId::generate();
    new.insert(3, unknown);
    let results = store.decide(&site("daily"), new, at(5)).await;
    assert_eq!(results[3].as_ref().unwrap_err().reason(), "QUEUE_ITEM_NOT_FOUND");
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 7, "one failing leaves the others");
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let request = PageRequest { size: 3, after };
        let page = store.decisions_of(&site("daily"), batch, request).await.unwrap();
        found.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, results.into_iter().flatten().collect::<Vec<_>>());
    let undone = store.undo(&site("daily"), found.iter().map(undoing).collect(), at(6)).await;
    assert!(undone.iter().all(Result::is_ok));
    let stats = store.queue_stats(&site("daily")).await.unwrap();
    assert_eq!((stats.open, stats.decided), (7, 0));
    let again = store.undo(&site("daily"), vec![undoing(&found[0])], at(7)).await.pop().unwrap();
    assert_eq!(again.unwrap_err().reason(), "DECISION_NOT_STANDING");
}

pub(crate) async fn a_decision_stands_for_later_verdicts_on_the_same_text(store: SharedStore) {
    let mut first = verdict("daily");
    first.comment = Some(comment("c"));
    let first = queued(&store, first).await;
    let text = crate::types::text_digest(&first.body, first.markup);
    let on = |text| store.decision_on_comment(&first.site, first.comment.as_ref().unwrap(), text);
    assert_eq!(on(text).await.unwrap(), None);
    let decision = decided(&store, ruling(&first, Outcome::Approve)).await;
    assert_eq!(on(text).await.unwrap(), Some(decision.clone()));
    assert_eq!(on([0; 16]).await.unwrap(), None, "another text is another matter");
    let mut again = verdict("daily");
    again.comment.clone_from(&first.comment);
    let again = queued(&store, again).await;
    let item = store.item_of(&first.site, again.id).await.unwrap().unwrap();
    assert_eq!((item.id, item.decision), (first.id.into(), Some(decision.id)), "nothing to decide again");
    store.undo(&first.site, vec![undoing(&decision)], at(11)).await.pop().unwrap().unwrap();
    assert_eq!(on(text).await.unwrap(), None);
}

pub(crate) async fn an_author_rule_comes_and_goes_with_its_decision(store: SharedStore) {
    let row = queued(&store, verdict("daily")).await;
    let author = row.author().unwrap();
    let rule = |action| AuthorRule {
        action,
        until: Some(at(1_000)),
        actor: key("mod1"),
        decision: None,
        note: String::new(),
        created_at: at(10),
    };
    let home = site("daily");
    let set = rule(AuthorAction::PreModerate);
    store.set_author_rule(&home, author, Some(set.clone()), &key("mod1"), at(9)).await.unwrap();
    let ban = NewDecision {
        author: Some(rule(AuthorAction::Ban)),
        ..ruling(&row, Outcome::Reject(ReasonCode::Hate))
    };
    let decision = decided(&store, ban).await;
    assert_eq!(decision.author_action, Some(AuthorAction::Ban));
    let banned = store.author_rule(&home, author).await.unwrap().unwrap();
    assert_eq!((banned.action, banned.decision), (AuthorAction::Ban, Some(decision.id)));
    store.undo(&home, vec![undoing(&decision)], at(11)).await.pop().unwrap().unwrap();
    assert_eq!(store.author_rule(&home, author).await.unwrap(), Some(set), "the rule before holds again");
    store.set_author_rule(&home, author, None, &key("mod1"), at(12)).await.unwrap();
    assert_eq!(store.author_rule(&home, author).await.unwrap(), None);
    assert_eq!(store.author_rule(&site("weekly"), author).await.unwrap(), None);
}

pub(crate) async fn named_queues_need_the_version_they_were_read_with(store: SharedStore) {
    let home = site("daily");
    let name = |text: &str| QueueName::new(text).unwrap();
    let queue = |text: &str| NamedQueue {
        name: name(text),
        display_name: text.to_uppercase(),
        filter: QueueFilter { label: Some(Label::Abuse), ..QueueFilter::default() },
        order: QueueOrder::ValueOfLook,
        target_age: Some(Duration::from_secs(900)),
        viewers: Audience::default(),
        actors: Audience { roles: vec![], keys: vec![key("mod1")] },
        version: 0,
        updated_at: at(0),
    };
    let put = |queue: NamedQueue, expected| {
        let (store, home) = (store.clone(), home.clone());
        async move { store.put_queue(&home, &key("lead"), queue, expected).await }
    };
    let legal = put(queue("legal"), 0).await.unwrap();
    assert_eq!(legal.version, 1);
    assert_eq!(put(queue("legal"), 0).await.unwrap_err().reason(), "QUEUE_EXISTS");
    assert_eq!(put(queue("ghost"), 3).await.unwrap_err().reason(), "QUEUE_NOT_FOUND");
    assert_eq!(put(legal.clone(), 1).await.unwrap().version, 2);
    assert_eq!(put(legal, 1).await.unwrap_err().reason(), "ETAG_MISMATCH");
    for other in ["abuse", "sport", "zoo"] {
        put(queue(other), 0).await.unwrap();
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.queues(&home, PageRequest { size: 3, after }).await.unwrap();
        found.extend(page.rows.into_iter().map(|queue| queue.name.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, ["abuse", "legal", "sport", "zoo"]);
    let (found_name, lead) = (name("legal"), key("lead"));
    let delete = |expected| store.delete_queue(&home, &lead, &found_name, expected, at(1));
    assert_eq!(delete(1).await.unwrap_err().reason(), "ETAG_MISMATCH");
    delete(2).await.unwrap();
    assert_eq!(delete(2).await.unwrap_err().reason(), "QUEUE_NOT_FOUND");
    assert_eq!(store.queue(&home, &found_name).await.unwrap(), None);
}

fn appeal(on: &Verdict) -> Appeal {
    Appeal {
        id: AppealId::generate(),
        verdict: on.id,
        item: on.id.into(),
        against: None,
        statement: "it was a joke".into(),
        opened_by: key("cms"),
        created_at: at(20),
        outcome: None,
    }
}

pub(crate) async fn an_appeal_needs_a_second_reviewer(store: SharedStore) {
    let row = queued(&store, verdict("daily")).await;
    let home = site("daily");
    let first = decided(&store, ruling(&row, Outcome::Reject(ReasonCode::Other))).await;
    let opened = store.open_appeal(&home, appeal(&row), None, None).await.unwrap();
    assert_eq!((opened.item, opened.against), (row.id.into(), Some(first.id)));
    let open = store.open_appeal(&home, appeal(&row), None, None).await.unwrap_err();
    assert_eq!(open.reason(), "APPEAL_OPEN");
    let claim = |who: &str| Claim {
        target: ClaimTarget::Items(vec![row.id.into()]),
        max: 1,
        lease: Duration::from_secs(60),
        actor: key(who),
        request: None,
    };
    assert_eq!(store.claim(&home, claim("mod1"), at(21)).await.unwrap().rows, []);
    let own = store.decide(&home, vec![ruling(&row, Outcome::Approve)], at(21)).await.pop().unwrap();
    let refused = own.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Queue(QueueRefusal::SecondReviewer { actor, .. }) if *actor == key("mod1"))
    );
    assert_eq!(store.claim(&home, claim("mod2"), at(21)).await.unwrap().rows.len(), 1);
    let second = NewDecision { actor: key("mod2"), ..ruling(&row, Outcome::Approve) };
    let second = store.decide(&home, vec![second], at(22)).await.pop().unwrap().unwrap();
    let ended = store.appeal(&home, opened.id).await.unwrap().unwrap();
    assert_eq!(ended.outcome, Some((second.id, AppealOutcome::Overturned)));
    let nothing = store.open_appeal(&home, appeal(&row), None, None).await.unwrap_err();
    assert_eq!(nothing.reason(), "NOTHING_TO_APPEAL");
}

pub(crate) async fn one_crowd_cannot_own_the_queue(store: SharedStore) {
    let mut row = verdict("daily");
    row.action = Action::Allow;
    let row = recorded(&store, row).await;
    let report = |reader: u8| NewReport {
        report: Report {
            verdict: row.id,
            reporter: [reader; 16],
            reason: Some(ReasonCode::Spam),
            note: String::new(),
            sent_by: key("cms"),
            created_at: at(1),
        },
        threshold: 1_000,
        section: None,
        exposure: 1.0,
    };
    let home = site("daily");
    let file = |reader| store.report(&home, report(reader), at(1));
    assert_eq!(file(1).await.unwrap(), ReportOutcome::Counted { weight: 500, queued: false });
    assert_eq!(file(1).await.unwrap(), ReportOutcome::Repeated);
    assert_eq!(file(2).await.unwrap(), ReportOutcome::Counted { weight: 1_000, queued: true });
    for reader in 3..=u8::try_from(MAX_REPORTS).unwrap() {
        file(reader).await.unwrap();
    }
    assert_eq!(file(200).await.unwrap(), ReportOutcome::Enough);
    assert_eq!(store.reports_on(&home, row.id).await.unwrap().len(), MAX_REPORTS);
    let item = store.item(&home, row.id.into()).await.unwrap().unwrap();
    assert_eq!(item.causes, Causes::of(Cause::Reported));
    decided(&store, ruling(&row, Outcome::Approve)).await;
    let wrong = store.reporter(&home, [1; 16]).await.unwrap();
    assert_eq!((wrong.filed, wrong.dismissed, wrong.weight()), (1, 1, 166));
}

pub(crate) async fn the_chain_is_trimmed_from_its_front(store: SharedStore) {
    let home = site("daily");
    let many = (0..1_500_u64).map(|i| {
        let mut row = verdict("daily");
        row.created_at = at(i);
        NewVerdict { verdict: row, request: None, queue: Some(held()), campaign: None }
    });
    for chunk in many.collect::<Vec<_>>().chunks(500) {
        store.record(chunk.to_vec()).await;
    }
    let head = store.chain_head(&home).await.unwrap();
    assert_eq!(head.number, 1_500);
    assert_eq!(store.trim_events(&home, at(100), at(2_000)).await.unwrap(), 100);
    assert_eq!(store.trim_events(&home, at(9_000), at(2_000)).await.unwrap(), 401, "the last 1,000 stay");
    let first = store.events(&home, 0, 1).await.unwrap().remove(0);
    assert_eq!(first.number, 502);
    let check = store.verify_chain(&home, ChainHead::default()).await.unwrap();
    assert_eq!((check.broken, check.done, check.links), (None, true, 1_001));
    let last = store.events(&home, 1_501, 10).await.unwrap().remove(0);
    assert_eq!(last.action, AuditAction::Trimmed { first_kept: 502 });
}

pub(crate) async fn hours_are_counted_and_forgotten(store: SharedStore) {
    let hour = |n: u64| {
        Timestamp::from_micros(
            1_790_000_000_000_000 / 3_600_000_000 * 3_600_000_000 + 3_600_000_000 * n as i64,
        )
    };
    for n in [0, 0, 5, 28 * 24 + 3] {
        let mut row = verdict("daily");
        row.created_at = hour(n).plus(Duration::from_secs(7));
        queued(&store, row).await;
    }
    let stats = store.queue_stats(&site("daily")).await.unwrap();
    let hours: Vec<_> = stats.hours.iter().map(|(first, hour)| (*first, hour.arrivals())).collect();
    assert_eq!(hours, [(hour(5), 1), (hour(28 * 24 + 3), 1)], "four weeks are kept");
    assert_eq!((stats.open, stats.oldest), (4, Some(hour(0).plus(Duration::from_secs(7)))));
}

pub(crate) async fn verdicts_are_listed_by_author(store: SharedStore) {
    let mut want = Vec::new();
    for i in 0..12_u8 {
        let mut row = verdict("daily");
        row.tallies = vec![tally(TallyKind::Author, i % 3), tally(TallyKind::Text, 1)];
        let row = recorded(&store, row).await;
        if i % 3 == 1 {
            want.push(row.id);
        }
    }
    want.reverse();
    store.record(vec![plain(verdict("weekly"))]).await;
    let filter = VerdictFilter { author: Some([1; 16]), ..VerdictFilter::default() };
    assert_eq!(super::verdicts::walk(&store, &site("daily"), &filter, 2).await.0, want);
}

pub(crate) async fn members_join_campaigns_and_inherit(store: SharedStore) {
    let (home, id) = (site("daily"), CampaignId::generate());
    let first = queued(&store, verdict("daily")).await;
    let second = queued(&store, verdict("daily")).await;
    let join = |earlier: Vec<VerdictId>, share, queue| {
        let mut row = verdict("daily");
        row.tallies = vec![tally(TallyKind::Author, 9)];
        let sites = vec![site("weekly")];
        let campaign = Some(Membership { campaign: id, earlier, sites, variant: true, share });
        NewVerdict { verdict: row, request: None, queue, campaign }
    };
    let third = join(vec![first.id, second.id, first.id], Share::Nothing, Some(held()));
    let third_id = third.verdict.id;
    store.record(vec![third]).await.pop().unwrap().unwrap();
    let campaign = store.campaign(&home, id).await.unwrap().unwrap();
    assert_eq!((campaign.members, campaign.earliest, campaign.authors.len()), (3, first.id, 2));
    assert_eq!((campaign.waiting, campaign.sites), (3, vec![site("weekly")]));
    let query = ItemQuery {
        filter: QueueFilter { campaign: Some(id), ..QueueFilter::default() },
        ..ItemQuery::default()
    };
    let want: Vec<QueueItemId> = [first.id, second.id, third_id].map(Into::into).to_vec();
    assert_eq!(walk(&store, &query, 2).await.0, want);
    let inheritance = Inheritance {
        disposition: Disposition::Reject,
        reason: Some(ReasonCode::Spam),
        batch: None,
        actor: key("lead"),
        created_at: at(5),
        until: at(1_000),
        cap: 1,
        inherited: 0,
        beyond: 0,
    };
    store.rule_campaign(&home, id, Some(inheritance), &key("lead"), at(5)).await.unwrap();
    let heir = join(vec![], Share::Inherits, None);
    let heir_id = heir.verdict.id;
    store.record(vec![heir]).await.pop().unwrap().unwrap();
    store.record(vec![join(vec![], Share::Beyond, None)]).await.pop().unwrap().unwrap();
    let campaign = store.campaign(&home, id).await.unwrap().unwrap();
    let ruling = campaign.inheritance.unwrap();
    assert_eq!((campaign.members, ruling.inherited, ruling.beyond, campaign.waiting), (5, 1, 1, 3));
    assert!(!ruling.is_live(at(6)), "the cap is reached");
    let page = PageRequest { size: 3, after: None };
    let members = store.members(&home, id, page).await.unwrap();
    let ids: Vec<_> = members.rows.iter().map(|member| member.id).collect();
    assert_eq!((ids, members.next), (vec![first.id, second.id, third_id], Some(third_id)));
    let listed = store.campaigns(&home, PageRequest { size: 5, after: None }).await.unwrap();
    assert_eq!(listed.rows.len(), 1);
    let unknown = store.rule_campaign(&home, CampaignId::generate(), None, &key("lead"), at(6)).await;
    assert_eq!(unknown.unwrap_err().reason(), "CAMPAIGN_NOT_FOUND");

    // A member without an item is decided all the same, and taken in once.
    let causes = Causes::of(Cause::Campaign);
    let adopt = Some((id, Enqueue { causes, section: None, exposure: 1.0 }));
    let new = NewDecision { adopt, item: heir_id.into(), ..ruling_on(heir_id) };
    let decision = decided(&store, new).await;
    let page = PageRequest { size: 10, after: Some(third_id) };
    let rest = store.members(&home, id, page).await.unwrap().rows;
    assert!(rest[0].inherited && !rest[1].inherited);
    assert_eq!(rest[0].decision.as_ref().map(|decision| decision.id), Some(decision.id));
    let last = rest[1].id;
    let enqueue = Enqueue { causes, section: None, exposure: 1.0 };
    let members = vec![(heir_id, enqueue.clone()), (last, enqueue.clone()), (last, enqueue)];
    let called = store.call_in(&home, id, members, at(20)).await;
    let came: Vec<bool> = called.into_iter().map(|result| result.unwrap().is_some()).collect();
    assert_eq!(came, [false, true, false]);
    assert_eq!(store.campaign(&home, id).await.unwrap().unwrap().waiting, 4);
}

fn ruling_on(id: VerdictId) -> NewDecision {
    let mut row = verdict("daily");
    row.id = id;
    ruling(&row, Outcome::Approve)
}
