//! A whole rule set run over one comment: one pass for all terms, one for all
//! patterns, then the expressions.
//!
//! May import: `types`, and its siblings.

use crate::types::Span;

use super::{
    facts::Facts,
    patterns::Patterns,
    rule::{Rule, Targets, Test},
    terms::{Terms, TermsBuilder},
};

/// Rules compiled together. Rules are meant by their position in the set.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    terms: Terms,
    patterns: Patterns,
    expressions: Vec<usize>,
    targets: Targets,
}

/// Why rules cannot be compiled together.
#[derive(Debug, thiserror::Error)]
pub(super) enum TooLarge {
    /// Terms.
    #[error("the terms need too large an automaton")]
    Terms(#[from] aho_corasick::BuildError),
    /// Patterns.
    #[error("the patterns together need too large an automaton")]
    Patterns(#[from] Box<regex_automata::meta::BuildError>),
}

/// The rules that matched, each once, with the first place found.
#[derive(Debug)]
pub(super) struct Hits {
    matched: Vec<u64>,
    spans: Vec<(usize, Span)>,
}

impl Hits {
    /// Room for the rules of a set of `rules` rules.
    pub(super) fn new(rules: usize) -> Self {
        Self { matched: vec![0; rules.div_ceil(64)], spans: Vec::new() }
    }

    /// Whether a rule matched.
    pub(super) fn has(&self, rule: usize) -> bool {
        self.matched.get(rule / 64).is_some_and(|word| word >> (rule % 64) & 1 == 1)
    }

    /// Where a rule matched in the submitted body.
    pub(super) fn span(&self, rule: usize) -> Option<Span> {
        self.spans.iter().find(|(of, _)| *of == rule).map(|&(_, span)| span)
    }

    /// The rules that matched, rising.
    pub(super) fn rules(&self) -> impl Iterator<Item = usize> {
        self.matched.iter().enumerate().flat_map(|(word, &bits)| {
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
        })
    }

    /// Notes that a rule matched; `span` is asked for the first time only.
    fn note(&mut self, rule: usize, span: impl FnOnce() -> Option<Span>) {
        if self.has(rule) {
            return;
        }
        if let Some(word) = self.matched.get_mut(rule / 64) {
            *word |= 1 << (rule % 64);
            self.spans.extend(span().map(|span| (rule, span)));
        }
    }
}

impl Matcher {
    /// Compiles the rules of a set that are `wanted`.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when together they are.
    pub(super) fn new(rules: &[Rule], wanted: impl Fn(&Rule) -> bool) -> Result<Self, TooLarge> {
        let mut terms = TermsBuilder::default();
        let mut patterns = Vec::new();
        let mut expressions = Vec::new();
        for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| wanted(rule)) {
            match &rule.test {
                Test::List { field, targets, boundary, terms: list } => {
                    terms.add(at, *field, *targets, *boundary, list);
                }
                Test::Pattern { targets, pattern } => patterns.push((at, *targets, pattern)),
                Test::Expression(_) => expressions.push(at),
            }
        }
        let terms = terms.build()?;
        let patterns = Patterns::new(patterns.into_iter())?;
        let targets = terms.targets().with(patterns.targets());
        Ok(Self { terms, patterns, expressions, targets })
    }

    /// Finds the rules that match a comment; expressions of rules that are not
    /// `active` are not decided.
    pub(super) fn run(&self, rules: &[Rule], facts: &Facts<'_>, active: impl Fn(&Rule) -> bool) -> Hits {
        let mut hits = Hits::new(rules.len());
        facts.each_text(self.targets, &mut |text| {
            let mut note = |rule, at: std::ops::Range<usize>| {
                hits.note(rule, || text.submitted(at.start, at.end));
            };
            self.terms.find(&text, &mut note);
            self.patterns.find(&text, &mut note);
        });
        for &at in &self.expressions {
            if let Some(rule) = rules.get(at)
                && let Test::Expression(expression) = &rule.test
                && active(rule)
                && expression.holds(facts)
            {
                hits.note(at, || None);
            }
        }
        hits
    }
}
