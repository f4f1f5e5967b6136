//! Operators' statements about comments: lists, patterns and expressions.
//!
//! Parsed and checked at load with line and column, compiled once, evaluated
//! without unbounded work. Knows no model, no store and no clock.
//! `docs/RULES.md` is the reference of the language.
//!
//! May import: `types`, `text`, `features`.

mod diagnostic;
mod expression;
mod facts;
mod files;
mod gate;
mod matcher;
mod patterns;
mod read;
mod rule;
mod suggest;
mod terms;

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::{
    features::{Subject, signals::Signals},
    types::{Action, LogOdds, PerLabel, SiteId, Span, Timestamp},
};

pub use diagnostic::{Diagnostic, Severity, Source};
pub use files::Unreadable;

use diagnostic::{At, Reporter};
use facts::Facts;
use matcher::Matcher;
use rule::{Rule, State};

/// The rules that come with the program.
const STARTER: &str = include_str!("../../models/rules/starter.toml");

/// Begins what the content hash is taken of; grows with any change of what
/// rules mean.
const HASH_DOMAIN: &[u8] = b"tamis rules 1\n";

/// What a rule that matches does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    /// Nats added to labels.
    pub weights: PerLabel<LogOdds>,
    /// The action it asks for, whatever the model says.
    pub action: Option<Action>,
}

/// A rule that matched.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit<'a> {
    /// Name of the rule.
    pub name: &'a str,
    /// What it does; shadow rules have no effect but are reported.
    pub effect: &'a Effect,
    /// What moderators read: the rule's own sentence.
    pub message: &'a str,
    /// Whether it is only being watched.
    pub shadow: bool,
    /// Whether it belongs to the site alone (beats global rules).
    pub site_rule: bool,
    /// Where in the submitted body, when the rule is about a piece of text.
    pub span: Option<Span>,
}

/// A rule as people list it.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its sentence for moderators.
    pub message: &'a str,
    /// `DRAFT`, `SHADOW`, `LIVE` or `EXPIRED`, as written in the file.
    pub state: &'static str,
    /// What it does.
    pub effect: &'a Effect,
    /// The site it is for; all when absent.
    pub site: Option<&'a SiteId>,
    /// Who answers for it.
    pub owner: Option<&'a str>,
    /// Why it is there.
    pub note: Option<&'a str>,
    /// From this moment on it is silent.
    pub expires: Option<Timestamp>,
}

/// A set of rules, checked and compiled.
#[derive(Debug)]
pub struct RuleSet {
    id: String,
    rules: Vec<Rule>,
    matcher: Matcher,
}

impl Source {
    /// The rules that come with the program.
    #[must_use]
    pub fn starter() -> Self {
        Self { name: "starter.toml".to_owned(), text: STARTER.to_owned() }
    }
}

impl Default for RuleSet {
    fn default() -> Self {
        Self::empty()
    }
}

impl RuleSet {
    /// A set without rules.
    #[must_use]
    pub fn empty() -> Self {
        Self { id: content_hash(&[]), rules: Vec::new(), matcher: Matcher::default() }
    }

    /// The rules that come with the program.
    #[must_use]
    pub fn starter() -> Self {
        Self::parse(&[Source::starter()]).expect("a test checks the rules that come with the program")
    }

    /// Reads and compiles rules. The order of `sources` does not matter: they
    /// are taken by name. Warnings do not stand in the way.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, warnings included, by place.
    pub fn parse(sources: &[Source]) -> Result<Self, Vec<Diagnostic>> {
        let (set, diagnostics) = Self::check(sources);
        set.ok_or(diagnostics)
    }

