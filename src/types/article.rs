//! What comments stand under.
//!
//! Knows nothing of scoring. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{ArticleId, Timestamp};

/// The content of an article. Any part may be missing; scoring uses what is
/// there and says which it had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ArticleFields {
    /// Public address.
    pub url: String,
    /// Headline; at most 2 KiB.
    pub title: String,
    /// Lede or teaser; at most 16 KiB.
    pub summary: String,
    /// Body as plain text; at most 256 KiB.
    pub text: String,
    /// Section or desk.
    pub section: String,
    /// Keywords; at most 64.
    pub tags: Vec<String>,
    /// BCP 47 language tag; empty when unknown.
    pub lang: String,
}

/// An article as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// Name in the CMS.
    pub id: ArticleId,
    /// What it says.
    pub fields: ArticleFields,
    /// When it was last put.
    pub updated_at: Timestamp,
}
