//! Long work on models: asked for, followed, ended.
//!
//! Knows nothing of what the work is. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{FrozenSetName, JobId, KeyId, ModelId, Timestamp};

/// How far a job got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for the one before it.
    Queued,
    /// It is being done.
    Running,
    /// It is done.
    Succeeded,
    /// It could not be done.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// The node ended while it was queued or running; it is not taken up again.
    Interrupted,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled, Self::Interrupted];

    /// Whether it can change no more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The name in figures, logs and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What a training learns from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingRequest {
    /// Whether the labelled comments that come with the program are learnt from too.
    pub base: bool,
    /// Order of samples.
    pub seed: u64,
    /// Newest part of the stored samples that is held out for the report, in percent, 5 to 50.
    pub held_out_percent: u32,
    /// Whether disguises are tried, which takes several times as long as all else.
    pub evasion: bool,
}

impl Default for TrainingRequest {
    fn default() -> Self {
        Self { base: true, seed: 1, held_out_percent: 20, evasion: true }
    }
}

/// What a job is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Make a candidate.
    Train(TrainingRequest),
    /// Judge frozen sets with a bundle.
    Evaluate {
        /// The bundle.
        model: ModelId,
        /// The sets.
        sets: Vec<FrozenSetName>,
    },
}

/// Long work on models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// What is to be done.
    pub kind: JobKind,
    /// How far it got.
    pub state: JobState,
    /// Share that is done, 0 to 1.
    pub progress: f64,
    /// What is being done, in words.
    pub step: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Whose key; `None` when the service did it by itself.
    pub created_by: Option<KeyId>,
    /// When work began.
    pub started_at: Option<Timestamp>,
    /// When it ended, however it ended.
    pub ended_at: Option<Timestamp>,
    /// The bundle that a training made.
    pub model: Option<ModelId>,
    /// Why it failed, in words.
    pub error: Option<String>,
}
