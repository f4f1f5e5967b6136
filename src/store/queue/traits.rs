//! What can be done with the queue. Each call is one atomic step of a site and
//! durable when it returns.
//!
//! May import: `types`, `store`.

use std::time::Duration;

use async_trait::async_trait;

use super::{
    super::{RequestMark, StoreError},
    request::{
        Claim, Enqueue, ItemCursor, ItemQuery, LeaseRef, Member, NewDecision, NewReport, Placed, QueueStats,
        ReportOutcome, UndoRequest,
    },
};
use crate::types::{
    Appeal, AppealId, AuditEvent, AuthorRule, BatchId, Campaign, CampaignId, ChainHead, CommentId, Decision,
    DecisionId, FiledReport, Inheritance, KeyId, Lesson, NamedQueue, Page, PageRequest, QueueItem,
    QueueItemId, QueueName, ReporterRecord, Sample, SiteId, Timestamp, VerdictId,
};

/// Items, leases and named queues. Items come in through
/// [`super::super::VerdictStore::record`].
#[async_trait]
pub trait QueueStore: Send + Sync {
    /// One item, or `None`.
    async fn item(&self, site: &SiteId, id: QueueItemId) -> Result<Option<QueueItem>, StoreError>;

    /// The item of the comment that a verdict is on, or `None`.
    async fn item_of(&self, site: &SiteId, verdict: VerdictId) -> Result<Option<QueueItem>, StoreError>;

    /// Items in order, each with the reason for its place. A page may end early
    /// (with `next` set) when many rows were looked at in vain.
    async fn items(
        &self,
        site: &SiteId,
        query: &ItemQuery,
        page: PageRequest<ItemCursor>,
        now: Timestamp,
    ) -> Result<Page<Placed, ItemCursor>, StoreError>;

    /// Gives leases on open items that the actor may decide, after ending leases
    /// that are over at `now`. Two callers never get the same item. `next` is set
    /// when many items were looked at in vain before enough were found.
    async fn claim(
        &self,
        site: &SiteId,
        claim: Claim,
        now: Timestamp,
    ) -> Result<Page<QueueItem, ItemCursor>, StoreError>;

    /// Lets leases last for `lease` from `now`. Results in input order.
    ///
    /// # Errors
    ///
    /// Per lease: `LeaseLost` when the token is not that of a lease that lasts.
    async fn renew(
        &self,
        site: &SiteId,
        actor: &KeyId,
        leases: &[LeaseRef],
        lease: Duration,
        now: Timestamp,
    ) -> Vec<Result<QueueItem, StoreError>>;

    /// Gives items back. Results in input order.
    ///
    /// # Errors
    ///
    /// As [`QueueStore::renew`].
    async fn release(
        &self,
        site: &SiteId,
        actor: &KeyId,
        leases: &[LeaseRef],
        now: Timestamp,
    ) -> Vec<Result<QueueItem, StoreError>>;

    /// Ends leases that are over at `now`, some hundred at most; answers how many.
    async fn expire_leases(&self, site: &SiteId, now: Timestamp) -> Result<usize, StoreError>;

    /// How many items of which state there are, and what happened by hour.
    async fn queue_stats(&self, site: &SiteId) -> Result<QueueStats, StoreError>;

    /// Puts a named queue. `expected` is the version it was read with, or 0 for a
    /// new one; the version stored is one more.
    ///
    /// # Errors
    ///
    /// `QueueExists`, `UnknownQueue`, `QueueChanged`.
    async fn put_queue(
        &self,
        site: &SiteId,
        actor: &KeyId,
        queue: NamedQueue,
        expected: u64,
    ) -> Result<NamedQueue, StoreError>;

    /// One named queue, or `None`.
    async fn queue(&self, site: &SiteId, name: &QueueName) -> Result<Option<NamedQueue>, StoreError>;

    /// Named queues by name.
    async fn queues(
        &self,
        site: &SiteId,
        page: PageRequest<QueueName>,
    ) -> Result<Page<NamedQueue, QueueName>, StoreError>;

