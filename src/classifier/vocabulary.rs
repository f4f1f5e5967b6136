//! The features that training knows: their numbers, and in how many comments each
//! occurs.
//!
//! A feature seen in one comment only says nothing of the next one, but half of all
//! features are such; leaving them out halves the table and lets the learners work
//! on memory that fits the cache.
//!
//! May import: nothing of ours.

use rayon::slice::ParallelSliceMut;

/// Leading bits by which the sorted numbers are indexed.
const INDEX_BITS: u32 = 16;

/// Feature numbers in ascending order, found in constant time on average.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    numbers: Vec<u32>,
    comments: Vec<u32>,
    /// Where the numbers with each leading part begin; one more entry at the end.
    starts: Vec<u32>,
}

impl Vocabulary {
    /// The numbers that occur at least `least` times in `all` (each comment gives a
    /// number once). `O(n log n)`; the order of `all` does not matter.
    #[must_use]
    pub fn new(mut all: Vec<u32>, least: u32) -> Self {
        all.par_sort_unstable();
        let (mut numbers, mut comments) = (Vec::new(), Vec::new());
        for same in all.chunk_by(|a, b| a == b) {
            let count = u32::try_from(same.len()).unwrap_or(u32::MAX);
            if let (true, Some(&number)) = (count >= least, same.first()) {
                numbers.push(number);
                comments.push(count);
            }
        }
        let start = |part: u32| numbers.partition_point(|&n| n >> (32 - INDEX_BITS) < part) as u32;
        let starts = (0..=1 << INDEX_BITS).map(start).collect();
        Self { numbers, comments, starts }
    }

    /// The index of a feature's number.
    #[inline]
    #[must_use]
    pub fn index(&self, number: u32) -> Option<u32> {
        let part = (number >> (32 - INDEX_BITS)) as usize;
        let (from, to) = (*self.starts.get(part)?, *self.starts.get(part + 1)?);
        let near = self.numbers.get(from as usize..to as usize)?;
        near.binary_search(&number).ok().map(|at| from + at as u32)
    }

    /// How many features it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The numbers, ascending, each with the count of comments that hold it.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.numbers.iter().copied().zip(self.comments.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_features_are_left_out() {
        let known = Vocabulary::new(vec![9, 1 << 31, 9, 7, u32::MAX, 1 << 31, u32::MAX, 9], 2);
        assert_eq!(known.iter().collect::<Vec<_>>(), [(9, 3), (1 << 31, 2), (u32::MAX, 2)]);
        for (number, index) in [(9, Some(0)), (1 << 31, Some(1)), (u32::MAX, Some(2)), (7, None), (8, None)] {
            assert_eq!(known.index(number), index, "{number}");
        }
        assert!(Vocabulary::new(Vec::new(), 2).is_empty());
    }
}
