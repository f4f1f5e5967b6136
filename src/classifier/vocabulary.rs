//! The features that training knows: their numbers, and in how many comments each
//! occurs.
//!
//! A feature seen in one comment only says nothing of the next one, but half of all
//! features are such; leaving them out halves the table and lets the learners work
//! on memory that fits the cache. Features are indexed by how often they occur, the
//! commonest first: the few thousand that make up most of every comment lie side by side.
//!
//! May import: nothing of ours.

use rayon::prelude::*;

/// Leading bits by which numbers are parted before they are sorted: what lies in one part
/// fits a core's cache.
const PART_BITS: u32 = 8;
/// Marks a free slot of the index.
const FREE: u32 = u32::MAX;

/// Feature numbers by falling frequency, found in constant time on average.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// By index: number, and comments that hold it.
    features: Vec<(u32, u32)>,
    /// Open addressing by the leading bits of the number, at most half full: number and
    /// index.
    slots: Vec<(u32, u32)>,
    /// How far a number is moved to the right to name its slot.
    shift: u32,
}

impl Vocabulary {
    /// The numbers that occur at least `least` times in `all` (each comment gives a
    /// number once). `O(n)` but for the sorting by frequency; the order of `all` does not
    /// matter.
    #[must_use]
    pub fn new(all: &[&[u32]], least: u32) -> Self {
        let mut parts = parted(all);
        let counted: Vec<Vec<(u32, u32)>> = parts.par_iter_mut().map(|part| counted(part, least)).collect();
        let mut features = counted.concat();
        features.par_sort_unstable_by_key(|&(number, comments)| (std::cmp::Reverse(comments), number));
        let bits = (2 * features.len() + 1).next_power_of_two().ilog2().max(1);
        let (shift, mut slots) = (32 - bits, vec![(0, FREE); 1 << bits]);
        for (&(number, _), index) in features.iter().zip(0_u32..) {
            let mut at = (number >> shift) as usize;
            while slots.get(at).is_some_and(|slot| slot.1 != FREE) {
                at = (at + 1) & (slots.len() - 1);
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = (number, index);
            }
        }
        Self { features, slots, shift }
    }

    /// The index of a feature's number.
    #[inline]
    #[must_use]
    pub fn index(&self, number: u32) -> Option<u32> {
        let mut at = (number >> self.shift) as usize;
        loop {
            match self.slots.get(at) {
                Some(&(_, FREE)) | None => return None,
                Some(&(known, index)) if known == number => return Some(index),
                Some(_) => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }

    /// How many features it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// The numbers by index, each with the count of comments that hold it.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.features.iter().copied()
    }
}

/// The numbers by their leading bits.
fn parted(all: &[&[u32]]) -> Vec<Vec<u32>> {
    let count = 1 << PART_BITS;
    let chunk = all.len().div_ceil(2 * rayon::current_num_threads()).max(1);
    let chunks: Vec<Vec<Vec<u32>>> = all
        .par_chunks(chunk)
        .map(|lists| {
            let numbers = lists.iter().map(|list| list.len()).sum::<usize>();
            let room = numbers / count * 5 / 4 + 16;
            let mut parts: Vec<Vec<u32>> = (0..count).map(|_| Vec::with_capacity(room)).collect();
            for &number in lists.iter().copied().flatten() {
                if let Some(part) = parts.get_mut((number >> (32 - PART_BITS)) as usize) {
                    part.push(number);
                }
            }
            parts
        })
        .collect();
    let part = |at: usize| chunks.iter().filter_map(|parts| parts.get(at)).flatten().copied().collect();
    (0..count).into_par_iter().map(part).collect()
}

/// The numbers of a part that occur often enough, ascending, with how often.
fn counted(part: &mut [u32], least: u32) -> Vec<(u32, u32)> {
    part.sort_unstable();
    let same = part.chunk_by(|a, b| a == b);
    let count = |same: &[u32]| Some((*same.first()?, u32::try_from(same.len()).unwrap_or(u32::MAX)));
    same.filter_map(count).filter(|(_, comments)| *comments >= least).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_features_are_left_out_and_common_ones_come_first() {
        let comments: [&[u32]; 4] =
            [&[9, 1 << 31, u32::MAX], &[9, 7], &[1 << 31, u32::MAX, u32::MAX - 1], &[9, u32::MAX - 1]];
        let known = Vocabulary::new(&comments, 2);
        let want = [(9, 3), (1 << 31, 2), (u32::MAX - 1, 2), (u32::MAX, 2)];
        assert_eq!(known.iter().collect::<Vec<_>>(), want);
        for (number, index) in [(9, Some(0)), (1 << 31, Some(1)), (u32::MAX, Some(3)), (7, None), (8, None)] {
            assert_eq!(known.index(number), index, "{number}");
        }
        assert!(Vocabulary::new(&[], 2).is_empty());
        assert_eq!(Vocabulary::new(&[], 2).index(1), None);
    }

    #[test]
    fn every_number_of_a_crowd_is_found() {
        let numbers: Vec<u32> = (0..5_000_u32).map(|n| n.wrapping_mul(0x9E37_79B1)).collect();
        let known = Vocabulary::new(&[&numbers], 1);
        let mut seen: Vec<u32> = numbers.iter().filter_map(|&n| known.index(n)).collect();
        seen.sort_unstable();
        assert!(seen.iter().copied().eq(0..5_000));
    }
}
