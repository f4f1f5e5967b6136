//! All terms of all lists in one automaton.
//!
//! Aho-Corasick (A. Aho, M. Corasick, "Efficient string matching", 1975) finds
//! every term in one pass; word boundaries are checked on what it finds.
//! May import: nothing of ours but the texts.

use std::{borrow::Cow, collections::HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};

use super::{
    facts::Text,
    rule::{Boundary, Field, Targets},
};

/// Bytes of all terms up to which the automaton is a table of every step: it is four
/// times as fast, and takes up to 1 KiB per byte of the terms.
const MAX_DFA_TERMS: usize = 16 * 1024;

/// A rule that has a term.
#[derive(Clone, Copy, Debug)]
struct Use {
    rule: usize,
    targets: Targets,
    boundary: Boundary,
}

/// Collects terms.
#[derive(Debug, Default)]
pub(super) struct TermsBuilder {
    index: HashMap<String, usize>,
    terms: Vec<String>,
    uses: Vec<Vec<Use>>,
    domains: HashMap<String, Vec<usize>>,
    targets: Targets,
}

impl TermsBuilder {
    /// Adds the terms of a list.
    pub(super) fn add(
        &mut self,
        rule: usize,
        field: Field,
        targets: Targets,
        boundary: Boundary,
        terms: &[String],
    ) {
        self.targets = self.targets.with(targets);
        for term in terms {
            if field == Field::LinkDomain {
                self.domains.entry(term.clone()).or_default().push(rule);
                continue;
            }
            let at = *self.index.entry(term.clone()).or_insert_with(|| {
                self.terms.push(term.clone());
                self.uses.push(Vec::new());
                self.terms.len() - 1
            });
            if let Some(uses) = self.uses.get_mut(at) {
                uses.push(Use { rule, targets, boundary });
            }
        }
    }

    /// Builds the automaton.
    ///
    /// # Errors
    ///
    /// What the automaton says when the terms are too many for it.
    pub(super) fn build(self) -> Result<Terms, aho_corasick::BuildError> {
        let automaton = match self.terms.is_empty() {
            true => None,
            false => {
                let mut builder = AhoCorasick::builder();
                builder.match_kind(MatchKind::Standard);
                if self.terms.iter().map(String::len).sum::<usize>() <= MAX_DFA_TERMS {
                    builder.kind(Some(AhoCorasickKind::DFA));
                }
                Some(builder.build(&self.terms)?)
            }
        };
        let anywhere = self.uses.iter().flatten().any(|usage| usage.boundary == Boundary::Anywhere);
        Ok(Terms {
            automaton,
            starts: (!anywhere).then(|| Starts::new(&self.terms)),
            phrases: self.terms.iter().any(|term| term.contains(' ')),
            uses: self.uses,
            domains: self.domains,
            targets: self.targets,
        })
    }
}

/// The terms of every list.
#[derive(Debug, Default)]
pub(super) struct Terms {
    automaton: Option<AhoCorasick>,
    /// How terms begin, when all of them begin where words do.
    starts: Option<Starts>,
    /// By term of the automaton.
    uses: Vec<Vec<Use>>,
    /// Whether a term has a space.
    phrases: bool,
    domains: HashMap<String, Vec<usize>>,
    targets: Targets,
}

impl Terms {
    /// The texts that some list looks at.
    pub(super) const fn targets(&self) -> Targets {
        self.targets
    }

