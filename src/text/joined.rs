//! V4: spaced or dotted single letters joined ("c a s h  a p p", "l.o.a.n.s").
//!
//! At least four one-letter words in a row, all with the same separator
//! between them. Wider gaps are word breaks; a full stop, slash or colon set
//! off by the separator stays as itself, so that spaced addresses come out
//! whole. Initialisms ("U.S.S.R."), alphabets and chess stay.
//!
//! May import: `types`.

use super::{
    chars::char_at,
    edits::Edits,
    view::{Token, TokenKind, View},
};

/// Letters from which on a run is a trick.
const MIN_LETTERS: usize = 4;
/// Longest gap between two letters, in bytes.
const MAX_GAP: usize = 9;
/// Longest initialism, in letters.
const MAX_INITIALISM: usize = 6;

/// Notes the edits; how many runs were joined. `submitted` is the body, for
/// the case of letters.
pub(super) fn join(folded: &View, submitted: &str, edits: &mut Edits) -> u32 {
    edits.clear();
    let (mut runs, mut at) = (0, 0);
    while at < folded.tokens.len() {
        let run = Run::at(folded, at);
        if run.letters >= MIN_LETTERS && !run.is_honest(folded, submitted) {
            runs += 1;
            run.note(folded, edits);
        }
        at = run.last + 1;
    }
    runs
}

/// What stands between two letters of a run.
enum Gap {
    /// The separator: left out.
    Separator,
    /// More space than the separator: a word ends.
    Break,
    /// Punctuation that stays, set off by space that goes.
    Punctuation,
    /// Anything else: the run ends.
    Other,
}

/// A series of one-letter words: tokens `first..=last`.
struct Run<'a> {
    first: usize,
    last: usize,
    letters: usize,
    separator: &'a str,
}

fn is_single(view: &View, token: &Token) -> bool {
    let word = view.word(*token);
    let one = token.kind == TokenKind::Word || (token.kind == TokenKind::Number && word.len() == 1);
    one && char_at(word, 0).len_utf8() == word.len()
}

/// The place and token of the next letter or digit after place `at`.
fn next_single(view: &View, at: usize) -> Option<(usize, Token)> {
    // Between two letters of a run stand at most a few symbols.
    for (place, token) in (at + 1..).zip(view.tokens.iter().skip(at + 1).take(4)) {
        if is_single(view, token) {
            return Some((place, *token));
        }
        if !matches!(token.kind, TokenKind::Symbol | TokenKind::Emoji) {
            return None;
        }
    }
    None
}

fn gap_between(view: &View, left: Token, right: Token) -> &str {
    view.text.get(left.span.end as usize..right.span.start as usize).unwrap_or("")
}

fn gap(gap: &str, separator: &str) -> Gap {
    let trimmed = gap.trim();
    if gap == separator {
        Gap::Separator
    } else if trimmed.is_empty()
        && !gap.is_empty()
        && (gap.len() > separator.len() || !separator.trim().is_empty())
    {
        Gap::Break
    } else if matches!(trimmed, "." | ":" | "/" | "@" | "-" | "://" | ": / /") && separator.trim() != trimmed
    {
        Gap::Punctuation
    } else {
        Gap::Other
    }
}

impl<'a> Run<'a> {
    /// The run that begins at token `first`; of no letters if none does.
    fn at(view: &'a View, first: usize) -> Self {
        let mut run = Run { first, last: first, letters: 0, separator: "" };
        let Some(mut left) = view.tokens.get(first).copied().filter(|t| is_single(view, t)) else {
            return run;
        };
        let letter = |token: Token| usize::from(token.kind == TokenKind::Word);
        run.letters = letter(left);
        while let Some((place, right)) = next_single(view, run.last) {
            let between = gap_between(view, left, right);
            if between.len() > MAX_GAP || between.contains('\n') {
                break;
            }
            if run.last == first {
                run.separator = between;
            } else if matches!(gap(between, run.separator), Gap::Other) {
                break;
            }
            run.letters += letter(right);
            (run.last, left) = (place, right);
        }
        run
    }

    fn singles(&self, view: &'a View) -> impl Iterator<Item = Token> + use<'a> {
        let tokens = view.tokens.get(self.first..=self.last).unwrap_or(&[]);
        tokens.iter().copied().filter(|t| is_single(view, t))
    }

    /// Initialisms, alphabets, lists, a separator that is none.
    fn is_honest(&self, view: &'a View, submitted: &str) -> bool {
        let letters = || self.singles(view).filter_map(|t| view.word(t).chars().next());
        let total = letters().count();
        if self.separator.is_empty() || self.letters * 4 < total * 3 {
            return true;
        }
        let rises = letters().zip(letters().skip(1)).filter(|(a, b)| *b as u32 == *a as u32 + 1).count();
        let same = letters().zip(letters().skip(1)).filter(|(a, b)| a == b).count();
        if (rises + same) * 2 >= total {
            return true;
        }
        if matches!(self.separator.trim(), "," | ";" | "&" | "=" | "+" | "|") {
            return true;
        }
        self.separator.trim() == "." && total <= MAX_INITIALISM && {
            let capital = |t: Token| char_at(submitted, view.submitted(t.span).start as usize).is_uppercase();
            self.singles(view).all(capital)
        }
    }

    fn note(&self, view: &'a View, edits: &mut Edits) {
        let mut singles = self.singles(view);
        let Some(mut left) = singles.next() else { return };
        for right in singles {
            let (start, end) = (left.span.end as usize, right.span.start as usize);
            match gap(gap_between(view, left, right), self.separator) {
                Gap::Separator => edits.remove(start, end),
                Gap::Break => edits.replace(start, end, ' '),
                Gap::Punctuation => {
                    for (at, space) in gap_between(view, left, right).match_indices(' ') {
                        edits.remove(start + at, start + at + space.len());
                    }
                }
                Gap::Other => {}
            }
            left = right;
        }
    }
}
