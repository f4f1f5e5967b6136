//! What is asked of the queue and what it answers, as plain values.
//!
//! May import: `types`, `store`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::RequestMark;
use crate::types::{
    AppealId, AuthorRule, BatchId, CampaignId, Causes, Decision, DecisionId, FailureKind, ItemState, KeyId,
    QueueFilter, QueueItem, QueueItemId, QueueName, QueueOrder, Rank, ReasonCode, Report, SiteId, Timestamp,
    Verdict, VerdictId,
};

/// What puts a comment into the queue while its verdict is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Enqueue {
    /// Why; not empty.
    pub causes: Causes,
    /// The article's section.
    pub section: Option<String>,
    /// How many see it, where 1.0 is a usual place; finite, at least 0.
    pub exposure: f32,
}

/// The campaign that a verdict joins while it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The campaign; one that is not there yet is made.
    pub campaign: CampaignId,
    /// Verdicts recorded before that belong to it too.
    pub earlier: Vec<VerdictId>,
    /// Other sites where comments like it were seen.
    pub sites: Vec<SiteId>,
    /// Whether it is worded unlike those known before.
    pub variant: bool,
    /// What it has from what the campaign's members inherit.
    pub share: Share,
}

/// What a member of a campaign has from its ruling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Share {
    /// Nothing: nobody ruled, or the time is over.
    #[default]
    Nothing,
    /// Its action.
    Inherits,
    /// Nothing, since as many as may have inherited it before.
    Beyond,
}

/// A member of a campaign with what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its verdict.
    pub id: VerdictId,
    /// The same, whole; `None` when it was erased.
    pub verdict: Option<Box<Verdict>>,
    /// The item of its comment, if it ever waited.
    pub item: Option<Box<QueueItem>>,
    /// The decision that holds on that item.
    pub decision: Option<Box<Decision>>,
    /// Whether its action was inherited.
    pub inherited: bool,
}

/// Which items a list shows, and in which order.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemQuery {
    /// Which.
    pub filter: QueueFilter,
    /// In this state.
    pub state: ItemState,
    /// In which order. Claimed items are ordered by the end of their lease and
    /// decided ones by when they were decided, newest first only for
    /// [`QueueOrder::Newest`]. With an author, article or campaign in the filter
    /// items come newest first for [`QueueOrder::Newest`], else oldest first.
    pub order: QueueOrder,
}

impl Default for ItemQuery {
    fn default() -> Self {
        Self { filter: QueueFilter::default(), state: ItemState::Open, order: QueueOrder::default() }
    }
}

/// Where a page of items starts: after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemCursor {
    /// Its number in the order.
    pub key: u64,
    /// Its name.
    pub item: QueueItemId,
}

/// An item with the reason why it stands where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The item.
    pub item: QueueItem,
    /// The numbers that place it.
    pub rank: Rank,
    /// What it scores in the order asked for; the greatest comes first.
    pub value: f64,
    /// The same in words.
    pub why: String,
}

/// Which items are claimed.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimTarget {
    /// The first that the filter lets through, in an order.
    Next {
        /// Which.
        filter: Box<QueueFilter>,
        /// In which order.
        order: QueueOrder,
        /// Where to go on looking; `None` begins at the front.
        after: Option<ItemCursor>,
    },
    /// These; what cannot be claimed is left out.
    Items(Vec<QueueItemId>),
}

/// A wish to claim items.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Which.
    pub target: ClaimTarget,
    /// Most items; 1 to 50.
    pub max: usize,
    /// For how long.
    pub lease: Duration,
    /// Who.
    pub actor: KeyId,
    /// Set when the client wants retries recognised: a retry is answered with what
    /// of the first answer is still held.
    pub request: Option<RequestMark>,
}

/// A lease as its holder names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRef {
    /// The item.
    pub item: QueueItemId,
    /// The token it was claimed with.
    pub token: u64,
}

