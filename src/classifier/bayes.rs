//! Naive Bayes over present features, as log-count ratios within domains, and the
//! scale that they give the features of a linear model.
//!
//! Source: S. Wang, C. D. Manning, "Baselines and Bigrams" (ACL 2012): the ratio of
//! smoothed feature counts in both classes against what the classes' sizes let
//! expect. Sets differ in how common the label is in them: a word of a set that is
//! mostly spam is not a word of spam. So the expectation is taken within each set
//! (as the Mantel–Haenszel odds ratio does over strata), and a corpus of one set
//! gives the plain ratio. linfa's own multinomial model takes dense input only.
//!
//! May import: nothing of ours.

use linfa::{
    DatasetBase,
    dataset::AsSingleTargets,
    traits::{Fit, PredictInplace},
};
use ndarray::{Array1, ArrayBase, Data, Ix2};

use super::row::Row;

/// What a feature of ratio 0 keeps of its scale: the model may still need it beside
/// others. 0.1 to 0.5 did equally well on the data tried.
const RATIO_FLOOR: f32 = 0.5;

/// Parameters: how many `features` the vocabulary has, and `alpha`, the count that
/// every feature is given in advance in both classes (> 0, default 0.5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NaiveBayesParams {
    features: usize,
    alpha: f32,
}

impl NaiveBayesParams {
    /// Parameters for a vocabulary of that size.
    #[must_use]
    pub const fn new(features: usize) -> Self {
        Self { features, alpha: 0.5 }
    }

    /// Sets the count given in advance.
    #[must_use]
    pub const fn alpha(mut self, alpha: f32) -> Self {
        self.alpha = alpha;
        self
    }
}

/// What is counted of one feature.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    negative: f32,
    positive: f32,
    /// Positives to be expected from the share of positives in each set.
    expected: f32,
    /// Sum of the logarithms of the sizes of the sets it was met in.
    sizes: f32,
}

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub struct NaiveBayes {
    /// Log-count ratio per feature, in nats; 0 for features never seen.
    pub ratios: Vec<f32>,
    /// What a linear model multiplies each feature with: `idf · √(|ratio| + 1/2)`,
    /// scaled so that rows keep their mean length. Rare and telling features move
    /// easily, common ones do not.
    pub scales: Vec<f32>,
}

/// What is known of each set: the share of positives among its features, and the
/// logarithm of its size.
#[derive(Clone, Debug, Default)]
pub struct Strata(Vec<(f32, f32)>);

impl Strata {
    /// Looks at all rows. `O(rows)`.
    pub fn of<'a>(rows: impl Iterator<Item = (&'a Row, bool)>) -> Self {
        // Of each set: rows, features of negatives, features of positives.
        let mut sums: Vec<[f32; 3]> = Vec::new();
        for (row, target) in rows {
            let at = usize::from(row.domain());
            if sums.len() <= at {
                sums.resize(at + 1, [0.0; 3]);
            }
            if let Some([rows, negative, positive]) = sums.get_mut(at) {
                *rows += 1.0;
                *if target { positive } else { negative } += row.len() as f32;
            }
        }
        let stratum =
            |&[rows, negative, positive]: &[f32; 3]| (positive / (negative + positive).max(1.0), rows.ln());
        Self(sums.iter().map(stratum).collect())
    }
}

/// Counts of every feature over some rows. Counts of parts add up to those of the whole,
/// and what a model would be without a part is a subtraction.
#[derive(Clone, Debug)]
pub struct FeatureCounts(Vec<Count>);

impl FeatureCounts {
    /// Counts the rows over a vocabulary of so many features. `O(features of all rows)`.
    #[must_use]
    pub fn of<'a>(features: usize, strata: &Strata, rows: impl Iterator<Item = (&'a Row, bool)>) -> Self {
        let mut counts = vec![Count::default(); features];
        for (row, target) in rows {
            let Some(&(share, size)) = strata.0.get(usize::from(row.domain())) else { continue };
            for (feature, _) in row.iter() {
                if let Some(count) = counts.get_mut(feature as usize) {
                    *(if target { &mut count.positive } else { &mut count.negative }) += 1.0;
                    count.expected += share;
                    count.sizes += size;
                }
            }
        }
        Self(counts)
    }

    /// Adds the counts of other rows.
    pub fn add(&mut self, other: &Self) {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            a.negative += b.negative;
            a.positive += b.positive;
            a.expected += b.expected;
            a.sizes += b.sizes;
        }
    }

    /// The counts without those of some of the rows.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        let less = |(a, b): (&Count, &Count)| Count {
            negative: a.negative - b.negative,
            positive: a.positive - b.positive,
            // Sums of shares lose a last bit each time: never below nothing.
            expected: (a.expected - b.expected).max(0.0),
            sizes: (a.sizes - b.sizes).max(0.0),
        };
        Self(self.0.iter().zip(&part.0).map(less).collect())
    }
}

impl NaiveBayes {
    /// Sum of the ratios of a row's features times what they weigh.
    #[must_use]
    pub fn margin(&self, row: &Row) -> f32 {
        let sum =
            |features: &[u32]| features.iter().filter_map(|&f| self.ratios.get(f as usize)).sum::<f32>();
        row.blocks().into_iter().map(|(features, value)| sum(features) * value).sum()
    }

