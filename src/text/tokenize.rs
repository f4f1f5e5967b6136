//! Splits a text into tokens and notes, in the same pass, what later steps may
//! skip.
//!
//! ASCII takes a byte loop over a class table; other characters are decoded.
//! `O(n)`. Knows nothing of views or of what a token means.
//!
//! May import: `types`.

use unicode_normalization::char::is_combining_mark;

use crate::types::Span;

use super::{
    chars::{self, SCRIPTS, Script, byte_at, char_at, char_before, class},
    counts::Counts,
    view::{Token, TokenKind},
};

/// What a pass over a text noticed: reasons to look closer, and letters by
/// script.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hints {
    /// All ASCII class bits seen.
    pub flags: u32,
    /// Longest series of one-letter words with only symbols between them.
    pub singles: u32,
    /// A letter stands three times in a row.
    pub stretched: bool,
    /// A digit or a look-alike symbol touches a letter.
    pub leet: bool,
    /// A word mixes scripts that pass for each other.
    pub mixed: bool,
    /// A word holds small capitals or other odd Latin letters.
    pub odd_latin: bool,
    /// An emoji stands between two letters.
    pub emoji_in_word: bool,
    /// Digits, ASCII or not.
    pub digits: u32,
    /// Words.
    pub words: u32,
    /// Letters beyond ASCII, by script.
    pub scripts: [u32; SCRIPTS],
}

impl Hints {
    /// Whether any of the class bits was seen.
    pub(super) const fn saw(&self, bits: u32) -> bool {
        self.flags & bits != 0
    }

    /// Letters of a script beyond ASCII.
    pub(super) fn letters(&self, script: Script) -> u32 {
        self.scripts.get(script as usize).copied().unwrap_or(0)
    }
}

/// Splits `text`, replacing what `tokens` held, and adds to `counts`.
pub(super) fn scan(text: &str, tokens: &mut Vec<Token>, counts: &mut Counts) -> Hints {
    tokens.clear();
    let mut scanner =
        Scanner { text, bytes: text.as_bytes(), at: 0, hints: Hints::default(), series: 0, counts, tokens };
    while scanner.at < scanner.bytes.len() {
        scanner.step();
    }
    scanner.hints
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    hints: Hints,
    /// One-letter words in a row, up to here.
    series: u32,
    counts: &'a mut Counts,
    tokens: &'a mut Vec<Token>,
}

/// What the letters of one word have in common.
#[derive(Default)]
struct WordFacts {
    letters: u32,
    upper: u32,
    digits: u32,
    chars: u32,
    scripts: u32,
}

