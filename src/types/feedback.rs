//! What a comment really was, told by somebody who looked.
//!
//! Knows nothing of training. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{FeedbackId, KeyId, Label, Timestamp, VerdictId};

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackSource {
    /// A moderator.
    Moderator,
    /// The owner of the page or site.
    Owner,
    /// A reader's report.
    Reader,
}

/// What is said about the comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// It may stand.
    Approve,
    /// It had to go, for at least one of these.
    Reject(Vec<Label>),
}

/// One report. Immutable; a newer one from the same kind of source replaces its
/// effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// Its name.
    pub id: FeedbackId,
    /// The verdict it is about.
    pub verdict: VerdictId,
    /// What is said.
    pub ruling: Ruling,
    /// Who says so.
    pub source: FeedbackSource,
    /// The key that reported it.
    pub reporter: KeyId,
    /// Free words; at most 2 KiB.
    pub note: String,
    /// When.
    pub created_at: Timestamp,
}
