//! Why something recorded could not be judged again.
//!
//! Knows no protocol. May import: `types`, `store`.

use super::{backtest::Outcome, judge::Why};
use crate::{learning::RulesError, store::StoreError, types::FailureKind};

/// Why something recorded could not be judged again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Something that made the verdict is not there any more.
    #[error("the verdict cannot be judged again: {0}")]
    Untraceable(Why),
    /// The back-test before publishing stopped the rules.
    #[error("{}", super::desk::gate_words(.0))]
    Gate(Box<Outcome>),
    /// The rules that were asked for cannot be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The model that was asked for cannot be had.
    #[error("no model {0} can be had")]
    Model(String),
    /// As many back-tests run as may.
    #[error("another back-test runs: wait for it or cancel it")]
    Busy,
    /// No back-test has this name.
    #[error("no back-test {0}")]
    UnknownBacktest(u64),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReplayError {
    /// What the caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Untraceable(_) | Self::Gate(_) => FailureKind::NotNow,
            Self::Model(_) | Self::UnknownBacktest(_) => FailureKind::NotFound,
            Self::Busy => FailureKind::Quota(std::time::Duration::from_secs(5)),
            Self::Rules(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    /// Stable machine-readable reason, part of the API contract.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Untraceable(_) => "VERDICT_UNTRACEABLE",
            Self::Gate(_) => "BACKTEST_GATE",
            Self::Model(_) => "MODEL_NOT_FOUND",
            Self::UnknownBacktest(_) => "BACKTEST_NOT_FOUND",
            Self::Busy => "BACKTEST_BUSY",
            Self::Rules(error) => error.reason(),
            Self::Store(error) => error.reason(),
        }
    }
}
