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

/// Parameters, not yet checked.
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `bits` | 19 | size of the hashed space: 2^bits slots | 8 to 22 |
/// | `c` | 1.0 | cost of an error against a large weight | > 0, finite |
/// | `epochs` | 10 | passes over the rows at most | 1 to 1000 |
/// | `seed` | 1 | order of rows | any |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SvmParams(SvmValid);

/// Checked parameters; see [`SvmParams`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SvmValid {
    bits: u32,
    c: f32,
    epochs: usize,
    seed: u64,
}

impl SvmParams {
    /// Parameters with that size of the hashed space and defaults else.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self(SvmValid { bits, c: 1.0, epochs: 10, seed: 1 })
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

impl ParamGuard for SvmParams {
    type Checked = SvmValid;
    type Error = linfa::Error;

    fn check_ref(&self) -> Result<&SvmValid, linfa::Error> {
        let SvmValid { bits, c, epochs, seed: _ } = self.0;
        let fault = match () {
            () if !(8..=22).contains(&bits) => "bits must lie in 8..=22",
            () if !(c.is_finite() && c > 0.0) => "c must be positive",
            () if !(1..=1000).contains(&epochs) => "epochs must lie in 1..=1000",
            () => return Ok(&self.0),
        };
        Err(linfa::Error::Parameters(fault.into()))
    }

    fn check(self) -> Result<SvmValid, linfa::Error> {
        self.check_ref().copied()
    }
}

/// A trained machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Svm {
    /// One weight per slot.
    pub weights: Vec<f32>,
    /// The intercept.
    pub intercept: f32,
}

impl Svm {
    /// Distance from the separating plane, positive on the side of the label.
    #[must_use]
    pub fn margin(&self, row: &Row) -> f32 {
        dot(&self.weights, &row.0) * row.value() + self.intercept
    }
}

/// Sum of the weights of a row's slots.
fn dot(weights: &[f32], slots: &[u32]) -> f32 {
    slots.iter().filter_map(|&slot| weights.get(slot as usize)).sum()
}

impl<D: Data<Elem = Row>, T: AsSingleTargets<Elem = bool>> Fit<ArrayBase<D, Ix2>, T, linfa::Error>
    for SvmValid
{
    type Object = Svm;

    /// Trains. `O(epochs × features)`; memory one float per slot and row.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Svm, linfa::Error> {
        let rows: Vec<&Row> = dataset.records.iter().collect();
        let targets = dataset.as_single_targets();
        let signs: Vec<f32> = targets.iter().map(|&y| if y { 1.0 } else { -1.0 }).collect();
        if rows.is_empty() {
            return Err(linfa::Error::NotEnoughSamples);
        }
        let mut svm = Svm { weights: vec![0.0; 1 << self.bits], intercept: 0.0 };
        let mut alphas = vec![0.0_f32; rows.len()];
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        let mut random = SplitMix::new(self.seed);
        let diagonal = 0.5 / self.c;
        for _ in 0..self.epochs {
            random.shuffle(&mut order);
            let mut settled = 0.0_f32;
            order.retain(|&i| {
                let (Some(row), Some(&sign), Some(alpha)) =
                    (rows.get(i as usize), signs.get(i as usize), alphas.get_mut(i as usize))
                else {
                    return false;
                };
                let gradient = sign * svm.margin(row) - 1.0 + diagonal * *alpha;
                if *alpha == 0.0 && gradient > 0.0 {
                    // Far on its right side: it would move nothing now. Dropped only
                    // when it is so clear that later moves will not bring it back.
                    return gradient < 1.0;
                }
                let norm = if row.0.is_empty() { 0.0 } else { 1.0 } + BIAS * BIAS;
                let next = (*alpha - gradient / (norm + diagonal)).max(0.0);
                let step = (next - *alpha) * sign;
                *alpha = next;
                settled = settled.max(step.abs());
                let value = step * row.value();
                for &slot in row.0.iter() {
                    if let Some(weight) = svm.weights.get_mut(slot as usize) {
                        *weight += value;
                    }
                }
                svm.intercept += step * BIAS * BIAS;
                true
            });
            if settled < 1e-3 {
                break;
            }
        }
        Ok(svm)
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

    /// Label = holds slot 1; slots 2 to 9 are noise.
    fn toy() -> DatasetBase<Corpus, Array1<bool>> {
        let rows: Vec<Row> = (0..200_u32).map(|i| Row([i % 2, 2 + i % 8, 2 + (i / 8) % 8].into())).collect();
        let targets = Array1::from_iter((0..200).map(|i| i % 2 == 1));
        DatasetBase::new(corpus(rows), targets)
    }

    #[test]
    fn it_learns_under_linfas_cross_validation() {
        let found = toy()
            .cross_validate_single(5, &[SvmParams::new(8).c(0.001), SvmParams::new(8)], |predicted, truth| {
                predicted.confusion_matrix(truth).map(|c| c.f1_score())
            })
            .expect("folds");
        assert!(found[1] > 0.99, "{found}");
    }

    #[test]
    fn the_same_seed_gives_the_same_bits() {
        let fit = |seed| SvmParams::new(8).seed(seed).fit(&toy()).expect("fits");
        assert_eq!(fit(1), fit(1));
    }

    #[test]
    fn parameters_are_checked() {
        for (name, bad) in [
            ("too few bits", SvmParams::new(2)),
            ("too many bits", SvmParams::new(40)),
            ("no cost", SvmParams::new(10).c(0.0)),
            ("no pass", SvmParams::new(10).epochs(0)),
        ] {
            assert!(bad.check_ref().is_err(), "{name}");
        }
    }
}
