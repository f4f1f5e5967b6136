//! A cluster of near-duplicate comments across authors, articles and time.
//!
//! How two texts are found to be alike is `features`; this is what is kept of it.
//! Knows nothing of stores. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{BatchId, CampaignId, Disposition, KeyId, ReasonCode, SiteId, Timestamp, VerdictId};

/// Most variants that a campaign shows.
pub const MAX_VARIANTS: usize = 16;
/// Most authors and articles of a campaign that are told apart.
pub const MAX_SPREAD: usize = 64;

/// What a campaign's decision means for members still to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inheritance {
    /// What was ruled.
    pub disposition: Disposition,
    /// Why, when it was ruled that they have to go.
    #[serde(default)]
    pub reason: Option<ReasonCode>,
    /// The batch that the decisions on the members are in: undoing it ends this.
    #[serde(default)]
    pub batch: Option<BatchId>,
    /// Who ruled.
    pub actor: KeyId,
    /// When.
    pub created_at: Timestamp,
    /// Until when members inherit it.
    pub until: Timestamp,
    /// How many may inherit it; of members beyond some come into the queue for a check.
    pub cap: u32,
    /// How many did.
    pub inherited: u32,
    /// Members that came within the time and beyond the cap.
    #[serde(default)]
    pub beyond: u32,
}

impl Inheritance {
    /// Whether one more member inherits it at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.until && self.inherited < self.cap
    }
}

/// A cluster of near-duplicates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Its name.
    pub id: CampaignId,
    /// The earliest copy.
    pub earliest: VerdictId,
    /// Comments in it.
    pub members: u32,
    /// Digests of the authors, in order; at most [`MAX_SPREAD`].
    pub authors: Vec<[u8; 16]>,
    /// Names of the articles, in order; at most [`MAX_SPREAD`].
    pub articles: Vec<super::ArticleId>,
    /// Other sites of this node where comments like these were seen, in order; at
    /// most [`MAX_SPREAD`].
    #[serde(default)]
    pub sites: Vec<SiteId>,
    /// Members that differ: what the variants look like; at most [`MAX_VARIANTS`].
    pub variants: Vec<VerdictId>,
    /// When the first member came.
    pub first_seen: Timestamp,
    /// When the last one came.
    pub last_seen: Timestamp,
    /// Members with an item that is open or claimed.
    #[serde(default)]
    pub waiting: u32,
    /// What members inherit.
    pub inheritance: Option<Inheritance>,
    /// Grows by one with every change.
    pub version: u64,
}
