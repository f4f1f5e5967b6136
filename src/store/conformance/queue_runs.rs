//! Random interleavings of all calls of the queue against the plain model:
//! claims, stale tokens, duplicates, reordering, pauses, undoing, reports and
//! appeals. What the store answers and what it holds must agree with the model.
//!
//! May import: `types`, `store`.

use std::time::Duration;

use proptest::prelude::*;

use super::{
    queue_model::{Model, Said, Seen, Who},
    samples::{at, comment, feedback, site, tally, verdict},
};
use crate::{
    store::{
        Claim, ClaimTarget, Enqueue, ItemQuery, LeaseRef, NewDecision, NewReport, NewVerdict, Outcome,
        ReportOutcome, RequestMark, SharedStore, StoreError, UndoRequest,
    },
    types::{
        Action, Appeal, AppealId, AuditAction, Body, Cause, Causes, ChainHead, DecisionId, FeedbackSource,
        ItemState, KeyId, Label, LabelScore, PageRequest, Probability, QueueItemId, QueueOrder, Rank,
        ReasonCode, Report, RequestId, Ruling, RulingId, SiteId, TallyKind, Timestamp, Verdict,
    },
};

/// One call, with small numbers for names, so that calls meet.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Record {
        comment: Option<u8>,
        text: u8,
        author: u8,
        action: u8,
        p: u8,
        queued: bool,
    },
    Claim {
        who: Who,
        order: u8,
        max: u8,
        secs: u8,
        marked: bool,
    },
    ClaimThese {
        who: Who,
        items: Vec<u8>,
        secs: u8,
    },
    Renew {
        who: Who,
        lease: u8,
        secs: u8,
    },
    Release {
        who: Who,
        lease: u8,
    },
    Decide {
        who: Who,
        lease: u8,
        approve: bool,
        marked: bool,
    },
    DecideUnclaimed {
        who: Who,
        items: Vec<u8>,
        approve: bool,
    },
    Undo {
        who: Who,
        decision: u8,
    },
    Rule {
        verdict: u8,
        approve: bool,
    },
    Report {
        verdict: u8,
        reader: u8,
    },
    Appeal {
        verdict: u8,
    },
    Expire,
    Wait {
        secs: u8,
    },
    /// A decision or claim sent before comes again.
    Again {
        which: u8,
    },
}

/// Interleavings of some length.
pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let who = 0..3u8;
    let n = any::<u8>();
    let op = prop_oneof![
        6 => (prop::option::of(0..4u8), 0..2u8, 0..3u8, 0..3u8, 1..10u8, prop::bool::weighted(0.8)).prop_map(
            |(comment, text, author, action, p, queued)| Op::Record { comment, text, author, action, p, queued }
        ),
        5 => (who.clone(), 0..5u8, 1..4u8, 1..20u8, any::<bool>())
            .prop_map(|(who, order, max, secs, marked)| Op::Claim { who, order, max, secs, marked }),
        1 => (who.clone(), prop::collection::vec(n, 1..4), 1..20u8)
            .prop_map(|(who, items, secs)| Op::ClaimThese { who, items, secs }),
        1 => (who.clone(), n, 1..20u8).prop_map(|(who, lease, secs)| Op::Renew { who, lease, secs }),
        1 => (who.clone(), n).prop_map(|(who, lease)| Op::Release { who, lease }),
        6 => (who.clone(), n, any::<bool>(), any::<bool>())
            .prop_map(|(who, lease, approve, marked)| Op::Decide { who, lease, approve, marked }),
        2 => (who.clone(), prop::collection::vec(n, 1..4), any::<bool>())
            .prop_map(|(who, items, approve)| Op::DecideUnclaimed { who, items, approve }),
        3 => (who, n).prop_map(|(who, decision)| Op::Undo { who, decision }),
        1 => (n, any::<bool>()).prop_map(|(verdict, approve)| Op::Rule { verdict, approve }),
        3 => (n, 0..4u8).prop_map(|(verdict, reader)| Op::Report { verdict, reader }),
        2 => n.prop_map(|verdict| Op::Appeal { verdict }),
        1 => Just(Op::Expire),
        3 => (0..15u8).prop_map(|secs| Op::Wait { secs }),
        2 => n.prop_map(|which| Op::Again { which }),
    ];
    prop::collection::vec(op, 1..60)
}

