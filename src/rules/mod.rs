//! Operators' statements about comments: lists, patterns and expressions.
//!
//! Parsed and checked at load with line and column, compiled once, evaluated
//! without unbounded work. Knows no model, no store and no clock.
//! `docs/RULES.md` is the reference of the language.
//!
//! May import: `types`, `text`, `features`.

mod diagnostic;
mod diff;
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

use std::{collections::BTreeMap, fmt::Write, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};

use crate::{
    features::{Subject, signals::Signals},
    types::{Action, LogOdds, PerLabel, SiteId, Span, Timestamp},
};

pub use diagnostic::{Diagnostic, Severity, Source};
pub use diff::{Change, FieldChange, RuleChange, diff};
pub use files::Unreadable;

use diagnostic::{At, Reporter};
use facts::Facts;
use matcher::Matcher;
use rule::Rule;

/// The rules that come with the program.
const STARTER: &str = include_str!("../../models/rules/starter.toml");

/// Begins what the content hash is taken of; grows with any change of what
/// rules mean.
const HASH_DOMAIN: &[u8] = b"tamis rules 1\n";

/// How long an emergency rule without an expiry of its own stays in force, counted
/// from when its set first came into force: long enough to see a wave out, short
/// enough that nobody has to remember it.
pub const EMERGENCY_TERM: Duration = Duration::from_secs(72 * 60 * 60);

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
    /// From this moment on it is silent; of an emergency rule without an expiry of its
    /// own the end of its term, once its set has come into force.
    pub expires: Option<Timestamp>,
    /// Whether it was made in a hurry and ends by itself.
    pub emergency: bool,
    /// `list`, `pattern` or `expression`.
    pub kind: &'static str,
    /// Whether it looks at the author's e-mail address or the user agent, which are
    /// not kept with verdicts.
    pub looks_at_unkept: bool,
}

/// Rules, checked and compiled.
#[derive(Debug, Default)]
struct Compiled {
    id: String,
    rules: Vec<Rule>,
    matcher: Matcher,
}

/// Compiled rules and since when they count.
#[derive(Clone, Debug, Default)]
struct Layer {
    compiled: Arc<Compiled>,
    /// When emergency rules without an expiry of their own fall silent.
    emergency_until: Option<Timestamp>,
}

/// The rules of one site: its own, and what both sets together are called.
#[derive(Clone, Debug)]
struct Own {
    layer: Layer,
    version: String,
}

