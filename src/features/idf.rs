//! How much a word tells: inverse document frequency from a background table.
//!
//! The table is part of a bundle and is counted over the training texts and
//! their articles. May import: nothing of ours.

use super::hash::{Field, hash};

/// Slots of the table; words share a slot by hash, so a rare word may look
/// commoner than it is, never rarer.
pub const SLOTS: usize = 1 << 16;
/// Steps per nat in the stored bytes.
const STEPS: f32 = 16.0;

/// IDF of hashed words, in nats, one byte each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdfTable {
    bytes: Box<[u8]>,
    /// IDF of a word never seen.
    unknown: u8,
}

impl Default for IdfTable {
    /// Every word tells the same: for tests and models without a table.
    fn default() -> Self {
        Self { bytes: vec![64; SLOTS].into_boxed_slice(), unknown: 64 }
    }
}

impl IdfTable {
    /// A table from stored bytes, one per slot.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == SLOTS)
            .then(|| Self { bytes: bytes.into(), unknown: bytes.iter().copied().max().unwrap_or(0) })
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// IDF of a term number (see [`term`]), in nats, 0 to 16.
    #[inline]
    #[must_use]
    pub fn get(&self, term: u32) -> f32 {
        f32::from(self.bytes.get(slot(term)).copied().unwrap_or(self.unknown)) / STEPS
    }

    /// Whether a term was never seen in training.
    #[must_use]
    pub fn is_unknown(&self, term: u32) -> bool {
        self.bytes.get(slot(term)).is_none_or(|&b| b == self.unknown)
    }
}

/// The number by which words are compared and looked up.
#[must_use]
pub fn term(word: &str) -> u32 {
    hash(Field::Term, word)
}

fn slot(term: u32) -> usize {
    (term >> 16) as usize
}

/// Counts in how many documents each slot occurs.
#[derive(Clone, Debug)]
pub struct IdfCounter {
    counts: Box<[u32]>,
    /// The last document that counted a slot.
    last: Box<[u32]>,
    documents: u32,
}

impl Default for IdfCounter {
    fn default() -> Self {
        Self {
            counts: vec![0; SLOTS].into_boxed_slice(),
            last: vec![0; SLOTS].into_boxed_slice(),
            documents: 0,
        }
    }
}

impl IdfCounter {
    /// Begins the next document.
    pub fn next_document(&mut self) {
        self.documents += 1;
    }

    /// Counts a term of the present document, once per document.
    pub fn count(&mut self, term: u32) {
        let at = slot(term);
        if let (Some(last), Some(count)) = (self.last.get_mut(at), self.counts.get_mut(at))
            && *last != self.documents
        {
            *last = self.documents;
            *count += 1;
        }
    }

    /// Adds the counts of another counter; the order of adding does not matter.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        for (a, b) in self.counts.iter_mut().zip(&other.counts) {
            *a += b;
        }
        self.documents += other.documents;
        self
    }

    /// The table: `ln((1 + N) / (1 + df))`, rounded to 1/16 nat.
    #[must_use]
    pub fn table(&self) -> IdfTable {
        let n = (1.0 + self.documents as f32).ln();
        let byte = |df: u32| ((n - (1.0 + df as f32).ln()) * STEPS).round().clamp(0.0, 255.0) as u8;
        IdfTable { bytes: self.counts.iter().map(|&df| byte(df)).collect(), unknown: byte(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_tell_more() {
        let mut counter = IdfCounter::default();
        for i in 0..100 {
            counter.next_document();
            counter.count(term("the"));
            counter.count(term("the"));
            if i == 7 {
                counter.count(term("taiwan"));
            }
        }
        let table = counter.table();
        assert!(table.get(term("the")) < 0.1);
        assert!((table.get(term("taiwan")) - (101.0_f32 / 2.0).ln()).abs() < 0.1);
        assert!(table.get(term("neverseen")) > table.get(term("taiwan")));
        assert_eq!(IdfTable::from_bytes(table.as_bytes()), Some(table));
        assert_eq!(IdfTable::from_bytes(&[0; 3]), None);
    }
}
