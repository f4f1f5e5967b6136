//! Linear support vector machine with squared hinge loss, trained by dual
//! coordinate descent.
//!
//! Source: C.-J. Hsieh, K.-W. Chang, C.-J. Lin, S. S. Keerthi, S. Sundararajan, "A
//! Dual Coordinate Descent Method for Large-scale Linear SVM" (ICML 2008), algorithm
//! 1 with shrinking of settled rows. Against FTRL-proximal it needs no learning
//! rate and ends at the one optimum of a convex problem, whatever the order of rows;
//! the order is still fixed by the seed, so that every bit is.
//!
//! May import: nothing of ours.

use linfa::{
    DatasetBase, ParamGuard,
    dataset::AsSingleTargets,
    traits::{Fit, PredictInplace},
};
use ndarray::{Array1, ArrayBase, Data, Ix2};

use super::{random::SplitMix, row::Row};

/// Value of the constant feature that stands for the intercept.
const BIAS: f32 = 0.3;
/// Value of the constant feature of each set when there are several: an intercept
/// of its own, so that text need not explain how common the label is in a set. It is
/// not part of the trained machine. Smaller values leave more of it to the text (0.3
/// lost half a point of AUC on the furthest set), larger ones slow the descent.
const DOMAIN: f32 = 1.0;
/// The largest step of a pass below which the descent has arrived.
const SETTLED: f32 = 1e-3;

/// Parameters, not yet checked.
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `scales` | all 1 | what each feature of the vocabulary is multiplied with | finite, one per feature |
/// | `c` | 1.0 | cost of an error against a large weight | > 0, finite |
/// | `epochs` | 5 | passes over the rows at most | 1 to 1000 |
/// | `seed` | 1 | order of rows | any |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SvmParams<'a>(SvmValid<'a>);

/// Checked parameters; see [`SvmParams`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SvmValid<'a> {
    scales: &'a [f32],
    c: f32,
    epochs: usize,
    seed: u64,
}

impl<'a> SvmParams<'a> {
    /// Parameters with these scales of the features and defaults else.
    #[must_use]
    pub const fn new(scales: &'a [f32]) -> Self {
        Self(SvmValid { scales, c: 1.0, epochs: 5, seed: 1 })
    }

    /// Sets the cost of an error.
    #[must_use]
    pub const fn c(mut self, c: f32) -> Self {
        self.0.c = c;
        self
    }

    /// Sets the most passes over the rows.
    #[must_use]
    pub const fn epochs(mut self, epochs: usize) -> Self {
        self.0.epochs = epochs;
        self
    }

    /// Sets the seed of the order of rows.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl<'a> ParamGuard for SvmParams<'a> {
    type Checked = SvmValid<'a>;
    type Error = linfa::Error;

    fn check_ref(&self) -> Result<&SvmValid<'a>, linfa::Error> {
        let SvmValid { scales, c, epochs, seed: _ } = self.0;
        let fault = match () {
            () if scales.iter().any(|s| !s.is_finite()) => "scales must be finite",
            () if !(c.is_finite() && c > 0.0) => "c must be positive",
            () if !(1..=1000).contains(&epochs) => "epochs must lie in 1..=1000",
            () => return Ok(&self.0),
        };
        Err(linfa::Error::Parameters(fault.into()))
    }

    fn check(self) -> Result<SvmValid<'a>, linfa::Error> {
        self.check_ref().copied()
    }
}

/// A trained machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Svm {
    /// One weight per feature, its scale multiplied in.
    pub weights: Vec<f32>,
    /// The intercept.
    pub intercept: f32,
}

impl Svm {
    /// Distance from the separating plane, positive on the side of the label.
    #[must_use]
    pub fn margin(&self, row: &Row) -> f32 {
        let sum =
            |features: &[u32]| features.iter().filter_map(|&f| self.weights.get(f as usize)).sum::<f32>();
        row.blocks().into_iter().map(|(features, value)| sum(features) * value).sum::<f32>() + self.intercept
    }
}

