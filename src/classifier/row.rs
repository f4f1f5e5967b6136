//! One comment as the sparse learners see it, and many of them as linfa does.
//!
//! linfa's classifiers take dense matrices only, but its data sets, folds and
//! metrics work on matrices of any element that can be cloned: so a row is one
//! cheap-to-clone element, and a corpus a matrix with one column.
//!
//! May import: nothing of ours.

use std::sync::Arc;

use ndarray::Array2;

/// The features of one comment: slots of the hashed space, each with the same
/// value `1/√n` (so that rows have length 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Arc<[u32]>);

impl Row {
    /// The slots of feature numbers in a space of 2^`bits`.
    #[must_use]
    pub fn new(numbers: &[u32], bits: u32) -> Self {
        Self(numbers.iter().map(|n| n >> (32 - bits)).collect())
    }

    /// The value of each feature.
    #[must_use]
    pub fn value(&self) -> f32 {
        crate::features::unit_weight(self.0.len())
    }
}

/// Rows as linfa wants them: `n × 1`.
pub type Corpus = Array2<Row>;

/// Stacks rows into a corpus.
#[must_use]
pub fn corpus(rows: Vec<Row>) -> Corpus {
    let n = rows.len();
    Array2::from_shape_vec((n, 1), rows).expect("n rows fill n × 1")
}
