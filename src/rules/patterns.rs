//! All regular expressions in one automaton.
//!
//! Matching is linear in the text: no look-around, no back-references, and a
//! lazy DFA whose cache is large enough that a few hundred Unicode patterns do
//! not thrash it (the default cache makes such a set 800 times slower).
//! Patterns that cannot match without some literal are only run on texts that
//! hold one. Patterns with a Unicode `\b` go to a set of their own: a DFA cannot follow
//! them through other than ASCII text, and the slower engine that then takes
//! over must not be made to run for all.
//!
//! May import: nothing of ours but the texts.

use std::ops::Range;

use regex_automata::{
    Input, MatchKind, PatternSet,
    meta::{BuildError, Config, Regex},
    nfa::thompson::WhichCaptures,
};
use regex_syntax::{ParserBuilder, hir::Hir};

use super::{
    diagnostic::Problem,
    facts::Text,
    gate::{self, Gate},
    rule::Targets,
};

/// Patterns up to which looking one by one is quicker than all in one pass.
const FEW: u32 = 4;
/// Longest pattern, in bytes.
pub(super) const MAX_PATTERN: usize = 1024;
/// Largest automaton of one pattern, in bytes: refused within milliseconds.
const MAX_PATTERN_SIZE: usize = 1 << 20;
/// Largest automaton of all patterns together, in bytes.
const MAX_SET_SIZE: usize = 32 << 20;
/// Cache of the set's lazy DFA, in bytes per thread that matches at a time.
/// Grows only as far as texts need.
const CACHE: usize = 32 << 20;
/// Most character classes in a pattern: folding the case of a Unicode class
/// costs more than all other parsing.
const MAX_CLASSES: usize = 64;
/// Deepest nesting of groups and repetitions.
const MAX_NESTING: u32 = 32;

/// A pattern, parsed and small enough.
#[derive(Debug)]
pub(super) struct Pattern {
    hir: Hir,
    /// A text without any of these cannot match.
    literals: Option<Vec<Vec<u8>>>,
    /// Finds where it matches, once the set has said that it does.
    finder: Regex,
}

impl Pattern {
    /// Parses a pattern; letter case is ignored when the text it looks at is
    /// `folded`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub(super) fn new(pattern: &str, folded: bool) -> Result<Self, Problem> {
        let whole = 0..pattern.len();
        if pattern.len() > MAX_PATTERN {
            let message =
                format!("the pattern has {} bytes; at most {MAX_PATTERN} are allowed", pattern.len());
            return Err(Problem::new(whole, "pattern-too-long", message)
                .help("split it into several rules, or use a [[list]]"));
        }
        if classes(pattern) > MAX_CLASSES {
            let message = format!("the pattern has more than {MAX_CLASSES} character classes");
            return Err(Problem::new(whole, "pattern-too-large", message)
                .help("repeat a class with {n}, or split the pattern into several rules"));
        }
        let hir = ParserBuilder::new()
            .nest_limit(MAX_NESTING)
            .case_insensitive(folded)
            .build()
            .parse(pattern)
            .map_err(|error| syntax_problem(&error, whole.clone()))?;
        if hir.properties().minimum_len().unwrap_or(0) == 0 {
            return Err(Problem::new(whole, "matches-everything", "the pattern matches the empty text")
                .help("make at least one part of it obligatory: `+` instead of `*`"));
        }
        let config = Config::new()
            .nfa_size_limit(Some(MAX_PATTERN_SIZE))
            .which_captures(WhichCaptures::Implicit)
            .dfa(false)
            .onepass(false);
        let finder = Regex::builder().configure(config).build_from_hir(&hir).map_err(|_| {
            Problem::new(whole, "pattern-too-large", "the pattern needs an automaton of more than 1 MiB")
                .help("lower the counts of repetitions such as {1,500}, or write [a-z] instead of \\w")
        })?;
        let literals = gate::literals(&hir, folded);
        Ok(Self { hir, literals, finder })
    }

    /// Whether it asks for word boundaries of all scripts.
    pub(super) fn has_unicode_boundary(&self) -> bool {
        self.hir.properties().look_set().contains_word_unicode()
    }
}

