//! Why something about models could not be done.
//!
//! Knows no protocol. May import: `types`, `store`.

use std::time::Duration;

use crate::{
    learning::LearningError,
    store::{ModelRefusal, StoreError},
    types::{FailureKind, Gate, ModelId},
};

/// Why something about models could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// Storage failed, or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bundle that was sent is none.
    #[error("this is no usable model bundle: {0}")]
    Unusable(String),
    /// A bundle that is kept cannot be used by this program.
    #[error("model {model} cannot be used: {problem}")]
    Lost {
        /// The bundle.
        model: ModelId,
        /// What is wrong with it.
        problem: String,
    },
    /// Gates do not hold and were not overridden.
    #[error("gates do not hold: {}", sentences(.0))]
    GatesFailed(Vec<Gate>),
    /// Nothing scored before.
    #[error("no model scored before the active one")]
    NothingToRollBack,
    /// A field that is wrong only in the light of what is known here.
    #[error("{field} {must}")]
    Field {
        /// Its path in the request.
        field: &'static str,
        /// What it must be, in English.
        must: String,
    },
    /// As many jobs wait as may.
    #[error("too many jobs wait already")]
    JobsFull,
    /// The bundle has no report.
    #[error("model {0} has no report")]
    NoReport(ModelId),
    /// Learning failed.
    #[error(transparent)]
    Learning(#[from] LearningError),
    /// Somebody stopped the job.
    #[error("the job was cancelled")]
    Cancelled,
}

fn sentences(gates: &[Gate]) -> String {
    gates.iter().map(|gate| format!("{}: {}", gate.name, gate.message)).collect::<Vec<_>>().join("; ")
}

impl From<ModelRefusal> for ModelsError {
    fn from(refusal: ModelRefusal) -> Self {
        Self::Store(refusal.into())
    }
}

impl ModelsError {
    /// What the caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Unusable(_) | Self::Field { .. } => FailureKind::Invalid,
            Self::Lost { .. }
            | Self::GatesFailed(_)
            | Self::NothingToRollBack
            | Self::Learning(_)
            | Self::Cancelled => FailureKind::NotNow,
            Self::JobsFull => FailureKind::Quota(Duration::from_secs(60)),
            Self::NoReport(_) => FailureKind::NotFound,
        }
    }

    /// Stable machine-readable reason, part of the API contract.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Store(error) => error.reason(),
            Self::Field { .. } => "FIELDS_INVALID",
            Self::Unusable(_) | Self::Lost { .. } => "MODEL_UNUSABLE",
            Self::GatesFailed(_) => "GATES_FAILED",
            Self::NothingToRollBack => "NOTHING_TO_ROLL_BACK",
            Self::JobsFull => "JOBS_FULL",
            Self::NoReport(_) => "REPORT_NOT_FOUND",
            Self::Learning(_) => "LEARNING_FAILED",
            Self::Cancelled => "JOB_OVER",
        }
    }
}