    /// The model that counts give; the mean length of rows is taken from `sample`.
    /// `O(vocabulary + features of the sample)`.
    ///
    /// # Errors
    ///
    /// Parameters out of range.
    pub fn from_counts<'a>(
        params: NaiveBayesParams,
        counts: &FeatureCounts,
        sample: impl Iterator<Item = &'a Row>,
    ) -> Result<Self, linfa::Error> {
        let NaiveBayesParams { features, alpha } = params;
        if features == 0 || !(alpha.is_finite() && alpha > 0.0) {
            return Err(linfa::Error::Parameters("features and alpha must be positive".into()));
        }
        let ratios: Vec<f32> = counts.0.iter().map(|count| ratio(count, alpha)).collect();
        let scales = scales(&counts.0, &ratios, sample);
        Ok(Self { ratios, scales })
    }

    /// Trains. `O(features of all rows + vocabulary)`.
    ///
    /// # Errors
    ///
    /// Parameters out of range.
    pub fn fit<'a>(
        params: NaiveBayesParams,
        rows: impl Iterator<Item = (&'a Row, bool)> + Clone,
    ) -> Result<Self, linfa::Error> {
        let counts = FeatureCounts::of(params.features, &Strata::of(rows.clone()), rows.clone());
        Self::from_counts(params, &counts, rows.map(|(row, _)| row))
    }
}

fn ratio(count: &Count, alpha: f32) -> f32 {
    let seen = count.negative + count.positive;
    if seen == 0.0 {
        return 0.0;
    }
    let found = ((count.positive + alpha) / (count.negative + alpha)).ln();
    found - ((count.expected + alpha) / (seen - count.expected + alpha)).ln()
}

/// See [`NaiveBayes::scales`].
fn scales<'a>(counts: &[Count], ratios: &[f32], rows: impl Iterator<Item = &'a Row>) -> Vec<f32> {
    let raw = |(count, ratio): (&Count, &f32)| {
        let seen = count.negative + count.positive;
        if seen == 0.0 {
            return 1.0;
        }
        // Of the sets it occurs in, the (geometric) mean size: a word is as rare as it
        // is among its own kind, whatever else there is to learn from.
        let documents = (count.sizes / seen).exp();
        let idf = ((1.0 + documents) / (1.0 + seen)).ln().max(0.0) + 1.0;
        idf * (ratio.abs() + RATIO_FLOOR).sqrt()
    };
    let mut scales: Vec<f32> = counts.iter().zip(ratios).map(raw).collect();
    let (mut before, mut after) = (0.0_f64, 0.0_f64);
    for row in rows {
        for (features, value) in row.blocks() {
            let squares = |f: &u32| scales.get(*f as usize).map_or(0.0, |s| s * s);
            before += f64::from(value * value) * features.len() as f64;
            after += f64::from(value * value * features.iter().map(squares).sum::<f32>());
        }
    }
    let norm = if after > 0.0 { (before / after).sqrt() as f32 } else { 1.0 };
    scales.iter_mut().for_each(|s| *s *= norm);
    scales
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

    fn row(features: &[u32], domain: u16) -> Row {
        Row::new([features, &[]], [0.5, 0.0], domain)
    }

    fn fit(rows: &[(Row, bool)]) -> NaiveBayes {
        NaiveBayes::fit(NaiveBayesParams::new(16), rows.iter().map(|(r, y)| (r, *y))).expect("fits")
    }

    #[test]
    fn ratios_tell_the_classes_apart() {
        let rows = [(row(&[1, 2], 0), true), (row(&[1, 3], 0), true), (row(&[2, 3], 0), false)];
        let model = fit(&rows);
        assert!(model.ratios[1] > 0.5 && model.ratios[2] < 0.0, "{:?}", &model.ratios[..4]);
        assert_eq!(model.ratios[9], 0.0, "a feature never seen says nothing");
        assert!(model.margin(&rows[0].0) > model.margin(&rows[2].0));
        assert!(model.scales[1] > model.scales[3], "a telling feature moves more easily");
    }

    #[test]
    fn counts_of_parts_add_up_and_take_away() {
        let rows: Vec<(Row, bool)> =
            (0..40).map(|i| (row(&[i % 5, 5 + i % 7], (i % 2) as u16), i % 3 == 0)).collect();
        let told = |part: &[(Row, bool)]| part.iter().map(|(r, y)| (r.clone(), *y)).collect::<Vec<_>>();
        let strata = Strata::of(rows.iter().map(|(r, y)| (r, *y)));
        let count = |part: &[(Row, bool)]| {
            let part = told(part);
            FeatureCounts::of(16, &strata, part.iter().map(|(r, y)| (r, *y)))
        };
        let (mut sum, part, rest) = (count(&rows[..25]), count(&rows[25..]), count(&rows[..25]));
        sum.add(&part);
        let model = |counts: &FeatureCounts| {
            NaiveBayes::from_counts(NaiveBayesParams::new(16), counts, rows.iter().map(|(r, _)| r))
                .expect("fits")
        };
        let near = |a: &NaiveBayes, b: &NaiveBayes| {
            for (a, b) in a.ratios.iter().zip(&b.ratios).chain(a.scales.iter().zip(&b.scales)) {
                assert!((a - b).abs() < 1e-4, "{a} {b}");
            }
        };
        near(&model(&sum), &fit(&rows));
        near(&model(&sum.without(&part)), &model(&rest));
    }

    #[test]
    fn a_set_that_is_mostly_positive_does_not_taint_its_words() {
        // Feature 5 is in every comment of set 1, of which 9 in 10 are positive.
        let mut rows: Vec<(Row, bool)> = (0..100).map(|i| (row(&[5, 6 + i % 3], 1), i % 10 > 0)).collect();
        rows.extend((0..100).map(|i| (row(&[1 + i % 2, 9], 0), i % 2 == 0)));
        let model = fit(&rows);
        assert!(model.ratios[5].abs() < 0.05, "{}", model.ratios[5]);
        assert!(model.ratios[1] > 2.0 && model.ratios[2] < -2.0);
    }
}
