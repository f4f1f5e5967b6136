//! What a backend with ordered rows brings, and the queue's traits built on it.
//!
//! May import: `types`, `store`.

use std::{ops::ControlFlow, time::Duration};

use async_trait::async_trait;

use super::{
    super::{RequestMark, StoreError},
    appeals, authors, campaigns, claim, decide, enqueue, index, list, log, named, reports,
    request::{
        Claim, Enqueue, ItemCursor, ItemQuery, LeaseRef, Member, NewDecision, NewReport, Placed, QueueStats,
        ReportOutcome, UndoRequest,
    },
    rows::{Ledger, RowKey, RowKind, Rows, Span, decode, load},
    rule_store::RuleStore,
    rulebook::{self, NewActivation, NewRules},
    stats,
    traits::{
        AuditStore, AuthorStore, CampaignStore, ChainCheck, DecisionStore, QueueStore, ReportStore,
        SampleStore,
    },
};
use crate::types::{
    Activation, Appeal, AppealId, AuditEvent, AuthorRule, BatchId, Campaign, CampaignId, ChainHead,
    CommentId, Decision, DecisionId, FiledReport, Inheritance, KeyId, NamedQueue, Page, PageRequest,
    QueueItem, QueueItemId, QueueName, ReporterRecord, RuleFile, RuleSetId, RuleVersion, RulesState, Sample,
    SiteId, Timestamp, VerdictId,
};

/// Room that one operation takes in a commit, about.
const BYTES: usize = 2_048;