impl Scanner<'_> {
    #[inline]
    fn step(&mut self) {
        let byte = byte_at(self.bytes, self.at);
        let class = class(byte);
        self.hints.flags |= class;
        if class & chars::SPACE != 0 {
            self.at += 1;
            self.counts.chars += 1;
            self.counts.whitespace += 1;
            self.counts.lines += u32::from(class & chars::NEWLINE != 0);
        } else if class & chars::LETTER != 0 {
            self.word();
        } else if class & chars::DIGIT != 0 {
            self.number();
        } else if class & chars::WIDE != 0 {
            self.wide();
        } else if class & chars::CONTROL != 0 {
            self.at += 1;
            self.counts.chars += 1;
        } else {
            self.symbol(byte as char);
        }
    }

    /// A word that begins at `self.at` with a letter.
    fn word(&mut self) {
        let start = self.at;
        let mut facts = WordFacts::default();
        self.word_body(&mut facts);
        self.counts.chars += facts.chars;
        self.counts.letters += facts.letters;
        self.counts.uppercase += facts.upper;
        self.counts.digits += facts.digits;
        self.hints.digits += facts.digits;
        self.hints.leet |= facts.digits > 0;
        self.counts.shouted_words += u32::from(facts.letters >= 3 && facts.upper == facts.letters);
        self.hints.words += 1;
        self.hints.mixed |= facts.scripts & facts.scripts.wrapping_sub(1) != 0;
        self.series = if facts.chars == 1 { self.series + 1 } else { 0 };
        self.hints.singles = self.hints.singles.max(self.series);
        self.push(start, TokenKind::Word);
    }

    /// Letters, digits, marks and inner apostrophes.
    fn word_body(&mut self, facts: &mut WordFacts) {
        loop {
            let last = self.ascii_in_word(facts);
            let class = class(last);
            if last == b'\'' && self.joins_letters() {
                facts.chars += 1;
                self.at += 1;
            } else if class & chars::WIDE == 0 || !self.wide_in_word(facts) {
                return;
            }
        }
    }

    /// Takes the run of ASCII letters and digits that begins here into a word; the byte
    /// that ends it. Counts in registers: most bytes of most comments pass through here.
    #[inline]
    fn ascii_in_word(&mut self, facts: &mut WordFacts) -> u8 {
        let run = self.bytes.get(self.at..).unwrap_or_default();
        let (mut letters, mut upper, mut stretched, mut length) = (0_u32, 0_u32, false, 0_u32);
        let (mut before, mut last, mut end) = (0_u8, 0_u8, 0_u8);
        for &byte in run {
            let class = class(byte);
            if class & (chars::LETTER | chars::DIGIT) == 0 {
                end = byte;
                break;
            }
            let letter = class & chars::LETTER;
            letters += letter;
            upper += (class & chars::UPPER) >> 1;
            let folded = byte | 0x20;
            stretched |= letter != 0 && folded == last && folded == before;
            (before, last) = (last, folded);
            length += 1;
        }
        facts.letters += letters;
        facts.upper += upper;
        facts.digits += length - letters;
        facts.chars += length;
        facts.scripts |= u32::from(letters > 0) << Script::Latin as u32;
        self.hints.stretched |= stretched;
        self.at += length as usize;
        end
    }

    /// Whether a letter follows the apostrophe at `self.at`, and none precedes
    /// it that is one too.
    fn joins_letters(&self) -> bool {
        let next = byte_at(self.bytes, self.at + 1);
        class(next) & chars::LETTER != 0
            || (next >= 0x80 && {
                let c = char_at(self.text, self.at + 1);
                chars::is_letter(c) && !chars::is_unspaced(chars::script(c))
            })
    }

    /// Takes a letter, digit or mark beyond ASCII into a word.
    fn wide_in_word(&mut self, facts: &mut WordFacts) -> bool {
        let c = char_at(self.text, self.at);
        self.hints.flags |= chars::WIDE;
        if chars::is_letter(c) {
            let script = chars::script(c);
            if chars::is_unspaced(script) {
                return false;
            }
            facts.scripts |= if chars::is_confusable(script) { 1 << script as u32 } else { 0 };
            facts.letters += 1;
            facts.upper += u32::from(c.is_uppercase());
            self.hints.stretched |= char_before(self.text, self.at) == c;
            self.hints.odd_latin |= is_odd_latin(c);
            self.count_script(script);
        } else if c == '\u{2019}' {
            let next = char_at(self.text, self.at + c.len_utf8());
            if !chars::is_letter(next) || chars::is_unspaced(chars::script(next)) {
                return false;
            }
        } else if c.is_numeric() {
            facts.digits += 1;
        } else if !(is_combining_mark(c) || chars::unseen(c).is_some()) || chars::extends_emoji(c) {
            return false;
        }
        facts.chars += 1;
        self.at += c.len_utf8();
        true
    }

    fn count_script(&mut self, script: Script) {
        if let Some(slot) = self.hints.scripts.get_mut(script as usize) {
            *slot += 1;
        }
    }

    /// Digits and what is glued to them: "3.5", "10,000", "4k".
    fn number(&mut self) {
        let start = self.at;
        let mut chars_read = 0;
        loop {
            let byte = byte_at(self.bytes, self.at);
            let class = class(byte);
            if class & chars::DIGIT != 0 {
                self.counts.digits += 1;
                self.hints.digits += 1;
            } else if class & chars::LETTER != 0 {
                self.counts.letters += 1;
                self.counts.uppercase += (class & chars::UPPER) >> 1;
                self.hints.leet = true;
            } else if matches!(byte, b'.' | b',') && byte_at(self.bytes, self.at + 1).is_ascii_digit() {
                self.hints.flags |= class;
                self.counts.symbols += 1;
            } else {
                break;
            }
            chars_read += 1;
            self.at += 1;
        }
        self.counts.chars += chars_read;
        self.series = 0;
        self.push(start, TokenKind::Number);
    }

    /// A run of one ASCII symbol.
    fn symbol(&mut self, symbol: char) {
        let start = self.at;
        let byte = symbol as u8;
        while byte_at(self.bytes, self.at) == byte {
            self.at += 1;
        }
        let run = (self.at - start) as u32;
        let class = class(byte);
        self.counts.chars += run;
        self.counts.symbols += run;
        if class & chars::EXCLAIM != 0 {
            self.counts.exclamations += run;
        }
        if class & chars::DOLLAR != 0 {
            self.counts.currency += run;
        }
        if matches!(byte, b'@' | b'$' | b'!') && run == 1 && start > 0 {
            let around = |b: u8| chars::class(b) & chars::LETTER != 0;
            self.hints.leet |= around(byte_at(self.bytes, start - 1)) && around(byte_at(self.bytes, self.at));
        }
        self.push(start, TokenKind::Symbol);
    }

    /// Anything that begins with a character beyond ASCII.
    fn wide(&mut self) {
        let (start, c) = (self.at, char_at(self.text, self.at));
        let len = c.len_utf8();
        if chars::is_letter(c) {
            let script = chars::script(c);
            if !chars::is_unspaced(script) {
                return self.word();
            }
            self.count_script(script);
            self.counts.letters += 1;
            self.at += len;
            self.counts.chars += 1;
            self.series = 0;
            self.extend(|c| is_combining_mark(c) && !chars::extends_emoji(c));
            return self.push(start, TokenKind::Ideograph);
        }
        self.at += len;
        self.counts.chars += 1;
        if c.is_whitespace() {
            self.counts.whitespace += 1;
        } else if chars::is_emoji(c) {
            self.emoji(start, c);
        } else if c.is_numeric() {
            self.counts.digits += 1;
            self.hints.digits += 1;
            self.extend(char::is_numeric);
            let run = self.text.get(start + len..self.at).map_or(0, |s| s.chars().count()) as u32;
            self.counts.digits += run;
            self.hints.digits += run;
            self.series = 0;
            self.push(start, TokenKind::Number);
        } else if chars::unseen(c).is_none() && !c.is_control() && !is_combining_mark(c) {
            self.wide_symbol(start, c);
        }
    }

    fn wide_symbol(&mut self, start: usize, c: char) {
        self.extend(|next| next == c);
        let run = ((self.at - start) / c.len_utf8()) as u32;
        self.counts.symbols += run;
        if chars::is_currency(c) {
            self.counts.currency += run;
            self.hints.leet |= c == '€';
        }
        if chars::is_exclamation(c) {
            self.counts.exclamations += run;
        }
        self.push(start, TokenKind::Symbol);
    }

    /// One emoji with all that extends it; a flag takes two regional letters.
    fn emoji(&mut self, start: usize, c: char) {
        if chars::is_regional(c) && chars::is_regional(char_at(self.text, self.at)) {
            self.at += c.len_utf8();
            self.counts.chars += 1;
        }
        self.extend(chars::extends_emoji);
        while char_at(self.text, self.at) == '\u{200d}'
            && chars::is_emoji(char_at(self.text, self.at + '\u{200d}'.len_utf8()))
        {
            let next = char_at(self.text, self.at + '\u{200d}'.len_utf8());
            self.at += '\u{200d}'.len_utf8() + next.len_utf8();
            self.counts.chars += 2;
            self.extend(chars::extends_emoji);
        }
        self.counts.emoji += 1;
        self.hints.emoji_in_word |=
            chars::is_letter(char_before(self.text, start)) && chars::is_letter(char_at(self.text, self.at));
        self.push(start, TokenKind::Emoji);
    }

    /// Takes in following characters while they match.
    fn extend(&mut self, matches: impl Fn(char) -> bool) {
        loop {
            let next = char_at(self.text, self.at);
            if next == '\0' || !matches(next) {
                return;
            }
            self.at += next.len_utf8();
            self.counts.chars += 1;
        }
    }

    #[inline]
    fn push(&mut self, start: usize, kind: TokenKind) {
        self.tokens.push(Token { span: Span::new(start as u32, self.at as u32), kind });
    }
}

/// Small capitals, turned letters and the like, which no orthography of a
/// living language puts into words.
pub(super) const fn is_odd_latin(c: char) -> bool {
    matches!(c as u32,
        0x1d00..=0x1d2b | 0x0250 | 0x0254 | 0x025f | 0x0262 | 0x0265 | 0x026a | 0x026f | 0x0274 | 0x0279
        | 0x0280 | 0x0287 | 0x028c..=0x028f | 0x0299 | 0x029c..=0x029f | 0xa730 | 0xa731 | 0x01dd | 0x0183)
}
