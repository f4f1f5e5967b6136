//! Literals without which patterns cannot match: most comments hold none of
//! them, and looking for literals costs a hundredth of running the patterns.
//!
//! After R. Cox, "Regular Expression Matching with a Trigram Index" (2012): of
//! a sequence the best part is required, of alternatives one of each.
//!
//! May import: nothing of ours.

use std::{cmp::Reverse, collections::BTreeMap};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_syntax::hir::{
    Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition, literal::Extractor,
};

/// Most literals of one pattern: beyond them the search is no longer cheap.
const MAX_LITERALS: usize = 64;
/// Bytes of all literals up to which the automaton is a table of every step.
const MAX_TABLE: usize = 4096;
/// Largest class whose members are looked at one by one.
const MAX_CLASS: usize = 10;
/// Below this character (Latin, Greek, Cyrillic) lower-casing a text leaves no
/// capital behind.
const CASED: char = '\u{530}';

/// Literals of which a text must hold one for a pattern to match; `None` when
/// there are no telling ones. With `lower` the pattern is run on lower-case texts
/// only.
pub(super) fn literals(hir: &Hir, lower: bool) -> Option<Vec<Vec<u8>>> {
    let lowered = if lower { without_capitals(hir) } else { hir.clone() };
    required(&lowered)
}

/// Finds which patterns of a set a text may match.
#[derive(Debug)]
pub(super) struct Gate {
    automaton: AhoCorasick,
    /// By literal, the patterns that ask for it, one bit each.
    patterns: Vec<u64>,
}

impl Gate {
    /// Most patterns that are told apart; the last bit stands for all beyond.
    pub(super) const MAX_PATTERNS: usize = 63;

    /// A gate for patterns that each need one of their literals; `None` when there are
    /// too many for an automaton.
    pub(super) fn new(patterns: &[&[Vec<u8>]]) -> Option<Self> {
        let mut bits: BTreeMap<&[u8], u64> = BTreeMap::new();
        for (at, literals) in patterns.iter().enumerate() {
            for literal in *literals {
                *bits.entry(literal).or_default() |= 1 << at.min(Self::MAX_PATTERNS);
            }
        }
        let small = bits.keys().map(|literal| literal.len()).sum::<usize>() <= MAX_TABLE;
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::Standard).kind(small.then_some(AhoCorasickKind::DFA));
        Some(Self { automaton: builder.build(bits.keys()).ok()?, patterns: bits.into_values().collect() })
    }

    /// The patterns that `text` holds a literal of, one bit each. `O(n)`, at least while
    /// few literals are ends of others.
    pub(super) fn opens(&self, text: &str) -> u64 {
        let Ok(found) = self.automaton.try_find_overlapping_iter(text) else { return u64::MAX };
        found.fold(0, |open, hit| open | self.patterns.get(hit.pattern().as_usize()).copied().unwrap_or(0))
    }
}

/// The pattern without the capitals that case folding put in.
fn without_capitals(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) if size(class) <= MAX_CLASS => {
            let capital = |c: char| c < CASED && c.is_uppercase();
            let kept = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let kept: Vec<_> = kept.filter(|&c| !capital(c)).map(|c| ClassUnicodeRange::new(c, c)).collect();
            // A class of capitals only can match nothing here; it is left alone.
            if kept.is_empty() { hir.clone() } else { Hir::class(Class::Unicode(ClassUnicode::new(kept))) }
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(without_capitals).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(without_capitals).collect()),
        HirKind::Capture(capture) => without_capitals(&capture.sub),
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => Hir::repetition(Repetition {
            min: *min,
            max: *max,
            greedy: *greedy,
            sub: Box::new(without_capitals(sub)),
        }),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Look(_) | HirKind::Class(_) => hir.clone(),
    }
}

fn size(class: &ClassUnicode) -> usize {
    class.ranges().iter().map(ClassUnicodeRange::len).sum()
}