    /// Deletes a named queue if its version is `expected`.
    ///
    /// # Errors
    ///
    /// `UnknownQueue`, `QueueChanged`.
    async fn delete_queue(
        &self,
        site: &SiteId,
        actor: &KeyId,
        name: &QueueName,
        expected: u64,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

/// What people ruled. A decision moves, in its own step: the item, the standing
/// ruling of the verdict and with it `approved`/`rejected` of its tallies, the
/// comment's sample, its reporters' records, the appeal that it ends, the author's
/// rule, counters, and the audit chain.
#[async_trait]
pub trait DecisionStore: Send + Sync {
    /// Makes decisions; at most 500. Each becomes visible as a whole or not at all;
    /// one failing leaves the others. Results in input order. Same mark, same answer.
    ///
    /// # Errors
    ///
    /// Per decision: `UnknownItem`; `LeaseLost` when the token is not that of a
    /// lease that lasts at `now`, with the decision that holds instead; without a
    /// token `Held` and `Decided`; `SecondReviewer`; `REQUEST_ID_REUSED`.
    async fn decide(
        &self,
        site: &SiteId,
        decisions: Vec<NewDecision>,
        now: Timestamp,
    ) -> Vec<Result<Decision, StoreError>>;

    /// Takes decisions back; at most 500. Everything they moved moves back, and the
    /// items are open again. Results in input order. Same mark, same answer.
    ///
    /// # Errors
    ///
    /// Per request: `UnknownDecision`; `NotStanding`; `REQUEST_ID_REUSED`.
    async fn undo(
        &self,
        site: &SiteId,
        requests: Vec<UndoRequest>,
        now: Timestamp,
    ) -> Vec<Result<Decision, StoreError>>;

    /// One decision, or `None`.
    async fn decision(&self, site: &SiteId, id: DecisionId) -> Result<Option<Decision>, StoreError>;

    /// Decisions on an item, oldest first, undone ones and undoings too; at most
    /// the newest 500.
    async fn decisions_on(&self, site: &SiteId, item: QueueItemId) -> Result<Vec<Decision>, StoreError>;

    /// Decisions of a batch, in order of their ids.
    async fn decisions_of(
        &self,
        site: &SiteId,
        batch: BatchId,
        page: PageRequest<DecisionId>,
    ) -> Result<Page<Decision, DecisionId>, StoreError>;

    /// The decision that holds on a comment with this text: what a later verdict on
    /// it has to report instead of its own mind. `text` is [`crate::types::text_digest`].
    /// It holds until another takes its place or it is undone, also while a report
    /// or an appeal has the comment looked at again.
    async fn decision_on_comment(
        &self,
        site: &SiteId,
        comment: &CommentId,
        text: [u8; 16],
    ) -> Result<Option<Decision>, StoreError>;
}

/// Labelled comments.
#[async_trait]
pub trait SampleStore: Send + Sync {
    /// Samples in order of the comment's name (or the verdict's, where the comment
    /// has none).
    async fn samples(
        &self,
        site: &SiteId,
        page: PageRequest<Vec<u8>>,
    ) -> Result<Page<Sample, Vec<u8>>, StoreError>;
}

/// What rulings teach since a node asked last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LessonNews {
    /// To be told next time.
    pub number: u64,
    /// Whether all that was learnt before must be forgotten first.
    pub anew: bool,
    /// To be learnt.
    pub learnt: Vec<Lesson>,
    /// To be unlearnt.
    pub gone: Vec<Lesson>,
}

/// Lessons of rulings: written in the same step as the ruling, undone with it.
#[async_trait]
pub trait LessonStore: Send + Sync {
    /// What a node that knows all up to `known` (0: nothing) does not know yet; `None`
    /// when that is nothing, which is a point read.
    async fn lessons(&self, site: &SiteId, known: u64) -> Result<Option<LessonNews>, StoreError>;
}

/// Readers' reports and authors' appeals.
#[async_trait]
pub trait ReportStore: Send + Sync {
    /// Files a report and opens an item when the weight of all reports since the
    /// last decision reaches the threshold.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownVerdict`].
    async fn report(
        &self,
        site: &SiteId,
        report: NewReport,
        now: Timestamp,
    ) -> Result<ReportOutcome, StoreError>;

