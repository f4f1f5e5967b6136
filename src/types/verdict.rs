//! The recorded result of scoring one comment.
//!
//! Holds no raw personal data: address and e-mail only as keyed digests. Knows
//! nothing of stores. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{
    Action, ArticleId, Assessment, Body, CommentId, KeyId, Markup, SiteId, TallyKey, TallyKind, Timestamp,
    Trace, VerdictId,
};

/// Keyed digests (HMAC-SHA-256, first 16 bytes) of personal facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pseudonyms {
    /// Of the full address of the client.
    pub ip: Option<[u8; 16]>,
    /// Of the author's e-mail address, lower-cased.
    pub email: Option<[u8; 16]>,
}

/// Everything that made a verdict besides the comment: with these it can be
/// computed again to the same bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Content hash of the model bundle, hexadecimal.
    pub model: String,
    /// Content hash of the rule set, hexadecimal.
    pub rules: String,
    /// Version of the site's policy.
    pub policy: u64,
    /// Version of the normaliser.
    pub normalizer: u32,
}

/// One recorded verdict with the comment it is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Its name.
    pub id: VerdictId,
    /// The site.
    pub site: SiteId,
    /// What becomes of the comment.
    pub action: Action,
    /// What scoring found.
    pub assessment: Assessment,
    /// What made it.
    pub versions: Versions,
    /// The CMS's id of the comment.
    pub comment: Option<CommentId>,
    /// The body as submitted.
    pub body: Body,
    /// How the body is written.
    pub markup: Markup,
    /// The author's id in the CMS.
    pub author_id: Option<String>,
    /// The author's display name.
    pub author_name: Option<String>,
    /// The author's link.
    pub author_url: Option<String>,
    /// Digests of the author's personal facts.
    pub pseudonyms: Pseudonyms,
    /// The article.
    pub article: Option<ArticleId>,
    /// The comment it answers.
    pub parent: Option<CommentId>,
    /// Text of the comment it answers.
    pub parent_text: Option<String>,
    /// When the comment was posted, as the CMS says.
    pub posted_at: Option<Timestamp>,
    /// When the verdict was made.
    pub created_at: Timestamp,
    /// The key that asked.
    pub requested_by: KeyId,
    /// The counts this comment belongs to; feedback moves them.
    pub tallies: Vec<TallyKey>,
    /// Names of the rules in state SHADOW that matched: they moved nothing.
    #[serde(default)]
    pub shadow_hits: Vec<String>,
    /// What it was made from; absent in verdicts of programs that did not keep it.
    #[serde(default)]
    pub trace: Option<Box<Trace>>,
}

impl Verdict {
    /// Digest by which the author is counted; `None` when nobody is named.
    #[must_use]
    pub fn author(&self) -> Option<[u8; 16]> {
        self.tallies.iter().find(|tally| tally.kind == TallyKind::Author).map(|tally| tally.digest)
    }
}
