//! The moderators' work: what waits, who holds it, what was ruled, how it goes.
//!
//! The store keeps every promise about atomicity and fencing; what is decided here
//! is who may see and do what, what a request means, and what people are told.
//! Knows no protocol and no backend.
//!
//! May import: `types`, `text`, `store`.

mod batch;
mod campaigns;
mod card;
mod claim;
mod context;
mod decide;
mod forecast;
mod list;
mod named;
mod watch;

use std::time::Duration;

use crate::{
    store::{QueueRefusal, StoreError},
    types::{
        MAX_LEASE, MIN_LEASE, NamedQueue, PageRequest, Probability, QueueFilter, QueueItem, QueueItemId,
        QueueName, QueueOrder, Role, SiteId, TallyKind, Timestamp,
    },
};

use super::{Actor, Desk, ModerationError, PseudonymKey};

pub use batch::{BatchAsk, BatchOutcome, BatchPreview, MAX_BATCH, Selection, UndoPage};
pub use campaigns::{CampaignAsk, CampaignCount, CampaignOutcome, InheritTerms, MAX_INHERITED_CAP};
pub use card::{CampaignCard, CampaignSpread, CampaignView, Listed, Outcomes, Span, Variant};
pub use claim::{ClaimAsk, MAX_CLAIM};
pub use context::{AuthorRecord, DecisionContext, FilterView, Neighbour, Reputation, rejection_rate};
pub use decide::{AuthorOrder, Ruled};
pub use forecast::Forecast;
pub use list::{ListAsk, StatsTold};
pub use watch::Happened;

/// How long a lease lasts when the caller does not say.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(5 * 60);
/// Named queues of one site.
pub const MAX_QUEUES: usize = 200;

/// How long leases may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerms {
    /// Shortest.
    pub min: Duration,
    /// Longest.
    pub max: Duration,
}

impl Default for LeaseTerms {
    fn default() -> Self {
        Self { min: MIN_LEASE, max: MAX_LEASE }
    }
}

/// Whose items are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of the site.
    Site,
    /// Those of a named queue.
    Queue(QueueName),
}

/// Which items are meant, with the author named as a CMS names one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Everything but the author.
    pub filter: QueueFilter,
    /// The author's id, or name where comments carry no id.
    pub author_id: Option<String>,
}

/// The queue of every site.
pub struct QueueDesk {
    desk: Desk,
    secret: PseudonymKey,
    terms: LeaseTerms,
}

/// A scope, looked up: what it shows, and how.
struct View {
    /// `None` when queue and request exclude each other: nothing passes.
    filter: Option<QueueFilter>,
    order: QueueOrder,
    /// What other queues keep from the caller.
    hidden: Vec<QueueFilter>,
}

/// What somebody wants to do with items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Look,
    Act,
}

impl QueueDesk {
    /// Queues kept at a desk, with leases of these terms.
    #[must_use]
    pub const fn new(desk: Desk, secret: PseudonymKey, terms: LeaseTerms) -> Self {
        Self { desk, secret, terms }
    }

    /// Whether the site is there.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`].
    async fn known(&self, site: &SiteId) -> Result<(), ModerationError> {
        let found = self.desk.store.site(site).await?;
        found.map(drop).ok_or_else(|| ModerationError::UnknownSite(site.clone()))
    }

    fn now(&self) -> Timestamp {
        self.desk.clock.now()
    }

    /// The digest by which an author is counted.
    pub(super) fn author(&self, site: &SiteId, author_id: &str) -> [u8; 16] {
        self.secret.tally(site, TallyKind::Author, author_id.to_lowercase().as_bytes()).digest
    }

    fn resolve(&self, site: &SiteId, wanted: Wanted) -> QueueFilter {
        let Wanted { mut filter, author_id } = wanted;
        if let Some(id) = author_id {
            filter.author = Some(self.author(site, &id));
        }
        filter
    }