    /// Calls `found` with each rule that has a term in `text` and the term's
    /// bytes; a rule may be named more than once.
    ///
    /// `O(n + z)` in the bytes looked at and the terms found; at most one term
    /// per length ends at a byte, and terms are at most 128 bytes long.
    pub(super) fn find(&self, text: &Text<'_>, found: &mut dyn FnMut(usize, std::ops::Range<usize>)) {
        if !self.targets.meets(text.target) {
            return;
        }
        if text.field == Field::LinkDomain {
            self.find_domain(text, found);
            return;
        }
        let Some(automaton) = &self.automaton else { return };
        for window in text.windows() {
            let slice = text.text.get(window.clone()).unwrap_or("");
            let spaced = Spaced::new(slice, self.phrases);
            let hay: &str = &spaced.text;
            if self.starts.as_ref().is_some_and(|starts| !starts.may_begin_in(hay.as_bytes())) {
                continue;
            }
            let Ok(matches) = automaton.try_find_overlapping_iter(Input::new(hay)) else { continue };
            for hit in matches {
                // A word cut by the edge of a window is not known to be whole.
                let cut = (hit.start() == 0 && window.start > 0)
                    || (hit.end() == hay.len() && window.end < text.text.len());
                for usage in self.uses.get(hit.pattern().as_usize()).map_or(&[][..], Vec::as_slice) {
                    if usage.targets.meets(text.target)
                        && stands_alone(hay, hit.range(), usage.boundary)
                        && !(cut && usage.boundary != Boundary::Anywhere)
                    {
                        let [start, end] =
                            [hit.start(), hit.end()].map(|at| window.start + spaced.origin(at));
                        found(usage.rule, start..end);
                    }
                }
            }
        }
    }

    fn find_domain(&self, text: &Text<'_>, found: &mut dyn FnMut(usize, std::ops::Range<usize>)) {
        let mut rest = Some(text.text.trim_end_matches('.'));
        while let Some(domain) = rest {
            for &rule in self.domains.get(domain).map_or(&[][..], Vec::as_slice) {
                found(rule, 0..text.text.len());
            }
            rest = domain.split_once('.').map(|(_, parent)| parent);
        }
    }
}

/// The first bytes of terms, as a set of bits: a word of which no term begins alike
/// costs one look, and most comments hold only such words.
#[derive(Debug)]
struct Starts {
    bits: Box<[u64]>,
    /// Bytes looked at: as many as the shortest term has, four at most.
    length: usize,
}

impl Starts {
    /// Bits of the set: few enough for the fastest cache, many more than terms.
    const BITS: u32 = 16;

    fn new(terms: &[String]) -> Self {
        let length = terms.iter().map(String::len).min().unwrap_or(0).min(4);
        let mut starts = Self { bits: vec![0; 1 << (Self::BITS - 6)].into_boxed_slice(), length };
        for term in terms {
            let bit = starts.bit(term.as_bytes());
            if let Some(word) = starts.bits.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
        starts
    }

    #[inline]
    fn bit(&self, text: &[u8]) -> usize {
        let first = text.iter().take(self.length).fold(0_u32, |key, &byte| key << 8 | u32::from(byte));
        (first.wrapping_mul(0x9E37_79B1) >> (32 - Self::BITS)) as usize
    }

    /// Whether a term may begin at the edge of a word of `hay`. Linear.
    fn may_begin_in(&self, hay: &[u8]) -> bool {
        let mut inside = false;
        hay.windows(self.length.max(1)).any(|window| {
            let before = inside;
            inside = window.first().is_some_and(u8::is_ascii_alphanumeric);
            // Between two letters or digits no term begins.
            !(before && inside) && {
                let bit = self.bit(window);
                self.bits.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
            }
        })
    }
}

/// Whether the bytes `at` of `hay` begin and end where `boundary` asks for.
fn stands_alone(hay: &str, at: std::ops::Range<usize>, boundary: Boundary) -> bool {
    let (head, tail) = (hay.get(..at.start).unwrap_or(""), hay.get(at.end..).unwrap_or(""));
    let term = hay.get(at).unwrap_or("");
    let starts = || !joined(head.chars().next_back(), term.chars().next());
    let ends = || !joined(term.chars().next_back(), tail.chars().next());
    match boundary {
        Boundary::Word => starts() && ends(),
        Boundary::Prefix => starts(),
        Boundary::Anywhere => true,
    }
}

/// Whether two neighbours belong to one word.
fn joined(left: Option<char>, right: Option<char>) -> bool {
    left.is_some_and(joins) && right.is_some_and(joins)
}

/// Whether a character is part of a word that spaces set off: a letter, digit
/// or mark of a script that spaces its words.
fn joins(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    if !c.is_alphanumeric() && !is_combining_mark(c) {
        return false;
    }
    !matches!(
        c.script(),
        Script::Han
            | Script::Hiragana
            | Script::Katakana
            | Script::Bopomofo
            | Script::Yi
            | Script::Thai
            | Script::Lao
            | Script::Khmer
            | Script::Myanmar
            | Script::Tibetan
    )
}

/// A text in which words are one plain space apart, as they are in terms.
struct Spaced<'t> {
    text: Cow<'t, str>,
    /// Where offsets shift: (offset here, offset there), both rising.
    shifts: Vec<(usize, usize)>,
}

