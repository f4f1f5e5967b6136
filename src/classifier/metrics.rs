//! How good probabilities are.
//!
//! Computed here in 64 bits: linfa's curve and confusion matrix work in 32, take near
//! scores for ties and let the order of rows choose the positive class. A test holds
//! both against each other.
//!
//! May import: nothing of ours.

use super::card::Figures;

/// One prediction with the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Probability of the label.
    pub probability: f64,
    /// Whether the comment carries it.
    pub truth: bool,
}

/// Area under the ROC curve: the chance that a random positive scores above a
/// random negative, ties half (Mann & Whitney, 1947). `None` with one class only.
/// `O(n log n)`.
#[must_use]
pub fn roc_auc(scored: &[Scored]) -> Option<f64> {
    let mut sorted: Vec<Scored> = scored.to_vec();
    sorted.sort_by(|a, b| a.probability.total_cmp(&b.probability));
    let (mut wins, mut below, mut positives) = (0.0_f64, 0.0_f64, 0.0_f64);
    for tied in sorted.chunk_by(|a, b| a.probability == b.probability) {
        let p = tied.iter().filter(|s| s.truth).count() as f64;
        let n = tied.len() as f64 - p;
        wins += p * (below + n / 2.0);
        below += n;
        positives += p;
    }
    (positives > 0.0 && below > 0.0).then(|| wins / (positives * below))
}

/// Share of positives above the cut that lets at most `share` of the negatives above it.
fn recall_at(scored: &[Scored], share: f64) -> Option<f64> {
    let mut negatives: Vec<f64> = scored.iter().filter(|s| !s.truth).map(|s| s.probability).collect();
    let positives = scored.len() - negatives.len();
    if positives == 0 || negatives.is_empty() {
        return None;
    }
    negatives.sort_by(|a, b| b.total_cmp(a));
    let allowed = (share * negatives.len() as f64).floor() as usize;
    let cut = negatives.get(allowed).copied().unwrap_or(f64::NEG_INFINITY);
    let caught = scored.iter().filter(|s| s.truth && s.probability > cut).count();
    Some(caught as f64 / positives as f64)
}

/// All figures at the cut `threshold`. `O(n log n)`.
#[must_use]
pub fn figures(scored: &[Scored], threshold: f64) -> Figures {
    let n = scored.len().max(1) as f64;
    let positives = scored.iter().filter(|s| s.truth).count();
    let (f1, mcc) = counts(scored, threshold);
    let loss = |s: &Scored| {
        let p = s.probability.clamp(1e-9, 1.0 - 1e-9);
        if s.truth { -p.ln() } else { -(1.0 - p).ln() }
    };
    let square = |s: &Scored| (s.probability - f64::from(u8::from(s.truth))).powi(2);
    Figures {
        positives,
        negatives: scored.len() - positives,
        roc_auc: roc_auc(scored),
        f1,
        mcc,
        recall_at_1_percent: recall_at(scored, 0.01),
        log_loss: scored.iter().map(loss).sum::<f64>() / n,
        brier: scored.iter().map(square).sum::<f64>() / n,
        ece: calibration_error(scored),
    }
}

/// F1 and Matthews correlation at a cut.
fn counts(scored: &[Scored], threshold: f64) -> (f64, f64) {
    let [mut tp, mut fp, mut fn_, mut tn] = [0.0_f64; 4];
    for s in scored {
        match (s.probability >= threshold, s.truth) {
            (true, true) => tp += 1.0,
            (true, false) => fp += 1.0,
            (false, true) => fn_ += 1.0,
            (false, false) => tn += 1.0,
        }
    }
    let over = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
    let spread = ((tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_)).sqrt();
    (over(2.0 * tp, 2.0 * tp + fp + fn_), over(tp * tn - fp * fn_, spread))
}

/// Expected calibration error over 15 bins of equal width (Naeini et al., 2015).
fn calibration_error(scored: &[Scored]) -> f64 {
    let mut bins = [(0.0_f64, 0.0_f64); 15];
    for s in scored {
        let at = ((s.probability * 15.0) as usize).min(14);
        if let Some((claimed, held)) = bins.get_mut(at) {
            *claimed += s.probability;
            *held += f64::from(u8::from(s.truth));
        }
    }
    bins.iter().map(|(claimed, held)| (claimed - held).abs()).sum::<f64>() / scored.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;

    fn of(rows: &[(f64, bool)]) -> Vec<Scored> {
        rows.iter().map(|&(probability, truth)| Scored { probability, truth }).collect()
    }

    #[test]
    fn ranking_counts_ties_half() {
        let check =
            |rows: &[(f64, bool)], want: Option<f64>| assert_eq!(roc_auc(&of(rows)), want, "{rows:?}");
        check(&[(0.1, false), (0.9, true)], Some(1.0));
        check(&[(0.9, false), (0.1, true)], Some(0.0));
        check(&[(0.5, false), (0.5, true)], Some(0.5));
        check(&[(0.5, true)], None);
    }

    #[test]
    fn figures_at_a_cut() {
        let rows = of(&[(0.9, true), (0.8, false), (0.2, false), (0.1, true)]);
        let f = figures(&rows, 0.5);
        assert_eq!((f.positives, f.negatives, f.f1, f.mcc), (2, 2, 0.5, 0.0));
        assert_eq!(f.recall_at_1_percent, Some(0.5));
        let sure = figures(&of(&[(1.0, true), (0.0, false)]), 0.5);
        assert!(sure.ece < 1e-12 && sure.brier < 1e-12 && (sure.f1 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_curve_agrees_with_linfas() {
        use linfa::prelude::*;
        let rows: Vec<Scored> = (0..500_u32)
            .map(|i| Scored { probability: f64::from(i * 7919 % 997) / 997.0, truth: (i * 31 % 97) % 3 == 0 })
            .collect();
        let p = Array1::from_iter(rows.iter().map(|s| linfa::dataset::Pr::new(s.probability as f32)));
        let truth: Vec<bool> = rows.iter().map(|s| s.truth).collect();
        let theirs = p.as_slice().expect("contiguous").roc(&truth).expect("two classes").area_under_curve();
        assert!((roc_auc(&rows).expect("two classes") - f64::from(theirs)).abs() < 1e-3);
    }
}