/// A set of rules, checked and compiled: those for all sites and, where sites have
/// rules of their own, theirs. Cloning costs two counts.
#[derive(Clone, Debug)]
pub struct RuleSet {
    global: Layer,
    own: Arc<BTreeMap<SiteId, Own>>,
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
        Self::of(Compiled { id: content_hash(&[]), ..Compiled::default() })
    }

    /// The rules that come with the program.
    #[must_use]
    pub fn starter() -> Self {
        Self::parse(&[Source::starter()]).expect("a test checks the rules that come with the program")
    }

    fn of(compiled: Compiled) -> Self {
        let global = Layer { compiled: Arc::new(compiled), emergency_until: None };
        Self { global, own: Arc::default() }
    }

    /// The same set, in force since `first`: emergency rules without an expiry of
    /// their own are silent from [`EMERGENCY_TERM`] after it.
    #[must_use]
    pub fn since(mut self, first: Timestamp) -> Self {
        self.global.emergency_until = Some(first.plus(EMERGENCY_TERM));
        self
    }

    /// The same set for all sites, and `own` sets for some: what those say ranks as
    /// rules of the site. Replaces the own sets there were.
    #[must_use]
    pub fn with_own(&self, own: impl IntoIterator<Item = (SiteId, Self)>) -> Self {
        let layered = |(site, set): (SiteId, Self)| {
            let version = format!("{}+{}", self.id(), set.id());
            (site, Own { layer: set.global, version })
        };
        Self { global: self.global.clone(), own: Arc::new(own.into_iter().map(layered).collect()) }
    }

    /// The set of a site alone, when it has one.
    #[must_use]
    pub fn own(&self, site: &SiteId) -> Option<Self> {
        let layer = self.own.get(site)?.layer.clone();
        Some(Self { global: layer, own: Arc::default() })
    }

    /// The sites that have sets of their own, with them.
    pub fn owners(&self) -> impl Iterator<Item = (SiteId, Self)> {
        let alone = |(site, own): (&SiteId, &Own)| {
            (site.clone(), Self { global: own.layer.clone(), own: Arc::default() })
        };
        self.own.iter().map(alone)
    }

    /// What judges the comments of a site: the content hash of the set for all, and
    /// `+` that of the site's own where it has one.
    #[must_use]
    pub fn version(&self, site: Option<&SiteId>) -> &str {
        site.and_then(|site| self.own.get(site)).map_or(self.id(), |own| &own.version)
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
                    set = Some(Self::of(Compiled { id: content_hash(&sources), rules, matcher }));
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

    /// The content hash of the set for all sites, 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.global.compiled.id
    }

    /// The rules for all sites, in order, whatever their state.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = RuleInfo<'_>> {
        let layer = &self.global;
        layer.compiled.rules.iter().map(|rule| RuleInfo {
            name: &rule.name,
            message: &rule.message,
            state: rule.state.name(),
            effect: &rule.effect,
            site: rule.site.as_ref(),
            owner: rule.owner.as_deref(),
            note: rule.note.as_deref(),
            expires: layer.expiry(rule),
            emergency: rule.emergency,
            kind: rule.test.kind(),
            looks_at_unkept: rule.test.looks_at_unkept(),
        })
    }

    /// Calls `found` for each rule that matches, those for all sites first, each set in
    /// its order. `site` selects site rules; rules past their expiry at `now` are silent.
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
        self.evaluate_as(subject, signals, (site, None), now, found);
    }

    /// As [`RuleSet::evaluate`], where how much of the article was read is known without
    /// the article: a recorded comment.
    pub fn evaluate_as<'a>(
        &'a self,
        subject: &Subject<'_>,
        signals: &Signals,
        (site, article_read): (Option<&SiteId>, Option<&str>),
        now: Option<Timestamp>,
        found: &mut dyn FnMut(Hit<'a>),
    ) {
        let read = Facts::new(subject, signals);
        let facts = Facts { article_read: article_read.unwrap_or(read.article_read), ..read };
        self.global.evaluate(&facts, (site, false), now, found);
        if let Some(own) = site.and_then(|site| self.own.get(site)) {
            own.layer.evaluate(&facts, (site, true), now, found);
        }
    }

    /// The rules of those names as if they had matched, without the place where: how a
    /// recorded verdict is judged again by the set that judged it. `recorded` names come
    /// in the order of [`RuleSet::evaluate`].
    pub fn recall<'a>(&'a self, site: Option<&SiteId>, recorded: &[String], found: &mut dyn FnMut(Hit<'a>)) {
        let mut rest = recorded;
        let own = site.and_then(|site| self.own.get(site));
        let layers = [(Some(&self.global), false), (own.map(|own| &own.layer), true)];
        for (layer, of_site) in layers {
            for rule in layer.iter().flat_map(|layer| &layer.compiled.rules) {
                if rest.first() == Some(&rule.name) {
                    rest = rest.get(1..).unwrap_or_default();
                    found(rule.hit(of_site, None));
                }
            }
        }
    }
}

impl Layer {
    fn expiry(&self, rule: &Rule) -> Option<Timestamp> {
        rule.expires.or(self.emergency_until.filter(|_| rule.emergency))
    }

    fn evaluate<'a>(
        &'a self,
        facts: &Facts<'_>,
        (site, of_site): (Option<&SiteId>, bool),
        now: Option<Timestamp>,
        found: &mut dyn FnMut(Hit<'a>),
    ) {
        let Compiled { rules, matcher, .. } = &*self.compiled;
        if rules.is_empty() {
            return;
        }
        let active = |rule: &Rule| {
            rule.site.as_ref().is_none_or(|of| Some(of) == site)
                && self.expiry(rule).is_none_or(|expires| now.is_none_or(|now| now < expires))
        };
        let hits = matcher.run(rules, facts, active);
        for at in hits.rules() {
            let Some(rule) = rules.get(at).filter(|rule| active(rule)) else { continue };
            found(rule.hit(of_site, hits.span(at)));
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