/// Sums over slots of two numbers each, by four running sums: one alone would wait for
/// itself. The order of additions is fixed.
#[inline]
fn gather<const N: usize>(features: &[u32], of: impl Fn(u32) -> [f32; N]) -> [f32; N] {
    let mut sums = [[0.0_f32; N]; 4];
    let (fours, rest) = features.as_chunks::<4>();
    for four in fours {
        for (sum, &feature) in sums.iter_mut().zip(four) {
            sum.iter_mut().zip(of(feature)).for_each(|(s, x)| *s += x);
        }
    }
    for &feature in rest {
        let [sum, ..] = &mut sums;
        sum.iter_mut().zip(of(feature)).for_each(|(s, x)| *s += x);
    }
    let [a, b, c, d] = sums;
    std::array::from_fn(|n| match (a.get(n), b.get(n), c.get(n), d.get(n)) {
        (Some(a), Some(b), Some(c), Some(d)) => (a + b) + (c + d),
        _ => 0.0,
    })
}

/// The descent in progress. Of each feature: the sum of the multipliers of its rows,
/// signed and times the rows' values, and the square of its scale. The weight on the
/// unscaled feature is their product, so multipliers found under other scales are a start
/// like any other.
struct Descent {
    features: Vec<[f32; 2]>,
    intercept: f32,
    domains: Vec<f32>,
}

impl Descent {
    #[inline]
    fn feature(&self, feature: u32) -> [f32; 2] {
        self.features.get(feature as usize).copied().unwrap_or_default()
    }

    fn constants(&self, row: &Row) -> f32 {
        self.intercept + self.domains.get(usize::from(row.domain())).copied().unwrap_or(0.0)
    }

    fn margin(&self, row: &Row) -> f32 {
        let text = |(features, value): (&[u32], f32)| {
            let [sum] = gather(features, |f| {
                let [sum, square] = self.feature(f);
                [sum * square]
            });
            sum * value
        };
        row.blocks().into_iter().map(text).sum::<f32>() + self.constants(row)
    }

    /// Margin, and squared length of the row with its constant features.
    fn first_look(&self, row: &Row) -> (f32, f32) {
        let domain = if self.domains.is_empty() { 0.0 } else { DOMAIN * DOMAIN };
        let (mut margin, mut norm) = (self.constants(row), BIAS * BIAS + domain);
        for (features, value) in row.blocks() {
            let [sum, squares] = gather(features, |f| {
                let [sum, square] = self.feature(f);
                [sum * square, square]
            });
            margin += sum * value;
            norm += squares * value * value;
        }
        (margin, norm)
    }

    fn step(&mut self, row: &Row, step: f32) {
        for (features, value) in row.blocks() {
            let step = step * value;
            for &f in features {
                if let Some([sum, _]) = self.features.get_mut(f as usize) {
                    *sum += step;
                }
            }
        }
        self.intercept += step * BIAS * BIAS;
        if let Some(domain) = self.domains.get_mut(usize::from(row.domain())) {
            *domain += step * DOMAIN * DOMAIN;
        }
    }
}

/// What is known of a row: its squared length (0 before it was looked at) and its
/// multiplier.
#[derive(Clone, Copy)]
struct State {
    norm: f32,
    alpha: f32,
}

