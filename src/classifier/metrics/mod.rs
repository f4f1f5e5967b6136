//! How good probabilities are.
//!
//! Computed here in 64 bits: linfa's curve and confusion matrix work in 32, take near
//! scores for ties and let the order of rows choose the positive class. A test holds
//! both against each other.
//!
//! May import: nothing of ours.

mod calibration;
mod chance;
mod curves;
mod trec;

pub use calibration::{BINS, Bin, HISTOGRAM, Histogram, calibration_error, histogram, reliability};
pub use chance::{Interval, Resampled, interval, resample, wilson};
pub use curves::{Point, average_precision, cut_at, precision_recall_curve, recall_at, roc_auc, roc_curve};
pub use trec::{Trec, trec};

use super::card::Figures;

/// One prediction with the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Probability of the label.
    pub probability: f64,
    /// Whether the policy acted on it.
    pub flagged: bool,
    /// Whether the comment carries it.
    pub truth: bool,
}

impl Scored {
    /// A prediction on which the policy acts from `threshold` on.
    #[must_use]
    pub fn at(probability: f64, truth: bool, threshold: f64) -> Self {
        Self { probability, flagged: probability >= threshold, truth }
    }
}

/// The four cells of a decision against the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cells {
    /// Flagged and so.
    pub hits: f64,
    /// Flagged and not so.
    pub false_alarms: f64,
    /// Not flagged and so.
    pub misses: f64,
    /// Not flagged and not so.
    pub passes: f64,
}

impl Cells {
    /// Counts the cells. `O(n)`.
    #[must_use]
    pub fn of(scored: &[Scored]) -> Self {
        let mut cells = Self::default();
        for s in scored {
            match (s.flagged, s.truth) {
                (true, true) => cells.hits += 1.0,
                (true, false) => cells.false_alarms += 1.0,
                (false, true) => cells.misses += 1.0,
                (false, false) => cells.passes += 1.0,
            }
        }
        cells
    }

    /// F1, the harmonic mean of precision and recall; 0 when nothing was hit.
    #[must_use]
    pub fn f1(&self) -> f64 {
        over(2.0 * self.hits, 2.0 * self.hits + self.false_alarms + self.misses)
    }

    /// Matthews correlation coefficient (Matthews, 1975); 0 when a row or column of
    /// the table is empty.
    #[must_use]
    pub fn mcc(&self) -> f64 {
        let Self { hits: tp, false_alarms: fp, misses: fn_, passes: tn } = *self;
        let spread = ((tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_)).sqrt();
        over(tp * tn - fp * fn_, spread)
    }

    /// Share of the flagged that are so; `None` when nothing was flagged.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.hits, self.false_alarms)
    }

    /// Share of those that are so which were flagged; `None` when none are.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.hits, self.misses)
    }

    /// Share of those that are not so which were flagged; `None` when all are so.
    #[must_use]
    pub fn false_alarm_rate(&self) -> Option<f64> {
        share(self.false_alarms, self.passes)
    }
}

