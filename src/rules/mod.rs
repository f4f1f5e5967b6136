//! Operators' statements about comments: lists, patterns and expressions.
//!
//! Parsed and checked at load with line and column, compiled once, evaluated
//! without unbounded work. Knows no model, no store and no clock.
//!
//! May import: `types`, `text`, `features`.

use crate::{
    features::{Subject, signals::Signals},
    types::{Action, LogOdds, PerLabel, SiteId, Span, Timestamp},
};

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

/// A set of rules, checked and compiled.
#[derive(Debug, Default)]
pub struct RuleSet {
    id: String,
}

impl RuleSet {
    /// The content hash, 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Calls `found` for each rule that matches, in the order of the rule set.
    /// `site` selects site rules; rules past their expiry at `now` are silent.
    pub fn evaluate<'a>(
        &'a self,
        _subject: &Subject<'_>,
        _signals: &Signals,
        _site: Option<&SiteId>,
        _now: Option<Timestamp>,
        _found: &mut dyn FnMut(Hit<'a>),
    ) {
    }
}
