//! Ranking: ROC and precision-recall curves and what is read off them.
//!
//! Scores that tie stand or fall together: a curve has one point for each distinct
//! score. May import: nothing of ours.

use super::Scored;

/// A point of a curve, both within `[0, 1]`.
pub type Point = (f64, f64);

/// Hits and false alarms of each cut, highest first, as counts: for every distinct
/// probability what lies at or above it. `O(n log n)`.
fn cuts(scored: &[Scored]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<Scored> = scored.to_vec();
    sorted.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let (mut hits, mut alarms) = (0.0, 0.0);
    let tied = sorted.chunk_by(|a, b| a.probability == b.probability);
    let step = |tied: &[Scored]| {
        let positives = tied.iter().filter(|s| s.truth).count() as f64;
        hits += positives;
        alarms += tied.len() as f64 - positives;
        (hits, alarms)
    };
    tied.map(step).collect()
}

/// Area under the ROC curve: the chance that a random positive scores above a
/// random negative, ties half (Mann & Whitney, 1947). `None` with one class only.
/// `O(n log n)`.
#[must_use]
pub fn roc_auc(scored: &[Scored]) -> Option<f64> {
    let cuts = cuts(scored);
    let (positives, negatives) = *cuts.last()?;
    let (mut area, mut before) = (0.0, (0.0, 0.0));
    for cut in cuts {
        area += (cut.1 - before.1) * (cut.0 + before.0) / 2.0;
        before = cut;
    }
    (positives > 0.0 && negatives > 0.0).then(|| area / (positives * negatives))
}

/// Area under the precision-recall curve as the mean of the precision at each
/// positive, without interpolation, which would flatter (Davis & Goadrich, "The
/// Relationship Between Precision-Recall and ROC Curves", ICML 2006). `None` without
/// a positive. `O(n log n)`.
#[must_use]
pub fn average_precision(scored: &[Scored]) -> Option<f64> {
    let cuts = cuts(scored);
    let positives = cuts.last()?.0;
    let (mut area, mut before) = (0.0, 0.0);
    for (hits, alarms) in cuts {
        area += (hits - before) * hits / (hits + alarms);
        before = hits;
    }
    (positives > 0.0).then(|| area / positives)
}

/// Share of positives above the cut that lets at most `share` of the negatives above
/// it, rounded down: below 1,000 negatives 0.1 % means none. `None` with one class
/// only. `O(n log n)`.
#[must_use]
pub fn recall_at(scored: &[Scored], share: f64) -> Option<f64> {
    let cut = cut_at(scored, share)?;
    let positives = scored.iter().filter(|s| s.truth).count();
    let caught = scored.iter().filter(|s| s.truth && s.probability > cut).count();
    (positives > 0).then(|| caught as f64 / positives as f64)
}

/// The probability that at most `share` of the negatives, rounded down, exceed; `None`
/// without a negative. `O(n log n)`.
#[must_use]
pub fn cut_at(scored: &[Scored], share: f64) -> Option<f64> {
    let mut negatives: Vec<f64> = scored.iter().filter(|s| !s.truth).map(|s| s.probability).collect();
    negatives.sort_by(|a, b| b.total_cmp(a));
    let allowed = (share * negatives.len() as f64).floor() as usize;
    negatives.get(allowed).or(negatives.last()).copied()
}

/// The ROC curve, (false positive rate, recall), from (0, 0) to (1, 1); empty with
/// one class only. At most about `most` points, the corners kept.
#[must_use]
pub fn roc_curve(scored: &[Scored], most: usize) -> Vec<Point> {
    let cuts = cuts(scored);
    let Some(&(positives, negatives)) = cuts.last().filter(|(p, n)| *p > 0.0 && *n > 0.0) else {
        return Vec::new();
    };
    let points = cuts.iter().map(|(hits, alarms)| (alarms / negatives, hits / positives));
    thinned(std::iter::once((0.0, 0.0)).chain(points).collect(), most)
}

/// The precision-recall curve, (recall, precision); empty without a positive.
#[must_use]
pub fn precision_recall_curve(scored: &[Scored], most: usize) -> Vec<Point> {
    let cuts = cuts(scored);
    let Some(&(positives, _)) = cuts.last().filter(|(p, _)| *p > 0.0) else { return Vec::new() };
    let points = cuts.iter().map(|(hits, alarms)| (hits / positives, hits / (hits + alarms)));
    thinned(points.collect(), most)
}

