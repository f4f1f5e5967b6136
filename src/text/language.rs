//! A cheap guess at the language, made only when sure.
//!
//! Scripts that one language of comment sections owns decide by share; Latin,
//! Cyrillic and Arabic letters are told apart by function words and by letters
//! that few languages have. Statistical detectors with full trigram models are
//! more accurate on short texts and cost twenty times the rest of the reading,
//! so short texts get no guess instead.
//!
//! May import: `types`.

use super::{chars::Script, counts::Counts, lexicon::Cues, lexicon_words::LANGUAGES, tokenize::Hints};

/// A guess at the language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LanguageGuess {
    /// BCP 47 primary language subtag: "en".
    pub lang: &'static str,
    /// How sure, in `[0, 1]`; guesses below the floor are not made.
    pub confidence: f32,
}

/// Confidence below which no guess is made.
const FLOOR: f32 = 0.6;
/// Points (twelve for a word of one language) that make a full confidence.
const FULL_POINTS: f32 = 48.0;
/// Fewest letters of a script that decides alone.
const MIN_LETTERS: u32 = 6;
/// Points of a letter that only one language has, and how many letters count.
const LETTER_POINTS: u32 = 6;
const MAX_LETTERS: u32 = 6;

/// Guesses the language of the folded text `text`.
pub(super) fn guess(text: &str, hints: &Hints, counts: &Counts, cues: &Cues) -> Option<LanguageGuess> {
    if counts.letters < MIN_LETTERS / 2 {
        return None;
    }
    if hints.scripts.iter().any(|n| *n > 0)
        && let Some(guess) = by_script(hints, counts.letters)
    {
        return guess;
    }
    let mut points = *cues.points();
    if hints.letters(Script::Latin) + hints.letters(Script::Cyrillic) + hints.letters(Script::Arabic) > 0 {
        add_letters(text, &mut points);
    }
    by_points(&points, hints.words)
}

/// A guess from the script alone: `None` if words must decide, `Some(None)`
/// if the script has the say and cannot tell.
fn by_script(hints: &Hints, letters: u32) -> Option<Option<LanguageGuess>> {
    let of = |script| hints.letters(script);
    let kana = of(Script::Kana);
    let east_asian = kana + of(Script::Han);
    let candidates = [
        (if kana * 8 >= east_asian { "ja" } else { "zh" }, east_asian),
        ("ko", of(Script::Hangul)),
        ("el", of(Script::Greek)),
        ("he", of(Script::Hebrew)),
        ("hi", of(Script::Devanagari)),
        ("bn", of(Script::Bengali)),
        ("ta", of(Script::Tamil)),
        ("th", of(Script::Thai)),
        ("ka", of(Script::Georgian)),
    ];
    let (lang, count) = candidates.into_iter().max_by_key(|(_, count)| *count)?;
    if count * 2 < letters {
        return None;
    }
    let confidence = count as f32 / letters.max(count) as f32;
    let needed = if lang == "zh" || lang == "ja" { MIN_LETTERS / 2 } else { MIN_LETTERS };
    Some((count >= needed && confidence >= FLOOR).then_some(LanguageGuess { lang, confidence }))
}

/// Letters that few languages have.
fn owners(c: char) -> &'static [&'static str] {
    match c {
        'ß' => &["de"],
        'ñ' | '¿' | '¡' => &["es"],
        'ã' | 'õ' => &["pt"],
        'œ' | 'ù' => &["fr"],
        'å' => &["sv", "da", "no"],
        'ø' | 'æ' => &["da", "no"],
        'ı' | 'ğ' => &["tr"],
        'ş' => &["tr", "ro"],
        'ł' | 'ą' | 'ę' | 'ś' | 'ź' | 'ż' | 'ń' => &["pl"],
        'ě' | 'ř' | 'ů' => &["cs"],
        'ő' | 'ű' => &["hu"],
        'ș' | 'ț' => &["ro"],
        'ă' => &["ro", "vi"],
        'đ' => &["vi", "hr"],
        'ơ' | 'ư' | '\u{1ea0}'..='\u{1ef9}' => &["vi"],
        'ć' => &["pl", "hr"],
        'ы' | 'э' | 'ё' => &["ru"],
        'ъ' => &["bg", "ru"],
        'і' | 'ї' | 'є' | 'ґ' => &["uk"],
        'پ' | 'چ' | 'ژ' | 'گ' => &["fa", "ur"],
        'ة' | 'أ' | 'إ' | 'ى' => &["ar"],
        'ٹ' | 'ڑ' | 'ں' | 'ے' => &["ur"],
        _ => &[],
    }
}

fn add_letters(text: &str, points: &mut [u32; LANGUAGES.len()]) {
    let mut left = MAX_LETTERS;
    for owners in text.chars().filter(|c| !c.is_ascii()).map(owners).filter(|o| !o.is_empty()) {
        for (sum, _) in points.iter_mut().zip(LANGUAGES).filter(|(_, lang)| owners.contains(lang)) {
            *sum += LETTER_POINTS / owners.len() as u32;
        }
        left -= 1;
        if left == 0 {
            return;
        }
    }
}

/// The language with the most points, if it is well ahead and has enough for
/// the number of words.
fn by_points(points: &[u32; LANGUAGES.len()], words: u32) -> Option<LanguageGuess> {
    let (mut best, mut second, mut lang) = (0, 0, "");
    for (sum, candidate) in points.iter().copied().zip(LANGUAGES) {
        if sum > best {
            (second, best, lang) = (best, sum, candidate);
        } else if sum > second {
            second = sum;
        }
    }
    // A long text in a language that is not listed has few words of any.
    let enough = best as f32 >= 1.5 * words as f32;
    let lead = best as f32 / (best + second).max(1) as f32;
    let confidence = (lead * 1.2).min(1.0) * (best as f32 / FULL_POINTS).min(1.0);
    (enough && confidence >= FLOOR).then_some(LanguageGuess { lang, confidence })
}
