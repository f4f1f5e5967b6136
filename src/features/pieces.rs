//! What words mean: a table of vectors of word pieces, the same for every bundle.
//!
//! The table (models/pieces) is WordLlama's token vectors, reduced. A word is cut
//! greedily into the longest known pieces and is their sum; a text is the sum of its
//! words, and two texts are as near as the cosine of their sums: the pooling for
//! which the vectors were trained. Mostly English; scripts without pieces have none.
//!
//! Sums run in a fixed order over eight lanes, so results are the same bits on every
//! machine. May import: nothing of ours.

use std::sync::LazyLock;

use safetensors::{Dtype, SafeTensors};

use super::hash::{Field, Hasher};

/// The table, made by models/pieces/build.py.
static FILE: &[u8] = include_bytes!("../../models/pieces/pieces.safetensors");
/// Where the table comes from, for the card of a bundle.
pub const PIECES_SOURCE: &str =
    "WordLlama l2_supercat_256 (PyPI wordllama 0.4.0.post1, \u{a9} 2024 Lee Miller, MIT), 64 x 8 bits";
/// Numbers of a vector.
const DIMS: usize = 64;
/// Letters of the longest piece looked for.
const LONGEST: usize = 16;
/// Slots of the look-up, a power of two well above the number of pieces.
const SLOTS: usize = 1 << 16;
/// Marks a piece that stands at the start of a word.
const START: char = '\u{2581}';

/// A sum of piece vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Meaning([f32; DIMS]);

impl Default for Meaning {
    fn default() -> Self {
        Self([0.0; DIMS])
    }
}

impl Meaning {
    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a += b);
    }

    /// Inner product.
    #[must_use]
    pub fn dot(&self, other: &Self) -> f32 {
        let mut lanes = [0.0_f32; 8];
        for (a, b) in self.0.as_chunks::<8>().0.iter().zip(other.0.as_chunks::<8>().0) {
            for ((lane, x), y) in lanes.iter_mut().zip(a).zip(b) {
                *lane += x * y;
            }
        }
        lanes.iter().sum()
    }

    /// Euclidean length: 1 to 2 for words like "the", 10 and more for telling ones.
    #[must_use]
    pub fn length(&self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The same direction with length 1; nothing stays nothing.
    #[must_use]
    pub fn unit(mut self) -> Self {
        let length = self.length();
        if length > 0.0 {
            self.0.iter_mut().for_each(|x| *x /= length);
        }
        self
    }

    /// Cosine of the angle between two sums, -1 to 1; `None` when one is nothing.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> Option<f32> {
        let lengths = self.length() * other.length();
        (lengths > 0.0).then(|| self.dot(other) / lengths)
    }
}

/// The pieces and their vectors.
#[derive(Debug)]
struct Table {
    /// Open addressing by piece number: (number, row + 1); row 0 is free.
    slots: Box<[(u32, u32)]>,
    steps: &'static [[u8; DIMS]],
    scales: Vec<f32>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(FILE).unwrap_or_else(Table::empty));

impl Table {
    fn empty() -> Self {
        Self { slots: vec![(0, 0); SLOTS].into_boxed_slice(), steps: &[], scales: Vec::new() }
    }

    fn read(file: &'static [u8]) -> Option<Self> {
        let tensors = SafeTensors::deserialize(file).ok()?;
        let of = |name, dtype| tensors.tensor(name).ok().filter(|t| t.dtype() == dtype).map(|t| t.data());
        let names = std::str::from_utf8(of("pieces", Dtype::U8)?).ok()?;
        let scales = of("scales", Dtype::F32)?.as_chunks::<4>().0;
        let mut table = Self {
            steps: of("vectors", Dtype::I8)?.as_chunks::<DIMS>().0,
            scales: scales.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            ..Self::empty()
        };
        for (row, piece) in names.split('\n').enumerate() {
            let (start, body) =
                piece.strip_prefix(START).map_or((Field::Gram, piece), |body| (Field::Term, body));
            let number = body.chars().fold(Hasher::new(start), |h, c| h.with(c as u32)).finish();
            let mut at = slot(number);
            while table.slots.get(at).is_some_and(|(_, row)| *row != 0) {
                at = (at + 1) % SLOTS;
            }
            *table.slots.get_mut(at)? = (number, u32::try_from(row).ok()? + 1);
        }
        (table.scales.len() == table.steps.len() && table.steps.len() < SLOTS / 2).then_some(table)
    }

    fn find(&self, number: u32) -> Option<usize> {
        let mut at = slot(number);
        loop {
            match *self.slots.get(at)? {
                (_, 0) => return None,
                (n, row) if n == number => return Some(row as usize - 1),
                _ => at = (at + 1) % SLOTS,
            }
        }
    }

    fn add(&self, row: usize, sum: &mut Meaning) {
        let (Some(steps), Some(scale)) = (self.steps.get(row), self.scales.get(row)) else { return };
        sum.0.iter_mut().zip(steps).for_each(|(x, step)| *x += scale * f32::from(step.cast_signed()));
    }
}

const fn slot(number: u32) -> usize {
    number as usize % SLOTS
}

/// What a folded word means: the sum of its pieces; `None` when it has none.
/// `O(n)` in its letters times the longest piece; no allocation.
#[must_use]
pub fn meaning_of(word: &str) -> Option<Meaning> {
    let table = &*TABLE;
    let (mut sum, mut found) = (Meaning::default(), false);
    let (mut rest, mut field) = (word, Field::Term);
    while let Some(first) = rest.chars().next() {
        let mut best = None;
        let mut hasher = Hasher::new(field);
        for (at, c) in rest.char_indices().take(LONGEST) {
            hasher = hasher.with(c as u32);
            if let Some(row) = table.find(hasher.finish()) {
                best = Some((row, at + c.len_utf8()));
            }
        }
        let length = best.map_or(first.len_utf8(), |(row, length)| {
            table.add(row, &mut sum);
            found = true;
            length
        });
        rest = rest.get(length..).unwrap_or("");
        field = Field::Gram;
    }
    found.then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let table = Table::read(FILE).expect("the table reads");
        assert_eq!(table.steps.len(), 22_605);
        assert!(table.scales.iter().all(|s| s.is_finite() && *s > 0.0));
    }

    #[test]
    fn related_words_are_nearer() {
        let near = |a: &str, b: &str| {
            meaning_of(a).expect("known").cosine(&meaning_of(b).expect("known")).expect("not nothing")
        };
        assert!(near("taiwan", "china") > near("taiwan", "recipe"));
        assert!(near("football", "goalkeeper") > near("football", "parliament"));
        assert!((near("budget", "budget") - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_script_without_pieces_means_nothing() {
        assert_eq!(meaning_of("\u{13a0}\u{13a1}"), None);
        assert_eq!(meaning_of(""), None);
        assert_eq!(Meaning::default().cosine(&Meaning::default()), None);
    }
}
