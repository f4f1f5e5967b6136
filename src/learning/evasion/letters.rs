//! Tricks on letters: what stands for them, between them and on them.
//!
//! May import: `classifier`.

use crate::classifier::SplitMix;

use super::draft::{Draft, rewrite_words};

/// Letters and what passes for them: Latin for Cyrillic or Greek and the other way.
/// Written from sight, so that it checks the normaliser's own table.
#[rustfmt::skip]
const LOOK_ALIKES: [(char, &str); 34] = [
    ('a', "аɑ"), ('b', "Ь"), ('c', "сϲ"), ('d', "ԁ"), ('e', "её"), ('g', "ɡ"), ('h', "һ"), ('i', "іι"), ('j', "ј"),
    ('l', "ӏ"), ('n', "ո"), ('o', "оοօ"), ('p', "рρ"), ('q', "ԛ"), ('s', "ѕ"), ('u', "υս"), ('v', "ν"),
    ('w', "ԝ"), ('x', "хχ"), ('y', "уγ"),
    ('а', "a"), ('е', "e"), ('о', "o"), ('р', "p"), ('с', "c"), ('у', "y"), ('х', "x"), ('і', "i"), ('к', "k"),
    ('м', "m"), ('т', "t"), ('в', "B"), ('н', "H"), ('з', "3"),
];

/// Letters and the digits and symbols that are written for them.
#[rustfmt::skip]
const LEET: [(char, &str); 16] = [
    ('a', "4@"), ('b', "8"), ('e', "3"), ('g', "9"), ('i', "1!"), ('l', "1|"), ('o', "0"), ('s', "5$"), ('t', "7+"),
    ('z', "2"), ('а', "4@"), ('б', "6"), ('з', "3"), ('о', "0"), ('ч', "4"), ('е', "3"),
];

/// First letters of styled alphabets, upper and lower case.
const STYLES: [(u32, u32); 7] = [
    (0x1D400, 0x1D41A), // bold
    (0x1D5D4, 0x1D5EE), // sans-serif bold
    (0x1D63C, 0x1D656), // sans-serif bold italic
    (0x1D670, 0x1D68A), // typewriter
    (0x1D4D0, 0x1D4EA), // bold script
    (0xFF21, 0xFF41),   // full width
    (0x24B6, 0x24D0),   // circled
];

/// Squared and negative squared letters begin here.
const SQUARES: [u32; 3] = [0x1F130, 0x1F150, 0x1F170];

const SPACELESS: [char; 6] = ['\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}', '\u{FEFF}', '\u{AD}'];
const DIRECTIONS: [char; 4] = ['\u{200E}', '\u{200F}', '\u{061C}', '\u{202C}'];
const MARKS: [char; 8] =
    ['\u{0335}', '\u{0336}', '\u{0337}', '\u{0338}', '\u{0302}', '\u{0323}', '\u{0332}', '\u{0311}'];
const SEPARATORS: [&str; 5] = [" ", ".", "-", "_", "*"];
const PICTURES: [&str; 6] = ["🔥", "💰", "✨", "🎁", "🟢", "⭐"];

