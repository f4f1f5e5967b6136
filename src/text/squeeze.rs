//! V5: stretched words squeezed ("freeeee monnnney").
//!
//! A letter that stands more than twice in a row is written once, or twice
//! where English spells it double in that place. Abbreviations (`www`, Roman
//! numbers) and long compounds (German "Schifffahrt") stay.
//!
//! May import: `types`.

use super::{
    edits::Edits,
    view::{TokenKind, View},
};

/// Compounds from this many bytes on may have three equal letters inside.
const COMPOUND: usize = 10;

/// Notes the edits; how many runs were squeezed.
pub(super) fn squeeze(folded: &View, edits: &mut Edits) -> u32 {
    edits.clear();
    let mut runs = 0;
    for token in folded.tokens.iter().filter(|t| t.kind == TokenKind::Word) {
        let word = folded.word(*token);
        if word.len() >= 3 && word != "www" && !word.bytes().all(|b| matches!(b, b'i' | b'v' | b'x')) {
            runs += squeeze_word(word, token.span.start as usize, edits);
        }
    }
    runs
}

fn squeeze_word(word: &str, offset: usize, edits: &mut Edits) -> u32 {
    let (mut runs, mut at) = (0, 0);
    let mut before = '\0';
    while let Some(c) = word.get(at..).and_then(|rest| rest.chars().next()) {
        let len = c.len_utf8();
        let rest = word.get(at..).unwrap_or("");
        let count = rest.chars().take_while(|next| *next == c).count();
        let end = at + count * len;
        let after = word.get(end..).and_then(|rest| rest.chars().next()).unwrap_or('\0');
        let compound = count == 3 && word.len() >= COMPOUND && at > 1 && after != '\0' && !is_vowel(c);
        if count > 2 && c.is_alphabetic() && !compound {
            edits.remove(offset + at + kept(c, before, after) * len, offset + end);
            runs += 1;
        }
        (at, before) = (end, c);
    }
    runs
}

const fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// How many letters stay: "good", "need", "free", "well" against "so", "hey".
fn kept(c: char, before: char, after: char) -> usize {
    let consonant = |c: char| c.is_alphabetic() && !is_vowel(c);
    let doubled = match c {
        'o' => consonant(before) && consonant(after),
        'e' => {
            consonant(before) && (consonant(after) || (after == '\0' && matches!(before, 'r' | 's' | 'l')))
        }
        'l' => after == '\0' && matches!(before, 'a' | 'e' | 'i'),
        _ => false,
    };
    if doubled { 2 } else { 1 }
}
