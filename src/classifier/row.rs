//! The sample type that linfa's data sets carry: one comment as sparse text
//! features.
//!
//! linfa's own sparse-capable types end before its classifiers; `Array2<Row>` with
//! one column works with its folds, cross-validation and metrics, because those ask
//! of an element only that it can be cloned.
//!
//! May import: `features`.

use std::sync::Arc;

use ndarray::Array2;

use crate::features::Block;

/// The features of one comment, as indices into the learners' vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Features of the first block, then of the second.
    features: Arc<[u32]>,
    /// How many belong to the first block.
    first: usize,
    /// What each feature of a block weighs.
    values: [f32; Block::COUNT],
    /// Which data set it comes from: sets differ in what is common in them.
    domain: u16,
}

impl Row {
    /// A row from the features of each block, each weighing `values` of its block.
    #[must_use]
    pub fn new(blocks: [&[u32]; Block::COUNT], values: [f32; Block::COUNT], domain: u16) -> Self {
        let [first, _] = blocks;
        Self { features: blocks.concat().into(), first: first.len(), values, domain }
    }

    /// The blocks: features and what each of them weighs.
    #[inline]
    #[must_use]
    pub fn blocks(&self) -> [(&[u32], f32); Block::COUNT] {
        let (first, second) = self.features.split_at(self.first.min(self.features.len()));
        let [a, b] = self.values;
        [(first, a), (second, b)]
    }

    /// Every feature with what it weighs.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f32)> + '_ {
        self.blocks().into_iter().flat_map(|(features, value)| features.iter().map(move |&f| (f, value)))
    }

    /// How many features it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether it has no features.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// The data set it comes from.
    #[must_use]
    pub const fn domain(&self) -> u16 {
        self.domain
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