const THRESHOLD: u32 = 1_000;

/// A call that may come again.
#[derive(Clone)]
enum Sent {
    Decision(NewDecision, bool),
    Claim(Claim),
}

/// What a call that may come again was answered with.
enum Answer {
    Decision(DecisionId),
    Leases(Vec<LeaseRef>),
}

struct Run {
    store: SharedStore,
    site: SiteId,
    model: Model,
    now: Timestamp,
    /// Every lease ever given, with its holder: most are stale.
    leases: Vec<(Who, LeaseRef)>,
    sent: Vec<(Sent, Option<Answer>)>,
    requests: u8,
}

fn key(who: Who) -> KeyId {
    KeyId::new(&format!("mod{who}")).unwrap()
}

fn pick<T: Clone>(all: &[T], number: u8) -> Option<T> {
    all.get(usize::from(number) % all.len().max(1)).cloned()
}

fn said<T>(result: Result<T, StoreError>) -> Said {
    match result {
        Ok(_) => Said::Done,
        Err(error) => Said::Refused(error.reason()),
    }
}

/// The numbers of a verdict whose spam probability and overall one are `p`.
fn rank(verdict: &Verdict) -> Rank {
    let p = verdict.assessment.probability.get();
    let allowed = verdict.action == Action::Allow;
    let entropy = -(p * p.log2() + (1.0 - p) * (1.0 - p).log2());
    Rank {
        wrong: if allowed { p } else { 1.0 - p },
        harm: 0.6 * p * if allowed { 2.0 } else { 1.0 },
        exposure: 1.0,
        information: entropy,
        reported: 0.0,
    }
}

fn made(comment_no: Option<u8>, text: u8, author: u8, action: u8, p: u8, now: Timestamp) -> Verdict {
    let mut made = verdict("daily");
    let p = Probability::new(f64::from(p) / 10.0).unwrap();
    made.action = [Action::Allow, Action::Hold, Action::Reject][usize::from(action)];
    made.assessment.probability = p;
    made.assessment.labels[Label::Spam] = LabelScore { probability: p, ..LabelScore::default() };
    made.comment = comment_no.map(|n| comment(&format!("c{n}")));
    made.body = Body::new(format!("text {text}")).unwrap();
    made.tallies = vec![tally(TallyKind::Author, author)];
    made.created_at = now;
    made
}

impl Run {
    fn request(&mut self) -> RequestMark {
        self.requests += 1;
        let id = RequestId::from_bytes([self.requests; 16]);
        RequestMark { actor: KeyId::new("client").unwrap(), id, payload: [self.requests; 32] }
    }

