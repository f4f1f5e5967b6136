//! V2: look-alike letters replaced in words that mix scripts.
//!
//! The table is a compact choice of Unicode's confusables (UTS 39): the
//! letters that evaders use, mapped to what they pass for in lower case. Rarer
//! scripts are asked of `unicode-security`. The full skeleton of UTS 39 would
//! also turn "m" into "rn" and cost ten times as much, so it is not used.
//!
//! A word is only touched if it mixes scripts that no language mixes, or holds
//! letters of no orthography (small capitals), or passes for Latin as a whole
//! in a text that is Latin otherwise.
//!
//! May import: `types`.

use super::{
    chars::{self, Script, char_at, char_before},
    edits::Edits,
    tokenize::{Hints, is_odd_latin},
    view::{Token, TokenKind, View},
};

/// What the skeleton view changes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Findings {
    /// Words that mix scripts.
    pub mixed: u32,
    /// Words changed.
    pub words: u32,
}

/// Letters that pass for Latin ones, sorted. `true`: in lower case too.
#[rustfmt::skip]
const LATIN: &[(char, char, bool)] = &[
    ('ƃ', 'g', false), ('ǝ', 'e', false), ('ɐ', 'a', false), ('ɑ', 'a', true), ('ɔ', 'c', false), ('ɟ', 'f', false),
    ('ɡ', 'g', true), ('ɢ', 'g', false), ('ɥ', 'h', false), ('ɪ', 'i', true), ('ɯ', 'm', false), ('ɴ', 'n', false),
    ('ɹ', 'r', false), ('ʀ', 'r', false), ('ʇ', 't', false), ('ʌ', 'v', false), ('ʍ', 'w', false), ('ʎ', 'y', false),
    ('ʏ', 'y', false), ('ʙ', 'b', false), ('ʜ', 'h', false), ('ʞ', 'k', false), ('ʟ', 'l', false),
    ('ά', 'a', false), ('έ', 'e', false), ('ή', 'n', false), ('ί', 'i', false), ('α', 'a', true), ('β', 'b', false),
    ('γ', 'y', true), ('ε', 'e', false), ('η', 'n', false), ('ι', 'i', true), ('κ', 'k', false), ('μ', 'u', false),
    ('ν', 'v', true), ('ο', 'o', true), ('ρ', 'p', true), ('σ', 'o', false), ('τ', 't', false), ('υ', 'u', true),
    ('χ', 'x', false), ('ω', 'w', false), ('ό', 'o', false), ('ύ', 'u', false), ('ώ', 'w', false), ('ϲ', 'c', true),
    ('ϳ', 'j', true),
    ('а', 'a', true), ('б', 'b', false), ('в', 'b', false), ('г', 'r', false), ('д', 'd', false), ('е', 'e', true),
    ('з', '3', false), ('и', 'u', false), ('к', 'k', false), ('м', 'm', false), ('н', 'h', false), ('о', 'o', true),
    ('п', 'n', false), ('р', 'p', true), ('с', 'c', true), ('т', 't', false), ('у', 'y', true), ('х', 'x', true),
    ('ь', 'b', false), ('я', 'r', false), ('ё', 'e', false), ('ѕ', 's', true), ('і', 'i', true), ('ї', 'i', false),
    ('ј', 'j', true), ('ѡ', 'w', false), ('ѵ', 'v', true), ('ґ', 'r', false), ('ү', 'y', false), ('һ', 'h', true),
    ('ӏ', 'l', true), ('ӧ', 'o', false), ('ԁ', 'd', true), ('ԍ', 'g', false), ('ԛ', 'q', true), ('ԝ', 'w', true),
    ('ա', 'w', true), ('գ', 'q', false), ('զ', 'q', false), ('հ', 'h', true), ('ո', 'n', true), ('ռ', 'n', false),
    ('ս', 'u', true), ('ց', 'g', true), ('ւ', 'i', false), ('օ', 'o', true),
    ('ᴀ', 'a', false), ('ᴄ', 'c', true), ('ᴅ', 'd', false), ('ᴇ', 'e', false), ('ᴊ', 'j', false), ('ᴋ', 'k', false),
    ('ᴍ', 'm', false), ('ᴏ', 'o', true), ('ᴘ', 'p', false), ('ᴛ', 't', false), ('ᴜ', 'u', true), ('ᴠ', 'v', true),
    ('ᴡ', 'w', true), ('ᴢ', 'z', true),
    ('ⲟ', 'o', true), ('ⲣ', 'p', true), ('ⲥ', 'c', true), ('ꜰ', 'f', false), ('ꜱ', 's', true),
];

