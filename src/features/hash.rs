//! Hashing of text pieces into feature numbers.
//!
//! Fixed seeds and arithmetic: the same piece has the same number on every
//! machine, in every process, for as long as the bundle format lives. Not for
//! secrets: an attacker who reads the code can make collisions, which costs them
//! more than writing another text.
//!
//! May import: nothing of ours.

/// Multiplier of the mixing step: 2^64 / φ, odd.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// The kinds of text pieces. Each starts its hash differently, so a word of the
/// body and the same word in an author name are two features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Field {
    /// Words and word pairs of the body.
    Word = 0x51,
    /// Letter groups of the body.
    Gram = 0x52,
    /// The author's display name.
    AuthorName = 0x53,
    /// The author's link.
    AuthorUrl = 0x54,
    /// Hosts of links in the body.
    LinkHost = 0x55,
    /// What a token looks like: digits, symbols.
    Shape = 0x56,
    /// Words for comparing with articles and for the IDF table.
    Term = 0x57,
    /// Pairs of words with one word between them.
    Skip = 0x58,
}

/// A hash being built.
#[derive(Clone, Copy, Debug)]
pub struct Hasher(u64);

impl Hasher {
    /// An empty piece of that field.
    #[must_use]
    pub const fn new(field: Field) -> Self {
        Self((field as u64).wrapping_mul(MIX))
    }

    /// The piece with one more unit.
    #[inline]
    #[must_use]
    pub const fn with(self, unit: u32) -> Self {
        Self((self.0.rotate_left(5) ^ unit as u64).wrapping_mul(MIX))
    }

    /// The number of the piece: 32 well-mixed bits.
    #[inline]
    #[must_use]
    pub const fn finish(self) -> u32 {
        let x = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (x >> 32) as u32
    }
}

/// The number of a whole piece of text.
#[must_use]
pub fn hash(field: Field, text: &str) -> u32 {
    let start = Hasher::new(field);
    if text.is_ascii() {
        text.bytes().fold(start, |h, b| h.with(u32::from(b))).finish()
    } else {
        text.chars().fold(start, |h, c| h.with(c as u32)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_never_change() {
        // A bundle's weights sit at these numbers: changing one orphans every bundle.
        assert_eq!(hash(Field::Word, "putin"), hash(Field::Word, "putin"));
        assert_ne!(hash(Field::Word, "putin"), hash(Field::AuthorName, "putin"));
    }

    #[test]
    fn short_pieces_rarely_collide() {
        let mut seen = HashSet::new();
        let letters: Vec<char> = ('a'..='z').chain('а'..='я').collect();
        let mut made = 0;
        for a in &letters {
            for b in &letters {
                for c in &letters {
                    made += 1;
                    seen.insert(hash(Field::Gram, &format!("{a}{b}{c}")));
                }
            }
        }
        // 195,112 pieces into 2^32 numbers: about 4 collisions are expected.
        assert!(made - seen.len() < 20, "{} collisions", made - seen.len());
    }
}
