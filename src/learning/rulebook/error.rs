//! Why rules could not be changed.
//!
//! Knows no protocol. May import: `types`, `rules`, `store`.

use crate::{
    rules::{Diagnostic, Severity},
    store::StoreError,
    types::{FailureKind, SiteId},
};

/// Why rules could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// No site has this name.
    #[error("no site {0}")]
    UnknownSite(SiteId),
    /// The rules cannot be used.
    #[error("the rules cannot be used: {}", first(.0))]
    Invalid(Vec<Diagnostic>),
    /// Nothing waits to be published.
    #[error("there is no draft: push rules first")]
    NoDraft,
    /// No set was published.
    #[error("no rules of its own are in force here")]
    NothingLive,
    /// There is nothing to go back to.
    #[error("nothing was in force before: there is nothing to go back to")]
    NothingBefore,
    /// Storage failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn first(diagnostics: &[Diagnostic]) -> String {
    let errors: Vec<_> = diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    let Some(one) = errors.first() else { return "nothing is known of why".to_owned() };
    let Diagnostic { file, line, column, code, message, .. } = one;
    let more = errors.len() - 1;
    let rest = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    format!("{file}:{line}:{column}: {message} [{code}]{rest}")
}

impl RulesError {
    /// What the caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::UnknownSite(_) => FailureKind::NotFound,
            Self::Invalid(_) => FailureKind::Invalid,
            Self::NoDraft | Self::NothingLive | Self::NothingBefore => FailureKind::NotNow,
            Self::Store(error) => error.kind(),
        }
    }

    /// Stable machine-readable reason, part of the API contract.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::UnknownSite(_) => "SITE_NOT_FOUND",
            Self::Invalid(_) => "RULES_INVALID",
            Self::NoDraft => "RULES_NO_DRAFT",
            Self::NothingLive => "RULES_NOT_PUBLISHED",
            Self::NothingBefore => "RULES_NOTHING_BEFORE",
            Self::Store(error) => error.reason(),
        }
    }
}