impl<'t> Spaced<'t> {
    /// Copies only where spacing is odd and `needed`.
    fn new(text: &'t str, needed: bool) -> Self {
        let odd = || {
            if text.is_ascii() {
                let mut last = 0;
                return text.bytes().any(|byte| {
                    let odd = matches!(byte, b'\t'..=b'\r') || (byte == b' ' && last == b' ');
                    last = byte;
                    odd
                });
            }
            let mut last = false;
            text.chars().any(|c| {
                let space = c.is_whitespace();
                let odd = space && (last || c != ' ');
                last = space;
                odd
            })
        };
        if !needed || !odd() {
            return Self { text: Cow::Borrowed(text), shifts: Vec::new() };
        }
        let mut copy = String::with_capacity(text.len());
        let mut shifts = Vec::new();
        for (at, word) in words(text) {
            if at > 0 {
                copy.push(' ');
            }
            shifts.push((copy.len(), at));
            copy.push_str(word);
        }
        Self { text: Cow::Owned(copy), shifts }
    }

    /// The offset in the text given. `O(log n)`.
    fn origin(&self, at: usize) -> usize {
        let next = self.shifts.partition_point(|&(here, _)| here <= at);
        match next.checked_sub(1).and_then(|last| self.shifts.get(last)) {
            Some(&(here, there)) => there + (at - here),
            None => at,
        }
    }
}

