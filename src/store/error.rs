//! Why storage could not do what was asked.
//!
//! Knows no protocol. May import: `types`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    ModelRefusal,
    queue::{QueueRefusal, RuleRefusal},
};
use crate::types::{FailureKind, RequestId, SiteId, VerdictId};

/// Why storage could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No verdict has this id on this site.
    #[error("no verdict {0}")]
    UnknownVerdict(VerdictId),
    /// No site has this name.
    #[error("no site {0}")]
    UnknownSite(SiteId),
    /// A site of this name is there already.
    #[error("site {0} exists already")]
    SiteExists(SiteId),
    /// The site was changed since it was read.
    #[error("site {0} was changed by somebody else")]
    SiteChanged(SiteId),
    /// The request id was used before with another request.
    #[error("request id {0} was used before with another request")]
    RequestReused(RequestId),
    /// The queue refused it.
    #[error(transparent)]
    Queue(#[from] QueueRefusal),
    /// Something about models was refused.
    #[error(transparent)]
    Model(#[from] ModelRefusal),
    /// The rules refused it.
    #[error(transparent)]
    Rules(#[from] RuleRefusal),
    /// The device has no room; reads go on, writes resume when there is room.
    #[error("storage is full")]
    Full,
    /// The backend refused work it may accept later.
    #[error("storage is busy")]
    Busy {
        /// How long to wait before trying again.
        retry_after: Duration,
    },
    /// The store was closed.
    #[error("storage is closed")]
    Closed,
    /// A stored value does not match its checksum or shape.
    #[error("stored {what} is damaged at key {key}")]
    Damaged {
        /// The kind of value: "verdict".
        what: &'static str,
        /// The key, hexadecimal.
        key: String,
    },
    /// Another process has the data directory open.
    #[error("{} is in use by another process: stop it first", path.display())]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory cannot be read as a store.
    #[error(
        "{} cannot be read: run `tamis verify`, then restore a backup or move the directory aside",
        path.display()
    )]
    Unreadable {
        /// The data directory.
        path: PathBuf,
        /// What the backend said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The data directory was written by a newer version of this program.
    #[error(
        "{} has schema {found}, this program knows up to {known}: use the newer program",
        path.display()
    )]
    Newer {
        /// The data directory.
        path: PathBuf,
        /// Schema of the directory.
        found: u32,
        /// Newest schema known here.
        known: u32,
    },
    /// The backend failed. `source` says how.
    #[error("storage failed while {doing}")]
    Backend {
        /// The operation, as a gerund phrase: "recording verdicts".
        doing: &'static str,
        /// What the backend said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// The same refusal for each of `count` items of a call.
    pub(super) fn repeated(self, count: usize) -> Vec<Self> {
        let copy = |error: &Arc<Self>| match &**error {
            Self::Full => Self::Full,
            Self::Closed => Self::Closed,
            Self::Busy { retry_after } => Self::Busy { retry_after: *retry_after },
            Self::UnknownVerdict(_)
            | Self::UnknownSite(_)
            | Self::SiteExists(_)
            | Self::SiteChanged(_)
            | Self::RequestReused(_)
            | Self::Queue(_)
            | Self::Model(_)
            | Self::Rules(_)
            | Self::Damaged { .. }
            | Self::Locked { .. }
            | Self::Unreadable { .. }
            | Self::Newer { .. }
            | Self::Backend { .. } => {
                Self::Backend { doing: "writing", source: Box::new(Shared(Arc::clone(error))) }
            }
        };
        let error = Arc::new(self);
        (0..count).map(|_| copy(&error)).collect()
    }

    /// What the caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::UnknownVerdict(_) | Self::UnknownSite(_) => FailureKind::NotFound,
            Self::SiteExists(_) => FailureKind::Exists,
            Self::SiteChanged(_) => FailureKind::Stale,
            Self::RequestReused(_) => FailureKind::Invalid,
            Self::Queue(refusal) => refusal.kind(),
            Self::Model(refusal) => refusal.kind(),
            Self::Rules(refusal) => refusal.kind(),
            Self::Full => FailureKind::Quota(Duration::from_secs(10)),
            Self::Busy { retry_after } => FailureKind::Busy(*retry_after),
            Self::Closed => FailureKind::Busy(Duration::from_secs(1)),
            Self::Damaged { .. }
            | Self::Locked { .. }
            | Self::Unreadable { .. }
            | Self::Newer { .. }
            | Self::Backend { .. } => FailureKind::Internal,
        }
    }

    /// Stable machine-readable reason, part of the API contract.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::UnknownVerdict(_) => "VERDICT_NOT_FOUND",
            Self::UnknownSite(_) => "SITE_NOT_FOUND",
            Self::SiteExists(_) => "SITE_EXISTS",
            Self::SiteChanged(_) => "ETAG_MISMATCH",
            Self::RequestReused(_) => "REQUEST_ID_REUSED",
            Self::Queue(refusal) => refusal.reason(),
            Self::Model(refusal) => refusal.reason(),
            Self::Rules(refusal) => refusal.reason(),
            Self::Full => "STORAGE_FULL",
            Self::Busy { .. } => "STORAGE_BUSY",
            Self::Closed => "SHUTTING_DOWN",
            Self::Damaged { .. } => "STORED_VALUE_DAMAGED",
            Self::Locked { .. } => "STORAGE_LOCKED",
            Self::Unreadable { .. } => "STORAGE_UNREADABLE",
            Self::Newer { .. } => "STORAGE_NEWER",
            Self::Backend { .. } => "STORAGE_FAILED",
        }
    }
}

/// One cause of several errors.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct Shared(#[from] pub(super) Arc<StoreError>);