impl SvmValid<'_> {
    /// Trains, beginning at `start`: the multiplier of each row, as an earlier descent
    /// over these rows and others found it, or nothing. A start near the end saves most
    /// passes. Tells the multipliers too.
    ///
    /// `O(epochs × features of all rows)`; memory two floats per feature of the vocabulary
    /// and three words per row.
    #[must_use]
    pub fn descend(&self, rows: &[&Row], truth: &[bool], start: &[f32]) -> (Svm, Vec<f32>) {
        let last = rows.iter().map(|row| row.domain()).max().unwrap_or(0);
        let several = rows.iter().any(|row| row.domain() != last);
        let mut descent = Descent {
            features: self.scales.iter().map(|&scale| [0.0, scale * scale]).collect(),
            intercept: 0.0,
            domains: if several { vec![0.0; usize::from(last) + 1] } else { Vec::new() },
        };
        let sign = |at: usize| if truth.get(at) == Some(&true) { 1.0 } else { -1.0 };
        for (at, (row, &alpha)) in rows.iter().zip(start).enumerate().filter(|(_, (_, a))| **a > 0.0) {
            descent.step(row, sign(at) * alpha);
        }
        let started = start.iter().copied().chain(std::iter::repeat(0.0));
        let mut states: Vec<State> =
            rows.iter().zip(started).map(|(_, alpha)| State { norm: 0.0, alpha }).collect();
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        let mut random = SplitMix::new(self.seed);
        let diagonal = 0.5 / self.c;
        for _ in 0..self.epochs {
            random.shuffle(&mut order);
            let mut largest = 0.0_f32;
            order.retain(|&i| {
                let at = i as usize;
                let (Some(row), Some(state)) = (rows.get(at), states.get_mut(at)) else { return false };
                let margin = if state.norm > 0.0 {
                    descent.margin(row)
                } else {
                    let (margin, norm) = descent.first_look(row);
                    state.norm = norm;
                    margin
                };
                let sign = sign(at);
                let gradient = sign * margin - 1.0 + diagonal * state.alpha;
                if state.alpha == 0.0 && gradient > 0.0 {
                    // Far on its right side: it would move nothing now. Dropped only
                    // when it is so clear that later moves will not bring it back.
                    return gradient < 1.0;
                }
                let next = (state.alpha - gradient / (state.norm + diagonal)).max(0.0);
                let step = next - state.alpha;
                state.alpha = next;
                largest = largest.max(step.abs());
                descent.step(row, sign * step);
                true
            });
            if largest < SETTLED {
                break;
            }
        }
        let weights = descent.features.iter().map(|[sum, square]| sum * square).collect();
        let multipliers = states.iter().map(|state| state.alpha).collect();
        (Svm { weights, intercept: descent.intercept }, multipliers)
    }
}

impl<D: Data<Elem = Row>, T: AsSingleTargets<Elem = bool>> Fit<ArrayBase<D, Ix2>, T, linfa::Error>
    for SvmValid<'_>
{
    type Object = Svm;

    /// Trains from nothing; see [`SvmValid::descend`].
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Svm, linfa::Error> {
        let rows: Vec<&Row> = dataset.records.iter().collect();
        if rows.is_empty() {
            return Err(linfa::Error::NotEnoughSamples);
        }
        let truth: Vec<bool> = dataset.as_single_targets().iter().copied().collect();
        Ok(self.descend(&rows, &truth, &[]).0)
    }
}

