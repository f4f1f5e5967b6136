//! A tenant.
//!
//! Knows nothing of stores. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{Policy, SiteId, Timestamp};

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
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
