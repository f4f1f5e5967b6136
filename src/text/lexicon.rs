//! One look-up per word for everything that single words say: function words
//! of languages, spelled-out dots, at signs and digits, messenger names, words
//! that announce a telephone number.
//!
//! An open-addressing table built at first use; keys are the bytes of a word as
//! an integer, so a look-up is a multiplication and, mostly, one comparison.
//!
//! May import: `types`.

use std::sync::LazyLock;

use super::{
    lexicon_words::{ADDRESS_WORDS, FUNCTION_WORDS, LANGUAGES},
    view::{TokenKind, View},
};

/// Longest word in the table, in bytes.
const MAX_BYTES: usize = 32;
/// Bytes of a key.
const KEY_BYTES: usize = 16;
/// Slots of the table, a power of two.
const SLOTS: usize = 4096;
/// Cues kept per text.
const MAX_CUES: usize = 2048;
/// Points of a word that only one language has.
const POINTS: u32 = 12;

/// What a word may mean in an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    None,
    /// "dot"; the top-level domains that it may precede when it stands alone.
    Dot(&'static [&'static str]),
    /// "at", as in "ann at example dot com".
    At,
    /// A digit as a word.
    Digit(u8),
    /// "plus", before a country code.
    Plus,
    /// The name of a messenger.
    Messenger(&'static str),
    /// "call", "phone": a number that follows is a telephone number.
    Call,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u128,
    languages: u32,
    role: Role,
}

struct Lexicon {
    slots: Box<[u16]>,
    entries: Vec<Entry>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::build);

/// The key of a word. Words beyond [`KEY_BYTES`] (in scripts of two or three
/// bytes a letter) are mixed down; only a crafted word could collide.
#[inline]
fn key(word: &str) -> Option<u128> {
    let bytes = word.as_bytes();
    let (head, tail) = bytes.split_at(bytes.len().min(KEY_BYTES));
    let head = half_key(head)?;
    if tail.is_empty() {
        return Some(head);
    }
    Some(head.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) ^ half_key(tail)?)
}

#[inline]
fn half_key(word: &[u8]) -> Option<u128> {
    let mut bytes = [0; KEY_BYTES];
    bytes.get_mut(..word.len())?.copy_from_slice(word);
    Some(u128::from_le_bytes(bytes))
}

#[inline]
const fn slot_of(key: u128) -> usize {
    let mixed = (key as u64 ^ ((key >> 64) as u64).rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 52) as usize & (SLOTS - 1)
}

impl Lexicon {
    fn build() -> Self {
        let mut lexicon = Self { slots: vec![0; SLOTS].into_boxed_slice(), entries: Vec::new() };
        for (language, words) in FUNCTION_WORDS.iter().enumerate() {
            for word in words.split_whitespace() {
                lexicon.entry(word).languages |= 1 << language;
            }
        }
        for (role, words) in ADDRESS_WORDS {
            for word in words.split_whitespace() {
                lexicon.entry(word).role = *role;
            }
        }
        lexicon
    }

    fn entry(&mut self, word: &str) -> &mut Entry {
        let key = key(word).expect("every word of the lists fits the key");
        let (slot, found) = self.probe(key);
        let at = found.unwrap_or_else(|| {
            self.entries.push(Entry { key, languages: 0, role: Role::None });
            if let Some(slot) = self.slots.get_mut(slot) {
                *slot = self.entries.len() as u16;
            }
            self.entries.len() - 1
        });
        self.entries.get_mut(at).expect("the slot names an entry")
    }

    /// The slot of a key and its entry, if there is one.
    #[inline]
    fn probe(&self, key: u128) -> (usize, Option<usize>) {
        let mut slot = slot_of(key);
        // The table is never full, so an empty slot ends every probe.
        loop {
            let Some(at) = self.slots.get(slot).copied().unwrap_or(0).checked_sub(1) else {
                return (slot, None);
            };
            if self.entries.get(usize::from(at)).is_some_and(|entry| entry.key == key) {
                return (slot, Some(usize::from(at)));
            }
            slot = (slot + 1) & (SLOTS - 1);
        }
    }

    #[inline]
    fn find(&self, word: &str) -> Option<&Entry> {
        self.entries.get(self.probe(key(word)?).1?)
    }
}

/// What a folded word may mean in an address.
pub(super) fn role(word: &str) -> Role {
    LEXICON.find(word).map_or(Role::None, |entry| entry.role)
}

/// What the words of a text say.
#[derive(Clone, Debug, Default)]
pub(super) struct Cues {
    /// Token number and role, in order.
    list: Vec<(u32, Role)>,
    /// Points per language.
    points: [u32; LANGUAGES.len()],
    dots_or_ats: bool,
    digit_words: u32,
}

impl Cues {
    /// Looks up every word of `view`.
    pub(super) fn collect(&mut self, view: &View) {
        self.list.clear();
        self.points = [0; LANGUAGES.len()];
        (self.dots_or_ats, self.digit_words) = (false, 0);
        let lexicon = &*LEXICON;
        for (at, token) in view.tokens.iter().enumerate() {
            if token.kind != TokenKind::Word || token.span.len() as usize > MAX_BYTES {
                continue;
            }
            let Some(entry) = lexicon.find(view.word(*token)) else { continue };
            self.vote(entry.languages);
            if entry.role != Role::None && self.list.len() < MAX_CUES {
                self.list.push((at as u32, entry.role));
                match entry.role {
                    Role::Dot(_) | Role::At => self.dots_or_ats |= matches!(entry.role, Role::Dot(_)),
                    Role::Digit(_) | Role::Plus => self.digit_words += 1,
                    Role::None | Role::Messenger(_) | Role::Call => {}
                }
            }
        }
    }

    #[inline]
    fn vote(&mut self, languages: u32) {
        let mut left = languages;
        let points = if left == 0 { 0 } else { POINTS / left.count_ones() };
        while left != 0 {
            if let Some(sum) = self.points.get_mut(left.trailing_zeros() as usize) {
                *sum += points;
            }
            left &= left - 1;
        }
    }

    /// Token numbers and roles, in order.
    pub(super) fn list(&self) -> &[(u32, Role)] {
        &self.list
    }

    /// Points per language of [`LANGUAGES`]; a word of one language alone
    /// gives twelve.
    pub(super) const fn points(&self) -> &[u32; LANGUAGES.len()] {
        &self.points
    }

    /// Whether words may spell out an address or a number.
    pub(super) const fn spells_addresses(&self) -> bool {
        self.dots_or_ats || self.digit_words >= 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_and_others_are_not() {
        assert_eq!(role("whatsapp"), Role::Messenger("whatsapp"));
        assert_eq!(role("three"), Role::Digit(3));
        assert_eq!(role("at"), Role::At);
        assert_eq!(role("house"), Role::None);
        assert_eq!(role(""), Role::None);
        assert_eq!(role(&"long".repeat(10)), Role::None);
    }

    #[test]
    fn the_table_is_at_most_half_full() {
        assert!(LEXICON.entries.len() * 2 < SLOTS, "{} entries", LEXICON.entries.len());
        assert_eq!(LANGUAGES.len(), FUNCTION_WORDS.len());
        assert!(LANGUAGES.len() <= 32);
    }
}
