//! What is kept, as traits: every backend passes the one suite in `conformance`.
//!
//! A write is acknowledged only when it is durable: it survives kill -9 and the
//! loss of everything that was not synced to the device. Values are plain
//! `types`; no backend detail, no query language, no protocol leaks out. Every
//! key begins with the site, so a tenant can never reach another's rows.
//!
//! May import: `types`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::types::{
    ApiKey, Article, ArticleId, CommentId, Feedback, KeyId, Page, PageRequest, RequestId, Site, SiteId,
    Tally, TallyKey, Timestamp, Verdict, VerdictId,
};

pub mod blobs;
#[cfg(test)]
pub(crate) mod conformance;
mod effect;
mod error;
pub mod memory;
mod model_refusal;
mod models;
mod nodes;
pub mod portable;
pub mod postgres;
mod queue;
pub mod sled;

pub use error::StoreError;
pub use model_refusal::ModelRefusal;
pub use models::{BlobStore, ModelStore, NewPromotion};
pub use nodes::{News, NodeStore};
pub use queue::{
    AuditStore, AuthorStore, CampaignStore, ChainCheck, Claim, ClaimTarget, DecisionStore, Enqueue,
    ItemCursor, ItemQuery, LeaseRef, LessonNews, LessonStore, Member, Membership, NewActivation, NewDecision,
    NewReport, NewRules, Outcome, Placed, QueueRefusal, QueueStats, QueueStore, ReportOutcome, ReportStore,
    RuleRefusal, RuleStore, SampleStore, Share, StoredHour, UndoRequest,
};
pub use sled::{Problem, Report, verify, verify_with};

/// How long a request id is remembered, counted from the `created_at` of what it
/// made: the caller's clock decides, not the store's.
pub const REQUEST_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// A client's promise that a retry carries the same request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMark {
    /// The key that sent it: ids of different keys never meet.
    pub actor: KeyId,
    /// Chosen by the client.
    pub id: RequestId,
    /// SHA-256 of the request without its id; another hash under the same id is refused.
    pub payload: [u8; 32],
}

/// A verdict to be recorded.
#[derive(Clone, Debug)]
pub struct NewVerdict {
    /// The verdict; its id is fresh.
    pub verdict: Verdict,
    /// Set when the client wants retries recognised.
    pub request: Option<RequestMark>,
    /// Set when a person should look at the comment.
    pub queue: Option<Enqueue>,
    /// Set when it is a near-duplicate of others.
    pub campaign: Option<Membership>,
}

/// What recording came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    /// It was new and is now durable.
    New,
    /// The request was recorded before; this is what it was answered then.
    Replayed(Box<Verdict>),
}

/// Which verdicts a list shows. Fields that are set must all hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VerdictFilter {
    /// Only of this article.
    pub article: Option<ArticleId>,
    /// Only of this comment.
    pub comment: Option<CommentId>,
    /// Only by the author with this digest.
    pub author: Option<[u8; 16]>,
    /// Only with this action.
    pub action: Option<crate::types::Action>,
    /// Only made at or after this moment.
    pub from: Option<Timestamp>,
    /// Only made before this moment.
    pub until: Option<Timestamp>,
}

impl VerdictFilter {
    /// Whether the filter lets a verdict through.
    #[must_use]
    pub fn admits(&self, verdict: &Verdict) -> bool {
        let Self { article, comment, author, action, from, until } = self;
        article.as_ref().is_none_or(|a| verdict.article.as_ref() == Some(a))
            && comment.as_ref().is_none_or(|c| verdict.comment.as_ref() == Some(c))
            && author.is_none_or(|a| verdict.author() == Some(a))
            && action.is_none_or(|a| verdict.action == a)
            && from.is_none_or(|t| verdict.created_at >= t)
            && until.is_none_or(|t| verdict.created_at < t)
    }
}

/// Verdicts, with what must change in the same step.
#[async_trait]
pub trait VerdictStore: Send + Sync {
    /// Records verdicts. Each becomes visible as a whole or not at all: the
    /// verdict, its request mark, its look-ups, one more `seen` on each of its
    /// tallies, and what it means to the queue with counters and audit event, its campaign. Results come in input order; one failing leaves the others.
    /// Durable when the call returns.
    ///
    /// # Errors
    ///
    /// Per item: [`StoreError::RequestReused`] when the mark was used with
    /// another payload. [`StoreError::Full`], [`StoreError::Busy`],
    /// [`StoreError::Backend`]: nothing of the item was recorded.
    async fn record(&self, verdicts: Vec<NewVerdict>) -> Vec<Result<Recorded, StoreError>>;

    /// The verdict that a request was answered with within [`REQUEST_MEMORY`]
    /// before `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError::RequestReused`] when the payload differs.
    async fn replay(
        &self,
        site: &SiteId,
        mark: &RequestMark,
        now: Timestamp,
    ) -> Result<Option<Verdict>, StoreError>;

