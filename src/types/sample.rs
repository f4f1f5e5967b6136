//! A labelled comment for training, as a person's ruling made it.
//!
//! Knows nothing of training. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{CommentId, KeyId, Label, RulingId, Timestamp, VerdictId};

/// Where a label comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleSource {
    /// A moderator's decision in the queue.
    Decision,
    /// A moderator's report on a verdict.
    Moderator,
    /// An owner's report on a verdict.
    Owner,
}

/// A labelled comment. One per comment: a newer ruling replaces the one before,
/// and undoing it brings that back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The verdict that holds text and context.
    pub verdict: VerdictId,
    /// The CMS's id of the comment.
    pub comment: Option<CommentId>,
    /// Whether it may stand.
    pub approved: bool,
    /// The labels it carries; empty when it may stand, or when the reason to
    /// reject it has no label. Labels not listed are unknown unless it may stand,
    /// when it carries none of them.
    pub labels: Vec<Label>,
    /// The decision or report it comes from.
    pub ruling: RulingId,
    /// What kind of ruling that is.
    pub source: SampleSource,
    /// Who ruled.
    pub reviewer: KeyId,
    /// When.
    pub created_at: Timestamp,
}
