//! Log-odds arithmetic: contributions per label that add up to the last bit, and
//! the odds that any label holds.
//!
//! May import: `types`, `features`.

use crate::{
    features::signals::COUNT,
    types::{Label, LabelScore, LogOdds, PerLabel},
};

/// Everything that moved one label.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    /// The model's intercept, for comments of the guessed language.
    pub(super) base: LogOdds,
    /// All text features together.
    pub(super) text: LogOdds,
    /// Each signal.
    pub(super) signals: [LogOdds; COUNT],
    /// All rules together; the single ones are kept by the caller.
    pub(super) rules: LogOdds,
    /// What people decided on the same text.
    pub(super) memory: LogOdds,
    /// What they decided on other comments of the site.
    pub(super) decisions: LogOdds,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            base: LogOdds::EVEN,
            text: LogOdds::EVEN,
            signals: [LogOdds::EVEN; COUNT],
            rules: LogOdds::EVEN,
            memory: LogOdds::EVEN,
            decisions: LogOdds::EVEN,
        }
    }
}

impl Ledger {
    /// The sum: exact, because every entry lies on the grid of [`LogOdds`].
    pub(super) fn total(&self) -> LogOdds {
        // Four sums side by side do not wait for each other; exact, so the same sum.
        let (fours, rest) = self.signals.as_chunks::<4>();
        let mut sums = [self.base, self.text, self.rules, self.memory].map(LogOdds::get);
        for four in fours {
            for (sum, entry) in sums.iter_mut().zip(four) {
                *sum += entry.get();
            }
        }
        let rest = rest.iter().chain([&self.decisions]).map(|entry| entry.get());
        LogOdds::sum_of(sums.into_iter().chain(rest))
    }

    /// Forgets what the model has to say but for `base`; what rules state and people
    /// decided stays.
    pub(super) fn keep_to_statements(&mut self, base: f64) {
        self.base = LogOdds::new(base);
        self.text = LogOdds::EVEN;
        self.signals.fill(LogOdds::EVEN);
    }

    /// The score, before anybody has said which part the listed reasons explain.
    pub(super) fn score(&self) -> LabelScore {
        let log_odds = self.total();
        LabelScore {
            log_odds,
            probability: log_odds.probability(),
            base: self.base,
            rest: LogOdds::new(log_odds.get() - self.base.get()),
            decisions: self.decisions,
        }
    }
}

/// Log-odds that at least one label holds, were they exclusive: the odds add up.
/// Dominated by the largest, so three innocent labels cannot outvote a guilty one.
#[must_use]
pub fn union(labels: &PerLabel<LogOdds>) -> f64 {
    let largest = labels.iter().map(|(_, z)| z.get()).fold(f64::NEG_INFINITY, f64::max);
    largest + labels.iter().map(|(_, z)| (z.get() - largest).exp()).sum::<f64>().ln()
}

/// How much of [`union`] is due to each label: the softmax of their log-odds.
pub(super) fn responsibility(labels: &PerLabel<LabelScore>) -> PerLabel<f64> {
    let all = union(&PerLabel::from_fn(|label| labels[label].log_odds));
    PerLabel::from_fn(|label: Label| (labels[label].log_odds.get() - all).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_of_a_union() {
        let of = |z: [f64; 4]| union(&PerLabel(z.map(LogOdds::new)));
        assert!((of([0.0; 4]) - 4.0_f64.ln()).abs() < 1e-9);
        assert!((of([5.0, -9.0, -9.0, -9.0]) - 5.0).abs() < 1e-4);
    }
}