    /// Reports on the comment of a verdict, oldest first.
    async fn reports_on(&self, site: &SiteId, verdict: VerdictId) -> Result<Vec<FiledReport>, StoreError>;

    /// How often a reader was right.
    async fn reporter(&self, site: &SiteId, reporter: [u8; 16]) -> Result<ReporterRecord, StoreError>;

    /// Opens an appeal: the item waits again, and who decided before may not decide
    /// it. `appeal.item`, `against` and `outcome` are set by the store. Same mark,
    /// same answer.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownVerdict`], `NothingToAppeal`, `AppealOpen`.
    async fn open_appeal(
        &self,
        site: &SiteId,
        appeal: Appeal,
        section: Option<String>,
        request: Option<RequestMark>,
    ) -> Result<Appeal, StoreError>;

    /// One appeal, or `None`.
    async fn appeal(&self, site: &SiteId, id: AppealId) -> Result<Option<Appeal>, StoreError>;
}

/// What holds for authors.
#[async_trait]
pub trait AuthorStore: Send + Sync {
    /// Sets or ends what holds for an author, outside a decision.
    async fn set_author_rule(
        &self,
        site: &SiteId,
        author: [u8; 16],
        rule: Option<AuthorRule>,
        actor: &KeyId,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// What holds for an author, also when its time is over. One point read.
    async fn author_rule(&self, site: &SiteId, author: [u8; 16]) -> Result<Option<AuthorRule>, StoreError>;
}

/// The audit chain, which is also what watchers of the queue follow.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// The end of the chain. A point read: cheap enough to be asked often.
    async fn chain_head(&self, site: &SiteId) -> Result<ChainHead, StoreError>;

    /// Events after a number, oldest first; at most `limit`, and at most 1,000.
    /// Events that were trimmed are not there: the first number answered tells.
    async fn events(&self, site: &SiteId, after: u64, limit: usize) -> Result<Vec<AuditEvent>, StoreError>;

    /// Follows the chain from `after` for at most 10,000 links; where it ends, and
    /// the number of the first link that does not hold, if any.
    async fn verify_chain(&self, site: &SiteId, after: ChainHead) -> Result<ChainCheck, StoreError>;

    /// Deletes events older than `before`, oldest first and some thousand at most,
    /// but always keeps the last 1,000; answers how many.
    async fn trim_events(
        &self,
        site: &SiteId,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<usize, StoreError>;
}

/// What following a chain found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainCheck {
    /// The last link that holds; hand it in again to go on.
    pub head: ChainHead,
    /// Links that hold.
    pub links: u64,
    /// Number of the first link that does not hold or is not there.
    pub broken: Option<u64>,
    /// Whether the end of the chain was reached.
    pub done: bool,
}

/// Campaigns. Verdicts join them through [`super::super::VerdictStore::record`].
#[async_trait]
pub trait CampaignStore: Send + Sync {
    /// One campaign, or `None`.
    async fn campaign(&self, site: &SiteId, id: CampaignId) -> Result<Option<Campaign>, StoreError>;

    /// Campaigns, the newest first.
    async fn campaigns(
        &self,
        site: &SiteId,
        page: PageRequest<CampaignId>,
    ) -> Result<Page<Campaign, CampaignId>, StoreError>;

    /// Members of a campaign with what became of them, oldest first.
    async fn members(
        &self,
        site: &SiteId,
        id: CampaignId,
        page: PageRequest<VerdictId>,
    ) -> Result<Page<Member, VerdictId>, StoreError>;

    /// Takes members into the queue that have no item; at most 500. Results in input
    /// order: `None` for one that has an item, or whose verdict is not there.
    async fn call_in(
        &self,
        site: &SiteId,
        id: CampaignId,
        members: Vec<(VerdictId, Enqueue)>,
        now: Timestamp,
    ) -> Vec<Result<Option<QueueItem>, StoreError>>;

    /// Says what members inherit from `now` on, or that they inherit nothing.
    ///
    /// # Errors
    ///
    /// `UnknownCampaign`.
    async fn rule_campaign(
        &self,
        site: &SiteId,
        id: CampaignId,
        inheritance: Option<Inheritance>,
        actor: &KeyId,
        now: Timestamp,
    ) -> Result<Campaign, StoreError>;
}
