//! How a comment is written: length, case, digits, repetition.
//!
//! May import: `types`, `text`.

use crate::text::{TokenKind, ViewKind};

use super::{Signal, Subject, count, ratio, share};

pub(super) const SIGNALS: [Signal; 13] = [
    count("length/words", "Words, numbers and ideographs."),
    count("length/chars", "Characters."),
    count("length/lines", "Line breaks."),
    share("shape/uppercase", "Upper-case letters among letters, 0 to 1."),
    share("shape/shouted", "Wholly upper-case words among words, 0 to 1."),
    share("shape/digits", "Digits among characters, 0 to 1."),
    share("shape/symbols", "Punctuation and symbols among characters, 0 to 1."),
    share("shape/emoji", "Emoji among tokens, 0 to 1."),
    count("shape/exclamations", "Exclamation and question marks."),
    count("shape/currency", "Currency signs."),
    count("shape/word_length", "Mean letters of a word."),
    share("shape/repeated", "Words that occurred before in the comment, 0 to 1."),
    share("shape/unpronounceable", "Longest run of ASCII consonants over 4, per 10, 0 to 1."),
];

pub(super) fn measure(subject: &Subject<'_>) -> [f32; SIGNALS.len()] {
    let c = subject.document.counts();
    let view = subject.document.view(ViewKind::Folded);
    let (mut words, mut tokens, mut emoji, mut letters, mut repeated, mut mash) =
        (0_u32, 0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    let mut seen = [0_u64; 16];
    for (view, &token) in view.into_iter().flat_map(|v| v.tokens().iter().take(2_000).map(move |t| (v, t))) {
        tokens += 1;
        match token.kind {
            TokenKind::Emoji => emoji += 1,
            TokenKind::Symbol => {}
            TokenKind::Word | TokenKind::Number | TokenKind::Ideograph => {
                let text = view.word(token);
                words += 1;
                letters += token.span.len();
                mash = mash.max(consonant_run(text));
                let h = known_by(text);
                let (slot, bit) = ((h >> 60) as usize, 1_u64 << ((h >> 54) & 63));
                if let Some(seen) = seen.get_mut(slot) {
                    repeated += u32::from(*seen & bit != 0);
                    *seen |= bit;
                }
            }
        }
    }
    [
        words as f32,
        c.chars as f32,
        c.lines as f32,
        ratio(c.uppercase, c.letters),
        ratio(c.shouted_words, words).min(1.0),
        ratio(c.digits, c.chars),
        ratio(c.symbols, c.chars),
        ratio(emoji, tokens),
        c.exclamations as f32,
        c.currency as f32,
        ratio(letters, words),
        ratio(repeated, words),
        (mash.saturating_sub(4) as f32 / 10.0).min(1.0),
    ]
}

/// Tells words apart well enough to count repeats, at a fraction of a hash: their first
/// and last eight bytes and their length.
fn known_by(word: &str) -> u64 {
    let bytes = word.as_bytes();
    let (first, last) = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0),
    };
    let mixed = (first ^ last.rotate_left(29)).wrapping_add(bytes.len() as u64);
    let mixed = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

/// The longest run of ASCII consonants in a folded word.
fn consonant_run(word: &str) -> u32 {
    let (mut run, mut longest) = (0, 0);
    for b in word.bytes() {
        let consonant = b.is_ascii_lowercase() && !matches!(b, b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
        run = if consonant { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::known_by;

    #[test]
    fn words_are_told_apart() {
        let words = ["a", "b", "ab", "ba", "council", "councils", "international", "internationally", "zoo"];
        let told: HashSet<u64> = words.iter().map(|word| known_by(word) >> 54).collect();
        assert_eq!(told.len(), words.len());
        assert_eq!(known_by("council"), known_by("council"));
    }
}
