//! How well a snapshot does on labelled comments, through the very pipeline that
//! serves. May import: `types`, `features`, `classifier`, `scoring`.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use crate::{
    classifier::{Figures, Scored, figures},
    features::Context,
    scoring::{Scratch, Snapshot, judge},
    types::{Action, Label, PerLabel, Policy},
};

use super::{DataSet, Sample};

/// Figures of one set.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SetFigures {
    /// Comments scored.
    pub comments: usize,
    /// Figures per label that the set knows.
    pub labels: BTreeMap<String, Figures>,
    /// How many comments each action met.
    pub actions: BTreeMap<String, usize>,
    /// The surest mistakes: id, label, probability, truth.
    pub mistakes: Vec<(String, String, f64, bool)>,
}

/// Figures of one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Evaluation {
    /// Content hash of the bundle.
    pub model: String,
    /// By set.
    pub sets: BTreeMap<String, SetFigures>,
}

/// Mistakes listed per label.
const MISTAKES: usize = 10;

/// Scores every sample and compares. The cut of F1 and MCC is the policy's hold
/// threshold. Comments are scored in parallel; the result does not depend on it.
#[must_use]
pub fn evaluate(snapshot: &Snapshot, policy: &Policy, sets: &[DataSet]) -> Evaluation {
    let mut evaluation = Evaluation { model: snapshot.model_id().to_owned(), ..Evaluation::default() };
    for set in sets {
        let judged: Vec<(PerLabel<f64>, Action)> = set
            .samples
            .par_chunks(256)
            .flat_map_iter(|chunk| {
                let mut scratch = Scratch::default();
                chunk.iter().map(|s| score(snapshot, policy, s, &mut scratch)).collect::<Vec<_>>()
            })
            .collect();
        let mut found = SetFigures { comments: judged.len(), ..SetFigures::default() };
        for (_, action) in &judged {
            *found.actions.entry(action.name().to_owned()).or_default() += 1;
        }
        for label in Label::ALL {
            compare(set, &judged, label, policy, &mut found);
        }
        evaluation.sets.insert(set.name.clone(), found);
    }
    evaluation
}

fn score(
    snapshot: &Snapshot,
    policy: &Policy,
    sample: &Sample,
    scratch: &mut Scratch,
) -> (PerLabel<f64>, Action) {
    let context = Context { article: sample.article.as_deref(), ..Context::default() };
    let judgement = judge(snapshot, policy, None, &sample.comment, &context, scratch);
    (PerLabel::from_fn(|l| judgement.assessment.labels[l].probability.get()), judgement.action)
}

fn compare(
    set: &DataSet,
    judged: &[(PerLabel<f64>, Action)],
    label: Label,
    policy: &Policy,
    found: &mut SetFigures,
) {
    let known = set.samples.iter().zip(judged).filter_map(|(sample, (p, _))| {
        Some((sample, Scored { probability: p[label], truth: sample.labels[label]? }))
    });
    let known: Vec<(&Sample, Scored)> = known.collect();
    if known.is_empty() {
        return;
    }
    let scored: Vec<Scored> = known.iter().map(|(_, s)| *s).collect();
    found.labels.insert(label.name().to_owned(), figures(&scored, policy.thresholds(label).hold.get()));
    let error = |s: &Scored| if s.truth { 1.0 - s.probability } else { s.probability };
    let mut wrong: Vec<_> = known.into_iter().filter(|(_, s)| error(s) > 0.5).collect();
    wrong.sort_by(|(a, x), (b, y)| error(y).total_cmp(&error(x)).then_with(|| a.id.cmp(&b.id)));
    let rows = wrong.iter().take(MISTAKES);
    found.mistakes.extend(rows.map(|(s, x)| (s.id.clone(), label.name().to_owned(), x.probability, x.truth)));
}