    async fn step(&mut self, op: &Op) {
        match op {
            Op::Record { comment, text, author, action, p, queued } => {
                let verdict = made(*comment, *text, *author, *action, *p, self.now);
                let seen = Seen {
                    id: verdict.id,
                    comment: *comment,
                    text: *text,
                    author: *author,
                    action: verdict.action,
                    rulings: Vec::new(),
                };
                self.model.record(seen, *queued, rank(&verdict), self.now);
                let enqueue = Enqueue { causes: Causes::of(Cause::Held), section: None, exposure: 1.0 };
                let queue = queued.then_some(enqueue);
                let new = NewVerdict { verdict, request: None, queue, campaign: None };
                self.store.record(vec![new]).await.pop().unwrap().unwrap();
            }
            Op::Claim { .. } | Op::ClaimThese { .. } | Op::Renew { .. } | Op::Release { .. } | Op::Expire => {
                self.lease(op).await;
            }
            Op::Decide { .. } | Op::DecideUnclaimed { .. } | Op::Undo { .. } | Op::Rule { .. } => {
                self.rule(op).await;
            }
            Op::Report { verdict, reader } => self.report(*verdict, *reader).await,
            Op::Appeal { verdict } => self.appeal(*verdict).await,
            Op::Wait { secs } => self.now = self.now.plus(Duration::from_secs(u64::from(*secs))),
            Op::Again { which } => self.again(*which).await,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "called with these kinds only")]
    async fn lease(&mut self, op: &Op) {
        match op {
            Op::Claim { who, order, max, secs, marked } => {
                let order = QueueOrder::ALL[usize::from(*order)];
                let target = ClaimTarget::Next { filter: Box::default(), order, after: None };
                self.claim(*who, target, usize::from(*max), *secs, *marked).await;
            }
            Op::ClaimThese { who, items, secs } => {
                let known: Vec<_> = self.model.items.iter().map(|item| item.id).collect();
                let ids: Vec<_> = items.iter().filter_map(|n| pick(&known, *n)).collect();
                let max = ids.len();
                self.claim(*who, ClaimTarget::Items(ids), max, *secs, false).await;
            }
            Op::Renew { who, lease, secs } => {
                let Some((_, lease)) = pick(&self.leases, *lease) else { return };
                let length = Duration::from_secs(u64::from(*secs));
                let done = self.store.renew(&self.site, &key(*who), &[lease], length, self.now).await;
                let end = Some(self.now.plus(length));
                let want = self.model.lease(*who, lease.item, lease.token, end, self.now);
                assert_eq!(said(done.into_iter().next().unwrap()), want);
            }
            Op::Release { who, lease } => {
                let Some((_, lease)) = pick(&self.leases, *lease) else { return };
                let done = self.store.release(&self.site, &key(*who), &[lease], self.now).await;
                let want = self.model.lease(*who, lease.item, lease.token, None, self.now);
                assert_eq!(said(done.into_iter().next().unwrap()), want);
            }
            _ => {
                self.store.expire_leases(&self.site, self.now).await.unwrap();
                self.model.expire(self.now);
            }
        }
    }

    async fn claim(&mut self, who: Who, target: ClaimTarget, max: usize, secs: u8, marked: bool) {
        let request = marked.then(|| self.request());
        let lease = Duration::from_secs(u64::from(secs));
        let claim = Claim { target, max, lease, actor: key(who), request };
        let again = claim.clone();
        let leases = self.send_claim(who, claim).await;
        if marked {
            self.sent.push((Sent::Claim(again), Some(Answer::Leases(leases))));
        }
    }

