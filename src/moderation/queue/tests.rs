//! The queue's use cases on the store in memory, with a clock that tests set.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    moderation::{Actor, Desk},
    store::{
        Enqueue, ItemCursor, LeaseRef, NewVerdict, Outcome, Placed, RequestMark, SharedStore,
        memory::MemoryStore,
    },
    types::{
        Action, Assessment, Audience, AuthorAction, Body, Cause, Causes, CommentId, Disposition, FixedClock,
        KeyId, Label, LabelScore, LogOdds, Markup, PerLabel, Policy, Pseudonyms, ReasonCode, RequestId, Site,
        TallyKey, Verdict, VerdictId, Versions,
    },
};

struct Room {
    desk: QueueDesk,
    store: SharedStore,
    clock: Arc<FixedClock>,
    site: SiteId,
}

fn actor(key: &str, role: Role) -> Actor {
    Actor { key: KeyId::new(key).unwrap(), role, site: None }
}

fn lead() -> Actor {
    actor("lead", Role::Lead)
}

fn moderator() -> Actor {
    actor("mod1", Role::Moderator)
}

impl Room {
    async fn open() -> Self {
        let store: SharedStore = Arc::new(MemoryStore::new());
        let clock = Arc::new(FixedClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
        let site = SiteId::new("news").unwrap();
        let shared = Desk { store: store.clone(), clock: clock.clone(), metrics: Default::default() };
        store
            .create_site(Site {
                id: site.clone(),
                display_name: String::new(),
                languages: Vec::new(),
                policy: Policy::default(),
                policy_version: 1,
                queue: crate::types::QueueRules::default(),
                created_at: clock.now_at(),
                updated_at: clock.now_at(),
            })
            .await
            .unwrap();
        let desk = QueueDesk::new(shared, PseudonymKey::new([7; 32]), LeaseTerms::default());
        Self { desk, store, clock, site }
    }

    /// Records a held comment and answers its item.
    async fn hold(&self, name: &str, author: &str, p: f64) -> QueueItemId {
        let verdict = self.verdict(name, author, p);
        let id = verdict.id;
        let queue = Enqueue { causes: Causes::of(Cause::Held), section: Some("world".into()), exposure: 1.0 };
        let new = NewVerdict { verdict, request: None, queue: Some(queue), campaign: None };
        self.store.record(vec![new]).await.pop().unwrap().unwrap();
        QueueItemId::from(id)
    }

    fn verdict(&self, name: &str, author: &str, p: f64) -> Verdict {
        let odds = LogOdds::new((p / (1.0 - p)).ln());
        let mut labels = PerLabel::<LabelScore>::default();
        labels[Label::Spam] =
            LabelScore { log_odds: odds, probability: odds.probability(), ..Default::default() };
        let digest = self.desk.author(&self.site, author);
        Verdict {
            id: VerdictId::generate(),
            site: self.site.clone(),
            action: Action::Hold,
            assessment: Assessment {
                labels,
                overall: odds,
                probability: odds.probability(),
                reasons: Vec::new(),
                article_read: "none".into(),
                language: None,
                counterfactual: None,
            },
            versions: Versions { model: "m".into(), rules: "r".into(), policy: 1, normalizer: 1 },
            comment: CommentId::new(name).ok(),
            body: Body::new(format!("body of {name}")).unwrap(),
            markup: Markup::Plain,
            author_id: Some(author.to_owned()),
            author_name: None,
            author_url: None,
            pseudonyms: Pseudonyms::default(),
            article: None,
            parent: None,
            parent_text: None,
            posted_at: None,
            created_at: self.clock.now_at(),
            requested_by: KeyId::new("cms").unwrap(),
            tallies: vec![TallyKey { kind: TallyKind::Author, digest }],
            shadow_hits: Vec::new(),
            trace: None,
        }
    }

    async fn claim(&self, by: &Actor, max: usize) -> Vec<Placed> {
        self.desk.claim(by, &self.site, claim(max)).await.unwrap().1
    }

    async fn waiting(&self) -> u64 {
        self.store.queue_stats(&self.site).await.unwrap().open
    }
}

impl FixedClock {
    fn now_at(&self) -> Timestamp {
        crate::types::Clock::now(self)
    }
}

fn claim(max: usize) -> ClaimAsk {
    ClaimAsk {
        scope: Scope::Site,
        wanted: Wanted::default(),
        order: None,
        items: Vec::new(),
        max,
        lease: None,
        request: None,
    }
}

fn rule(outcome: Outcome) -> Ruled {
    Ruled { outcome, policy_clause: String::new(), note: String::new(), author: None }
}

fn token(placed: &Placed) -> (QueueItemId, u64) {
    (placed.item.id, placed.item.token)
}

fn mark(number: u128) -> RequestMark {
    let id = RequestId::from_bytes(number.to_be_bytes());
    RequestMark { actor: KeyId::new("lead").unwrap(), id, payload: [1; 32] }
}

#[tokio::test]
async fn two_moderators_never_get_the_same_item() {
    let room = Room::open().await;
    for n in 0..5 {
        room.hold(&format!("c{n}"), "ann", 0.6).await;
    }
    let (a, b) = (room.claim(&moderator(), 3).await, room.claim(&lead(), 3).await);
    assert_eq!((a.len(), b.len()), (3, 2));
    assert!(a.iter().all(|one| b.iter().all(|other| one.item.id != other.item.id)));
    assert!(a.iter().all(|one| !one.why.is_empty()), "every place has its reason");
}

#[tokio::test]
async fn a_lost_lease_tells_what_was_decided_instead() {
    let room = Room::open().await;
    room.hold("c", "ann", 0.6).await;
    let mine = room.claim(&moderator(), 1).await;
    room.clock.advance(DEFAULT_LEASE + Duration::from_secs(1));
    let theirs = room.claim(&lead(), 1).await;
    assert!(theirs[0].item.token > mine[0].item.token, "tokens grow");
    let spam = || rule(Outcome::Reject(ReasonCode::Spam));
    room.desk.decide(&lead(), &room.site, token(&theirs[0]), spam(), None).await.unwrap();
    let late =
        room.desk.decide(&moderator(), &room.site, token(&mine[0]), rule(Outcome::Approve), None).await;
    let Err(ModerationError::Store(StoreError::Queue(QueueRefusal::LeaseLost { decision, .. }))) = late
    else {
        panic!("{late:?}")
    };
    assert_eq!(decision.unwrap().disposition, Disposition::Reject);
}

#[tokio::test]
async fn leases_keep_to_their_terms() {
    let room = Room::open().await;
    let short = ClaimAsk { lease: Some(Duration::from_secs(1)), ..claim(1) };
    let refused = room.desk.claim(&moderator(), &room.site, short).await;
    assert!(matches!(refused, Err(ModerationError::Field { field: "lease_duration", .. })), "{refused:?}");
    room.hold("c", "ann", 0.6).await;
    let claimed = room.claim(&moderator(), 1).await;
    let (item, number) = token(&claimed[0]);
    let lease = LeaseRef { item, token: number };
    let renewed =
        room.desk.renew(&moderator(), &room.site, lease, Some(Duration::from_secs(600))).await.unwrap();
    assert_eq!(renewed.token, number, "renewing keeps the token");
    assert!(room.desk.release(&moderator(), &room.site, &[lease]).await[0].is_ok());
    assert_eq!(room.waiting().await, 1);
}

#[tokio::test]
async fn only_leads_ban() {
    let room = Room::open().await;
    room.hold("c", "ann", 0.6).await;
    let claimed = room.claim(&moderator(), 1).await;
    let ban = |until| Ruled {
        author: Some(AuthorOrder { action: AuthorAction::Ban, until }),
        ..rule(Outcome::Reject(ReasonCode::Spam))
    };
    let refused = room.desk.decide(&moderator(), &room.site, token(&claimed[0]), ban(None), None).await;
    assert!(matches!(refused, Err(ModerationError::Forbidden)), "{refused:?}");
    let past = Some(Timestamp::from_micros(1));
    let refused = room.desk.decide(&lead(), &room.site, token(&claimed[0]), ban(past), None).await;
    assert!(matches!(refused, Err(ModerationError::Field { .. })), "{refused:?}");
    room.desk.set_author_rule(&lead(), &room.site, "Ann", ban(None).author, String::new()).await.unwrap();
    let digest = room.desk.author(&room.site, "ann");
    let held = room.store.author_rule(&room.site, digest).await.unwrap();
    assert_eq!(held.unwrap().action, AuthorAction::Ban, "authors are the same in any case");
}

#[tokio::test]
async fn a_batch_says_before_what_it_does_and_is_undone_as_one() {
    let room = Room::open().await;
    for n in 0..7 {
        room.hold(&format!("a{n}"), "ann", 0.8).await;
    }
    for n in 0..3 {
        room.hold(&format!("b{n}"), "bob", 0.7).await;
    }
    let ask = |request| BatchAsk {
        selection: Selection::Filter(Box::new(Wanted {
            author_id: Some("ANN".to_owned()),
            ..Wanted::default()
        })),
        ruled: rule(Outcome::Reject(ReasonCode::Spam)),
        batch: None,
        request,
    };
    let refused = room.desk.decide_batch(&moderator(), &room.site, ask(None)).await;
    assert!(matches!(refused, Err(ModerationError::Forbidden)));
    let preview = room.desk.preview_batch(&lead(), &room.site, &ask(None)).await.unwrap();
    assert_eq!((preview.count, preview.failing, preview.agreed, preview.more), (7, 0, 7, false));
    assert!((preview.estimated_error - 0.2).abs() < 1e-9, "{preview:?}");
    assert_eq!(room.waiting().await, 10, "a preview decides nothing");

    let done = room.desk.decide_batch(&lead(), &room.site, ask(Some(mark(1)))).await.unwrap();
    assert_eq!((done.results.len(), done.agreed), (7, 7));
    assert!(done.results.iter().all(|(_, result)| result.is_ok()));
    assert_eq!(room.waiting().await, 3);
    let again = room.desk.decide_batch(&lead(), &room.site, ask(Some(mark(1)))).await.unwrap();
    let ids = |outcome: &BatchOutcome| {
        let mut ids: Vec<_> = outcome.results.iter().map(|(_, r)| r.as_ref().unwrap().id).collect();
        ids.sort();
        ids
    };
    assert_eq!((again.batch, ids(&again)), (done.batch, ids(&done)), "a retry answers the same");

    let refused = room.desk.undo_batch(&moderator(), &room.site, done.batch, "", (None, None)).await;
    assert!(matches!(refused, Err(ModerationError::Forbidden)));
    let undone = room.desk.undo_batch(&lead(), &room.site, done.batch, "oops", (None, None)).await.unwrap();
    assert_eq!((undone.results.len(), undone.next), (7, None));
    assert_eq!(room.waiting().await, 10);
    let twice = room.desk.undo_batch(&lead(), &room.site, done.batch, "oops", (None, None)).await.unwrap();
    assert!(twice.results.is_empty(), "what does not hold any more is left alone");
}

#[tokio::test]
async fn moderators_undo_their_own() {
    let room = Room::open().await;
    room.hold("c", "ann", 0.6).await;
    let claimed = room.claim(&lead(), 1).await;
    let approve = rule(Outcome::Approve);
    let decision =
        room.desk.decide(&lead(), &room.site, token(&claimed[0]), approve.clone(), None).await.unwrap();
    let refused = room.desk.undo(&moderator(), &room.site, decision.id, String::new(), None).await;
    assert!(matches!(refused, Err(ModerationError::Forbidden)));
    room.desk.undo(&lead(), &room.site, decision.id, String::new(), None).await.unwrap();
    let claimed = room.claim(&moderator(), 1).await;
    let decision =
        room.desk.decide(&moderator(), &room.site, token(&claimed[0]), approve, None).await.unwrap();
    let undone = room.desk.undo(&moderator(), &room.site, decision.id, String::new(), None).await.unwrap();
    assert_eq!((undone.disposition, undone.reverses), (Disposition::Undo, Some(decision.id)));
}

#[tokio::test]
async fn a_closed_queue_keeps_its_items_from_others() {
    let room = Room::open().await;
    let secret = room.hold("c", "ann", 0.9).await;
    let open = room.hold("d", "bob", 0.3).await;
    let legal = NamedQueue {
        name: QueueName::new("legal").unwrap(),
        display_name: String::new(),
        filter: QueueFilter::default(),
        order: QueueOrder::Oldest,
        target_age: None,
        viewers: Audience { roles: Vec::new(), keys: vec![KeyId::new("legal").unwrap()] },
        actors: Audience::default(),
        version: 0,
        updated_at: Timestamp::default(),
    };
    let wanted = Wanted {
        filter: QueueFilter { score_from: Probability::new(0.5), ..QueueFilter::default() },
        author_id: None,
    };
    room.desk.create_queue(&lead(), &room.site, legal, wanted).await.unwrap();
    let list = |scope| ListAsk {
        scope,
        wanted: Wanted::default(),
        order: None,
        state: crate::types::ItemState::Open,
        page: PageRequest::<ItemCursor> { size: 10, after: None },
    };
    let seen = |by: Actor, scope| {
        let room = &room;
        async move {
            let page = room.desk.list(&by, &room.site, list(scope)).await;
            page.map(|(_, page)| page.rows.iter().map(|p| p.item.id).collect::<Vec<_>>())
        }
    };
    let of_legal = || Scope::Queue(QueueName::new("legal").unwrap());
    assert_eq!(seen(actor("legal", Role::Moderator), of_legal()).await.unwrap(), [secret]);
    assert!(seen(moderator(), of_legal()).await.is_err());
    assert_eq!(seen(moderator(), Scope::Site).await.unwrap(), [open]);
    assert_eq!(seen(lead(), Scope::Site).await.unwrap().len(), 2);
    let claimed = room.claim(&moderator(), 5).await;
    assert_eq!(claimed.iter().map(|p| p.item.id).collect::<Vec<_>>(), [open]);
    let named = ClaimAsk { items: vec![secret], ..claim(1) };
    assert!(room.desk.claim(&moderator(), &room.site, named).await.unwrap().1.is_empty());
    assert!(room.desk.context(&moderator(), &room.site, secret).await.is_err());
    assert!(room.desk.queues(&moderator(), &room.site).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_context_holds_what_a_person_needs() {
    let room = Room::open().await;
    let first = room.hold("c1", "ann", 0.6).await;
    room.clock.advance(Duration::from_secs(60));
    let second = room.hold("c2", "ann", 0.6).await;
    let claimed = room.claim(&lead(), 1).await;
    room.desk.decide(&lead(), &room.site, token(&claimed[0]), rule(Outcome::Approve), None).await.unwrap();
    let (decided, other) = if claimed[0].item.id == first { (first, second) } else { (second, first) };
    let context = room.desk.context(&moderator(), &room.site, other).await.unwrap();
    let author = context.author.unwrap();
    assert_eq!((author.tally.seen, author.tally.approved), (2, 1));
    assert!((super::rejection_rate(&author.tally) - 1.0 / 3.0).abs() < 1e-9);
    assert_eq!(context.author_comments.len(), 1);
    let ruled = context.author_comments[0].decision.as_ref().unwrap();
    assert_eq!((ruled.item, ruled.disposition), (decided, Disposition::Approve));
}

#[tokio::test]
async fn events_come_once_and_in_order() {
    let room = Room::open().await;
    room.hold("c", "ann", 0.6).await;
    let start = room.desk.last_event(&room.site).await.unwrap();
    assert!(!room.desk.anything_after(&room.site, start).await.unwrap());
    let claimed = room.claim(&lead(), 1).await;
    room.desk.decide(&lead(), &room.site, token(&claimed[0]), rule(Outcome::Approve), None).await.unwrap();
    let events = room.desk.events_after(&room.site, start).await.unwrap();
    let numbers: Vec<u64> = events.iter().map(|one| one.event.number).collect();
    assert_eq!(numbers, [start + 1, start + 2]);
    assert!(events[0].decision.is_none() && events[1].decision.is_some());
    let rest = room.desk.events_after(&room.site, numbers[0]).await.unwrap();
    assert_eq!(rest.len(), 1, "a token goes on exactly after its event");
}

#[test]
fn filters_narrow_each_other() {
    let spam =
        QueueFilter { label: Some(Label::Spam), score_from: Probability::new(0.2), ..Default::default() };
    let high = QueueFilter { score_from: Probability::new(0.8), ..Default::default() };
    let both = narrow(spam.clone(), high).unwrap();
    assert_eq!((both.label, both.score_from), (Some(Label::Spam), Probability::new(0.8)));
    let abuse = QueueFilter { label: Some(Label::Abuse), ..Default::default() };
    assert_eq!(narrow(spam, abuse), None, "what excludes each other lets nothing through");
}
