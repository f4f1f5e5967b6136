//! Training the heads: per label the sparse learners on text, then the combiner on
//! held-out margins, rules and signals.
//!
//! The combiner must see margins as they are on comments that the learners did not
//! see, so each margin it learns from comes from learners trained without the
//! comment's group (stacking; Wolpert, 1992). May import: `types`, `features`,
//! `classifier`.

use ndarray::Array2;
use rayon::prelude::*;

use crate::{
    classifier::{Combiner, Head, Row, Vocabulary, fit_combiner},
    features::signals::{COUNT, find},
    types::{Label, PerLabel},
};

use super::{
    LearningError,
    sides::Sides,
    stack::{Learners, stack},
    train::TrainConfig,
};

/// Rows the combiner learns from at most, taken evenly: it has some seventy weights.
const MAX_COMBINED: usize = 16_000;
/// Columns before the signals and languages: both margins and the rules.
const FIRST: usize = 3;

/// How often readers really do it, where the data cannot tell: `(words, share)` says that
/// of comments of at least so many words that share carries the label.
///
/// Half of the longer comments taught to `off_topic` are crossed pairs, made to teach the
/// difference; people found one in six of a large newspaper's posts off-topic (Schabus,
/// Skowron, Trapp, "One Million Posts", 2017). The sets for abuse were gathered with
/// lists of slurs and are half abuse; of the comments of a news platform some 8 %
/// were toxic (Borkan et al., "Nuanced Metrics", 2019). The share stated here lies between,
/// as sites that need a filter have more of it.
const fn share_in_life(label: Label) -> Option<(f32, f64)> {
    match label {
        Label::OffTopic => Some((7.0, 0.16)),
        Label::Abuse => Some((0.0, 0.2)),
        Label::Spam | Label::LowContent => None,
    }
}

/// One prepared sample.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) row: Row,
    /// Scaled signals; NaN where absent.
    pub(super) signals: [f32; COUNT],
    /// Stated nats of the rules that hit.
    pub(super) rules: PerLabel<f32>,
    pub(super) labels: PerLabel<Option<bool>>,
    pub(super) group: u64,
    /// Digest of the folded text.
    pub(super) text: u64,
    pub(super) language: Option<&'static str>,
}

impl Example {
    /// The part that holds the comment out. Spam and abuse are in the text, so copies
    /// stay together; the other two are about the article, so its comments do.
    pub(super) fn part(&self, label: Label, parts: u64) -> u64 {
        match label {
            Label::Spam | Label::Abuse => self.text % parts,
            Label::LowContent | Label::OffTopic => self.group % parts,
        }
    }
}

/// What of the known examples the combiner learns from, as places among them: where a
/// share is stated, only as many positive ones as it allows, taken evenly; of all these
/// at most [`MAX_COMBINED`].
fn taught(label: Label, known: &[(usize, &Example)]) -> Vec<usize> {
    let kept = representative(label, known);
    let step = kept.len().div_ceil(MAX_COMBINED).max(1);
    kept.into_iter().step_by(step).collect()
}

fn representative(label: Label, known: &[(usize, &Example)]) -> Vec<usize> {
    let Some((least, share)) = share_in_life(label) else { return (0..known.len()).collect() };
    let words = find("length/words").map_or(0, |id| usize::from(id.0));
    let long = |e: &Example| e.signals.get(words).is_some_and(|&x| x >= least.ln_1p());
    let counted = |truth| known.iter().filter(|(_, e)| e.labels[label] == Some(truth) && long(e)).count();
    let positives = counted(true);
    let wanted = (counted(false) as f64 * share / (1.0 - share)).ceil() as usize;
    let mut met = 0;
    let mut keep = |e: &Example| {
        if positives <= wanted || e.labels[label] != Some(true) || !long(e) {
            return true;
        }
        met += 1;
        // Bresenham's line: the kept ones lie as evenly as whole numbers can.
        met * wanted / positives != (met - 1) * wanted / positives
    };
    (0..known.len()).filter(|&at| known.get(at).is_some_and(|(_, e)| keep(e))).collect()
}

/// A trained head, text weights still in full precision.
#[derive(Clone, Debug)]
pub(super) struct TrainedHead {
    pub(super) text: Vec<f32>,
    pub(super) head: Head,
    /// Held-out log-odds of the examples of which every label is known: (example, odds).
    pub(super) held_out: Vec<(usize, f64)>,
}

/// Trains every head. Heads and folds are independent, so threads change nothing.
pub(super) fn train_heads(
    config: &TrainConfig,
    examples: &[Example],
    known: &Vocabulary,
    sides: &Sides,
) -> Result<Vec<TrainedHead>, LearningError> {
    Label::ALL.par_iter().map(|&label| train_head(config, label, examples, known.len(), sides)).collect()
}

