//! What the policies' decisions cost on labelled comments.
//!
//! May import: `types`, `classifier`.

use serde::Serialize;

use crate::{
    classifier::{Cells, Scored},
    types::{Action, Label, Policy, Preset},
};

use super::{Judged, Target, scored};

/// Expected cost per 1,000 comments of holding by one label under one policy, in units
/// of a good comment held in vain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostFigures {
    /// The label.
    pub label: &'static str,
    /// The policy.
    pub policy: &'static str,
    /// What a bad comment published costs.
    pub missed: f64,
    /// The threshold that follows.
    pub threshold: f64,
    /// Cost with the policy.
    pub cost: f64,
    /// Cost if all were published.
    pub allow_all: f64,
    /// Cost if all were held.
    pub hold_all: f64,
    /// Cost at the best threshold for these very comments: no policy can do better.
    pub best: f64,
    /// That threshold; above 1 means: hold nothing.
    pub best_threshold: f64,
}

/// The costs of both shipped policies for every label that the comments tell of.
#[must_use]
pub(super) fn expected_costs(judged: &[Judged<'_>]) -> Vec<CostFigures> {
    let mut found = Vec::new();
    for preset in [Preset::Balanced, Preset::Strict] {
        let policy = Policy::preset(preset);
        for label in Label::ALL {
            let known = scored(judged, Target::Label(label), &policy);
            let costs = preset.costs(label, Action::Hold);
            let Some(costs) = costs.filter(|_| !known.is_empty()) else { continue };
            found.push(of(&known, label, preset, costs.wrong, costs.missed));
        }
    }
    found
}

fn of(known: &[Scored], label: Label, preset: Preset, wrong: f64, missed: f64) -> CostFigures {
    let per_thousand = |false_alarms: f64, misses: f64| {
        1000.0 * (wrong * false_alarms + missed * misses) / (wrong * known.len() as f64)
    };
    let cells = Cells::of(known);
    let (positives, negatives) = (cells.hits + cells.misses, cells.false_alarms + cells.passes);
    let mut sorted: Vec<&Scored> = known.iter().collect();
    sorted.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let (mut best, mut best_threshold) = (per_thousand(0.0, positives), 2.0);
    let (mut hits, mut alarms) = (0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.probability == b.probability) {
        for s in tied {
            *(if s.truth { &mut hits } else { &mut alarms }) += 1.0;
        }
        let cost = per_thousand(alarms, positives - hits);
        if cost < best {
            (best, best_threshold) = (cost, tied.first().map_or(2.0, |s| s.probability));
        }
    }
    CostFigures {
        label: label.name(),
        policy: preset.name(),
        missed: missed / wrong,
        threshold: Policy::preset(preset).thresholds(label).hold.get(),
        cost: per_thousand(cells.false_alarms, cells.misses),
        allow_all: per_thousand(0.0, positives),
        hold_all: per_thousand(negatives, 0.0),
        best,
        best_threshold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_by_hand() {
        // At 1/5: one false alarm (.3) and no miss. Best is .4: a miss would cost 4.
        let rows = [(0.9, true), (0.4, true), (0.3, false), (0.1, false)];
        let known: Vec<Scored> = rows.iter().map(|&(p, truth)| Scored::at(p, truth, 0.2)).collect();
        let found = of(&known, Label::Spam, Preset::Strict, 1.0, 4.0);
        assert_eq!((found.cost, found.allow_all, found.hold_all), (250.0, 2000.0, 500.0));
        assert_eq!((found.best, found.best_threshold, found.threshold), (0.0, 0.4, 0.2));
    }

    #[test]
    fn holding_nothing_can_be_best() {
        let known = [Scored::at(0.9, false, 0.5), Scored::at(0.1, true, 0.5), Scored::at(0.8, false, 0.5)];
        let found = of(&known, Label::Spam, Preset::Balanced, 1.0, 1.0);
        assert!(found.best_threshold > 1.0 && (found.best - 1000.0 / 3.0).abs() < 1e-9);
    }
}