    /// One verdict, or `None`.
    async fn verdict(&self, site: &SiteId, id: VerdictId) -> Result<Option<Verdict>, StoreError>;

    /// The newest verdict on a comment of the CMS, or `None`.
    async fn verdict_of(&self, site: &SiteId, comment: &CommentId) -> Result<Option<Verdict>, StoreError>;

    /// Verdicts, newest first. A page may end early (with `next` set) when many
    /// rows were looked at in vain, so that a rare filter cannot hold the store.
    async fn verdicts(
        &self,
        site: &SiteId,
        filter: &VerdictFilter,
        page: PageRequest<VerdictId>,
    ) -> Result<Page<Verdict, VerdictId>, StoreError>;

    /// Tallies, in the order of `keys`; zero where nothing was counted.
    async fn tallies(&self, site: &SiteId, keys: &[TallyKey]) -> Result<Vec<Tally>, StoreError>;

    /// Forgets request marks older than [`REQUEST_MEMORY`] at `now`; answers how many.
    async fn forget_requests(&self, now: Timestamp) -> Result<usize, StoreError>;
}

/// Reports of what comments really were.
#[async_trait]
pub trait FeedbackStore: Send + Sync {
    /// Adds a report and moves `approved`/`rejected` of the verdict's tallies:
    /// the newest ruling of a moderator or owner counts once, replacing the one
    /// before; readers' reports are kept but move no tally. Same mark, same answer.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownVerdict`], [`StoreError::RequestReused`].
    async fn add_feedback(
        &self,
        site: &SiteId,
        feedback: Feedback,
        request: Option<RequestMark>,
    ) -> Result<Feedback, StoreError>;

    /// All reports on a verdict, oldest first.
    async fn feedback_on(&self, site: &SiteId, verdict: VerdictId) -> Result<Vec<Feedback>, StoreError>;
}

/// Articles.
#[async_trait]
pub trait ArticleStore: Send + Sync {
    /// Puts an article, replacing any with the same id.
    async fn put_article(&self, site: &SiteId, article: Article) -> Result<(), StoreError>;
    /// One article, or `None`.
    async fn article(&self, site: &SiteId, id: &ArticleId) -> Result<Option<Article>, StoreError>;
    /// Deletes an article; whether it was there.
    async fn delete_article(&self, site: &SiteId, id: &ArticleId) -> Result<bool, StoreError>;
}

/// Sites and keys.
#[async_trait]
pub trait SiteStore: Send + Sync {
    /// Adds a site.
    ///
    /// # Errors
    ///
    /// [`StoreError::SiteExists`].
    async fn create_site(&self, site: Site) -> Result<(), StoreError>;
    /// Replaces a site if its stored `policy_version` is still `expected`.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownSite`], [`StoreError::SiteChanged`].
    async fn update_site(&self, site: Site, expected: u64) -> Result<(), StoreError>;
    /// One site, or `None`.
    async fn site(&self, id: &SiteId) -> Result<Option<Site>, StoreError>;
    /// All sites by name.
    async fn sites(&self, page: PageRequest<SiteId>) -> Result<Page<Site, SiteId>, StoreError>;
    /// Puts a key, replacing any with the same id.
    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError>;
    /// One key, or `None`.
    async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError>;
    /// All keys by id.
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;
}

/// Is told how writes become durable, for metrics. Called by the thread that writes: it
/// must not wait.
pub trait CommitWatch: std::fmt::Debug + Send + Sync {
    /// A group of `items` writes became durable within `took`.
    fn committed(&self, items: usize, took: Duration);
    /// A group was refused.
    fn refused(&self);
}

/// The state of the store as a whole.
#[async_trait]
pub trait StoreHealth: Send + Sync {
    /// Writes nothing of value and reads it back; fails when a write would.
    async fn check(&self) -> Result<(), StoreError>;
    /// Ends writing: everything accepted becomes durable, later writes fail.
    async fn close(&self);
}

/// Everything a node needs kept.
pub trait Store:
    VerdictStore
    + FeedbackStore
    + ArticleStore
    + SiteStore
    + QueueStore
    + DecisionStore
    + SampleStore
    + LessonStore
    + ReportStore
    + AuthorStore
    + AuditStore
    + CampaignStore
    + ModelStore
    + RuleStore
    + NodeStore
    + StoreHealth
    + 'static
{
}
impl<T> Store for T where
    T: VerdictStore
        + FeedbackStore
        + ArticleStore
        + SiteStore
        + QueueStore
        + DecisionStore
        + SampleStore
        + LessonStore
        + ReportStore
        + AuthorStore
        + AuditStore
        + CampaignStore
        + ModelStore
        + RuleStore
        + NodeStore
        + StoreHealth
        + 'static
{
}

/// A store that is shared by the parts of a node. One virtual call and one
/// boxed future per operation are nothing next to a sync of the device.
pub type SharedStore = Arc<dyn Store>;

/// Blobs that are shared by the parts of a node.
pub type SharedBlobs = Arc<dyn BlobStore>;
