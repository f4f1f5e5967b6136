//! Naive Bayes over present features, as log-count ratios.
//!
//! Source: S. Wang, C. D. Manning, "Baselines and Bigrams" (ACL 2012): the ratio of
//! smoothed feature frequencies in both classes, each class normalised by its own
//! total. linfa's own multinomial model takes dense input only.
//!
//! May import: nothing of ours.

use linfa::{
    DatasetBase,
    dataset::AsSingleTargets,
    traits::{Fit, PredictInplace},
};
use ndarray::{Array1, ArrayBase, Data, Ix2};

use super::row::Row;

/// Parameters: `bits` as in the support vector machine, `alpha` the count that
/// every feature is given in advance in both classes (> 0, default 0.5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NaiveBayesParams {
    bits: u32,
    alpha: f32,
}

impl NaiveBayesParams {
    /// Parameters with that size of the hashed space.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self { bits, alpha: 0.5 }
    }
}

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub struct NaiveBayes {
    /// Log-count ratio per slot, in nats; 0 for slots never seen.
    pub ratios: Vec<f32>,
}

impl NaiveBayes {
    /// Sum of the ratios of a row's features times the row's value.
    #[must_use]
    pub fn margin(&self, row: &Row) -> f32 {
        row.0.iter().filter_map(|&slot| self.ratios.get(slot as usize)).sum::<f32>() * row.value()
    }

    /// Trains. `O(features + 2^bits)`.
    ///
    /// # Errors
    ///
    /// Parameters out of range.
    pub fn fit<'a>(
        params: NaiveBayesParams,
        rows: impl Iterator<Item = (&'a Row, bool)>,
    ) -> Result<Self, linfa::Error> {
        let NaiveBayesParams { bits, alpha } = params;
        if !((8..=22).contains(&bits) && alpha.is_finite() && alpha > 0.0) {
            return Err(linfa::Error::Parameters("bits must lie in 8..=22 and alpha be positive".into()));
        }
        let mut counts = vec![[0_u32; 2]; 1 << bits];
        let mut totals = [0_u64; 2];
        for (row, target) in rows {
            let class = usize::from(target);
            for &slot in row.0.iter() {
                if let Some(n) = counts.get_mut(slot as usize).and_then(|c| c.get_mut(class)) {
                    *n += 1;
                }
            }
            if let Some(total) = totals.get_mut(class) {
                *total += row.0.len() as u64;
            }
        }
        let seen = counts.iter().filter(|c| **c != [0, 0]).count() as f32;
        let [negative, positive] = totals.map(|t| (t as f32 + alpha * seen).max(1.0).ln());
        let ratio = |[n, p]: [u32; 2]| match (n, p) {
            (0, 0) => 0.0,
            _ => ((p as f32 + alpha).ln() - positive) - ((n as f32 + alpha).ln() - negative),
        };
        Ok(Self { ratios: counts.into_iter().map(ratio).collect() })
    }
}

impl<D: Data<Elem = Row>, T: AsSingleTargets<Elem = bool>> Fit<ArrayBase<D, Ix2>, T, linfa::Error>
    for NaiveBayesParams
{
    type Object = NaiveBayes;

    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<NaiveBayes, linfa::Error> {
        let targets = dataset.as_single_targets();
        NaiveBayes::fit(*self, dataset.records.iter().zip(targets.iter().copied()))
    }
}

impl<D: Data<Elem = Row>> PredictInplace<ArrayBase<D, Ix2>, Array1<f32>> for NaiveBayes {
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<f32>) {
        for (row, y) in x.iter().zip(y) {
            *y = self.margin(row);
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<f32> {
        Array1::zeros(x.nrows())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_tell_the_classes_apart() {
        let rows = [(Row([1, 2].into()), true), (Row([1, 3].into()), true), (Row([2, 3].into()), false)];
        let model =
            NaiveBayes::fit(NaiveBayesParams::new(8), rows.iter().map(|(r, y)| (r, *y))).expect("fits");
        assert!(model.ratios[1] > 0.5 && model.ratios[2] < 0.0, "{:?}", &model.ratios[..4]);
        assert_eq!(model.ratios[9], 0.0, "a feature never seen says nothing");
        assert!(model.margin(&rows[0].0) > model.margin(&rows[2].0));
    }
}