/// See [`literals`].
fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let inner = match hir.kind() {
        HirKind::Concat(parts) => parts.iter().filter_map(required).max_by_key(|set| worth(set)),
        HirKind::Alternation(parts) => {
            let each: Option<Vec<_>> = parts.iter().map(required).collect();
            each.map(|sets| sets.concat()).filter(|set| set.len() <= MAX_LITERALS)
        }
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Repetition(_)
        | HirKind::Empty
        | HirKind::Literal(_)
        | HirKind::Look(_)
        | HirKind::Class(_) => None,
    };
    let beginnings = Extractor::new().limit_total(MAX_LITERALS).extract(hir);
    let beginnings = beginnings
        .literals()
        .map(|set| set.iter().map(|literal| literal.as_bytes().to_vec()).collect::<Vec<_>>())
        .filter(|set| !set.is_empty() && set.iter().all(|literal| !literal.is_empty()));
    [inner, beginnings].into_iter().flatten().max_by_key(|set| worth(set))
}

/// Longer literals are rarer, and fewer are rarer too.
fn worth(set: &[Vec<u8>]) -> (usize, Reverse<usize>) {
    (set.iter().map(Vec::len).min().unwrap_or(0).min(4), Reverse(set.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex_syntax::ParserBuilder;

    fn of(pattern: &str) -> Option<Vec<String>> {
        let hir = ParserBuilder::new().case_insensitive(true).build().parse(pattern).unwrap();
        let mut set: Vec<_> =
            literals(&hir, true)?.into_iter().map(|l| String::from_utf8(l).unwrap()).collect();
        set.sort();
        Some(set)
    }

    #[test]
    fn the_most_telling_part_is_required() {
        for (pattern, want) in [
            (r"\d+ ?(?:euro|pound)", Some(vec!["euro", "pound"])),
            (r"Buy[a-z]{0,9} (?:now|today)", Some(vec!["buy"])),
            (r"\{\p{L}+\|", Some(vec!["{"])),
            (r"a{3}", Some(vec!["aaa"])),
            (r"[a-z]+\d", None),
            (r"(?:abc|\d)x?", None),
        ] {
            let want = want.map(|set| set.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(of(pattern), want, "{pattern}");
        }
        // Letters to which rare old forms fold (of the т, the в, the о, the с) are passed over.
        assert_eq!(of(r"(?:телеграм|вотсап)\d"), Some(vec!["ап".to_owned(), "елеграм".to_owned()]));
    }

    #[test]
    fn each_pattern_is_told_apart() {
        let sets: Vec<Vec<Vec<u8>>> =
            (0..80).map(|i| vec![format!("<{i}>").into_bytes(), b"all".to_vec()]).collect();
        let gate = Gate::new(&sets.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
        assert_eq!(gate.opens("nothing"), 0);
        assert_eq!(gate.opens("a <3> and a <62>"), 1 << 3 | 1 << 62);
        assert_eq!(gate.opens("<63> or <79>"), 1 << 63);
        assert_eq!(gate.opens("all"), u64::MAX);
    }

    proptest! {
        /// What matches holds one of the literals, whatever the letters' case was.
        #[test]
        fn no_match_is_shut_out(
            pattern in prop::sample::select(&[
                r"(?:whats ?app|telegram|imo|signal|ватсап)[^\n\d]{0,40}\+?\d",
                r"(?:[a-z]{3,} ?[\[(] ?(?:dot|точка)|x (?:punkt|punto)) ?(?:com|net|ru)",
                r"\{\p{L}[^{}|\n]{0,9}\p{L}\|",
                r"[kſ]iss|straße\d+",
                r"(?:a|b)+c{2,3}",
            ][..]),
            pieces in prop::collection::vec(
                prop::sample::select(&[
                    "WhatsApp", "telegram", "IMO", "ſignal", "ВАТСАП", "abc", "dot", "(", "Точка", ") ", " com", "ru",
                    "x punkt ", "{Au", "{ab|", "\u{212a}iſs", "STRASSE", "straße", "1", " +49 ", "cc", "B", " ", "\n",
                ][..]), 0..8),
        ) {
            let text = pieces.concat().to_lowercase();
            let hir = ParserBuilder::new().case_insensitive(true).build().parse(pattern).unwrap();
            let regex = regex::RegexBuilder::new(pattern).case_insensitive(true).build().unwrap();
            let found = literals(&hir, true)
                .is_none_or(|set| Gate::new(&[&set]).is_some_and(|gate| gate.opens(&text) == 1));
            prop_assert!(found || !regex.is_match(&text), "{pattern} on {text:?}");
        }
    }
}
