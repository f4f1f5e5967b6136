//! A cluster of near-duplicate comments across authors, articles and time.
//!
//! How two texts are found to be alike is `features`; this is what is kept of it.
//! Knows nothing of stores. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{CampaignId, Disposition, KeyId, Timestamp, VerdictId};

/// Most variants that a campaign shows.
pub const MAX_VARIANTS: usize = 8;
/// Most authors and articles of a campaign that are told apart.
pub const MAX_SPREAD: usize = 64;

/// What a campaign's decision means for members still to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inheritance {
    /// What was ruled.
    pub disposition: Disposition,
    /// Who ruled.
    pub actor: KeyId,
    /// When.
    pub created_at: Timestamp,
    /// Until when members inherit it.
    pub until: Timestamp,
    /// How many may inherit it; members beyond come into the queue for a check.
    pub cap: u32,
    /// How many did.
    pub inherited: u32,
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
    /// The first members: what the variants look like; at most [`MAX_VARIANTS`].
    pub variants: Vec<VerdictId>,
    /// When the first member came.
    pub first_seen: Timestamp,
    /// When the last one came.
    pub last_seen: Timestamp,
    /// What members inherit.
    pub inheritance: Option<Inheritance>,
    /// Grows by one with every change.
    pub version: u64,
}
