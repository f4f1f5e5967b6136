//! Whether probabilities mean what they say.
//!
//! May import: nothing of ours.

use serde::Serialize;

use super::Scored;

/// Bins of the calibration error, of equal width (Naeini, Cooper & Hauskrecht,
/// "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015).
pub const BINS: usize = 15;
/// Bins of a histogram of probabilities.
pub const HISTOGRAM: usize = 20;

/// What a bin of probabilities claimed and what held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Comments whose probability lies in the bin.
    pub comments: usize,
    /// Their mean probability.
    pub claimed: f64,
    /// The share of them that is so.
    pub held: f64,
}

/// The bins of a reliability diagram (Murphy & Winkler, 1977); empty bins are 0.
#[must_use]
pub fn reliability(scored: &[Scored]) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for s in scored {
        if let Some(bin) = bins.get_mut(place(s.probability, BINS)) {
            bin.comments += 1;
            bin.claimed += s.probability;
            bin.held += f64::from(u8::from(s.truth));
        }
    }
    for bin in &mut bins {
        let n = bin.comments.max(1) as f64;
        (bin.claimed, bin.held) = (bin.claimed / n, bin.held / n);
    }
    bins
}

/// Expected calibration error: the mean distance of claimed and held over the bins,
/// each weighing as many comments as it has.
#[must_use]
pub fn calibration_error(scored: &[Scored]) -> f64 {
    let gap = |bin: &Bin| bin.comments as f64 * (bin.claimed - bin.held).abs();
    reliability(scored).iter().map(gap).sum::<f64>() / scored.len().max(1) as f64
}

/// How probabilities are spread over `[0, 1]`, by truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Histogram {
    /// Comments that carry the label.
    pub positives: [usize; HISTOGRAM],
    /// Comments that do not.
    pub negatives: [usize; HISTOGRAM],
}

/// Counts the histogram.
#[must_use]
pub fn histogram(scored: &[Scored]) -> Histogram {
    let mut counts = Histogram::default();
    for s in scored {
        let side = if s.truth { &mut counts.positives } else { &mut counts.negatives };
        if let Some(n) = side.get_mut(place(s.probability, HISTOGRAM)) {
            *n += 1;
        }
    }
    counts
}

fn place(probability: f64, bins: usize) -> usize {
    ((probability * bins as f64) as usize).min(bins - 1)
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;

    #[test]
    fn a_gap_counts_by_the_comments_in_its_bin() {
        // Three in the bin at .9 of which two hold: claimed .9, held 2/3. One right at 0.
        let scored = of(&[(0.9, true), (0.9, true), (0.9, false), (0.0, false)]);
        let want = 0.75 * (0.9 - 2.0 / 3.0);
        assert!((calibration_error(&scored) - want).abs() < 1e-12);
        let bins = reliability(&scored);
        assert_eq!((bins[13].comments, bins[0].comments), (3, 1));
        assert_eq!(calibration_error(&[]), 0.0);
    }

    #[test]
    fn every_probability_has_a_place() {
        let scored = of(&[(0.0, false), (1.0, true), (0.999_999, true), (0.05, false)]);
        let counts = histogram(&scored);
        assert_eq!((counts.negatives[0], counts.negatives[1], counts.positives[19]), (1, 1, 2));
        assert_eq!(reliability(&scored)[14].comments, 2);
    }
}