    /// Looks up what a scope shows to a caller.
    ///
    /// # Errors
    ///
    /// `QUEUE_NOT_FOUND`, also for a queue that the caller may not see.
    async fn view(
        &self,
        caller: &Actor,
        site: &SiteId,
        (scope, wanted, order): (&Scope, Wanted, Option<QueueOrder>),
        deed: Deed,
    ) -> Result<View, ModerationError> {
        let asked = self.resolve(site, wanted);
        let hidden = self.hidden(caller, site, deed).await?;
        match scope {
            Scope::Site => {
                self.known(site).await?;
                let order = order.unwrap_or(QueueOrder::ValueOfLook);
                Ok(View { filter: Some(asked), order, hidden })
            }
            Scope::Queue(name) => {
                let unknown = || StoreError::from(QueueRefusal::UnknownQueue(name.clone()));
                let queue = self.desk.store.queue(site, name).await?.ok_or_else(unknown)?;
                if !may(&queue, caller, deed) {
                    return Err(unknown().into());
                }
                let order = order.unwrap_or(queue.order);
                Ok(View { filter: narrow(queue.filter, asked), order, hidden })
            }
        }
    }

    /// The filters of those queues that keep their items from the caller. Nobody
    /// keeps anything from leads.
    async fn hidden(
        &self,
        caller: &Actor,
        site: &SiteId,
        deed: Deed,
    ) -> Result<Vec<QueueFilter>, ModerationError> {
        if matches!(caller.role, Role::Lead | Role::Admin) {
            return Ok(Vec::new());
        }
        let page = PageRequest { size: MAX_QUEUES, after: None };
        let queues = self.desk.store.queues(site, page).await?;
        let hidden = queues.rows.into_iter().filter(|queue| !may(queue, caller, deed));
        Ok(hidden.map(|queue| queue.filter).collect())
    }

    /// An item that the caller may look at or act on.
    ///
    /// # Errors
    ///
    /// `QUEUE_ITEM_NOT_FOUND`, also for one that is kept from the caller.
    async fn reachable(
        &self,
        caller: &Actor,
        site: &SiteId,
        id: QueueItemId,
        deed: Deed,
    ) -> Result<QueueItem, ModerationError> {
        let unknown = || ModerationError::from(StoreError::from(QueueRefusal::UnknownItem(id)));
        let item = self.desk.store.item(site, id).await?.ok_or_else(unknown)?;
        let hidden = self.hidden(caller, site, deed).await?;
        if is_hidden(&item, &hidden, self.now()) { Err(unknown()) } else { Ok(item) }
    }
}

fn may(queue: &NamedQueue, caller: &Actor, deed: Deed) -> bool {
    let sees = queue.viewers.admits(&caller.key, caller.role);
    sees && (deed == Deed::Look || queue.actors.admits(&caller.key, caller.role))
}

/// Whether one of the filters keeps an item away.
fn is_hidden(item: &QueueItem, hidden: &[QueueFilter], now: Timestamp) -> bool {
    hidden.iter().any(|filter| filter.admits(item, now))
}

/// What passes both filters; `None` when nothing can.
fn narrow(a: QueueFilter, b: QueueFilter) -> Option<QueueFilter> {
    #[expect(
        clippy::option_option,
        reason = "nothing passes, anything passes, and one value are three answers"
    )]
    fn same<T: PartialEq>(a: Option<T>, b: Option<T>) -> Option<Option<T>> {
        match (a, b) {
            (Some(a), Some(b)) if a != b => None,
            (a, b) => Some(a.or(b)),
        }
    }
    fn pick<T: PartialOrd>(a: Option<T>, b: Option<T>, better: fn(&T, &T) -> bool) -> Option<T> {
        match (a, b) {
            (Some(a), Some(b)) => Some(if better(&a, &b) { a } else { b }),
            (a, b) => a.or(b),
        }
    }
    Some(QueueFilter {
        label: same(a.label, b.label)?,
        section: same(a.section, b.section)?,
        language: same(a.language, b.language)?,
        score_from: pick::<Probability>(a.score_from, b.score_from, |x, y| x >= y),
        score_below: pick::<Probability>(a.score_below, b.score_below, |x, y| x <= y),
        rule: same(a.rule, b.rule)?,
        waited_at_least: pick(a.waited_at_least, b.waited_at_least, |x, y| x >= y),
        waited_less_than: pick(a.waited_less_than, b.waited_less_than, |x, y| x <= y),
        author: same(a.author, b.author)?,
        article: same(a.article, b.article)?,
        campaign: same(a.campaign, b.campaign)?,
        cause: same(a.cause, b.cause)?,
        action: same(a.action, b.action)?,
    })
}

#[cfg(test)]
mod tests;