/// Leaves out points on the line between their neighbours, then evenly.
fn thinned(points: Vec<Point>, most: usize) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::with_capacity(points.len().min(most));
    for (at, &point) in points.iter().enumerate() {
        let straight = kept.last().zip(points.get(at + 1)).is_some_and(|(before, after)| {
            (point.0 == before.0 && point.0 == after.0) || (point.1 == before.1 && point.1 == after.1)
        });
        if !straight {
            kept.push(point);
        }
    }
    let step = kept.len().div_ceil(most.max(1)).max(1);
    let last = kept.len().saturating_sub(1);
    kept.into_iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last).map(|(_, p)| p).collect()
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;
    use ndarray::Array1;

    #[test]
    fn ranking_counts_ties_half() {
        let check =
            |rows: &[(f64, bool)], want: Option<f64>| assert_eq!(roc_auc(&of(rows)), want, "{rows:?}");
        check(&[(0.1, false), (0.9, true)], Some(1.0));
        check(&[(0.9, false), (0.1, true)], Some(0.0));
        check(&[(0.5, false), (0.5, true)], Some(0.5));
        // Wins of the positives: .8 beats both; .5 beats one and ties with none, loses to .6.
        check(&[(0.8, true), (0.6, false), (0.5, true), (0.2, false)], Some(0.75));
        check(&[(0.5, true)], None);
        check(&[], None);
    }

    #[test]
    fn precision_is_averaged_over_the_positives() {
        let check = |rows: &[(f64, bool)], want: Option<f64>| {
            let got = average_precision(&of(rows));
            assert!(got.zip(want).map_or(got == want, |(g, w)| (g - w).abs() < 1e-12), "{rows:?}: {got:?}");
        };
        // Ranks 1 and 3: (1/1 + 2/3) / 2.
        check(&[(0.9, true), (0.8, false), (0.7, true), (0.1, false)], Some((1.0 + 2.0 / 3.0) / 2.0));
        // All tied: the share of positives.
        check(&[(0.5, true), (0.5, false), (0.5, false), (0.5, false)], Some(0.25));
        check(&[(0.5, false)], None);
        check(&[(0.5, true)], Some(1.0));
    }

    #[test]
    fn recall_stops_before_one_negative_too_many() {
        let mut rows: Vec<(f64, bool)> = (0..200).map(|i| (f64::from(i) / 1000.0, false)).collect();
        rows.extend([(0.9, true), (0.1985, true), (0.1975, true), (0.0, true)]);
        let scored = of(&rows);
        // 0.1 % of 200 is none: the cut is the highest negative, .199.
        assert_eq!(recall_at(&scored, 0.001), Some(0.25));
        // 1 % of 200 is two: the cut is the third highest, .197.
        assert_eq!(recall_at(&scored, 0.01), Some(0.75));
        assert_eq!(recall_at(&of(&[(0.5, true), (0.5, false)]), 0.01), Some(0.0), "a tie is not above");
        assert_eq!(recall_at(&of(&[(0.5, true)]), 0.01), None);
        assert_eq!(recall_at(&of(&[(0.5, false)]), 0.01), None);
    }

    #[test]
    fn curves_run_from_corner_to_corner() {
        let scored = of(&[(0.9, true), (0.8, false), (0.7, true), (0.1, false)]);
        assert_eq!(roc_curve(&scored, 100), [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert_eq!(precision_recall_curve(&scored, 100)[0], (0.5, 1.0));
        assert!(roc_curve(&of(&[(0.5, true)]), 100).is_empty());
        let many: Vec<(f64, bool)> =
            (0..5000).map(|i| (f64::from(i * 7919 % 4999) / 4999.0, i % 3 == 0)).collect();
        let curve = roc_curve(&of(&many), 100);
        assert!(curve.len() <= 102 && curve.last() == Some(&(1.0, 1.0)), "{}", curve.len());
    }

    #[test]
    fn the_curve_agrees_with_linfas() {
        use linfa::prelude::*;
        let rows: Vec<Scored> = (0..500_u32)
            .map(|i| Scored::at(f64::from(i * 7919 % 997) / 997.0, (i * 31 % 97) % 3 == 0, 0.5))
            .collect();
        let p = Array1::from_iter(rows.iter().map(|s| linfa::dataset::Pr::new(s.probability as f32)));
        let truth: Vec<bool> = rows.iter().map(|s| s.truth).collect();
        let theirs = p.as_slice().expect("contiguous").roc(&truth).expect("two classes").area_under_curve();
        assert!((roc_auc(&rows).expect("two classes") - f64::from(theirs)).abs() < 1e-3);
    }
}
