//! The bare hash-and-dot loop that the pipeline is measured against: words, word
//! pairs and letter groups of a text, hashed and looked up, and nothing else.
//!
//! Written without the library's reader and walk, so that a slow walk cannot hide
//! behind a slow yardstick. It reads lower-cased text character by character, does
//! not keep the features, and does not notice repeats.

use tamis::{
    classifier::TextWeights,
    features::{Field, Hasher},
    types::Label,
};

/// Marks word bounds inside letter groups, as the library does.
const BOUND: u32 = 0x01;
/// Most letters of one word.
const MAX_WORD: usize = 40;

/// Sums of steps, and how many features they are of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dot {
    /// Per label.
    pub(crate) sums: [i32; Label::COUNT],
    /// Features looked up.
    pub(crate) features: u32,
}

/// Hashes and looks up every n-gram of `text`.
pub(crate) fn dot(text: &str, table: &TextWeights) -> Dot {
    let mut dot = Dot::default();
    let mut before = [None; 2];
    let mut word = Word { units: [BOUND; MAX_WORD + 2], len: 1, digits_first: false, letters: false };
    if text.is_ascii() {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() {
                word.push(u32::from(byte.to_ascii_lowercase()), true);
            } else if byte == b' ' {
                word.end(table, &mut before, &mut dot);
            } else {
                word.mark(u32::from(byte), table, &mut before, &mut dot);
            }
        }
    } else {
        for c in text.chars().flat_map(char::to_lowercase) {
            if c.is_alphanumeric() {
                word.push(c as u32, true);
            } else if c.is_whitespace() {
                word.end(table, &mut before, &mut dot);
            } else {
                word.mark(c as u32, table, &mut before, &mut dot);
            }
        }
    }
    word.end(table, &mut before, &mut dot);
    dot
}

/// A word with its bounds.
struct Word {
    units: [u32; MAX_WORD + 2],
    /// Of `units`, the opening bound included.
    len: usize,
    digits_first: bool,
    /// Letters and digits, not a run of one symbol.
    letters: bool,
}

impl Word {
    #[inline]
    fn push(&mut self, unit: u32, letters: bool) {
        if self.len == 1 {
            self.letters = letters;
            self.digits_first = (0x30..0x3a).contains(&unit);
        }
        if let Some(slot) = self.units.get_mut(self.len).filter(|_| self.len <= MAX_WORD) {
            *slot = unit;
            self.len += 1;
        }
    }

    /// A symbol: a run of the same one is a word without letter groups.
    #[inline]
    fn mark(&mut self, unit: u32, table: &TextWeights, before: &mut [Option<u32>; 2], dot: &mut Dot) {
        if self.letters || self.units.get(1) != Some(&unit) {
            self.end(table, before, dot);
        }
        self.push(unit, false);
    }

    /// The features of a word that is complete.
    #[inline]
    fn end(&mut self, table: &TextWeights, before: &mut [Option<u32>; 2], dot: &mut Dot) {
        if self.len == 1 {
            return;
        }
        if let Some(slot) = self.units.get_mut(self.len) {
            *slot = BOUND;
        }
        let units = self.units.get(..=self.len).unwrap_or(&[]);
        let letters = units.get(1..self.len).unwrap_or(&[]);
        let whole = letters.iter().fold(Hasher::new(Field::Word), |h, &u| h.with(u)).finish();
        dot.add(table, whole);
        let [last, earlier] = std::mem::replace(before, [Some(whole), before[0]]);
        if let Some(last) = last {
            dot.add(table, Hasher::new(Field::Word).with(last).with(whole).finish());
        }
        if let Some(earlier) = earlier {
            dot.add(table, Hasher::new(Field::Skip).with(earlier).with(whole).finish());
        }
        if self.digits_first {
            let digit = |u: u32| if (0x30..0x3a).contains(&u) { 0x30 } else { u };
            let shape = letters.iter().fold(Hasher::new(Field::Shape), |h, &u| h.with(digit(u)));
            dot.add(table, shape.finish());
        }
        let groups = if self.letters { units } else { &[] };
        for first in 0..groups.len() {
            let rest = groups.get(first..).unwrap_or(&[]);
            let mut h = Hasher::new(Field::Gram);
            for (n, &unit) in rest.iter().take(4).enumerate() {
                h = h.with(unit);
                if n >= 1 {
                    dot.add(table, h.finish());
                }
            }
        }
        self.len = 1;
    }
}

impl Dot {
    #[inline]
    fn add(&mut self, table: &TextWeights, number: u32) {
        for (sum, step) in self.sums.iter_mut().zip(table.of(number)) {
            *sum += i32::from(step);
        }
        self.features += 1;
    }
}
