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
/// | `epochs` | 10 | passes over the rows at most | 1 to 1000 |
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
        Self(SvmValid { scales, c: 1.0, epochs: 10, seed: 1 })
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

/// The descent in progress. A feature's weight stands beside its scale: one look
/// fetches both.
struct Descent {
    features: Vec<[f32; 2]>,
    intercept: f32,
    domains: Vec<f32>,
}

impl Descent {
    fn margin(&self, row: &Row) -> f32 {
        let weight = |f: &u32| self.features.get(*f as usize).map_or(0.0, |[w, s]| w * s);
        let text = |(features, value): (&[u32], f32)| features.iter().map(weight).sum::<f32>() * value;
        let domain = self.domains.get(usize::from(row.domain())).copied().unwrap_or(0.0);
        row.blocks().into_iter().map(text).sum::<f32>() + self.intercept + domain
    }

    /// Squared length of a row with its constant features.
    fn norm(&self, row: &Row) -> f32 {
        let square = |f: &u32| self.features.get(*f as usize).map_or(0.0, |[_, s]| s * s);
        let text =
            |(features, value): (&[u32], f32)| features.iter().map(square).sum::<f32>() * value * value;
        let domain = if self.domains.is_empty() { 0.0 } else { DOMAIN * DOMAIN };
        row.blocks().into_iter().map(text).sum::<f32>() + BIAS * BIAS + domain
    }

    fn step(&mut self, row: &Row, step: f32) {
        for (features, value) in row.blocks() {
            let step = step * value;
            for &f in features {
                if let Some([weight, scale]) = self.features.get_mut(f as usize) {
                    *weight += step * *scale;
                }
            }
        }
        self.intercept += step * BIAS * BIAS;
        if let Some(domain) = self.domains.get_mut(usize::from(row.domain())) {
            *domain += step * DOMAIN * DOMAIN;
        }
    }
}

impl<D: Data<Elem = Row>, T: AsSingleTargets<Elem = bool>> Fit<ArrayBase<D, Ix2>, T, linfa::Error>
    for SvmValid<'_>
{
    type Object = Svm;

    /// Trains. `O(epochs × features of all rows)`; memory two floats per feature of
    /// the vocabulary and three per row.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Svm, linfa::Error> {
        let rows: Vec<&Row> = dataset.records.iter().collect();
        let targets = dataset.as_single_targets();
        if rows.is_empty() {
            return Err(linfa::Error::NotEnoughSamples);
        }
        let last = rows.iter().map(|row| row.domain()).max().unwrap_or(0);
        let several = rows.iter().any(|row| row.domain() != last);
        let mut descent = Descent {
            features: self.scales.iter().map(|&scale| [0.0, scale]).collect(),
            intercept: 0.0,
            domains: if several { vec![0.0; usize::from(last) + 1] } else { Vec::new() },
        };
        // Of each row: which side it belongs on, its squared length, its multiplier.
        let mut states: Vec<(f32, f32, f32)> = rows
            .iter()
            .zip(&targets)
            .map(|(row, &y)| (if y { 1.0 } else { -1.0 }, descent.norm(row), 0.0))
            .collect();
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        let mut random = SplitMix::new(self.seed);
        let diagonal = 0.5 / self.c;
        for _ in 0..self.epochs {
            random.shuffle(&mut order);
            let mut largest = 0.0_f32;
            order.retain(|&i| {
                let (Some(row), Some((sign, norm, alpha))) =
                    (rows.get(i as usize), states.get_mut(i as usize))
                else {
                    return false;
                };
                let gradient = *sign * descent.margin(row) - 1.0 + diagonal * *alpha;
                if *alpha == 0.0 && gradient > 0.0 {
                    // Far on its right side: it would move nothing now. Dropped only
                    // when it is so clear that later moves will not bring it back.
                    return gradient < 1.0;
                }
                let next = (*alpha - gradient / (*norm + diagonal)).max(0.0);
                let step = (next - *alpha) * *sign;
                *alpha = next;
                largest = largest.max(step.abs());
                descent.step(row, step);
                true
            });
            if largest < SETTLED {
                break;
            }
        }
        let weights = descent.features.iter().map(|[weight, scale]| weight * scale).collect();
        Ok(Svm { weights, intercept: descent.intercept })
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
