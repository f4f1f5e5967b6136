//! Comments judged, and the questions put to the judgements.
//!
//! May import: `types`, `features`, `classifier`, `scoring`.

use rayon::prelude::*;

use crate::{
    classifier::Scored,
    features::Context,
    scoring::{Scratch, Snapshot, judge},
    types::{Action, Label, PerLabel, Policy},
};

use super::super::Sample;

/// What the pipeline found of a comment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Probability of each label.
    pub labels: PerLabel<f64>,
    /// Probability that a moderator would remove it.
    pub overall: f64,
    /// What the policy makes of it.
    pub action: Action,
}

/// A sample with what the pipeline found of it.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The sample.
    pub sample: &'a Sample,
    /// What was found.
    pub found: Found,
}

/// What a figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One label.
    Label(Label),
    /// Whether a moderator would remove the comment.
    Overall,
}

impl Target {
    /// Every target: the labels in their order, then the overall one.
    pub const ALL: [Self; Label::COUNT + 1] = [
        Self::Label(Label::Spam),
        Self::Label(Label::LowContent),
        Self::Label(Label::OffTopic),
        Self::Label(Label::Abuse),
        Self::Overall,
    ];

    /// The name in figures and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Label(label) => label.name(),
            Self::Overall => "overall",
        }
    }

    /// The target of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }

    /// Whether it holds of a sample; `None` when the sample does not tell. Overall: a
    /// sample that carries any label would be removed; one of which every label that
    /// its set knows is 0 would not, as far as the set tells.
    #[must_use]
    pub fn truth(self, sample: &Sample) -> Option<bool> {
        match self {
            Self::Label(label) => sample.labels[label],
            Self::Overall => {
                let known = || sample.labels.iter().filter_map(|(_, known)| *known);
                known().next().map(|_| known().any(|carries| carries))
            }
        }
    }

    /// The probability that was found for it.
    #[must_use]
    pub fn probability(self, found: &Found) -> f64 {
        match self {
            Self::Label(label) => found.labels[label],
            Self::Overall => found.overall,
        }
    }

    /// Whether the policy acts on it: a label from its hold threshold on, overall
    /// whatever is not let through.
    #[must_use]
    pub fn flagged(self, found: &Found, policy: &Policy) -> bool {
        match self {
            Self::Label(label) => found.labels[label] >= policy.thresholds(label).hold.get(),
            Self::Overall => found.action != Action::Allow,
        }
    }
}

/// Judges samples in parallel, in order.
#[must_use]
pub(in crate::learning) fn judge_all<'a>(
    snapshot: &Snapshot,
    policy: &Policy,
    samples: &'a [Sample],
) -> Vec<Judged<'a>> {
    samples
        .par_chunks(256)
        .flat_map_iter(|chunk| {
            let mut scratch = Scratch::default();
            let one =
                |sample: &'a Sample| Judged { sample, found: find(snapshot, policy, sample, &mut scratch) };
            chunk.iter().map(one).collect::<Vec<_>>()
        })
        .collect()
}

/// Judges one sample.
pub(in crate::learning) fn find(
    snapshot: &Snapshot,
    policy: &Policy,
    sample: &Sample,
    scratch: &mut Scratch,
) -> Found {
    let context = Context { article: sample.article.as_deref(), ..Context::default() };
    let judgement = judge(snapshot, policy, None, &sample.comment, &context, scratch);
    Found {
        labels: PerLabel::from_fn(|l| judgement.assessment.labels[l].probability.get()),
        overall: judgement.assessment.probability.get(),
        action: judgement.action,
    }
}

/// The judgements whose truth is known, as a target sees them.
#[must_use]
pub(in crate::learning) fn scored(judged: &[Judged<'_>], target: Target, policy: &Policy) -> Vec<Scored> {
    let one = |j: &Judged<'_>| {
        Some(Scored {
            probability: target.probability(&j.found),
            flagged: target.flagged(&j.found, policy),
            truth: target.truth(j.sample)?,
        })
    };
    judged.iter().filter_map(one).collect()
}
