//! Why a use case could not be carried out.
//!
//! Knows no protocol. May import: `types`, `store`.

use crate::{
    store::StoreError,
    types::{ArticleId, CommentId, FailureKind, KeyId, SiteId},
};

/// Why a use case could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ModerationError {
    /// No site has this name.
    #[error("no site {0}")]
    UnknownSite(SiteId),
    /// No article has this id on this site.
    #[error("no article {0}: put it first, or send it inline")]
    UnknownArticle(ArticleId),
    /// No verdict was recorded on this comment.
    #[error("no verdict on comment {0}")]
    UnknownComment(CommentId),
    /// No key has this id.
    #[error("no key {0}")]
    UnknownKey(KeyId),
    /// The key is missing, wrong, expired or revoked. Which of them is not told.
    #[error("a valid key is required: metadata `authorization: Bearer <key>`")]
    Unauthenticated,
    /// A session is over, was ended, or never was. Which of them is not told.
    #[error("sign in again")]
    SignedOut,
    /// Too many wrong names, passwords or keys.
    #[error("too many attempts: wait before trying again")]
    TooManyAttempts(std::time::Duration),
    /// The key may not do this, or not on this site.
    #[error("this key may not do that")]
    Forbidden,
    /// A field that is wrong only in the light of what is known here.
    #[error("{field} {must}")]
    Field {
        /// Its path in the request.
        field: &'static str,
        /// What it must be, in English.
        must: String,
    },
    /// No audit event has this number.
    #[error("no audit event {0}")]
    UnknownAuditEvent(u64),
    /// What happened since then is not kept any more.
    #[error("what happened since is not kept any more: list anew, then watch from now on")]
    Trimmed,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ModerationError {
    /// What the caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::UnknownSite(_)
            | Self::UnknownArticle(_)
            | Self::UnknownComment(_)
            | Self::UnknownKey(_)
            | Self::UnknownAuditEvent(_) => FailureKind::NotFound,
            Self::Field { .. } => FailureKind::Invalid,
            Self::Trimmed => FailureKind::NotNow,
            Self::Unauthenticated | Self::SignedOut => FailureKind::Unauthenticated,
            Self::TooManyAttempts(after) => FailureKind::Quota(*after),
            Self::Forbidden => FailureKind::Forbidden,
            Self::Store(error) => error.kind(),
        }
    }

    /// Stable machine-readable reason, part of the API contract.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::UnknownSite(_) => "SITE_NOT_FOUND",
            Self::UnknownArticle(_) => "ARTICLE_NOT_FOUND",
            Self::UnknownComment(_) => "COMMENT_NOT_FOUND",
            Self::UnknownKey(_) => "KEY_NOT_FOUND",
            Self::Unauthenticated => "KEY_INVALID",
            Self::SignedOut => "SIGNED_OUT",
            Self::TooManyAttempts(_) => "TOO_MANY_ATTEMPTS",
            Self::Forbidden => "KEY_MAY_NOT",
            Self::Field { .. } => "FIELDS_INVALID",
            Self::UnknownAuditEvent(_) => "AUDIT_EVENT_NOT_FOUND",
            Self::Trimmed => "RESUME_TOKEN_TOO_OLD",
            Self::Store(error) => error.reason(),
        }
    }
}