    async fn send_claim(&mut self, who: Who, claim: Claim) -> Vec<LeaseRef> {
        let end = self.now.plus(claim.lease);
        self.model.expire(self.now);
        let ids = match &claim.target {
            ClaimTarget::Next { order, .. } => self.model.open(*order),
            ClaimTarget::Items(ids) => ids.clone(),
        };
        let want = self.model.claim(who, &ids, claim.max, end);
        let page = self.store.claim(&self.site, claim, self.now).await.unwrap();
        assert_eq!(page.next, None);
        let leases: Vec<_> = page.rows.iter().map(|i| LeaseRef { item: i.id, token: i.token }).collect();
        assert_eq!(leases.iter().map(|lease| lease.item).collect::<Vec<_>>(), want);
        for lease in &leases {
            let known = self.leases.iter().filter(|(_, known)| known.item == lease.item);
            assert!(known.clone().all(|(_, known)| known.token < lease.token), "tokens only grow");
        }
        self.leases.extend(leases.iter().map(|lease| (who, *lease)));
        leases
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "called with these kinds only")]
    async fn rule(&mut self, op: &Op) {
        match op {
            Op::Decide { who, lease, approve, marked } => {
                let Some((holder, lease)) = pick(&self.leases, *lease) else { return };
                // Mostly the holder decides, sometimes somebody who learnt the token.
                let who = if *who == 0 { holder } else { *who };
                let request = marked.then(|| self.request());
                let new = self.decision(who, lease.item, Some(lease.token), *approve, request);
                let again = new.clone();
                let answer = self.send_decision(who, new, *approve).await;
                if *marked {
                    self.sent.push((Sent::Decision(again, *approve), answer.map(Answer::Decision)));
                }
            }
            Op::DecideUnclaimed { who, items, approve } => {
                let known: Vec<_> = self.model.items.iter().map(|item| item.id).collect();
                let mut batch = Vec::new();
                for number in items {
                    let item = pick(&known, *number).unwrap_or(QueueItemId::from_bytes([9; 16]));
                    batch.push(self.decision(*who, item, None, *approve, None));
                }
                let results = self.store.decide(&self.site, batch.clone(), self.now).await;
                for (new, result) in batch.into_iter().zip(results) {
                    let want = self.model.decide(*who, new.id, new.item, None, *approve, self.now);
                    assert_eq!(said(result), want);
                }
            }
            Op::Undo { who, decision } => {
                let number = usize::from(*decision) % self.model.decisions.len().max(1);
                let Some(made) = self.model.decisions.get(number).cloned() else { return };
                let undo = UndoRequest {
                    id: DecisionId::generate(),
                    reverses: made.id,
                    actor: key(*who),
                    note: String::new(),
                    batch: None,
                    request: None,
                };
                let result = self.store.undo(&self.site, vec![undo], self.now).await.pop().unwrap();
                assert_eq!(said(result), self.model.undo(number, self.now));
            }
            Op::Rule { verdict, approve } => {
                let at = usize::from(*verdict) % self.model.verdicts.len().max(1);
                let Some(id) = self.model.verdicts.get(at).map(|seen| seen.id) else { return };
                let ruling = if *approve { Ruling::Approve } else { Ruling::Reject(vec![Label::Spam]) };
                let report = feedback(id, FeedbackSource::Moderator, ruling);
                self.model.rule(at, RulingId::from(report.id), *approve);
                self.store.add_feedback(&self.site, report, None).await.unwrap();
            }
            _ => {}
        }
    }

    fn decision(
        &self,
        who: Who,
        item: QueueItemId,
        token: Option<u64>,
        approve: bool,
        request: Option<RequestMark>,
    ) -> NewDecision {
        NewDecision {
            id: DecisionId::generate(),
            item,
            adopt: None,
            token,
            actor: key(who),
            outcome: if approve { Outcome::Approve } else { Outcome::Reject(ReasonCode::Spam) },
            policy_clause: String::new(),
            note: String::new(),
            author: None,
            batch: None,
            request,
        }
    }

    async fn send_decision(&mut self, who: Who, new: NewDecision, approve: bool) -> Option<DecisionId> {
        let want = self.model.decide(who, new.id, new.item, new.token, approve, self.now);
        let result = self.store.decide(&self.site, vec![new], self.now).await.pop().unwrap();
        if let Err(StoreError::Queue(crate::store::QueueRefusal::LeaseLost { item, decision, .. })) = &result
        {
            let item = self.model.item(*item).unwrap().clone();
            let holds = item.decision.filter(|_| item.state == ItemState::Decided);
            let holds = holds.map(|number| self.model.decisions[number].id);
            assert_eq!(decision.as_ref().map(|decision| decision.id), holds, "the other decision is named");
        }
        let id = result.as_ref().ok().map(|decision| decision.id);
        assert_eq!(said(result), want);
        id
    }

    async fn again(&mut self, which: u8) {
        let at = usize::from(which) % self.sent.len().max(1);
        let Some((sent, answer)) = self.sent.get(at) else { return };
        match (sent.clone(), answer) {
            (Sent::Decision(new, _), Some(Answer::Decision(id))) => {
                let result = self.store.decide(&self.site, vec![new], self.now).await.pop().unwrap();
                assert_eq!(result.unwrap().id, *id, "the first answer again");
            }
            (Sent::Decision(mut new, approve), _) => {
                // It was refused: nothing is remembered, and it is a new try.
                new.id = DecisionId::generate();
                let who = new.actor.as_str().as_bytes()[3] - b'0';
                let answer = self.send_decision(who, new, approve).await;
                self.sent[at].1 = answer.map(Answer::Decision);
            }
            (Sent::Claim(claim), Some(Answer::Leases(leases))) => {
                let who = claim.actor.as_str().as_bytes()[3] - b'0';
                let leases = leases.clone();
                let held = self.store.claim(&self.site, claim, self.now).await.unwrap().rows;
                let still = leases.iter().filter(|lease| {
                    let item = self.model.items.iter().find(|item| item.id == lease.item).unwrap();
                    item.token == lease.token
                        && item.holder.is_some_and(|(h, end)| h == who && self.now < end)
                });
                let want: Vec<_> = still.map(|lease| lease.item).collect();
                assert_eq!(held.iter().map(|item| item.id).collect::<Vec<_>>(), want);
            }
            (Sent::Claim(_), _) => {}
        }
    }

    async fn report(&mut self, verdict: u8, reader: u8) {
        let at = usize::from(verdict) % self.model.verdicts.len().max(1);
        let Some(seen) = self.model.verdicts.get(at).cloned() else { return };
        let stored = self.store.verdict(&self.site, seen.id).await.unwrap().unwrap();
        let report = Report {
            verdict: seen.id,
            reporter: [reader; 16],
            reason: None,
            note: String::new(),
            sent_by: KeyId::new("cms").unwrap(),
            created_at: self.now,
        };
        let new = NewReport { report, threshold: THRESHOLD, section: None, exposure: 1.0 };
        let want = self.model.report(at, reader, THRESHOLD, rank(&stored), self.now);
        let outcome = match self.store.report(&self.site, new, self.now).await.unwrap() {
            ReportOutcome::Counted { weight, queued } => format!("counted {weight} {queued}"),
            ReportOutcome::Repeated => "repeated".into(),
            ReportOutcome::Enough => "enough".into(),
        };
        assert_eq!(outcome, want);
    }

    async fn appeal(&mut self, verdict: u8) {
        let at = usize::from(verdict) % self.model.verdicts.len().max(1);
        let Some(seen) = self.model.verdicts.get(at).cloned() else { return };
        let stored = self.store.verdict(&self.site, seen.id).await.unwrap().unwrap();
        let appeal = Appeal {
            id: AppealId::generate(),
            verdict: seen.id,
            item: QueueItemId::from(seen.id),
            against: None,
            statement: "I meant it".into(),
            opened_by: KeyId::new("cms").unwrap(),
            created_at: self.now,
            outcome: None,
        };
        let result = self.store.open_appeal(&self.site, appeal, None, None).await;
        assert_eq!(said(result), self.model.appeal(at, rank(&stored), self.now));
    }

    /// Everything that the model knows is what the store holds.
    async fn compare(&self) {
        self.compare_items().await;
        self.compare_lists().await;
        for author in 0..3 {
            let seen: Vec<_> = self.model.verdicts.iter().filter(|seen| seen.author == author).collect();
            let count =
                |approve| seen.iter().filter(|s| s.holds().is_some_and(|(_, a)| a == approve)).count();
            let tally = self.store.tallies(&self.site, &[tally(TallyKind::Author, author)]).await.unwrap()[0];
            let found = [tally.seen, tally.approved, tally.rejected].map(|n| n as usize);
            assert_eq!(found, [seen.len(), count(true), count(false)], "author {author}");
        }
        for reader in 0..4 {
            let record = self.store.reporter(&self.site, [reader; 16]).await.unwrap();
            assert_eq!(record, self.model.record_of(reader), "reader {reader}");
        }
        let page = self.store.samples(&self.site, PageRequest { size: 1000, after: None }).await.unwrap();
        let mut found: Vec<_> = page.rows.iter().map(|s| (s.verdict, s.ruling, s.approved)).collect();
        let samples = self.model.samples.values();
        let mut want: Vec<_> =
            samples.map(|(verdict, by, approve)| (self.model.verdicts[*verdict].id, *by, *approve)).collect();
        found.sort();
        want.sort();
        assert_eq!(found, want, "samples");
        self.compare_chain().await;
    }

    async fn compare_items(&self) {
        for item in &self.model.items {
            let found = self.store.item(&self.site, item.id).await.unwrap().unwrap();
            assert_eq!(found.verdict, self.model.verdicts[item.verdict].id, "verdict");
            assert_eq!(found.state, item.state);
            assert_eq!(found.token, item.token);
            let lease = found.lease.as_ref().map(|lease| (lease.holder.clone(), lease.expires_at));
            assert_eq!(lease, item.holder.map(|(who, end)| (key(who), end)), "lease");
            assert_eq!(found.barred, item.barred.map(key), "barred");
            let decision = item.decision.map(|number| self.model.decisions[number].id);
            assert_eq!(found.decision, decision, "decision");
            assert_eq!(
                found.causes.iter().collect::<Vec<_>>(),
                item.causes.iter().copied().collect::<Vec<_>>()
            );
            assert_eq!((found.report_weight, found.waiting_since), (item.weight, item.since));
            if let Some((_, ended)) = item.appeal.map(|appeal| self.model.appeals[appeal]) {
                let stored = self.store.appeal(&self.site, found.appeal.unwrap()).await.unwrap().unwrap();
                let by = ended.map(|number| self.model.decisions[number].id);
                assert_eq!(stored.outcome.map(|(by, _)| by), by, "appeal");
            }
            let made = self.model.decisions.iter().filter(|made| made.item == item.id).map(|made| made.id);
            let all = self.store.decisions_on(&self.site, item.id).await.unwrap();
            let rulings: Vec<_> = all.iter().filter(|d| d.reverses.is_none()).map(|d| d.id).collect();
            assert_eq!(rulings, made.collect::<Vec<_>>(), "decisions on an item");
        }
        let stats = self.store.queue_stats(&self.site).await.unwrap();
        let count = |state| self.model.items.iter().filter(|item| item.state == state).count() as u64;
        let want = ItemState::ALL.map(count);
        assert_eq!([stats.open, stats.claimed, stats.decided], want, "depth");
        let oldest =
            self.model.items.iter().filter(|item| item.state == ItemState::Open).map(|item| item.since);
        assert_eq!(stats.oldest, oldest.min());
        let decided: u64 = stats.hours.iter().map(|(_, hour)| hour.decisions()).sum();
        assert_eq!(decided as usize, self.model.decisions.len(), "decisions by hour");
    }

    async fn compare_lists(&self) {
        for order in QueueOrder::ALL {
            let query = ItemQuery { order, ..ItemQuery::default() };
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let request = PageRequest { size: 3, after };
                let page = self.store.items(&self.site, &query, request, self.now).await.unwrap();
                found.extend(page.rows.iter().map(|placed| placed.item.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, self.model.open(order), "{order:?}");
        }
        for state in [ItemState::Claimed, ItemState::Decided] {
            let query = ItemQuery { state, ..ItemQuery::default() };
            let request = PageRequest { size: 1000, after: None };
            let page = self.store.items(&self.site, &query, request, self.now).await.unwrap();
            let mut found: Vec<_> = page.rows.iter().map(|placed| placed.item.id).collect();
            let items = self.model.items.iter().filter(|item| item.state == state);
            let mut want: Vec<_> = items.map(|item| item.id).collect();
            found.sort();
            want.sort();
            assert_eq!(found, want, "{state:?}");
        }
    }

    async fn compare_chain(&self) {
        let check = self.store.verify_chain(&self.site, ChainHead::default()).await.unwrap();
        assert_eq!((check.broken, check.done), (None, true));
        let events = self.store.events(&self.site, 0, 1_000).await.unwrap();
        assert_eq!(check.links as usize, events.len());
        let count = |kind: fn(&AuditAction) -> bool| events.iter().filter(|e| kind(&e.action)).count();
        assert_eq!(count(|a| matches!(a, AuditAction::Decided { .. })), self.model.decisions.len());
        assert_eq!(count(|a| matches!(a, AuditAction::Undone { .. })), self.model.undone);
        assert_eq!(count(|a| matches!(a, AuditAction::Claimed { .. })), self.model.claims);
        assert_eq!(count(|a| matches!(a, AuditAction::Added { .. })), self.model.items.len());
    }
}

/// Runs calls on a store and on the model; panics where they differ.
pub(crate) async fn agree(ops: &[Op], store: SharedStore) {
    let mut run = Run {
        store,
        site: site("daily"),
        model: Model::default(),
        now: at(0),
        leases: Vec::new(),
        sent: Vec::new(),
        requests: 0,
    };
    for op in ops {
        run.step(op).await;
    }
    run.compare().await;
}
