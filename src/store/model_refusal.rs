//! Why something about models was refused.
//!
//! May import: `types`.

use crate::types::{FailureKind, FrozenSetName, JobId, ModelId};

/// Why something about models was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelRefusal {
    /// No bundle has this id.
    #[error("no model {0}")]
    UnknownModel(ModelId),
    /// It scores now.
    #[error("model {0} is the active one")]
    ModelActive(ModelId),
    /// Something else was promoted since.
    #[error("another model was promoted since: promotion {0} holds now")]
    ActiveChanged(u64),
    /// No job has this id.
    #[error("no job {0}")]
    UnknownJob(JobId),
    /// The job ended.
    #[error("job {0} has ended")]
    JobOver(JobId),
    /// No frozen set has this name.
    #[error("no frozen set {0}")]
    UnknownSet(FrozenSetName),
    /// A frozen set of this name is there already.
    #[error("a frozen set {0} exists already and never changes")]
    SetExists(FrozenSetName),
}

impl ModelRefusal {
    /// What the caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::UnknownModel(_) | Self::UnknownJob(_) | Self::UnknownSet(_) => FailureKind::NotFound,
            Self::ModelActive(_) | Self::JobOver(_) => FailureKind::NotNow,
            Self::ActiveChanged(_) => FailureKind::Stale,
            Self::SetExists(_) => FailureKind::Exists,
        }
    }

    /// Stable machine-readable reason, part of the API contract.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::UnknownModel(_) => "MODEL_NOT_FOUND",
            Self::ModelActive(_) => "MODEL_ACTIVE",
            Self::ActiveChanged(_) => "ETAG_MISMATCH",
            Self::UnknownJob(_) => "JOB_NOT_FOUND",
            Self::JobOver(_) => "JOB_OVER",
            Self::UnknownSet(_) => "FROZEN_SET_NOT_FOUND",
            Self::SetExists(_) => "FROZEN_SET_EXISTS",
        }
    }
}