/// Words and the symbols that are written for them.
const SYMBOLS: [(&str, &str); 16] = [
    ("for", "4"),
    ("to", "2"),
    ("too", "2"),
    ("you", "u"),
    ("your", "ur"),
    ("are", "r"),
    ("and", "&"),
    ("at", "@"),
    ("money", "💰"),
    ("dollars", "$$$"),
    ("cash", "$$$"),
    ("dan", "&"),
    ("uang", "💰"),
    ("и", "&"),
    ("денег", "💰"),
    ("one", "1"),
];

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn looks_like<'a>(table: &'a [(char, &'a str)], c: char) -> Option<&'a str> {
    table.iter().find(|(letter, _)| *letter == lower(c)).map(|(_, others)| *others)
}

fn instead(table: &[(char, &str)], c: char, random: &mut SplitMix) -> Option<char> {
    let others: Vec<char> = looks_like(table, c)?.chars().collect();
    random.pick(&others).copied()
}

/// Replaces every letter that has a look-alike.
pub(super) fn look_alikes(draft: &mut Draft, random: &mut SplitMix) -> bool {
    rewrite_words(draft, random, 4, |word, random| {
        word.chars().map(|c| instead(&LOOK_ALIKES, c, random).unwrap_or(c)).collect()
    })
}

/// Writes words in one styled alphabet.
pub(super) fn styled(draft: &mut Draft, random: &mut SplitMix) -> bool {
    let Some(&style) = random.pick(&STYLES) else { return false };
    rewrite_words(draft, random, 3, |word, _| word.chars().map(|c| in_style(style, c)).collect())
}

fn in_style((upper, small): (u32, u32), c: char) -> char {
    let moved = match c {
        'A'..='Z' => char::from_u32(upper + c as u32 - 'A' as u32),
        'a'..='z' => char::from_u32(small + c as u32 - 'a' as u32),
        _ => None,
    };
    moved.unwrap_or(c)
}

/// Replaces one letter of a word, so that the word mixes scripts.
pub(super) fn mixed_script(draft: &mut Draft, random: &mut SplitMix) -> bool {
    rewrite_words(draft, random, 4, |word, random| {
        let able = word.chars().enumerate().filter(|(_, c)| looks_like(&LOOK_ALIKES, *c).is_some());
        let able: Vec<usize> = able.map(|(at, _)| at).collect();
        let chosen = random.pick(&able).copied();
        let one =
            |(at, c)| if Some(at) == chosen { instead(&LOOK_ALIKES, c, random).unwrap_or(c) } else { c };
        word.chars().enumerate().map(one).collect()
    })
}

/// Puts characters without width between letters.
pub(super) fn zero_width(draft: &mut Draft, random: &mut SplitMix) -> bool {
    between(draft, random, &SPACELESS)
}

/// Puts direction marks between letters.
pub(super) fn direction_marks(draft: &mut Draft, random: &mut SplitMix) -> bool {
    between(draft, random, &DIRECTIONS)
}

fn between(draft: &mut Draft, random: &mut SplitMix, marks: &[char]) -> bool {
    rewrite_words(draft, random, 4, |word, random| {
        let letters = word.chars().count();
        let at = 1 + random.below(letters.saturating_sub(1));
        let mut out = String::with_capacity(word.len() + 8);
        for (n, c) in word.chars().enumerate() {
            if n == at || (n > 0 && random.below(3) == 0) {
                out.extend(random.pick(marks));
            }
            out.push(c);
        }
        out
    })
}

/// Strikes letters through and piles marks on them.
pub(super) fn marks(draft: &mut Draft, random: &mut SplitMix) -> bool {
    rewrite_words(draft, random, 3, |word, random| {
        let mut out = String::with_capacity(word.len() * 3);
        for c in word.chars() {
            out.push(c);
            if c.is_alphabetic() {
                (0..=random.below(2)).for_each(|_| out.extend(random.pick(&MARKS)));
            }
        }
        out
    })
}

/// Writes digits and symbols for letters.
pub(super) fn leet(draft: &mut Draft, random: &mut SplitMix) -> bool {
    rewrite_words(draft, random, 4, |word, random| {
        word.chars().map(|c| instead(&LEET, c, random).unwrap_or(c)).collect()
    })
}

/// Spaces letters out, with the same separator in the whole text.
pub(super) fn spaced(draft: &mut Draft, random: &mut SplitMix) -> bool {
    let Some(&separator) = random.pick(&SEPARATORS) else { return false };
    rewrite_words(draft, random, 4, |word, _| {
        let mut out = String::with_capacity(word.len() * 2 + 1);
        let mut before = false;
        for c in word.chars() {
            if before && c.is_alphabetic() {
                out.push_str(separator);
            }
            before = c.is_alphabetic();
            out.push(c);
        }
        // Two words that are both spaced would otherwise run into each other.
        out + if separator == " " { " " } else { "" }
    })
}

/// Repeats letters.
pub(super) fn stretched(draft: &mut Draft, random: &mut SplitMix) -> bool {
    rewrite_words(draft, random, 4, |word, random| {
        let letters = word.chars().count();
        let at = random.below(letters);
        let mut out = String::with_capacity(word.len() * 2);
        for (n, c) in word.chars().enumerate() {
            let more =
                if c.is_alphabetic() && (n == at || random.below(6) == 0) { 2 + random.below(4) } else { 0 };
            (0..=more).for_each(|_| out.push(c));
        }
        out
    })
}

/// Writes squared letters, or puts pictures between letters.
pub(super) fn emoji(draft: &mut Draft, random: &mut SplitMix) -> bool {
    rewrite_words(draft, random, 4, |word, random| {
        if random.below(2) == 0 && word.is_ascii() {
            let first = random.pick(&SQUARES).copied().unwrap_or(0);
            let square = |c: char| match c.to_ascii_uppercase() {
                upper @ 'A'..='Z' => char::from_u32(first + upper as u32 - 'A' as u32).unwrap_or(c),
                _ => c,
            };
            return word.chars().map(square).collect();
        }
        let at = 1 + random.below(word.chars().count().saturating_sub(1));
        let picture = random.pick(&PICTURES).copied().unwrap_or("");
        let head: String = word.chars().take(at).collect();
        let tail: String = word.chars().skip(at).collect();
        format!("{head}{picture}{tail}")
    })
}

/// Writes symbols for whole words.
pub(super) fn symbols(draft: &mut Draft, _: &mut SplitMix) -> bool {
    let replaced = draft.text.split_inclusive(char::is_whitespace).map(|piece| {
        let word = piece.trim_end();
        let bare = word.trim_end_matches([',', '.', '!', '?']);
        let symbol = SYMBOLS.iter().find(|(name, _)| *name == bare.to_lowercase());
        match (symbol, piece.get(bare.len()..)) {
            (Some((_, symbol)), Some(rest)) => format!("{symbol}{rest}"),
            _ => piece.to_owned(),
        }
    });
    let text: String = replaced.collect();
    let changed = text != draft.text;
    draft.text = text;
    changed
}

/// Whether a reader takes `seen` for `meant`.
#[cfg(test)]
pub(super) fn passes_for(seen: char, meant: char) -> bool {
    use unicode_normalization::UnicodeNormalization;
    let plain = |c: char| c.nfkc().next().map_or(c, lower);
    let (seen_plain, meant) = (plain(seen), lower(meant));
    let square = |first: u32| {
        let at = (seen as u32).checked_sub(first).filter(|n| *n < 26);
        at.and_then(|n| char::from_u32('a' as u32 + n)) == Some(meant)
    };
    let in_table = |table: &[(char, &str)]| {
        looks_like(table, meant).is_some_and(|others| others.chars().any(|c| lower(c) == lower(seen)))
    };
    seen_plain == meant || SQUARES.into_iter().any(square) || in_table(&LOOK_ALIKES) || in_table(&LEET)
}