fn over(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

fn share(part: f64, rest: f64) -> Option<f64> {
    (part + rest > 0.0).then(|| part / (part + rest))
}

/// All figures. `O(n log n)`, and `O(n)` for each of the resamples of the intervals.
#[must_use]
pub fn figures(scored: &[Scored]) -> Figures {
    let n = scored.len().max(1) as f64;
    let positives = scored.iter().filter(|s| s.truth).count();
    let cells = Cells::of(scored);
    let resampled = resample(scored, 1);
    let at = |rate: f64| recall_at(scored, rate);
    let bounds = |values: &[f64]| (positives > 0 && positives < scored.len()).then(|| interval(values));
    let caught = |recall: Option<f64>| recall.map(|r| wilson(r * positives as f64, positives as f64));
    Figures {
        positives,
        negatives: scored.len() - positives,
        roc_auc: roc_auc(scored),
        roc_auc_interval: bounds(&resampled.roc_auc),
        pr_auc: average_precision(scored),
        precision: cells.precision(),
        recall: cells.recall(),
        false_positive_rate: cells.false_alarm_rate(),
        accuracy: (cells.hits + cells.passes) / n,
        f1: cells.f1(),
        f1_interval: bounds(&resampled.f1),
        mcc: cells.mcc(),
        recall_at_0_1_percent: at(0.001),
        recall_at_0_1_percent_interval: caught(at(0.001)),
        recall_at_1_percent: at(0.01),
        recall_at_1_percent_interval: caught(at(0.01)),
        recall_at_5_percent: at(0.05),
        log_loss: scored.iter().map(log_loss).sum::<f64>() / n,
        brier: scored.iter().map(square_error).sum::<f64>() / n,
        ece: calibration_error(scored),
    }
}

/// Negative log-likelihood of the truth in nats, the probability kept 1e-6 away from
/// 0 and 1 so that one sure mistake does not hide all else.
fn log_loss(s: &Scored) -> f64 {
    let p = s.probability.clamp(1e-6, 1.0 - 1e-6);
    if s.truth { -p.ln() } else { -(1.0 - p).ln() }
}

/// Squared error of the probability (Brier, 1950).
fn square_error(s: &Scored) -> f64 {
    (s.probability - f64::from(u8::from(s.truth))).powi(2)
}

#[cfg(test)]
pub(super) fn of(rows: &[(f64, bool)]) -> Vec<Scored> {
    rows.iter().map(|&(p, truth)| Scored::at(p, truth, 0.5)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_at_a_cut() {
        let f = figures(&of(&[(0.9, true), (0.8, false), (0.2, false), (0.1, true)]));
        assert_eq!((f.positives, f.negatives, f.f1, f.mcc), (2, 2, 0.5, 0.0));
        assert_eq!((f.precision, f.recall, f.false_positive_rate), (Some(0.5), Some(0.5), Some(0.5)));
        assert_eq!(f.recall_at_1_percent, Some(0.5));
        let sure = figures(&of(&[(1.0, true), (0.0, false)]));
        assert!(sure.ece < 1e-12 && sure.brier < 1e-12 && (sure.f1 - 1.0).abs() < 1e-12);
        assert!(sure.log_loss < 1e-5);
    }

    #[test]
    fn by_hand() {
        // 3 hits, 1 false alarm, 1 miss, 5 passes: MCC = (3·5 − 1·1) / √(4·4·6·6) = 14/24.
        let mut rows = vec![(0.9, true), (0.8, true), (0.7, true), (0.6, false), (0.4, true)];
        rows.extend([(0.1, false); 5]);
        let f = figures(&of(&rows));
        assert!((f.mcc - 14.0 / 24.0).abs() < 1e-12, "{}", f.mcc);
        assert!((f.f1 - 6.0 / 8.0).abs() < 1e-12);
        // The squares: .01 + .04 + .09 + .36 + .36 + 5 · .01, over 10.
        assert!((f.brier - 0.091).abs() < 1e-12, "{}", f.brier);
    }

    #[test]
    fn nothing_and_one_class_only_have_no_ranking() {
        let nothing = figures(&[]);
        assert_eq!((nothing.roc_auc, nothing.pr_auc, nothing.recall), (None, None, None));
        assert_eq!((nothing.f1, nothing.mcc, nothing.log_loss, nothing.ece), (0.0, 0.0, 0.0, 0.0));
        let ham = figures(&of(&[(0.2, false), (0.6, false)]));
        assert_eq!((ham.roc_auc, ham.roc_auc_interval, ham.recall_at_1_percent), (None, None, None));
        assert_eq!(ham.false_positive_rate, Some(0.5));
        let spam = figures(&of(&[(0.2, true), (0.6, true)]));
        assert_eq!((spam.roc_auc, spam.recall, spam.false_positive_rate), (None, Some(0.5), None));
    }

    #[test]
    fn cells_agree_with_linfas() {
        use linfa::prelude::*;
        use ndarray::Array1;
        let rows: Vec<Scored> = (0..300_u32)
            .map(|i| Scored::at(f64::from(i * 7919 % 997) / 997.0, (i * 31 % 97) % 3 == 0, 0.6))
            .collect();
        let flagged = Array1::from_iter(rows.iter().map(|s| s.flagged));
        let truth = Array1::from_iter(rows.iter().map(|s| s.truth));
        let theirs = flagged.confusion_matrix(&truth).expect("two classes");
        assert!((Cells::of(&rows).mcc() - f64::from(theirs.mcc())).abs() < 1e-5);
    }
}
