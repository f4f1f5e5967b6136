//! A tenant.
//!
//! Knows nothing of stores. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{Policy, SiteId, Timestamp};

/// How a site's queue works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueueRules {
    /// How many of a million allowed comments are drawn for a look, at random.
    /// Default 10,000: one in a hundred.
    pub sample_per_million: u32,
    /// Weight of readers' reports that opens an item, in thousandths. A new reader
    /// weighs 500. Default 1,000.
    pub report_threshold: u32,
    /// For how many seconds later members of a campaign inherit its decision.
    /// Default 604,800: seven days.
    pub campaign_seconds: u64,
    /// How many of them may. Default 1,000.
    pub campaign_cap: u32,
    /// How many of a million members beyond the cap come into the queue for a check.
    /// Default 100,000.
    pub campaign_check_per_million: u32,
}

impl Default for QueueRules {
    fn default() -> Self {
        Self {
            sample_per_million: 10_000,
            report_threshold: 1_000,
            campaign_seconds: 7 * 24 * 60 * 60,
            campaign_cap: 1_000,
            campaign_check_per_million: 100_000,
        }
    }
}

/// A site: whose comments are scored, and by which policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Its name.
    pub id: SiteId,
    /// Name shown to people; at most 200 bytes.
    pub display_name: String,
    /// BCP 47 tags of the languages its readers write; empty when not stated.
    pub languages: Vec<String>,
    /// What it does with assessments.
    pub policy: Policy,
    /// Grows by one with every change of the policy; recorded in each verdict.
    pub policy_version: u64,
    /// How its queue works.
    #[serde(default)]
    pub queue: QueueRules,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
