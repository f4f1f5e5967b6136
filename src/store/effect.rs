//! What a write does to counts and marks, as pure functions that every backend
//! calls: two backends cannot disagree on a rule that is written once.
//!
//! Knows nothing of rows or keys. May import: `types`.

use serde::{Deserialize, Serialize};

use super::{LeaseRef, REQUEST_MEMORY, RequestMark, StoreError};
use crate::types::{AppealId, DecisionId, FeedbackId, Tally, TallyKey, Timestamp, VerdictId};

/// Most rows a list looks at for one page, so that a filter that matches nothing
/// costs a bounded time: about 5 ms of decoding.
pub(super) const MAX_LOOKED_AT: usize = 500;

/// What a request id was answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answered {
    /// A verdict.
    Verdict(VerdictId),
    /// A report on a verdict.
    Feedback(VerdictId, FeedbackId),
    /// Leases.
    Claim(Vec<LeaseRef>),
    /// A decision.
    Decision(DecisionId),
    /// An appeal.
    Appeal(AppealId),
}

/// What is remembered of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// SHA-256 of the request.
    pub(super) payload: [u8; 32],
    /// When it was answered.
    pub(super) at: Timestamp,
    /// With what.
    pub(super) answered: Answered,
}

impl Mark {
    /// Whether it still counts at `now`.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        is_remembered(self.at, now)
    }

    /// What a request was answered with, given what is stored under its id;
    /// `None` when it is new at `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError::RequestReused`] when the id came with another payload.
    pub(super) fn answer(
        stored: Option<&Self>,
        request: &RequestMark,
        now: Timestamp,
    ) -> Result<Option<Answered>, StoreError> {
        match stored.filter(|mark| mark.is_live(now)) {
            Some(mark) if mark.payload != request.payload => Err(StoreError::RequestReused(request.id)),
            live => Ok(live.map(|mark| mark.answered.clone())),
        }
    }
}

/// Whether a request answered `at` is remembered at `now`. A clock that went
/// back forgets nothing.
pub(super) fn is_remembered(at: Timestamp, now: Timestamp) -> bool {
    now.since(at) <= REQUEST_MEMORY
}

/// Counts one more comment.
pub(super) fn see(tally: &mut Tally, at: Timestamp) {
    if tally.seen == 0 {
        (tally.first_seen, tally.last_seen) = (at, at);
    }
    tally.seen = tally.seen.saturating_add(1);
    tally.first_seen = tally.first_seen.min(at);
    tally.last_seen = tally.last_seen.max(at);
}

/// Replaces the effect of one ruling, approved or not, by that of another.
pub(super) fn rule(tally: &mut Tally, before: Option<bool>, after: Option<bool>) {
    let count = |tally: &mut Tally, approved: bool, change: fn(u32, u32) -> u32| {
        let count = if approved { &mut tally.approved } else { &mut tally.rejected };
        *count = change(*count, 1);
    };
    if let Some(before) = before {
        count(tally, before, u32::saturating_sub);
    }
    if let Some(after) = after {
        count(tally, after, u32::saturating_add);
    }
}

/// Tally keys in order without repetition: a comment counts once per key.
pub(super) fn distinct(keys: &[TallyKey]) -> Vec<TallyKey> {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    keys
}