/// Letters whose Latin reading above is a stretch: with one of them inside, a
/// mixed word is taken for Cyrillic.
const CYRILLIC_ONLY: &str = "бгдёжзийлпфцчшщъыьэюяґє";

/// Latin letters that pass for Cyrillic ones, sorted.
#[rustfmt::skip]
const CYRILLIC: &[(char, char)] = &[
    ('a', 'а'), ('b', 'в'), ('c', 'с'), ('e', 'е'), ('h', 'н'), ('i', 'і'), ('j', 'ј'), ('k', 'к'), ('m', 'м'),
    ('o', 'о'), ('p', 'р'), ('s', 'ѕ'), ('t', 'т'), ('x', 'х'), ('y', 'у'),
];

/// Greek letters that science puts before or after Latin ones.
const SYMBOLS_OF_SCIENCE: &str = "αβγδεθκλμνπρστφχψω";

fn entry(c: char) -> Option<(char, bool)> {
    let found = LATIN.binary_search_by(|(known, ..)| known.cmp(&c)).ok()?;
    LATIN.get(found).map(|&(_, latin, strict)| (latin, strict))
}

/// The Latin letter that `c` passes for.
fn to_latin(c: char) -> Option<char> {
    if let Some((latin, _)) = entry(c) {
        return Some(latin);
    }
    if chars::script(c) != Script::Lookalike {
        return None;
    }
    let mut buffer = [0; 4];
    let mut skeleton = unicode_security::skeleton(c.encode_utf8(&mut buffer));
    match (skeleton.next(), skeleton.next()) {
        (Some(single), None) if single.is_ascii_alphabetic() => Some(single.to_ascii_lowercase()),
        _ => None,
    }
}

fn to_cyrillic(c: char) -> Option<char> {
    let found = CYRILLIC.binary_search_by(|(known, _)| known.cmp(&c)).ok()?;
    CYRILLIC.get(found).map(|&(_, cyrillic)| cyrillic)
}

/// Whether the letters of `text` belong to two scripts that pass for each
/// other.
pub(super) fn mixes_scripts(text: &str) -> bool {
    let letters = text.chars().filter(|c| chars::is_letter(*c)).map(chars::script);
    let set = letters.filter(|s| chars::is_confusable(*s)).fold(0_u32, |set, s| set | 1 << s as u32);
    set.count_ones() > 1
}

/// Notes the edits that turn the folded view into its skeleton.
pub(super) fn unmask(folded: &View, hints: &Hints, submitted: &str, edits: &mut Edits) -> Findings {
    edits.clear();
    let mut findings = Findings::default();
    let guests = may_hold_guests(folded, hints);
    for token in &folded.tokens {
        let before = edits.len();
        match token.kind {
            TokenKind::Word if !folded.word(*token).is_ascii() => {
                unmask_word(folded, *token, submitted, guests, &mut findings, edits);
            }
            TokenKind::Emoji if hints.emoji_in_word => emoji(folded, *token, edits),
            TokenKind::Word
            | TokenKind::Number
            | TokenKind::Ideograph
            | TokenKind::Emoji
            | TokenKind::Symbol => {}
        }
        findings.words += u32::from(edits.len() > before);
    }
    findings
}

/// Whether the text is Latin but for words that may only pass for it.
fn may_hold_guests(folded: &View, hints: &Hints) -> bool {
    let wide = |script| hints.letters(script);
    let guests = wide(Script::Cyrillic) + wide(Script::Greek) + wide(Script::Lookalike);
    if guests < 3 {
        return false;
    }
    let ascii = folded.text.bytes().filter(u8::is_ascii_alphabetic).count() as u32;
    ascii + wide(Script::Latin) >= 3 * guests
}