/// What a person rules on an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The comment may stand.
    Approve,
    /// The comment has to go.
    Reject(ReasonCode),
}

/// A decision to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDecision {
    /// Its name; fresh.
    pub id: DecisionId,
    /// The item.
    pub item: QueueItemId,
    /// Takes the comment, a member of this campaign, into the queue first when it has
    /// no item; `item` is then of the verdict's name.
    pub adopt: Option<(CampaignId, Enqueue)>,
    /// The lease under which it is made; `None` decides an item that nobody holds,
    /// or that the actor holds.
    pub token: Option<u64>,
    /// Who rules.
    pub actor: KeyId,
    /// What.
    pub outcome: Outcome,
    /// The clause of the site's rules.
    pub policy_clause: String,
    /// Free words.
    pub note: String,
    /// What holds for the author from now on; its `decision` is set by the store.
    pub author: Option<AuthorRule>,
    /// The batch it is part of.
    pub batch: Option<BatchId>,
    /// Set when the client wants retries recognised.
    pub request: Option<RequestMark>,
}

/// A decision to be taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct UndoRequest {
    /// Name of the decision that says so; fresh.
    pub id: DecisionId,
    /// The decision to take back.
    pub reverses: DecisionId,
    /// Who.
    pub actor: KeyId,
    /// Why, in free words.
    pub note: String,
    /// The batch it is part of.
    pub batch: Option<BatchId>,
    /// Set when the client wants retries recognised.
    pub request: Option<RequestMark>,
}

/// A reader's report with what it means to the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct NewReport {
    /// The report.
    pub report: Report,
    /// Weight from which on an item is opened, in thousandths.
    pub threshold: u32,
    /// The article's section, in case an item is opened.
    pub section: Option<String>,
    /// As in [`Enqueue`], in case an item is opened.
    pub exposure: f32,
}

/// What a report came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportOutcome {
    /// It counts; the weight of all since the last decision is this.
    Counted {
        /// In thousandths.
        weight: u32,
        /// Whether the comment is in the queue now.
        queued: bool,
    },
    /// This reader reported this comment before.
    Repeated,
    /// So many readers reported it that one more changes nothing.
    Enough,
}

/// What happened within one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredHour {
    /// Items that came in for the first time.
    pub added: u64,
    /// Items that became open again.
    pub reopened: u64,
    /// Decisions to approve.
    pub approved: u64,
    /// Decisions to reject.
    pub rejected: u64,
    /// Decisions taken back.
    pub undone: u64,
}

impl StoredHour {
    /// Items that came in.
    #[must_use]
    pub const fn arrivals(&self) -> u64 {
        self.added + self.reopened
    }

    /// Items that left.
    #[must_use]
    pub const fn decisions(&self) -> u64 {
        self.approved + self.rejected
    }
}

/// The state of a site's queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Items nobody holds.
    pub open: u64,
    /// Items under a lease.
    pub claimed: u64,
    /// Items that were decided.
    pub decided: u64,
    /// Since when the oldest open item has waited.
    pub oldest: Option<Timestamp>,
    /// Hours in which something happened, by their first moment, oldest first.
    pub hours: Vec<(Timestamp, StoredHour)>,
}

