//! Tricks with words: around the advert, instead of it, or one of it.
//!
//! May import: `classifier`.

use crate::classifier::SplitMix;

use super::draft::{Draft, is_address};

/// Fewest words of an advert that is worth padding.
const LEAST_WORDS: usize = 3;

const OPENINGS: [&str; 6] = [
    "I read the whole piece twice and still think the numbers do not add up. Somebody should ask the ministry.",
    "My sister lives near there and says the same. It has been like this for years, whoever governs.",
    "A fair summary. What is missing is what it costs, and who pays for it in the end.",
    "I was there on Saturday and it was a lovely evening. The second half was better than the first.",
    "The video is well made and the sound is great. I have been watching since the first episode.",
    "Good question at the end. In our town they tried it and gave up after a few months.",
];
const FLATTERY: [&str; 4] = [
    "Thanks, very useful!",
    "Great post, I learnt a lot.",
    "Nice article, keep up the good work!",
    "This is exactly what I was looking for.",
];
const SYLLABLES: [&str; 16] = [
    "zeb", "quok", "lor", "vim", "trag", "pol", "wex", "dun", "kri", "mosk", "fal", "yub", "chon", "nerp",
    "sti", "gav",
];

/// Spaces the digits of the first number of five digits or more.
pub(super) fn spaced_number(draft: &mut Draft, random: &mut SplitMix) -> bool {
    let part = |c: char| c.is_ascii_digit() || matches!(c, '-' | ' ' | '(' | ')' | '+' | '.');
    let mut start = 0;
    while let Some(at) = draft.text.get(start..).and_then(|t| t.find(|c: char| c.is_ascii_digit())) {
        let from = start + at;
        let rest = draft.text.get(from..).unwrap_or("");
        let run = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let number = rest.get(..run).unwrap_or("").trim_end_matches(|c: char| !c.is_ascii_digit()).to_owned();
        if number.chars().filter(char::is_ascii_digit).count() >= 5 {
            let separator = random.pick(&[" ", ".", "-", " . "]).copied().unwrap_or(" ");
            let digits: Vec<String> = number.chars().filter(char::is_ascii_digit).map(String::from).collect();
            draft.text.replace_range(from..from + number.len(), &digits.join(separator));
            return true;
        }
        start = from + run.max(1);
    }
    false
}

/// Leaves the braces of a text spinner in.
pub(super) fn spintax(draft: &mut Draft, random: &mut SplitMix) -> bool {
    let words: Vec<&str> = draft.text.split_whitespace().filter(|w| !is_address(w)).collect();
    let plain = |w: &&&str| w.chars().all(char::is_alphabetic) && w.chars().count() > 2;
    let plain: Vec<&str> = words.iter().filter(plain).copied().collect();
    if words.len() < LEAST_WORDS || plain.is_empty() {
        return false;
    }
    let mut out = String::from("{Hi|Hello|Hey} ");
    for piece in draft.text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let rest = piece.get(word.len()..).unwrap_or("");
        if plain.contains(&word) && random.below(3) == 0 {
            let other = random.pick(&plain).copied().unwrap_or(word);
            out.push_str(&format!("{{{word}|{other}}}{rest}"));
        } else {
            out.push_str(piece);
        }
    }
    draft.text = out;
    true
}

/// Flatters in the text and advertises in the name.
pub(super) fn payload_in_name(draft: &mut Draft, random: &mut SplitMix) -> bool {
    if draft.text.split_whitespace().count() < LEAST_WORDS {
        return false;
    }
    draft.author = Some(draft.text.chars().take(80).collect());
    draft.text = random.pick(&FLATTERY).copied().unwrap_or("Thanks!").to_owned();
    true
}

/// Puts two sensible sentences before the advert.
pub(super) fn late(draft: &mut Draft, random: &mut SplitMix) -> bool {
    if draft.text.trim().is_empty() {
        return false;
    }
    let opening = random.pick(&OPENINGS).copied().unwrap_or("");
    draft.text = format!("{opening} {}", draft.text);
    true
}

/// Appends words that nobody knows.
pub(super) fn hashbuster(draft: &mut Draft, random: &mut SplitMix) -> bool {
    if draft.text.trim().is_empty() {
        return false;
    }
    for _ in 0..5 + random.below(5) {
        draft.text.push(' ');
        if random.below(4) == 0 {
            draft.text.push_str(&(1000 + random.below(9000)).to_string());
        } else {
            (0..2 + random.below(2))
                .for_each(|_| draft.text.push_str(random.pick(&SYLLABLES).unwrap_or(&"")));
        }
    }
    true
}

/// Changes one word for another, as somebody does who tries what passes.
pub(super) fn probe(draft: &mut Draft, random: &mut SplitMix) -> bool {
    let pieces: Vec<&str> = draft.text.split_inclusive(char::is_whitespace).collect();
    let able: Vec<usize> =
        pieces.iter().enumerate().filter(|(_, p)| !is_address(p)).map(|(at, _)| at).collect();
    if able.len() < LEAST_WORDS {
        return false;
    }
    let chosen = random.pick(&able).copied().unwrap_or(0);
    let other = ["really", "just", "please", "maybe", "friends"];
    let other = random.pick(&other).copied().unwrap_or("just");
    let one = |(at, piece): (usize, &&str)| {
        let word = piece.trim_end();
        if at == chosen {
            format!("{other}{}", piece.get(word.len()..).unwrap_or(""))
        } else {
            (*piece).to_owned()
        }
    };
    let text: String = pieces.iter().enumerate().map(one).collect();
    let changed = text != draft.text;
    draft.text = text;
    changed
}