/// Counts `[...]` and `\p`, `\w`, `\d`, `\s` with their negations; brackets in
/// brackets count too.
fn classes(pattern: &str) -> usize {
    let mut count = 0;
    let mut escaped = false;
    for c in pattern.chars() {
        count += usize::from(match escaped {
            true => matches!(c, 'p' | 'P' | 'w' | 'W' | 'd' | 'D' | 's' | 'S'),
            false => c == '[',
        });
        escaped = !escaped && c == '\\';
    }
    count
}

fn syntax_problem(error: &regex_syntax::Error, whole: Range<usize>) -> Problem {
    let (bytes, message) = match error {
        regex_syntax::Error::Parse(error) => {
            (error.span().start.offset..error.span().end.offset, error.kind().to_string())
        }
        regex_syntax::Error::Translate(error) => {
            (error.span().start.offset..error.span().end.offset, error.kind().to_string())
        }
        _ => (whole, error.to_string()),
    };
    let problem = Problem::new(bytes, "bad-pattern", format!("the pattern is wrong: {message}"));
    if message.contains("look-around") || message.contains("backreferences") {
        problem.help("patterns run in linear time, so they have neither look-around nor back-references")
    } else {
        problem
    }
}

/// The patterns of every rule.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    parts: Vec<Part>,
    finders: Vec<Member>,
    targets: Targets,
}

#[derive(Debug)]
struct Member {
    rule: usize,
    targets: Targets,
    finder: Regex,
}

/// Patterns matched in one pass.
#[derive(Debug)]
struct Part {
    set: Regex,
    /// Finds whether it is worth looking; always, when there is none.
    gate: Option<Gate>,
    /// By pattern of the set: position in `finders`.
    members: Vec<usize>,
    targets: Targets,
}

