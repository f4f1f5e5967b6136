//! Telephone numbers: runs of digits, digit words and separators.
//!
//! A run is judged as a whole. A plus, an announcing word ("call", a
//! messenger's name), a national pattern or a disguise makes it a number;
//! dates, prices, scores, years, book numbers and counting do not.
//!
//! May import: `types`.

use crate::types::Span;

use super::{
    super::{
        chars,
        lexicon::{Role, role},
        view::{Token, TokenKind, View},
    },
    Contact, ContactKind, Reader,
    messengers::Mention,
    nearest, push,
};

/// Digits of a telephone number (E.164 allows 15).
const MIN_DIGITS: usize = 7;
const MAX_DIGITS: usize = 15;
/// Groups that are told apart.
const MAX_GROUPS: usize = 24;
/// Widest gap between two parts of a number, in bytes.
const MAX_GAP: usize = 3;
/// Tokens before a number in which a word may announce it.
const ANNOUNCED_WITHIN: usize = 6;

/// A run of digits as it was written.
#[derive(Debug, Default)]
struct Run {
    digits: String,
    /// Digits per group.
    groups: Vec<usize>,
    words: usize,
    symbols: usize,
    /// Separators that no one writes in a number: `*`, `_`, `,`.
    odd: bool,
    plus: bool,
    parenthesis: bool,
    dotted: bool,
    start: u32,
    end: u32,
}

/// Finds numbers in the folded view.
pub(super) fn find(reader: &Reader<'_>, mentions: &[Mention], contacts: &mut Vec<Contact>) {
    let view = reader.folded;
    let mut at = 0;
    let mut run = Run::default();
    while at < view.tokens.len() {
        let next = read_run(view, at, &mut run);
        if (MIN_DIGITS..=MAX_DIGITS).contains(&run.digits.len()) {
            let announced = is_announced(reader, mentions, at, &run);
            let span = view.submitted(Span::new(run.start, run.end));
            if run.is_number(announced, neighbours(view, &run)) && !reader.is_taken(span, contacts) {
                push(contacts, run.contact(span));
            }
        }
        at = next.max(at + 1);
    }
}

/// Reads the run that begins at token `first`; the token after it.
fn read_run(view: &View, first: usize, run: &mut Run) -> usize {
    run.clear();
    let mut at = first;
    let mut end = first;
    while let Some(token) = view.tokens.get(at) {
        if at > first && gap(view, at) > MAX_GAP || !run.take(view, *token) {
            break;
        }
        at += 1;
        if token.kind != TokenKind::Symbol {
            end = at;
        }
        if run.digits.is_empty() && at - first > 2 {
            break;
        }
    }
    end
}

/// Bytes between token `at` and the one before; a line break is too wide.
fn gap(view: &View, at: usize) -> usize {
    let ends = view.tokens.get(at - 1).map_or(0, |t| t.span.end as usize);
    let starts = view.tokens.get(at).map_or(0, |t| t.span.start as usize);
    let between = view.text.get(ends..starts).unwrap_or("");
    if between.contains('\n') { usize::MAX } else { between.len() }
}

impl Run {
    fn clear(&mut self) {
        let Self { mut digits, mut groups, .. } = std::mem::take(self);
        digits.clear();
        groups.clear();
        *self = Self { digits, groups, ..Self::default() };
    }

    /// Takes a token into the run, if it fits.
    fn take(&mut self, view: &View, token: Token) -> bool {
        let word = view.word(token);
        match token.kind {
            TokenKind::Number => self.number(word, token),
            TokenKind::Word => match role(word) {
                Role::Digit(digit) => {
                    self.words += 1;
                    self.group(&[b'0' + digit], token)
                }
                Role::Plus if self.digits.is_empty() => {
                    (self.plus, self.start) = (true, token.span.start);
                    self.words += 1;
                    true
                }
                Role::None | Role::Dot(_) | Role::At | Role::Plus | Role::Messenger(_) | Role::Call => {
                    self.letter_digits(word, token)
                }
            },
            TokenKind::Symbol => self.symbol(word, token),
            TokenKind::Ideograph | TokenKind::Emoji => false,
        }
    }

    /// "o" and "l" among digits.
    fn letter_digits(&mut self, word: &str, token: Token) -> bool {
        if self.digits.is_empty() || word.len() > 2 || !word.bytes().all(|b| matches!(b, b'o' | b'l')) {
            return false;
        }
        self.words += 1;
        let digits: Vec<u8> = word.bytes().map(|b| if b == b'o' { b'0' } else { b'1' }).collect();
        self.group(&digits, token)
    }