impl<D: Data<Elem = Row>> PredictInplace<ArrayBase<D, Ix2>, Array1<f32>> for Svm {
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<f32>) {
        for (row, y) in x.iter().zip(y) {
            *y = self.margin(row);
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<f32> {
        Array1::zeros(x.nrows())
    }
}

impl<D: Data<Elem = Row>> PredictInplace<ArrayBase<D, Ix2>, Array1<bool>> for Svm {
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<bool>) {
        for (row, y) in x.iter().zip(y) {
            *y = self.margin(row) > 0.0;
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<bool> {
        Array1::from_elem(x.nrows(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::row::{Corpus, corpus};
    use linfa::prelude::*;

    const SCALES: [f32; 16] = [1.0; 16];

    fn row(features: &[u32], domain: u16) -> Row {
        Row::new([features, &[]], [1.0 / (features.len() as f32).sqrt(), 0.0], domain)
    }

    /// Label = holds feature 1; features 2 to 9 are noise.
    fn toy() -> DatasetBase<Corpus, Array1<bool>> {
        let rows = (0..200_u32).map(|i| row(&[i % 2, 2 + i % 8, 2 + (i / 8) % 8], 0)).collect();
        let targets = Array1::from_iter((0..200).map(|i| i % 2 == 1));
        DatasetBase::new(corpus(rows), targets)
    }

    #[test]
    fn it_learns_under_linfas_cross_validation() {
        let found = toy()
            .cross_validate_single(
                5,
                &[SvmParams::new(&SCALES).c(0.001), SvmParams::new(&SCALES)],
                |predicted, truth| predicted.confusion_matrix(truth).map(|c| c.f1_score()),
            )
            .expect("folds");
        assert!(found[1] > 0.99, "{found}");
    }

    #[test]
    fn a_start_near_the_end_arrives_there() {
        let data = toy();
        let rows: Vec<&Row> = data.records.iter().collect();
        let truth: Vec<bool> = data.targets.iter().copied().collect();
        let params = SvmParams::new(&SCALES).epochs(200).check().expect("in range");
        let (svm, multipliers) = params.descend(&rows, &truth, &[]);
        // Without the last rows, and under other scales.
        let scales = [0.9; 16];
        let short = SvmParams::new(&scales).epochs(4).check().expect("in range");
        let long = SvmParams::new(&scales).epochs(200).check().expect("in range");
        let (near, _) = short.descend(&rows[..180], &truth[..180], &multipliers[..180]);
        let (end, _) = long.descend(&rows[..180], &truth[..180], &[]);
        let apart = |a: &Svm| (a.margin(rows[1]) - end.margin(rows[1])).abs();
        assert!(apart(&near) < 0.01, "{} of {}", apart(&near), end.margin(rows[1]));
        assert!(svm.margin(rows[1]) > 0.9);
    }

    #[test]
    fn the_same_seed_gives_the_same_bits() {
        let fit = |seed| SvmParams::new(&SCALES).seed(seed).fit(&toy()).expect("fits");
        assert_eq!(fit(1), fit(1));
    }

    #[test]
    fn one_positive_in_fifty_is_still_told_apart() {
        let rows = (0..1000_u32).map(|i| row(&[u32::from(i % 50 == 0), 2 + i % 8], 0)).collect();
        let targets = Array1::from_iter((0..1000).map(|i| i % 50 == 0));
        let svm = SvmParams::new(&SCALES).fit(&DatasetBase::new(corpus(rows), targets)).expect("fits");
        assert!(svm.margin(&row(&[1, 5], 0)) > 0.5, "{}", svm.margin(&row(&[1, 5], 0)));
        assert!(svm.margin(&row(&[0, 5], 0)) < -0.5);
    }

    #[test]
    fn a_set_with_many_positives_does_not_taint_its_words() {
        // Set 1 is mostly positive and writes feature 9; within it, feature 9 says
        // nothing. Feature 1 tells in both sets.
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for i in 0..400_u32 {
            let domain = (i % 2) as u16;
            let positive = if domain == 1 { i % 20 != 1 } else { i % 20 == 0 };
            rows.push(row(&[u32::from(positive), if domain == 1 { 9 } else { 8 }], domain));
            targets.push(positive);
        }
        let svm = SvmParams::new(&SCALES)
            .epochs(100)
            .fit(&DatasetBase::new(corpus(rows), Array1::from(targets)))
            .expect("fits");
        let apart = svm.weights[9] - svm.weights[8];
        assert!(apart.abs() < 0.25 * svm.weights[1], "{apart} against {}", svm.weights[1]);
    }

    #[test]
    fn parameters_are_checked() {
        for (name, bad) in [
            ("infinite scale", SvmParams::new(&[1.0, f32::INFINITY])),
            ("no cost", SvmParams::new(&SCALES).c(0.0)),
            ("no pass", SvmParams::new(&SCALES).epochs(0)),
        ] {
            assert!(bad.check_ref().is_err(), "{name}");
        }
    }
}