fn unmask_word(
    folded: &View,
    token: Token,
    submitted: &str,
    guests: bool,
    findings: &mut Findings,
    edits: &mut Edits,
) {
    let word = folded.word(token);
    let offset = token.span.start as usize;
    if mixes_scripts(word) {
        if is_honest_mix(folded, token, submitted) {
            return;
        }
        findings.mixed += 1;
        let to_target = if word.chars().any(|c| CYRILLIC_ONLY.contains(c)) { to_cyrillic } else { to_latin };
        return replace_all(word, offset, to_target, edits);
    }
    let strict = |c: char| !chars::is_letter(c) || entry(c).is_some_and(|(_, strict)| strict);
    if guests && word.chars().count() >= 3 && !word.chars().any(|c| chars::script(c) == Script::Latin) {
        if word.chars().all(strict) {
            replace_all(word, offset, to_latin, edits);
        }
    } else if word.chars().any(is_odd_latin) {
        replace_all(word, offset, to_latin, edits);
    }
}

fn replace_all(word: &str, offset: usize, to: fn(char) -> Option<char>, edits: &mut Edits) {
    for (at, c) in word.char_indices() {
        if let Some(target) = to(c) {
            edits.replace(offset + at, offset + at + c.len_utf8(), target);
        }
    }
}

/// Units and symbols ("μm", "IL1β"), and Cyrillic endings on Latin
/// initialisms ("PDFка").
fn is_honest_mix(folded: &View, token: Token, submitted: &str) -> bool {
    let word = folded.word(token);
    let greek = word.chars().filter(|c| chars::script(*c) == Script::Greek).count();
    let at_edge = |c: char| SYMBOLS_OF_SCIENCE.contains(c);
    if greek == 1 && (at_edge(char_at(word, 0)) || at_edge(char_before(word, word.len()))) {
        return true;
    }
    let stem = word.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(0);
    let ending = word.get(stem..).unwrap_or("");
    let original = folded.submitted(token.span).of(submitted).unwrap_or("");
    stem >= 2
        && ending.chars().all(|c| chars::script(c) == Script::Cyrillic)
        && original.chars().take(stem).all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && original.chars().skip(stem).all(char::is_lowercase)
}

/// An emoji between letters: round ones are an "o", others are left out when
/// one side is a fragment and the emoji is none that people put between words.
fn emoji(folded: &View, token: Token, edits: &mut Edits) {
    let (start, end) = (token.span.start as usize, token.span.end as usize);
    let (before, after) = (char_before(&folded.text, start), char_at(&folded.text, end));
    let spaced = |c: char| chars::is_letter(c) && !chars::is_unspaced(chars::script(c));
    if !spaced(before) || !spaced(after) {
        return;
    }
    let c = char_at(&folded.text, start);
    let letters = |mut side: std::str::Chars<'_>, back: bool| {
        let mut next = || if back { side.next_back() } else { side.next() };
        (0..3).take_while(|_| next().is_some_and(chars::is_letter)).count()
    };
    let left = letters(folded.text.get(..start).unwrap_or("").chars(), true);
    let right = letters(folded.text.get(end..).unwrap_or("").chars(), false);
    if chars::is_round_emoji(c) {
        edits.replace(start, end, 'o');
    } else if left.min(right) <= 2 && !chars::is_mood_emoji(c) {
        edits.remove(start, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        assert!(LATIN.is_sorted_by_key(|(c, ..)| *c));
        assert!(CYRILLIC.is_sorted_by_key(|(c, _)| *c));
    }

    #[test]
    fn letters_find_what_they_pass_for() {
        assert_eq!(to_latin('ѕ'), Some('s'));
        assert_eq!(to_latin('\u{13aa}'), Some('a'), "Cherokee go");
        assert_eq!(to_latin('ж'), None);
        assert_eq!(to_cyrillic('o'), Some('о'));
    }
}