    fn number(&mut self, word: &str, token: Token) -> bool {
        if !word.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return self.wide_digits(word, token);
        }
        self.dotted |= word.contains('.');
        word.split('.').all(|part| self.group(part.as_bytes(), token))
    }

    /// Digits beyond ASCII: Arabic, Devanagari, keycaps without their caps.
    fn wide_digits(&mut self, word: &str, token: Token) -> bool {
        let digit = |c: char| (0..10_u8).find(|d| char::from_u32(zero_of(c) + u32::from(*d)) == Some(c));
        let digits: Option<Vec<u8>> = word.chars().map(|c| digit(c).map(|d| b'0' + d)).collect();
        digits.is_some_and(|digits| self.group(&digits, token))
    }

    fn group(&mut self, digits: &[u8], token: Token) -> bool {
        if self.groups.len() >= MAX_GROUPS || self.digits.len() + digits.len() > MAX_DIGITS + 1 {
            return false;
        }
        if self.digits.is_empty() && !self.plus && !self.parenthesis {
            self.start = token.span.start;
        }
        self.digits.extend(digits.iter().map(|d| char::from(*d)));
        self.groups.push(digits.len());
        self.end = token.span.end;
        self.symbols = 0;
        true
    }

    fn symbol(&mut self, symbol: &str, token: Token) -> bool {
        self.symbols += 1;
        match symbol {
            "+" if self.digits.is_empty() => {
                (self.plus, self.start) = (true, token.span.start);
                true
            }
            "(" if self.groups.len() < 3 => {
                if self.digits.is_empty() && !self.plus {
                    self.start = token.span.start;
                }
                self.parenthesis = true;
                true
            }
            _ if self.digits.is_empty() || self.symbols > 2 => false,
            "-" | "." | ")" | "/" | "·" => true,
            "*" | "_" | "," | "--" | ".." | "|" | "~" => {
                self.odd = true;
                true
            }
            _ => false,
        }
    }

    /// Spelled out, or digit by digit: no one counts or prices like that.
    fn is_disguised(&self) -> bool {
        let single = self.groups.iter().filter(|len| **len == 1).count();
        let counts = |step: u8| {
            let bytes = self.digits.as_bytes();
            bytes.iter().zip(bytes.iter().skip(1)).filter(|(a, b)| a.wrapping_add(step) == **b).count() * 2
                >= bytes.len()
        };
        if counts(1) || counts(255) {
            return false;
        }
        (self.words > 0 && self.words + single >= 3 && self.digits.len() >= MIN_DIGITS) || single >= 5
    }

    fn is_number(&self, announced: bool, (before, after): (char, char)) -> bool {
        if self.plus {
            return self.digits.len() > MIN_DIGITS || announced || self.is_disguised();
        }
        let measure = |c: char| chars::is_currency(c) || matches!(c, '%' | '#' | '=' | '°');
        if measure(before) || measure(after) || self.is_date() || self.is_book() {
            return false;
        }
        if self.is_disguised() {
            return true;
        }
        if self.is_thousands() || self.odd {
            return false;
        }
        announced || self.is_national()
    }

    /// Years, dates, spans of years.
    fn is_date(&self) -> bool {
        let year = |from: usize| {
            self.digits.get(from..from + 4).is_some_and(|y| y.starts_with("19") || y.starts_with("20"))
        };
        match self.groups.as_slice() {
            [4, 1..=2, 1..=2] => year(0),
            [1..=2, 1..=2, 4] => year(self.digits.len() - 4),
            [4, 4] => year(0) && year(4),
            [4, 4, 4] => year(0) && year(4) && year(8),
            [8] => year(0) || year(4),
            _ => false,
        }
    }

    /// ISBN-13.
    fn is_book(&self) -> bool {
        self.digits.len() == 13 && (self.digits.starts_with("978") || self.digits.starts_with("979"))
    }

    /// "1 500 000", "12.345.678".
    fn is_thousands(&self) -> bool {
        matches!(self.groups.as_slice(), [1..=3, rest @ ..] if !rest.is_empty() && rest.iter().all(|g| *g == 3))
            && !self.parenthesis
            && !self.digits.starts_with('0')
    }

    /// Written as a number of some country.
    fn is_national(&self) -> bool {
        let digits = self.digits.len();
        match self.groups.as_slice() {
            [_] => self.digits.starts_with('0') && (10..=13).contains(&digits),
            [3, 3, 4] => true,
            [1, 3, 3, 4] => self.digits.starts_with(['1', '7', '8']),
            [1, 3, 3, 2, 2] => self.digits.starts_with(['7', '8']),
            [_, _, ..] => {
                self.digits.starts_with('0') && digits >= 9 && !(self.dotted && self.groups.len() == 4)
            }
            [] => false,
        }
    }

    fn contact(&self, span: Span) -> Contact {
        let plus = if self.plus { "+" } else { "" };
        Contact {
            kind: ContactKind::Phone,
            value: format!("{plus}{}", self.digits),
            messenger: "",
            obfuscated: self.is_disguised() || self.words > 0 || self.odd,
            span,
        }
    }
}

/// The zero of the decimal digits that `c` belongs to.
const fn zero_of(c: char) -> u32 {
    match c as u32 {
        0x0660..=0x0669 => 0x0660,
        0x06f0..=0x06f9 => 0x06f0,
        0x0966..=0x096f => 0x0966,
        0x09e6..=0x09ef => 0x09e6,
        0x0e50..=0x0e59 => 0x0e50,
        _ => 0x30,
    }
}

/// What stands directly before and after a run, spaces apart.
fn neighbours(view: &View, run: &Run) -> (char, char) {
    let before = view.text.get(..run.start as usize).unwrap_or("");
    let after = view.text.get(run.end as usize..).unwrap_or("");
    let side = |c: Option<char>| c.unwrap_or('\0');
    (
        side(before.trim_end_matches(' ').chars().next_back()),
        side(after.trim_start_matches(' ').chars().next()),
    )
}

/// Whether a word before the run, or a messenger beside it, announces it.
fn is_announced(reader: &Reader<'_>, mentions: &[Mention], first: usize, run: &Run) -> bool {
    let from = first.saturating_sub(ANNOUNCED_WITHIN) as u32;
    let called =
        reader.cues.list().iter().any(|(at, role)| *role == Role::Call && (from..=first as u32).contains(at));
    called || {
        let span = reader.folded.submitted(Span::new(run.start, run.end));
        nearest(mentions, span).is_some_and(|mention| !mention.is_common_word())
    }
}