/// Words with their offsets.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        features::{Context, Subject, signals::Signals},
        rules::{facts::Facts, rule::Views},
        text::{Document, ViewKind},
        types::{Body, Comment, Markup},
    };
    use proptest::prelude::*;

    fn found(terms: &[&str], boundary: Boundary, body: &str) -> Vec<String> {
        let mut builder = TermsBuilder::default();
        let targets = Targets::new(Field::Body, Views::One(ViewKind::Folded));
        let terms: Vec<String> = terms.iter().map(|t| (*t).to_owned()).collect();
        builder.add(0, Field::Body, targets, boundary, &terms);
        let terms = builder.build().unwrap();
        let comment = Comment::of(Body::new(body.to_owned()).unwrap());
        let mut document = Document::default();
        document.read(body, Markup::Plain);
        let context = Context::default();
        let subject = Subject { comment: &comment, document: &document, context: &context };
        let mut out = Vec::new();
        Facts::new(&subject, &Signals::default()).each_text(terms.targets(), &mut |text| {
            terms.find(&text, &mut |_, at| out.push(text.text[at].to_owned()));
        });
        out
    }

    #[test]
    fn terms_stand_where_the_boundary_says() {
        use Boundary::{Anywhere, Prefix, Word};
        type Case = (&'static str, &'static [&'static str], Boundary, &'static str, &'static [&'static str]);
        #[rustfmt::skip]
        let cases: &[Case] = &[
            ("a whole word",                    &["casino"],        Word,     "My CASINO!",          &["casino"]),
            ("not inside a word",               &["ass"],           Word,     "classic assassin",    &[]),
            ("not before a digit",              &["win"],           Word,     "win32",               &[]),
            ("a word before an apostrophe",     &["casino"],        Word,     "the casino's owner",  &["casino"]),
            ("a phrase over odd spacing",       &["binary options"], Word,    "x  binary \n options y", &["binary \n options"]),
            ("a phrase not inside words",       &["a b"],           Word,     "ca bd",               &[]),
            ("a prefix of an inflected word",   &["카지노"],         Prefix,   "카지노를 추천",          &["카지노"]),
            ("no prefix inside a word",         &["win"],           Prefix,   "darwin",              &[]),
            ("anywhere",                        &["win"],           Anywhere, "darwinism",           &["win"]),
            ("Han needs no spaces",             &["赌场"],           Word,     "最好的赌场在这里",        &["赌场"]),
            ("Thai needs no spaces",            &["คาสิโน"],         Word,     "เล่นคาสิโนออนไลน์",      &["คาสิโน"]),
            ("symbols are their own boundary",  &["$$$"],           Word,     "cash$$$now",          &["$$$"]),
            ("overlapping terms are all found", &["new york", "york times"], Word, "new york times", &["new york", "york times"]),
        ];
        for (name, terms, boundary, body, want) in cases {
            assert_eq!(found(terms, *boundary, body), *want, "{name}");
        }
    }

    #[test]
    fn beginnings_are_looked_for_at_the_edges_of_words() {
        let starts = Starts::new(&["casino bonus".to_owned(), "赌场".to_owned(), "$$$$".to_owned()]);
        for (hay, want) in [
            ("casino", true),
            ("my casino", true),
            ("mycasino", false),
            ("cash$$$$", true),
            ("最好的赌场", true),
            ("nothing of the kind", false),
            ("cas", false),
            ("", false),
        ] {
            assert_eq!(starts.may_begin_in(hay.as_bytes()), want, "{hay}");
        }
    }

    #[test]
    fn domains_match_whole_or_by_parent() {
        let mut builder = TermsBuilder::default();
        let targets = Targets::of(Field::LinkDomain, ViewKind::Folded);
        builder.add(3, Field::LinkDomain, targets, Boundary::Word, &["bad.example".to_owned()]);
        let terms = builder.build().unwrap();
        let mut comment = Comment::of(Body::new("x".to_owned()).unwrap());
        for (url, want) in [
            ("https://bad.example/x", true),
            ("http://a.b.BAD.example", true),
            ("http://notbad.example", false),
            ("http://very-bad.example", false),
            ("http://bad.example.org", false),
        ] {
            comment.author.url = Some(url.to_owned());
            let (document, context) = (Document::default(), Context::default());
            let subject = Subject { comment: &comment, document: &document, context: &context };
            let mut hits = Vec::new();
            Facts::new(&subject, &Signals::default())
                .each_text(targets, &mut |text| terms.find(&text, &mut |rule, _| hits.push(rule)));
            assert_eq!(hits, if want { vec![3] } else { vec![] }, "{url}");
        }
    }

    proptest! {
        /// A term never matches inside a longer word, whatever the list.
        #[test]
        fn words_are_never_matched_inside_others(
            terms in prop::collection::vec("[a-zäжé0-9]{1,6}", 1..20),
            body in "[a-zäжé0-9 .,\n]{1,80}",
        ) {
            prop_assume!(!body.trim().is_empty());
            let list: Vec<&str> = terms.iter().map(String::as_str).collect();
            let words: Vec<&str> = body.split(|c: char| !c.is_alphanumeric()).collect();
            let hits = found(&list, Boundary::Word, &body);
            for hit in &hits {
                prop_assert!(words.contains(&hit.as_str()), "{hit:?} is no word of {body:?}");
            }
            for term in &list {
                prop_assert_eq!(words.contains(term), hits.iter().any(|hit| hit == term));
            }
        }
    }
}
