//! How far chance can move a figure.
//!
//! May import: nothing of ours.

use crate::classifier::random::SplitMix;

use super::Scored;

/// Lower and upper bound.
pub type Interval = [f64; 2];

/// Resamples of an interval.
const RESAMPLES: usize = 1000;
/// Standard deviations of a normal variable that hold 95 %.
const Z: f64 = 1.959_963_985;

/// The 95 % interval of a share of `n` of which `hits` were seen: the score interval of
/// E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference"
/// (JASA, 1927). Honest for few cases and for shares of 0 and 1; `[0, 1]` for none.
///
/// For a recall it takes the cut as given, and so leaves out how chance moves the cut.
#[must_use]
pub fn wilson(hits: f64, n: f64) -> Interval {
    if n <= 0.0 {
        return [0.0, 1.0];
    }
    let (p, z2) = (hits / n, Z * Z);
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

/// Figures of resamples, one value each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resampled {
    /// Area under the ROC curve.
    pub roc_auc: Vec<f64>,
    /// F1 of the policy's decisions.
    pub f1: Vec<f64>,
    /// Recall with at most 1 % false positives.
    pub recall_at_1_percent: Vec<f64>,
}

/// The 95 % percentile interval of resampled figures (B. Efron, "Bootstrap Methods:
/// Another Look at the Jackknife", Annals of Statistics, 1979).
#[must_use]
pub fn interval(values: &[f64]) -> Interval {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * (sorted.len().max(1) - 1) as f64).round() as usize;
        sorted.get(place).copied().unwrap_or(0.0)
    };
    [at(0.025), at(0.975)]
}

/// Draws 1,000 resamples with replacement, positives among positives and negatives
/// among negatives, so that each has both classes. Empty with one class only.
/// `O(n log n)` once and `O(n)` each.
#[must_use]
pub fn resample(scored: &[Scored], seed: u64) -> Resampled {
    let mut sorted: Vec<Scored> = scored.to_vec();
    sorted.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let places = |truth: bool| {
        let at = sorted.iter().enumerate().filter(|(_, s)| s.truth == truth);
        at.map(|(at, _)| at).collect::<Vec<usize>>()
    };
    let (positives, negatives) = (places(true), places(false));
    let mut found = Resampled::default();
    if positives.is_empty() || negatives.is_empty() {
        return found;
    }
    let mut random = SplitMix::new(seed);
    let mut times = vec![0_u32; sorted.len()];
    for _ in 0..RESAMPLES {
        times.fill(0);
        for side in [&positives, &negatives] {
            for _ in 0..side.len() {
                if let Some(n) = random.pick(side).and_then(|&at| times.get_mut(at)) {
                    *n += 1;
                }
            }
        }
        let walk = Walk::over(&sorted, &times, negatives.len());
        found.roc_auc.push(walk.area / (positives.len() * negatives.len()) as f64);
        found.f1.push(2.0 * walk.hits / (2.0 * walk.hits + walk.false_alarms + walk.misses).max(1.0));
        found.recall_at_1_percent.push(walk.caught / positives.len() as f64);
    }
    found
}

/// What one walk down the ranking of a resample finds.
#[derive(Default)]
struct Walk {
    area: f64,
    hits: f64,
    false_alarms: f64,
    misses: f64,
    caught: f64,
}

impl Walk {
    fn over(sorted: &[Scored], times: &[u32], negatives: usize) -> Self {
        let allowed = (0.01 * negatives as f64).floor();
        let (mut walk, mut above, mut alarms, mut at) = (Self::default(), 0.0, 0.0, 0);
        for tied in sorted.chunk_by(|a, b| a.probability == b.probability) {
            let (mut p, mut n) = (0.0, 0.0);
            for (s, &times) in tied.iter().zip(times.iter().skip(at)) {
                let times = f64::from(times);
                *(if s.truth { &mut p } else { &mut n }) += times;
                match (s.flagged, s.truth) {
                    (true, true) => walk.hits += times,
                    (true, false) => walk.false_alarms += times,
                    (false, true) => walk.misses += times,
                    (false, false) => {}
                }
            }
            at += tied.len();
            walk.area += n * (above + p / 2.0);
            above += p;
            alarms += n;
            if alarms <= allowed {
                walk.caught = above;
            }
        }
        walk
    }
}

#[cfg(test)]
mod tests {
    use super::super::{of, recall_at, roc_auc};
    use super::*;

    #[test]
    fn wilson_as_published() {
        // 81 of 263 (Newcombe, 1998, table I): .2553 to .3662. 0 of 20: 0 to .1611.
        let check = |hits, n, want: [f64; 2]| {
            let got = wilson(hits, n);
            assert!((got[0] - want[0]).abs() < 6e-5 && (got[1] - want[1]).abs() < 6e-5, "{got:?}");
        };
        check(81.0, 263.0, [0.2553, 0.3662]);
        check(0.0, 20.0, [0.0, 0.1611]);
        check(0.0, 0.0, [0.0, 1.0]);
    }

    #[test]
    fn resamples_surround_the_figure() {
        let rows: Vec<(f64, bool)> = (0..400_u32)
            .map(|i| (f64::from((i * 7919) % 997) / 1500.0 + if i % 4 == 0 { 0.3 } else { 0.0 }, i % 4 == 0))
            .collect();
        let scored = of(&rows);
        let resampled = resample(&scored, 1);
        let auc = roc_auc(&scored).expect("two classes");
        let [low, high] = interval(&resampled.roc_auc);
        assert!(low < auc && auc < high && high - low < 0.1, "{low} {auc} {high}");
        let [low, high] = interval(&resampled.recall_at_1_percent);
        let recall = recall_at(&scored, 0.01).expect("two classes");
        assert!(low <= recall && recall <= high, "{low} {recall} {high}");
        assert_eq!(resampled, resample(&scored, 1), "the same seed, the same resamples");
        assert!(resample(&of(&[(0.5, true)]), 1).roc_auc.is_empty());
    }

    #[test]
    fn a_ranking_without_error_has_no_spread() {
        let scored = of(&[(0.9, true), (0.8, true), (0.2, false), (0.1, false)]);
        assert_eq!(interval(&resample(&scored, 1).roc_auc), [1.0, 1.0]);
    }
}
