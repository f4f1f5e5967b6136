//! A comment that waits for a person, and what its lease and causes are.
//!
//! What may happen to it when is a table of its own in [`super::ItemEvent`];
//! where it stands among others is [`super::Rank`]. Knows nothing of stores.
//!
//! May import: nothing of ours.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Action, AppealId, ArticleId, CampaignId, CommentId, DecisionId, ItemState, KeyId, Label, PerLabel,
    Probability, QueueItemId, SiteId, Timestamp, VerdictId,
};

/// Most rule codes that an item remembers.
pub const MAX_ITEM_RULES: usize = 8;
/// Shortest lease that a site may hand out.
pub const MIN_LEASE: Duration = Duration::from_secs(30);
/// Longest lease that a site may hand out.
pub const MAX_LEASE: Duration = Duration::from_secs(30 * 60);

/// Why a comment waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its verdict was HOLD.
    Held,
    /// Readers reported it.
    Reported,
    /// It was drawn at random, so that what the filter lets through is measured
    /// without bias.
    Sampled,
    /// Its author appealed.
    Appealed,
    /// People ruled on its campaign: drawn for a check of what later members
    /// inherit, or taken in with the others.
    Campaign,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 5] = [Self::Held, Self::Reported, Self::Sampled, Self::Appealed, Self::Campaign];

    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Reported => "reported",
            Self::Sampled => "sampled",
            Self::Appealed => "appealed",
            Self::Campaign => "campaign",
        }
    }

    /// The cause of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of causes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Causes(u8);

impl Causes {
    /// No cause.
    pub const NONE: Self = Self(0);

    /// The set of one.
    #[must_use]
    pub const fn of(cause: Cause) -> Self {
        Self(cause.bit())
    }

    /// The set with one more.
    #[must_use]
    pub const fn with(self, cause: Cause) -> Self {
        Self(self.0 | cause.bit())
    }

    /// All of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set holds a cause.
    #[must_use]
    pub const fn has(self, cause: Cause) -> bool {
        self.0 & cause.bit() != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The causes, in the order of [`Cause::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Cause> {
        Cause::ALL.into_iter().filter(move |cause| self.has(*cause))
    }

    /// One byte for look-ups.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set of that byte; bits that name no cause are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0b1_1111)
    }
}

/// A moderator's claim on an item, for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Whose it is.
    pub holder: KeyId,
    /// Fencing token: greater than every earlier one of this item.
    pub token: u64,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A comment that waits for a person, or waited.
///
/// One per comment: a comment that is scored again keeps its item. The id is that
/// of the first verdict that put it into the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueItem {
    /// Its name.
    pub id: QueueItemId,
    /// The site.
    pub site: SiteId,
    /// The newest verdict on the comment.
    pub verdict: VerdictId,
    /// The CMS's id of the comment.
    pub comment: Option<CommentId>,
    /// The article it stands under.
    pub article: Option<ArticleId>,
    /// The article's section.
    pub section: Option<String>,
    /// Language guess, as a BCP 47 tag.
    pub language: Option<String>,
    /// Digest by which the author is counted.
    pub author: Option<[u8; 16]>,
    /// The campaign it belongs to.
    pub campaign: Option<CampaignId>,
    /// Codes of the rules that spoke, strongest first; at most [`MAX_ITEM_RULES`].
    pub rules: Vec<String>,
    /// Why it waits; kept when it is decided.
    pub causes: Causes,
    /// What the verdict did.
    pub action: Action,
    /// Calibrated probability of each label.
    pub labels: PerLabel<Probability>,
    /// Calibrated probability that a moderator would remove it.
    pub overall: Probability,
    /// How many see it, where 1.0 is a usual place: views, article heat. At least 0.
    pub exposure: f32,
    /// Weight of the readers' reports since the last decision, in thousandths.
    pub report_weight: u32,
    /// Where it stands in its life.
    pub state: ItemState,
    /// Present while it is claimed.
    pub lease: Option<Lease>,
    /// The greatest fencing token given out so far; 0 before the first.
    pub token: u64,
    /// Who may not decide it: the actor of the decision under appeal.
    pub barred: Option<KeyId>,
    /// The newest appeal on it, open or ended.
    pub appeal: Option<AppealId>,
    /// The decision that holds: the newest that was not undone. It goes on holding
    /// while a report or an appeal has the item open again.
    pub decision: Option<DecisionId>,
    /// Digest of the body, [`super::text_digest`]: whether a later verdict is on
    /// the same text.
    pub text: [u8; 16],
    /// Since when it has waited for a decision. A lease that ends changes nothing.
    pub waiting_since: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Grows by one with every change.
    pub version: u64,
}

impl QueueItem {
    /// The label that is most probable, the first one when they tie.
    #[must_use]
    pub fn label(&self) -> Label {
        let mut best = Label::Spam;
        for (label, probability) in self.labels.iter() {
            if *probability > self.labels[best] {
                best = label;
            }
        }
        best
    }

    /// Whether a lease holds at `now`.
    #[must_use]
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.lease.as_ref().is_some_and(|lease| now < lease.expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_a_set() {
        let both = Causes::of(Cause::Held).with(Cause::Appealed).with(Cause::Held);
        assert_eq!(both.iter().collect::<Vec<_>>(), [Cause::Held, Cause::Appealed]);
        assert!(!both.has(Cause::Sampled) && both.has(Cause::Appealed));
        assert_eq!(Causes::from_bits(both.bits() | 0xe0), both);
        assert_eq!(Causes::NONE.and(both), both);
        assert!(Causes::NONE.is_empty() && !both.is_empty());
    }

    #[test]
    fn causes_have_names() {
        assert!(Cause::ALL.into_iter().all(|cause| Cause::from_name(cause.name()) == Some(cause)));
        assert_eq!(Cause::from_name("bored"), None);
    }
}
