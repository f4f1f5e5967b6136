//! What scoring found: odds and probabilities per label, and why.
//!
//! Knows nothing of models or policies. May import: nothing of ours.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Label, LogOdds, PerLabel, Probability, Span};

/// Where a reason comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonSource {
    /// A named signal.
    Signal,
    /// An operator's rule.
    Rule,
    /// Words or letter groups of the text.
    Text,
}

/// One thing that moved the odds of one label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable identifier `family/name`: a signal (`relevance/article_overlap`), a
    /// rule (`rule/no-casino`) or a piece of text (`text/word`).
    pub code: Cow<'static, str>,
    /// Where it comes from.
    pub source: ReasonSource,
    /// The label it moved.
    pub label: Label,
    /// How far, in nats; positive is towards the label.
    pub log_odds: LogOdds,
    /// One sentence a moderator understands.
    pub message: Cow<'static, str>,
    /// The signal's value, when a signal speaks.
    pub value: Option<f64>,
    /// The part of the body that caused it, in bytes of the submitted text.
    pub span: Option<Span>,
}

/// One change that would have let a comment through, by the same sums that judged it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counterfactual {
    /// The code of the reason that would be gone.
    pub code: Cow<'static, str>,
    /// One sentence a moderator understands.
    pub message: Cow<'static, str>,
}

/// Odds of one label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelScore {
    /// Sum of all contributions, `base` included.
    pub log_odds: LogOdds,
    /// The calibrated probability of those odds.
    pub probability: Probability,
    /// The part that no comment changes: the model's intercept.
    pub base: LogOdds,
    /// The part that the listed reasons leave over: many small contributions.
    /// `base` + `rest` + the reasons of this label = `log_odds`, exactly.
    pub rest: LogOdds,
    /// Of `log_odds`, what the decisions of the site on other comments moved it: the
    /// model alone gave `log_odds` - `decisions`.
    #[serde(default)]
    pub decisions: LogOdds,
}

/// What scoring found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Each label on its own.
    pub labels: PerLabel<LabelScore>,
    /// Log-odds that a moderator would remove the comment.
    pub overall: LogOdds,
    /// The calibrated probability of `overall`.
    pub probability: Probability,
    /// What moved the odds, strongest first over all labels; at most 5.
    pub reasons: Vec<Reason>,
    /// What of the article was there to read: `none`, `title`, `summary` or `text`.
    pub article_read: Cow<'static, str>,
    /// Language guess as a BCP 47 tag, when one was sure enough.
    pub language: Option<Cow<'static, str>>,
    /// What would have let a comment through that was not; `None` when no single
    /// change would have, or it was let through.
    #[serde(default)]
    pub counterfactual: Option<Counterfactual>,
}