/// Why the queue refused something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueRefusal {
    /// No item has this name on this site.
    #[error("no queue item {0}")]
    UnknownItem(QueueItemId),
    /// No decision has this name on this site.
    #[error("no decision {0}")]
    UnknownDecision(DecisionId),
    /// No queue has this name on this site.
    #[error("no queue {0}")]
    UnknownQueue(QueueName),
    /// A queue of this name is there already.
    #[error("queue {0} exists already")]
    QueueExists(QueueName),
    /// The queue was changed since it was read.
    #[error("queue {0} was changed by somebody else")]
    QueueChanged(QueueName),
    /// The token is not that of the item's lease: it ended, and somebody else may
    /// hold or have decided the item.
    #[error("the lease on {item} is over{}", others(.holder.as_ref(), .decision.as_deref()))]
    LeaseLost {
        /// The item.
        item: QueueItemId,
        /// Who holds it now.
        holder: Option<KeyId>,
        /// The decision that holds now.
        decision: Option<Box<Decision>>,
    },
    /// The item is decided.
    #[error("{item} is decided already: {} by {}", decision.disposition.name(), decision.actor)]
    Decided {
        /// The item.
        item: QueueItemId,
        /// The decision that holds.
        decision: Box<Decision>,
    },
    /// Somebody else holds the item.
    #[error("{item} is held by {holder}")]
    Held {
        /// The item.
        item: QueueItemId,
        /// Who.
        holder: KeyId,
        /// Until when.
        expires_at: Timestamp,
    },
    /// The decision does not hold any more: it was undone, or the item was opened
    /// again since.
    #[error("decision {0} does not hold any more")]
    NotStanding(DecisionId),
    /// Who made the decision under appeal may not decide the appeal.
    #[error("{item} is under appeal against a decision of {actor}: somebody else must decide it")]
    SecondReviewer {
        /// The item.
        item: QueueItemId,
        /// Who decided before.
        actor: KeyId,
    },
    /// The comment may stand already: there is nothing to appeal against.
    #[error("nothing stands against the comment")]
    NothingToAppeal,
    /// An appeal on the comment is open.
    #[error("appeal {0} on this comment is still open")]
    AppealOpen(AppealId),
    /// No campaign has this name on this site.
    #[error("no campaign {0}")]
    UnknownCampaign(CampaignId),
    /// No appeal has this name on this site.
    #[error("no appeal {0}")]
    UnknownAppeal(AppealId),
}

fn others(holder: Option<&KeyId>, decision: Option<&Decision>) -> String {
    match (decision, holder) {
        (Some(decision), _) => format!(": {} decided {}", decision.actor, decision.disposition.name()),
        (None, Some(holder)) => format!(": {holder} holds it now"),
        (None, None) => String::new(),
    }
}

impl QueueRefusal {
    /// What the caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::UnknownItem(_)
            | Self::UnknownDecision(_)
            | Self::UnknownQueue(_)
            | Self::UnknownCampaign(_)
            | Self::UnknownAppeal(_) => FailureKind::NotFound,
            Self::QueueExists(_) => FailureKind::Exists,
            Self::QueueChanged(_) | Self::LeaseLost { .. } => FailureKind::Stale,
            Self::Decided { .. }
            | Self::Held { .. }
            | Self::NotStanding(_)
            | Self::SecondReviewer { .. }
            | Self::NothingToAppeal
            | Self::AppealOpen(_) => FailureKind::NotNow,
        }
    }

    /// Stable machine-readable reason, part of the API contract.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::UnknownItem(_) => "QUEUE_ITEM_NOT_FOUND",
            Self::UnknownDecision(_) => "DECISION_NOT_FOUND",
            Self::UnknownQueue(_) => "QUEUE_NOT_FOUND",
            Self::QueueExists(_) => "QUEUE_EXISTS",
            Self::QueueChanged(_) => "ETAG_MISMATCH",
            Self::LeaseLost { .. } => "LEASE_LOST",
            Self::Decided { .. } => "ITEM_DECIDED",
            Self::Held { .. } => "ITEM_HELD",
            Self::NotStanding(_) => "DECISION_NOT_STANDING",
            Self::SecondReviewer { .. } => "SECOND_REVIEWER_NEEDED",
            Self::NothingToAppeal => "NOTHING_TO_APPEAL",
            Self::AppealOpen(_) => "APPEAL_OPEN",
            Self::UnknownCampaign(_) => "CAMPAIGN_NOT_FOUND",
            Self::UnknownAppeal(_) => "APPEAL_NOT_FOUND",
        }
    }
}
