//! The measures of the TREC spam tracks.
//!
//! Source: G. V. Cormack, "TREC 2007 Spam Track Overview": ham misclassification,
//! spam misclassification, their logistic average, and one minus the area under the
//! ROC curve, all in percent. May import: nothing of ours.

use serde::Serialize;

use super::{Cells, Scored, roc_auc};

/// The measures, in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Trec {
    /// `100 (1 − AUC)`; absent with one class only.
    pub one_minus_roca: Option<f64>,
    /// Logistic average of both misclassification rates: the rate whose log-odds are
    /// the mean of theirs, each smoothed by half a case.
    pub lam: f64,
    /// Ham that was flagged.
    pub hm: f64,
    /// Spam that was not.
    pub sm: f64,
}

/// Measures decisions and ranking.
#[must_use]
pub fn trec(scored: &[Scored]) -> Trec {
    let cells = Cells::of(scored);
    let (ham, spam) = (cells.false_alarms + cells.passes, cells.hits + cells.misses);
    let logit = |errors: f64, n: f64| ((errors + 0.5) / (n - errors + 0.5)).ln();
    let mean = f64::midpoint(logit(cells.false_alarms, ham), logit(cells.misses, spam));
    Trec {
        one_minus_roca: roc_auc(scored).map(|auc| 100.0 * (1.0 - auc)),
        lam: 100.0 / (1.0 + (-mean).exp()),
        hm: 100.0 * cells.false_alarm_rate().unwrap_or(0.0),
        sm: 100.0 * cells.recall().map_or(0.0, |recall| 1.0 - recall),
    }
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;

    #[test]
    fn by_hand() {
        // 10 ham of which 1 is flagged, 4 spam of which 1 is missed.
        let mut rows = vec![(0.9, true), (0.8, true), (0.7, true), (0.1, true), (0.6, false)];
        rows.extend([(0.2, false); 9]);
        let found = trec(&of(&rows));
        assert_eq!((found.hm, found.sm), (10.0, 25.0));
        // Odds 1.5/9.5 and 1.5/3.5; the root of their product is .2602; 26.02 / 1.2602.
        assert!((found.lam - 20.646).abs() < 1e-2, "{}", found.lam);
        // The missed spam loses to all ten: 10 of 40 pairs.
        assert!((found.one_minus_roca.expect("two classes") - 25.0).abs() < 1e-9);
    }

    #[test]
    fn one_class_has_no_ranking() {
        let found = trec(&of(&[(0.9, false)]));
        assert_eq!((found.one_minus_roca, found.hm, found.sm), (None, 100.0, 0.0));
    }
}