impl Patterns {
    /// Compiles the patterns of rules.
    ///
    /// # Errors
    ///
    /// When together they need a larger automaton than allowed.
    pub(super) fn new<'p>(
        patterns: impl Iterator<Item = (usize, Targets, &'p Pattern)>,
    ) -> Result<Self, Box<BuildError>> {
        let mut finders = Vec::new();
        let mut groups: [Vec<(usize, &Pattern)>; 4] = Default::default();
        for (rule, targets, pattern) in patterns {
            let [plain, gated, bounded, gated_bounded] = &mut groups;
            let group = match (pattern.has_unicode_boundary(), pattern.literals.is_some()) {
                (false, false) => plain,
                (false, true) => gated,
                (true, false) => bounded,
                (true, true) => gated_bounded,
            };
            group.push((finders.len(), pattern));
            finders.push(Member { rule, targets, finder: pattern.finder.clone() });
        }
        let mut parts = Vec::new();
        for group in groups.into_iter().filter(|group| !group.is_empty()) {
            let (members, patterns): (Vec<usize>, Vec<&Pattern>) = group.into_iter().unzip();
            let hirs: Vec<&Hir> = patterns.iter().map(|pattern| &pattern.hir).collect();
            let literals: Option<Vec<_>> =
                patterns.iter().map(|pattern| pattern.literals.as_deref()).collect();
            let config = Config::new()
                .match_kind(MatchKind::All)
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(MAX_SET_SIZE))
                .hybrid_cache_capacity(CACHE)
                .dfa(false)
                .onepass(false);
            let targets = members
                .iter()
                .filter_map(|&at| finders.get(at))
                .fold(Targets::default(), |all, member: &Member| all.with(member.targets));
            parts.push(Part {
                set: Regex::builder().configure(config).build_many_from_hir(&hirs)?,
                gate: literals.and_then(|sets| Gate::new(&sets)),
                members,
                targets,
            });
        }
        let targets = parts.iter().fold(Targets::default(), |all, part| all.with(part.targets));
        Ok(Self { parts, finders, targets })
    }

    /// The texts that some pattern looks at.
    pub(super) const fn targets(&self) -> Targets {
        self.targets
    }

    /// Calls `found` with each rule whose pattern matches `text` and the bytes
    /// of its first match; twice at most. `O(n)` in the bytes looked at while
    /// the cache holds, else times the size of the automaton.
    pub(super) fn find(&self, text: &Text<'_>, found: &mut dyn FnMut(usize, Range<usize>)) {
        for part in self.parts.iter().filter(|part| part.targets.meets(text.target)) {
            for window in text.windows() {
                let slice = text.text.get(window.clone()).unwrap_or("");
                let open = part.gate.as_ref().map_or(u64::MAX, |gate| gate.opens(slice));
                if open != 0 {
                    self.find_in(part, open, text, &Input::new(text.text).span(window), found);
                }
            }
        }
    }

    /// Looks for the patterns of `part` that are `open`: one by one when they are few,
    /// which start quickly, else in one pass.
    fn find_in(
        &self,
        part: &Part,
        open: u64,
        text: &Text<'_>,
        input: &Input<'_>,
        found: &mut dyn FnMut(usize, Range<usize>),
    ) {
        let mut look = |pattern: usize| {
            if let Some(member) = part.members.get(pattern).and_then(|&at| self.finders.get(at))
                && member.targets.meets(text.target)
                && let Some(hit) = member.finder.search(input)
            {
                found(member.rule, hit.range());
            }
        };
        if open.count_ones() <= FEW && open >> Gate::MAX_PATTERNS == 0 {
            (0..Gate::MAX_PATTERNS).filter(|pattern| open >> pattern & 1 == 1).for_each(look);
            return;
        }
        let mut matched = PatternSet::new(part.members.len());
        part.set.which_overlapping_matches(input, &mut matched);
        matched.iter().for_each(|pattern| look(pattern.as_usize()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn problem(pattern: &str) -> Problem {
        Pattern::new(pattern, true).expect_err(pattern)
    }

    #[test]
    fn bad_patterns_are_refused_where_they_are_bad() {
        for (pattern, code, bytes) in [
            ("ab(cd", "bad-pattern", 2..3),
            ("a(?=b)", "bad-pattern", 1..4),
            (r"(a)\1", "bad-pattern", 3..5),
            ("a*", "matches-everything", 0..2),
            ("x{2,1}", "bad-pattern", 1..6),
            (r"(?:\w{500}){5}", "pattern-too-large", 0..14),
        ] {
            let problem = problem(pattern);
            assert_eq!((problem.code, problem.bytes), (code, bytes), "{pattern}");
        }
    }

    #[test]
    fn costly_patterns_are_refused_quickly() {
        let hostile = [
            "(".repeat(500) + "a" + &")".repeat(500),
            "((((((((((a{10}){10}){10}){10}){10}){10}){10}){10}){10}){10})".to_owned(),
            r"\w{1,1000}\w{1,1000}\w{1,1000}".to_owned(),
            r"(?i)[\p{L}\p{N}]{900}".to_owned(),
            format!("({}){{1000}}", vec![r"\pL"; 100].join("|")),
            r"[^\x00]{1000}".repeat(50),
            "a".repeat(2000),
            r"\p{L}".repeat(200),
            r"[^a]".repeat(250),
            format!("(?:{}){{90}}", "[^a]".repeat(64)),
            format!("(?:{}){{90}}", r"\w".repeat(64)),
        ];
        for pattern in &hostile {
            // The best of three, as other work may hold the machine up.
            let took = (0..3).map(|_| {
                let start = Instant::now();
                assert!(Pattern::new(pattern, true).is_err(), "{pattern}");
                start.elapsed()
            });
            let took = took.min().unwrap();
            assert!(took <= Duration::from_millis(50), "{took:?} for {pattern}");
        }
    }

    #[test]
    fn folded_patterns_ignore_case() {
        assert!(Pattern::new("WhatsApp", true).unwrap().finder.is_match("on whatsapp"));
        assert!(!Pattern::new("WhatsApp", false).unwrap().finder.is_match("on whatsapp"));
        assert!(Pattern::new(r"\bx\b", true).unwrap().has_unicode_boundary());
        assert!(!Pattern::new(r"(?-u:\b)x", true).unwrap().has_unicode_boundary());
    }
}
