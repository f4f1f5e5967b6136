//! Pure scoring: the same comment, context, model, rules and policy always give
//! the same judgement, to the bit, on every machine.
//!
//! Nothing here is async, reads a clock or touches storage; callers pass in what
//! they know. May import: `types`, `text`, `features`, `classifier`, `rules`.

use std::sync::Arc;

use crate::{
    features::Context,
    rules::RuleSet,
    types::{Action, Assessment, Comment, LabelScore, LogOdds, PerLabel, Policy, SiteId},
};

/// What makes verdicts: an immutable model bundle and rule set, swapped as one.
#[derive(Debug)]
pub struct Snapshot {
    /// The rules.
    pub rules: Arc<RuleSet>,
}

impl Snapshot {
    /// Content hash of the model bundle, hexadecimal.
    #[must_use]
    pub fn model_id(&self) -> &str {
        "none"
    }
}

/// Buffers that scoring reuses; one per thread.
#[derive(Debug, Default)]
pub struct Scratch {}

/// What scoring a comment came to.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// What becomes of the comment.
    pub action: Action,
    /// Why.
    pub assessment: Assessment,
    /// Names of the shadow rules that matched.
    pub shadow_hits: Vec<String>,
}

/// Scores one comment.
#[must_use]
pub fn judge(
    _snapshot: &Snapshot,
    _policy: &Policy,
    _site: Option<&SiteId>,
    _comment: &Comment,
    context: &Context<'_>,
    _scratch: &mut Scratch,
) -> Judgement {
    Judgement {
        action: Action::Allow,
        assessment: Assessment {
            labels: PerLabel::<LabelScore>::default(),
            overall: LogOdds::EVEN,
            probability: LogOdds::EVEN.probability(),
            reasons: Vec::new(),
            article_read: context.article.map_or("none", |a| a.read()).to_owned(),
            language: None,
        },
        shadow_hits: Vec::new(),
    }
}