/// Ordered rows with transactions.
///
/// What is handed in may be run more than once, on a backend that has to fetch rows
/// before it can show them: it must be a function of the rows alone, and only its last
/// answer counts.
#[async_trait]
pub(in crate::store) trait Backend: Send + Sync {
    /// Reads a fact that nobody is promised: it may not be durable yet.
    async fn glance<T, F>(&self, site: &SiteId, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<T, StoreError> + Send + Sync + 'static;

    /// Reads one thing, and answers only when it is durable.
    async fn find<T, F>(&self, site: &SiteId, read: F) -> Result<Option<T>, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<Option<T>, StoreError> + Send + Sync + 'static;

    /// Reads many rows, and answers only when they are durable.
    async fn look<T, F>(&self, site: &SiteId, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<T, StoreError> + Send + Sync + 'static;

    /// Carries out changes, each as a whole or not at all, and answers when they
    /// are durable. `bytes` is about the room they take.
    async fn change<W, T, F>(
        &self,
        site: &SiteId,
        work: Vec<W>,
        bytes: usize,
        change: F,
    ) -> Vec<Result<T, StoreError>>
    where
        W: Clone + Send + Sync + 'static,
        T: Send + 'static,
        F: Fn(&mut dyn Ledger, W) -> Result<T, StoreError> + Send + Sync + 'static;
}

/// Carries out one change.
pub(super) async fn once<B: Backend, W: Clone + Send + Sync + 'static, T: Send + 'static>(
    backend: &B,
    site: &SiteId,
    items: usize,
    work: W,
    change: impl Fn(&mut dyn Ledger, W) -> Result<T, StoreError> + Send + Sync + 'static,
) -> Result<T, StoreError> {
    let mut done = backend.change(site, vec![work], items * BYTES, change).await;
    done.pop().unwrap_or(Err(StoreError::Closed))
}

#[async_trait]
impl<B: Backend> QueueStore for B {
    async fn item(&self, site: &SiteId, id: QueueItemId) -> Result<Option<QueueItem>, StoreError> {
        self.find(site, move |rows| index::item(rows, id)).await
    }

    async fn item_of(&self, site: &SiteId, verdict: VerdictId) -> Result<Option<QueueItem>, StoreError> {
        self.find(site, move |rows| enqueue::of_verdict(rows, verdict)).await
    }

    async fn items(
        &self,
        site: &SiteId,
        query: &ItemQuery,
        page: PageRequest<ItemCursor>,
        now: Timestamp,
    ) -> Result<Page<Placed, ItemCursor>, StoreError> {
        let query = query.clone();
        self.look(site, move |rows| list::page(rows, &query, &page, now)).await
    }

    async fn claim(
        &self,
        site: &SiteId,
        claim: Claim,
        now: Timestamp,
    ) -> Result<Page<QueueItem, ItemCursor>, StoreError> {
        let items = claim.max;
        once(self, site, items, claim, move |ledger, claim| claim::claim(ledger, claim, now)).await
    }

    async fn renew(
        &self,
        site: &SiteId,
        actor: &KeyId,
        leases: &[LeaseRef],
        lease: Duration,
        now: Timestamp,
    ) -> Vec<Result<QueueItem, StoreError>> {
        let (actor, bytes) = (actor.clone(), leases.len() * BYTES);
        let renew = move |ledger: &mut dyn Ledger, one| claim::renew(ledger, &actor, one, lease, now);
        self.change(site, leases.to_vec(), bytes, renew).await
    }

    async fn release(
        &self,
        site: &SiteId,
        actor: &KeyId,
        leases: &[LeaseRef],
        now: Timestamp,
    ) -> Vec<Result<QueueItem, StoreError>> {
        let (actor, bytes) = (actor.clone(), leases.len() * BYTES);
        let release = move |ledger: &mut dyn Ledger, one| claim::release(ledger, &actor, one, now);
        self.change(site, leases.to_vec(), bytes, release).await
    }

    async fn expire_leases(&self, site: &SiteId, now: Timestamp) -> Result<usize, StoreError> {
        once(self, site, 1, (), move |ledger, ()| claim::expire(ledger, now)).await
    }

    async fn queue_stats(&self, site: &SiteId) -> Result<QueueStats, StoreError> {
        self.look(site, stats::stats).await
    }

    async fn put_queue(
        &self,
        site: &SiteId,
        actor: &KeyId,
        queue: NamedQueue,
        expected: u64,
    ) -> Result<NamedQueue, StoreError> {
        let actor = actor.clone();
        once(self, site, 1, queue, move |ledger, queue| named::put(ledger, &actor, queue, expected)).await
    }

    async fn queue(&self, site: &SiteId, name: &QueueName) -> Result<Option<NamedQueue>, StoreError> {
        let name = name.clone();
        self.find(site, move |rows| named::get(rows, &name)).await
    }

    async fn queues(
        &self,
        site: &SiteId,
        page: PageRequest<QueueName>,
    ) -> Result<Page<NamedQueue, QueueName>, StoreError> {
        self.look(site, move |rows| named::list(rows, &page)).await
    }

    async fn delete_queue(
        &self,
        site: &SiteId,
        actor: &KeyId,
        name: &QueueName,
        expected: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (actor, name) = (actor.clone(), name.clone());
        once(self, site, 1, (), move |ledger, ()| named::delete(ledger, &actor, &name, expected, now)).await
    }
}

#[async_trait]
impl<B: Backend> DecisionStore for B {
    async fn decide(
        &self,
        site: &SiteId,
        decisions: Vec<NewDecision>,
        now: Timestamp,
    ) -> Vec<Result<Decision, StoreError>> {
        let bytes = decisions.len() * BYTES;
        self.change(site, decisions, bytes, move |ledger, one| decide::decide(ledger, one, now)).await
    }

    async fn undo(
        &self,
        site: &SiteId,
        requests: Vec<UndoRequest>,
        now: Timestamp,
    ) -> Vec<Result<Decision, StoreError>> {
        let bytes = requests.len() * BYTES;
        self.change(site, requests, bytes, move |ledger, one| decide::undo(ledger, one, now)).await
    }

    async fn decision(&self, site: &SiteId, id: DecisionId) -> Result<Option<Decision>, StoreError> {
        self.find(site, move |rows| load(rows, &RowKey::decision(id))).await
    }

    async fn decisions_on(&self, site: &SiteId, item: QueueItemId) -> Result<Vec<Decision>, StoreError> {
        self.look(site, move |rows| decide::on_item(rows, item)).await
    }

    async fn decisions_of(
        &self,
        site: &SiteId,
        batch: BatchId,
        page: PageRequest<DecisionId>,
    ) -> Result<Page<Decision, DecisionId>, StoreError> {
        self.look(site, move |rows| decide::of_batch(rows, batch, &page)).await
    }

    async fn decision_on_comment(
        &self,
        site: &SiteId,
        comment: &CommentId,
        text: [u8; 16],
    ) -> Result<Option<Decision>, StoreError> {
        let comment = comment.clone();
        let read = move |rows: &dyn Rows| match enqueue::of_comment(rows, &comment)? {
            Some(item) if item.text == text => claim::standing_decision(rows, &item),
            _ => Ok(None),
        };
        self.find(site, read).await
    }
}

#[async_trait]
impl<B: Backend> SampleStore for B {
    async fn samples(
        &self,
        site: &SiteId,
        page: PageRequest<Vec<u8>>,
    ) -> Result<Page<Sample, Vec<u8>>, StoreError> {
        let read = move |rows: &dyn Rows| {
            let span = Span::prefix(RowKind::Sample, &[]);
            let span = page.after.as_ref().map_or(span.clone(), |after| span.clone().after(after));
            let (mut found, mut last) = (Page { rows: Vec::new(), next: None }, None);
            rows.scan(&span, &mut |rest, bytes| {
                if found.rows.len() == page.size.max(1) {
                    found.next = last.take();
                    return Ok(ControlFlow::Break(()));
                }
                found.rows.push(decode(rows, &RowKey::new(RowKind::Sample, &[rest]), bytes)?);
                last = Some(rest.to_vec());
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(found)
        };
        self.look(site, read).await
    }
}

#[async_trait]
impl<B: Backend> ReportStore for B {
    async fn report(
        &self,
        site: &SiteId,
        report: NewReport,
        now: Timestamp,
    ) -> Result<ReportOutcome, StoreError> {
        once(self, site, 1, report, move |ledger, report| reports::report(ledger, report, now)).await
    }

    async fn reports_on(&self, site: &SiteId, verdict: VerdictId) -> Result<Vec<FiledReport>, StoreError> {
        self.look(site, move |rows| reports::on(rows, verdict)).await
    }

    async fn reporter(&self, site: &SiteId, reporter: [u8; 16]) -> Result<ReporterRecord, StoreError> {
        let read = move |rows: &dyn Rows| Ok(load(rows, &RowKey::reporter(reporter))?.unwrap_or_default());
        self.glance(site, read).await
    }

    async fn open_appeal(
        &self,
        site: &SiteId,
        appeal: Appeal,
        section: Option<String>,
        request: Option<RequestMark>,
    ) -> Result<Appeal, StoreError> {
        let work = (appeal, section, request);
        let open = |ledger: &mut dyn Ledger, (appeal, section, request)| {
            appeals::open(ledger, appeal, section, request)
        };
        once(self, site, 1, work, open).await
    }

    async fn appeal(&self, site: &SiteId, id: AppealId) -> Result<Option<Appeal>, StoreError> {
        self.find(site, move |rows| load(rows, &RowKey::appeal(id))).await
    }
}

#[async_trait]
impl<B: Backend> AuthorStore for B {
    async fn set_author_rule(
        &self,
        site: &SiteId,
        author: [u8; 16],
        rule: Option<AuthorRule>,
        actor: &KeyId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let actor = actor.clone();
        once(self, site, 1, rule, move |ledger, rule| authors::set(ledger, author, rule, &actor, now)).await
    }

    async fn author_rule(&self, site: &SiteId, author: [u8; 16]) -> Result<Option<AuthorRule>, StoreError> {
        self.glance(site, move |rows| authors::current(rows, author)).await
    }
}

#[async_trait]
impl<B: Backend> AuditStore for B {
    async fn chain_head(&self, site: &SiteId) -> Result<ChainHead, StoreError> {
        self.glance(site, log::head).await
    }

    async fn events(&self, site: &SiteId, after: u64, limit: usize) -> Result<Vec<AuditEvent>, StoreError> {
        self.look(site, move |rows| log::events(rows, after, limit)).await
    }

    async fn verify_chain(&self, site: &SiteId, after: ChainHead) -> Result<ChainCheck, StoreError> {
        self.look(site, move |rows| log::verify(rows, after)).await
    }

    async fn trim_events(
        &self,
        site: &SiteId,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        once(self, site, 64, (), move |ledger, ()| log::trim(ledger, before, now)).await
    }
}

#[async_trait]
impl<B: Backend> CampaignStore for B {
    async fn campaign(&self, site: &SiteId, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        self.find(site, move |rows| campaigns::get(rows, id)).await
    }

    async fn campaigns(
        &self,
        site: &SiteId,
        page: PageRequest<CampaignId>,
    ) -> Result<Page<Campaign, CampaignId>, StoreError> {
        self.look(site, move |rows| campaigns::list(rows, &page)).await
    }

    async fn members(
        &self,
        site: &SiteId,
        id: CampaignId,
        page: PageRequest<VerdictId>,
    ) -> Result<Page<Member, VerdictId>, StoreError> {
        self.look(site, move |rows| campaigns::members(rows, id, &page)).await
    }

    async fn call_in(
        &self,
        site: &SiteId,
        id: CampaignId,
        members: Vec<(VerdictId, Enqueue)>,
        now: Timestamp,
    ) -> Vec<Result<Option<QueueItem>, StoreError>> {
        let bytes = members.len() * BYTES;
        let call_in = move |ledger: &mut dyn Ledger, (verdict, enqueue): (VerdictId, Enqueue)| {
            campaigns::call_in(ledger, (id, verdict, &enqueue), now)
        };
        self.change(site, members, bytes, call_in).await
    }

    async fn rule_campaign(
        &self,
        site: &SiteId,
        id: CampaignId,
        inheritance: Option<Inheritance>,
        actor: &KeyId,
        now: Timestamp,
    ) -> Result<Campaign, StoreError> {
        let actor = actor.clone();
        let rule =
            move |ledger: &mut dyn Ledger, inheritance| campaigns::rule(ledger, id, inheritance, &actor, now);
        once(self, site, 1, inheritance, rule).await
    }
}

#[async_trait]
impl<B: Backend> RuleStore for B {
    async fn rules_state(&self, site: &SiteId) -> Result<RulesState, StoreError> {
        self.look(site, rulebook::state).await
    }

    async fn put_rules(
        &self,
        site: &SiteId,
        new: NewRules,
        now: Timestamp,
    ) -> Result<(RuleVersion, RulesState), StoreError> {
        let bytes: usize = new.files.iter().map(|file| file.text.len()).sum();
        once(self, site, 1 + bytes / BYTES, new, move |ledger, new| rulebook::put(ledger, new, now)).await
    }

    async fn activate_rules(
        &self,
        site: &SiteId,
        new: NewActivation,
        now: Timestamp,
    ) -> Result<RulesState, StoreError> {
        once(self, site, 1, new, move |ledger, new| rulebook::activate(ledger, new, now)).await
    }

    async fn begin_rules(&self, site: &SiteId, set: &RuleSetId, now: Timestamp) -> Result<(), StoreError> {
        let set = set.clone();
        once(self, site, 1, set, move |ledger, set| rulebook::begin(ledger, &set, now)).await
    }

    async fn rule_version(&self, site: &SiteId, set: &RuleSetId) -> Result<Option<RuleVersion>, StoreError> {
        let set = set.clone();
        self.look(site, move |rows| rulebook::version(rows, &set)).await
    }

    async fn rule_files(&self, site: &SiteId, set: &RuleSetId) -> Result<Option<Vec<RuleFile>>, StoreError> {
        let set = set.clone();
        self.look(site, move |rows| rulebook::files(rows, &set)).await
    }

    async fn rule_versions(
        &self,
        site: &SiteId,
        page: PageRequest<u64>,
    ) -> Result<Page<RuleVersion, u64>, StoreError> {
        self.look(site, move |rows| rulebook::versions(rows, &page)).await
    }

    async fn rule_activations(
        &self,
        site: &SiteId,
        page: PageRequest<u64>,
    ) -> Result<Page<Activation, u64>, StoreError> {
        self.look(site, move |rows| rulebook::activations(rows, &page)).await
    }
}
