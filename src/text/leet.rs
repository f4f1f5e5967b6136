//! V3: digits and symbols between letters read as letters ("fr33 cr7pt0").
//!
//! Only inside words: pure numbers, units, model names ("4K", "B2B", "MP3",
//! "covid19") and anything that looks like an address or an identifier stay.
//! The view is a second reading, so a needless fold costs little; a digit
//! between consonants is read as "y", elsewhere as its usual letter.
//!
//! May import: `types`.

use super::{
    chars::{byte_at, char_at},
    edits::Edits,
    view::View,
};

/// Longest word looked at, in bytes; longer runs are identifiers.
const MAX_WORD: usize = 24;
/// Digits in a row that may be letters.
const MAX_DIGITS: usize = 2;

/// Notes the edits; how many words were changed.
pub(super) fn read_leet(folded: &View, edits: &mut Edits) -> u32 {
    edits.clear();
    let (mut words, mut at) = (0, 0);
    let bytes = folded.text.as_bytes();
    for space in memchr::memchr3_iter(b' ', b'\n', b'\t', bytes).chain([bytes.len()]) {
        if space > at {
            words += chunk(folded.text.get(at..space).unwrap_or(""), at, edits);
        }
        at = space + 1;
    }
    words
}

/// One stretch between spaces.
fn chunk(text: &str, offset: usize, edits: &mut Edits) -> u32 {
    if looks_like_address(text) {
        return 0;
    }
    let (mut words, mut at) = (0, 0);
    while at < text.len() {
        let len = run_len(text, at);
        if len == 0 {
            at += char_at(text, at).len_utf8();
            continue;
        }
        if len <= MAX_WORD
            && let Some(run) = text.get(at..at + len)
        {
            words += u32::from(word(run, offset + at, edits));
        }
        at += len;
    }
    words
}

fn looks_like_address(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr3(b'/', b'\\', b'=', bytes).is_some()
        || memchr::memchr(b'@', bytes)
            .is_some_and(|at| at == 0 || memchr::memchr(b'.', bytes).is_some_and(|dot| dot > at))
        || memchr::memmem::find(bytes, b"www.").is_some()
}

/// Letters, digits and symbols that pass for letters, from `at`.
fn run_len(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or("");
    let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '@' | '$' | '!' | '€' | '|')));
    let run = rest.get(..end.unwrap_or(rest.len())).unwrap_or("");
    run.trim_end_matches(['!', '|']).len()
}

/// Folds one word if anything in it is leet; whether it was.
fn word(run: &str, offset: usize, edits: &mut Edits) -> bool {
    let letters = run.chars().filter(|c| c.is_alphabetic()).count();
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    let symbols = run.chars().filter(|c| matches!(c, '@' | '$' | '!' | '€' | '|')).count();
    if letters < 2 || digits + symbols == 0 || digits > letters || !run.is_ascii() && !run.contains('€') {
        return false;
    }
    let start = edits.len();
    let inside = fold_places(run, offset, edits);
    let enough = match inside {
        0 => doubled_end(run) || zero_start(run),
        _ => letters >= 3 && edits.len() > start,
    };
    if !enough {
        edits.truncate(start);
    }
    enough
}

/// Notes an edit for each foldable place; how many stand between letters.
/// Gives 0 and no edits when a digit run is too long to be letters.
fn fold_places(run: &str, offset: usize, edits: &mut Edits) -> usize {
    let bytes = run.as_bytes();
    let start = edits.len();
    let (mut inside, mut at) = (0, 0);
    while at < bytes.len() {
        let c = char_at(run, at);
        if c.is_ascii_alphabetic() {
            at += 1;
            continue;
        }
        let end = at
            + run.get(at..).unwrap_or("").find(|c: char| c.is_ascii_alphabetic()).unwrap_or(run.len() - at);
        let folds = run.get(at..end).unwrap_or("");
        let (before, after) = (if at == 0 { 0 } else { byte_at(bytes, at - 1) }, byte_at(bytes, end));
        let between = before != 0 && after != 0;
        if folds.chars().count() > MAX_DIGITS || (folds == "!" && !(consonant(before) && consonant(after))) {
            edits.truncate(start);
            return 0;
        }
        for (place, c) in folds.char_indices() {
            if let Some(letter) = letter(c, before, after) {
                edits.replace(offset + at + place, offset + at + place + c.len_utf8(), letter);
                inside += usize::from(between);
            } else if between {
                edits.truncate(start);
                return 0;
            }
        }
        at = end;
    }
    inside
}

fn consonant(byte: u8) -> bool {
    byte.is_ascii_alphabetic() && !vowel(byte)
}

const fn vowel(byte: u8) -> bool {
    matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

/// The letter that a digit or symbol between two bytes (0: none) stands for.
fn letter(c: char, before: u8, after: u8) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' if vowel(before) && vowel(after) => 'l',
        '1' | '!' => 'i',
        '|' => 'l',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' if consonant(before) && consonant(after) => 'y',
        '7' => 't',
        '8' => 'b',
        '6' | '9' => 'g',
        _ => return None,
    })
}

/// "fr33", "w00": consonants and a doubled vowel.
fn doubled_end(run: &str) -> bool {
    let stem = run.strip_suffix("33").or_else(|| run.strip_suffix("00"));
    stem.is_some_and(|stem| stem.len() >= 2 && stem.bytes().all(consonant))
}

/// "0nline", "0ffer".
fn zero_start(run: &str) -> bool {
    run.strip_prefix('0').is_some_and(|rest| rest.len() >= 4 && rest.bytes().all(|b| b.is_ascii_alphabetic()))
}