    /// As [`RuleSet::parse`], and the diagnostics in either case.
    ///
    /// `O(n)` in the bytes of the sources, with up to 20 ms per pattern and 2 ms
    /// per expression: not for a request's thread.
    #[must_use]
    pub fn check(sources: &[Source]) -> (Option<Self>, Vec<Diagnostic>) {
        let mut sources = sources.to_vec();
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        let mut out = Reporter::new(&sources);
        let rules = read::read(&sources, &mut out);
        let mut set = None;
        if !out.has_errors() {
            match Matcher::new(&rules, |rule| rule.state.evaluated()) {
                Ok(matcher) => {
                    check_examples(&rules, &matcher, &mut out);
                    set = Some(Self { id: content_hash(&sources), rules, matcher });
                }
                Err(fault) => {
                    let nowhere = At { source: 0, bytes: 0..0 };
                    out.error_help(
                        &nowhere,
                        "set-too-large",
                        fault.to_string(),
                        "use fewer or simpler rules",
                    );
                }
            }
        }
        let set = set.filter(|_| !out.has_errors());
        (set, out.finish())
    }

    /// The content hash, 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The rules, in order, whatever their state.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = RuleInfo<'_>> {
        self.rules.iter().map(|rule| RuleInfo {
            name: &rule.name,
            message: &rule.message,
            state: rule.state.name(),
            effect: &rule.effect,
            site: rule.site.as_ref(),
            owner: rule.owner.as_deref(),
            note: rule.note.as_deref(),
            expires: rule.expires,
        })
    }

    /// Calls `found` for each rule that matches, in the order of the rule set.
    /// `site` selects site rules; rules past their expiry at `now` are silent.
    ///
    /// A rule is found at most once. Linear in the text, of which each view is
    /// looked at up to 16 KiB; needs little stack.
    pub fn evaluate<'a>(
        &'a self,
        subject: &Subject<'_>,
        signals: &Signals,
        site: Option<&SiteId>,
        now: Option<Timestamp>,
        found: &mut dyn FnMut(Hit<'a>),
    ) {
        if self.rules.is_empty() {
            return;
        }
        let active = |rule: &Rule| {
            rule.site.as_ref().is_none_or(|of| Some(of) == site)
                && rule.expires.is_none_or(|expires| now.is_none_or(|now| now < expires))
        };
        let hits = self.matcher.run(&self.rules, &Facts::new(subject, signals), active);
        for at in hits.rules() {
            let Some(rule) = self.rules.get(at).filter(|rule| active(rule)) else { continue };
            found(Hit {
                name: &rule.name,
                effect: &rule.effect,
                message: &rule.message,
                shadow: rule.state == State::Shadow,
                site_rule: rule.site.is_some(),
                span: hits.span(at),
            });
        }
    }
}

/// Runs each rule's own examples, those of rules not in force too.
fn check_examples(rules: &[Rule], matcher: &Matcher, out: &mut Reporter<'_>) {
    let dormant = |rule: &Rule| !rule.state.evaluated() && !rule.examples.is_empty();
    let sleepers = Matcher::new(rules, dormant).unwrap_or_default();
    for (at, rule) in rules.iter().enumerate() {
        let matcher = if rule.state.evaluated() { matcher } else { &sleepers };
        for example in &rule.examples {
            let matches = example.run(|facts| matcher.run(rules, facts, |_| true).has(at));
            if matches == example.matches {
                continue;
            }
            let (does, help) = if matches {
                ("matches", "it stands under `examples.pass`: make the rule stricter, or correct the example")
            } else {
                (
                    "does not match",
                    "it stands under `examples.match`: make the rule wider, or correct the example",
                )
            };
            let message = format!("the rule `{}` {does} this example", rule.name);
            out.error_help(&example.at, "example-failed", message, help);
        }
    }
}

/// First 16 hexadecimal digits of SHA-256 over the sources, in order, line ends
/// made alike.
fn content_hash(sources: &[Source]) -> String {
    let mut hash = Sha256::new_with_prefix(HASH_DOMAIN);
    for source in sources {
        let text = source.text.replace("\r\n", "\n");
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let digest = hash.finalize();
    digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests;