/// Whether there is something to tell apart, in more than one part: what lies in one
/// part cannot be judged by the others.
fn teachable(config: &TrainConfig, label: Label, known: &[(usize, &Example)]) -> bool {
    let positives = known.iter().filter(|(_, e)| e.labels[label] == Some(true)).count();
    let mut parts = known.iter().map(|(_, e)| e.part(label, config.folds));
    let first = parts.next();
    positives > 0 && positives < known.len() && parts.any(|part| Some(part) != first)
}

fn train_head(
    config: &TrainConfig,
    label: Label,
    examples: &[Example],
    features: usize,
    sides: &Sides,
) -> Result<TrainedHead, LearningError> {
    let known: Vec<(usize, &Example)> =
        examples.iter().enumerate().filter(|(_, e)| e.labels[label].is_some()).collect();
    if !teachable(config, label, &known) {
        return Ok(untaught(label, features, sides));
    }
    let taught = taught(label, &known);
    // Margins are asked for where the combiner learns and where the overall odds do.
    let mut asked: Vec<bool> =
        known.iter().map(|(_, e)| e.labels.iter().all(|(_, known)| known.is_some())).collect();
    let whole = asked.clone();
    taught.iter().for_each(|&at| asked.iter_mut().skip(at).take(1).for_each(|slot| *slot = true));
    let only: Vec<&Example> = known.iter().map(|(_, e)| *e).collect();
    let (learners, margins) = stack(config, label, &only, &asked, features)?;

    // The same pull on a column of smaller values is a stronger pull on its weight.
    let shrink = sides.shrink(label, config.pull);
    let columns = |at: usize| {
        let example = only.get(at).copied();
        let margins = margins.get(at).copied().unwrap_or_default();
        let rules = example.map_or(0.0, |e| f64::from(e.rules[label]));
        let sides = example.into_iter().flat_map(move |e| sides.columns(label, shrink, e));
        margins.into_iter().chain([rules]).chain(sides)
    };
    let mut matrix = Array2::zeros((taught.len(), FIRST + sides.len()));
    for (mut row, &at) in matrix.rows_mut().into_iter().zip(&taught) {
        row.iter_mut().zip(columns(at)).for_each(|(slot, value)| *slot = value);
    }
    let truth = |at: &usize| only.get(*at).is_some_and(|e| e.labels[label] == Some(true));
    let targets: Vec<bool> = taught.iter().map(truth).collect();
    let least: Vec<f64> = [f64::NEG_INFINITY; FIRST].into_iter().chain(sides.least(label, shrink)).collect();
    let combiner = fit_combiner(&matrix, &targets, &least);
    let odds = |at: usize| combiner.log_odds(&columns(at).collect::<Vec<_>>());
    let held_out = known.iter().enumerate().zip(&whole).filter(|(_, whole)| **whole);
    let held_out = held_out.map(|((at, (example, _)), _)| (*example, odds(at))).collect();
    Ok(fold_in(label, &learners, &combiner, (sides, shrink), held_out))
}

/// Everything is linear: both learners become one vector of text weights, the
/// standardisation moves into the signal weights.
fn fold_in(
    label: Label,
    learners: &Learners,
    combiner: &Combiner,
    (sides, shrink): (&Sides, f64),
    held_out: Vec<(usize, f64)>,
) -> TrainedHead {
    let weight = |at: usize| combiner.weights.get(at).copied().unwrap_or(0.0);
    let (svm, bayes) = (weight(0) as f32, weight(1) as f32);
    let text = learners.svm.weights.iter().zip(&learners.bayes.ratios);
    let columns = combiner.weights.get(FIRST..).unwrap_or_default();
    let head = Head {
        base: combiner.intercept + weight(0) * f64::from(learners.svm.intercept),
        rules: if weight(2).abs() > 1e-6 { weight(2).clamp(0.3, 1.5) } else { 1.0 },
        signals: sides.weights(label, shrink, columns),
        languages: columns.iter().skip(COUNT).copied().collect(),
    };
    TrainedHead { text: text.map(|(w, r)| svm * w + bayes * r).collect(), head, held_out }
}

/// A head for a label that the samples say nothing about: silent but for what is
/// stated.
fn untaught(label: Label, features: usize, sides: &Sides) -> TrainedHead {
    let head = Head {
        base: -4.0,
        rules: 1.0,
        signals: sides.weights(label, 0.0, &[]),
        languages: vec![0.0; sides.languages.len()],
    };
    TrainedHead { text: vec![0.0; features], head, held_out: Vec::new() }
}
