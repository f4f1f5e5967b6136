//! Which ruling holds on a verdict, and what it moves: the counts of author,
//! network, links and text, and the comment's sample.
//!
//! Decisions of the queue and reports on verdicts are rulings alike; the newest
//! holds. Taking one back brings the one before into force again, so a few are
//! remembered. May import: `types`, `store`.

use serde::{Deserialize, Serialize};

use super::{
    super::{StoreError, effect},
    lessons,
    rows::{Ledger, RowKey, load, save},
};
use crate::types::{
    Decision, Disposition, Feedback, FeedbackSource, KeyId, Label, ReasonCode, Ruling, RulingId, Sample,
    SampleSource, Tally, Timestamp, Verdict,
};

/// Most rulings remembered per verdict. Only the newest decision can be taken back
/// and a new one comes before the next can, so older ones never come back.
const MAX_REMEMBERED: usize = 16;

/// One ruling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Given {
    /// The decision or report it came with.
    pub(in crate::store) by: RulingId,
    /// Whether the comment may stand.
    pub(in crate::store) approved: bool,
    /// The labels it carries.
    pub(in crate::store) labels: Vec<Label>,
    /// What kind of ruling.
    pub(in crate::store) source: SampleSource,
    /// Who ruled.
    pub(in crate::store) reviewer: KeyId,
    /// When.
    pub(in crate::store) at: Timestamp,
}

/// The rulings on a verdict, oldest first. Newest is the greatest id, so rulings
/// that overtake each other on their way end in the same counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Standing(Vec<Given>);

impl Standing {
    /// The one that holds.
    pub(in crate::store) fn current(&self) -> Option<&Given> {
        self.0.last()
    }

    /// With one more.
    pub(in crate::store) fn with(mut self, given: Given) -> Self {
        self.0.retain(|known| known.by != given.by);
        let at = self.0.partition_point(|known| known.by < given.by);
        self.0.insert(at, given);
        let over = self.0.len().saturating_sub(MAX_REMEMBERED);
        self.0.drain(..over);
        self
    }

    /// Without one.
    fn without(mut self, by: RulingId) -> Self {
        self.0.retain(|known| known.by != by);
        self
    }
}

/// The ruling in a report on a verdict; `None` for a reader's, which only hints.
pub(in crate::store) fn of_feedback(feedback: &Feedback) -> Option<Given> {
    let source = match feedback.source {
        FeedbackSource::Reader => return None,
        FeedbackSource::Moderator => SampleSource::Moderator,
        FeedbackSource::Owner => SampleSource::Owner,
    };
    let (approved, labels) = match &feedback.ruling {
        Ruling::Approve => (true, Vec::new()),
        Ruling::Reject(labels) => (false, labels.clone()),
    };
    let Feedback { id, reporter, created_at, .. } = feedback;
    Some(Given { by: (*id).into(), approved, labels, source, reviewer: reporter.clone(), at: *created_at })
}

/// The ruling that a decision is.
pub(in crate::store) fn of_decision(decision: &Decision) -> Given {
    Given {
        by: decision.id.into(),
        approved: decision.disposition == Disposition::Approve,
        labels: decision.reason.and_then(ReasonCode::label).into_iter().collect(),
        source: SampleSource::Decision,
        reviewer: decision.actor.clone(),
        at: decision.created_at,
    }
}

/// Adds a ruling to a verdict.
pub(in crate::store) fn give(
    ledger: &mut dyn Ledger,
    verdict: &Verdict,
    given: Given,
) -> Result<(), StoreError> {
    change(ledger, verdict, |standing| standing.with(given))
}

/// Writes down a ruling that moved the counts before: the only one on its verdict.
pub(in crate::store) fn keep(
    ledger: &mut dyn Ledger,
    verdict: &Verdict,
    given: Given,
) -> Result<(), StoreError> {
    sample(ledger, verdict, Some(&given))?;
    lessons::teach(ledger, verdict, Some(&given))?;
    save(ledger, &RowKey::standing(verdict.id), &Standing::default().with(given))
}

/// Takes a ruling back.
pub(super) fn withdraw(ledger: &mut dyn Ledger, verdict: &Verdict, by: RulingId) -> Result<(), StoreError> {
    change(ledger, verdict, |standing| standing.without(by))
}

/// Takes all rulings back for good; whether there were any.
pub(super) fn forget(ledger: &mut dyn Ledger, verdict: &Verdict) -> Result<bool, StoreError> {
    let there = ledger.get(&RowKey::standing(verdict.id))?.is_some();
    change(ledger, verdict, |_| Standing::default())?;
    Ok(there)
}

fn change(
    ledger: &mut dyn Ledger,
    verdict: &Verdict,
    change: impl FnOnce(Standing) -> Standing,
) -> Result<(), StoreError> {
    let key = RowKey::standing(verdict.id);
    let before: Standing = load(ledger, &key)?.unwrap_or_default();
    let after = change(before.clone());
    if after == before {
        return Ok(());
    }
    let approved = |standing: &Standing| standing.current().map(|given| given.approved);
    if approved(&before) != approved(&after) {
        for tally in effect::distinct(&verdict.tallies) {
            let mut move_it = |tally: &mut Tally| effect::rule(tally, approved(&before), approved(&after));
            ledger.tally(&tally, &mut move_it)?;
        }
    }
    if after.0.is_empty() {
        ledger.delete(&key)?
    } else {
        save(ledger, &key, &after)?
    }
    if before.current() == after.current() {
        return Ok(());
    }
    sample(ledger, verdict, after.current())?;
    lessons::teach(ledger, verdict, after.current())
}

/// Makes the comment's sample agree with the ruling that holds.
fn sample(ledger: &mut dyn Ledger, verdict: &Verdict, given: Option<&Given>) -> Result<(), StoreError> {
    let key = RowKey::sample(verdict.comment.as_ref(), verdict.id);
    if let Some(Given { by, approved, labels, source, reviewer, at }) = given {
        let sample = Sample {
            verdict: verdict.id,
            comment: verdict.comment.clone(),
            approved: *approved,
            labels: labels.clone(),
            ruling: *by,
            source: *source,
            reviewer: reviewer.clone(),
            created_at: *at,
        };
        return save(ledger, &key, &sample);
    }
    // Another verdict on the comment may have been ruled on since.
    match load::<Sample>(ledger, &key)? {
        Some(sample) if sample.verdict == verdict.id => ledger.delete(&key),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(by: u8, approved: bool) -> Given {
        Given {
            by: RulingId::from_bytes([by; 16]),
            approved,
            labels: vec![],
            source: SampleSource::Decision,
            reviewer: KeyId::new("m1").unwrap(),
            at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn the_newest_holds_and_taking_it_back_restores_the_one_before() {
        let standing = Standing::default().with(given(2, true)).with(given(1, false));
        assert_eq!(standing.current(), Some(&given(2, true)), "a late older one changes nothing");
        let standing = standing.with(given(3, false));
        assert_eq!(standing.current(), Some(&given(3, false)));
        let standing = standing.without(RulingId::from_bytes([3; 16]));
        assert_eq!(standing.current(), Some(&given(2, true)));
        let standing = standing.without(RulingId::from_bytes([2; 16])).without(RulingId::from_bytes([1; 16]));
        assert_eq!(standing.current(), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let many = (0..200).fold(Standing::default(), |standing, n| standing.with(given(n, true)));
        assert_eq!(many.0.len(), MAX_REMEMBERED);
        assert_eq!(many.current(), Some(&given(199, true)));
    }
}
