//! Training the heads: per label the sparse learners on text, then the combiner on
//! held-out margins, rules and signals.
//!
//! The combiner must see margins as they are on comments that the learners did not
//! see, so each margin it learns from comes from learners trained without the
//! comment's group (stacking; Wolpert, 1992). May import: `types`, `features`,
//! `classifier`.

use linfa::{DatasetBase, traits::Fit};
use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;

use crate::{
    classifier::{
        Combiner, Head, NaiveBayes, NaiveBayesParams, Row, Svm, SvmParams, Vocabulary, corpus, fit_combiner,
        platt,
    },
    features::signals::{COUNT, find},
    types::{Label, PerLabel},
};

use super::{LearningError, sides::Sides, train::TrainConfig};

/// Rows the combiner learns from at most, taken evenly: it has some seventy weights,
/// and its optimiser takes longer than everything else together.
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
    fn part(&self, label: Label, parts: u64) -> u64 {
        match label {
            Label::Spam | Label::Abuse => self.text % parts,
            Label::LowContent | Label::OffTopic => self.group % parts,
        }
    }
}

/// What of the known examples the combiner learns from, as places among them: where a
/// share is stated, only as many positive ones as it allows, taken evenly.
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
    /// Held-out log-odds of the examples with a known label: (example, odds).
    pub(super) held_out: Vec<(usize, f64)>,
}

/// Learners of one fold with their margins on the comments they did not see.
type Part = Result<(Learners, Vec<[f64; 2]>), LearningError>;

struct Learners {
    svm: Svm,
    bayes: NaiveBayes,
}

fn learn(
    config: &TrainConfig,
    label: Label,
    examples: &[&Example],
    features: usize,
) -> Result<Learners, LearningError> {
    let fault =
        |problem: linfa::Error| LearningError::Head { head: label.name(), problem: problem.to_string() };
    let rows: Vec<Row> = examples.iter().map(|e| e.row.clone()).collect();
    let truth = Array1::from_iter(examples.iter().map(|e| e.labels[label] == Some(true)));
    let dataset = DatasetBase::new(corpus(rows), truth);
    let bayes = NaiveBayesParams::new(features).fit(&dataset).map_err(fault)?;
    let params = SvmParams::new(&bayes.scales).c(config.c).epochs(config.epochs).seed(config.seed);
    Ok(Learners { svm: params.fit(&dataset).map_err(fault)?, bayes })
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
    let folds = config.folds;
    let mut parts: Vec<Part> = (0..=folds)
        .into_par_iter()
        .map(|fold| {
            // The last part holds nothing out: its learners are the ones kept.
            let seen: Vec<&Example> = known
                .iter()
                .map(|(_, e)| *e)
                .filter(|e| fold == folds || e.part(label, folds) != fold)
                .collect();
            let learners = learn(config, label, &seen, features)?;
            let unseen = known.iter().filter(|(_, e)| fold < folds && e.part(label, folds) == fold);
            let margins = unseen.map(|(_, e)| {
                [f64::from(learners.svm.margin(&e.row)), f64::from(learners.bayes.margin(&e.row))]
            });
            let margins = margins.collect();
            Ok((learners, margins))
        })
        .collect();
    let (learners, _) = parts.pop().ok_or(LearningError::NothingToLearn)??;
    let mut margins = Vec::with_capacity(parts.len());
    for part in parts {
        margins.push(part?.1.into_iter());
    }
    // The same pull on a column of smaller values is a stronger pull on its weight.
    let shrink = config.pull.sqrt().recip();
    let mut columns = Array2::zeros((known.len(), FIRST + sides.len()));
    for (mut row, (_, example)) in columns.rows_mut().into_iter().zip(&known) {
        let fold = example.part(label, folds) as usize;
        let [svm, bayes] = margins.get_mut(fold).and_then(Iterator::next).unwrap_or_default();
        let margins = [svm, bayes, f64::from(example.rules[label])].into_iter();
        let values = margins.chain(sides.columns(label, shrink, example));
        row.iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
    }
    let kept = representative(label, &known);
    let columns = columns.select(Axis(0), &kept);
    let known: Vec<(usize, &Example)> = kept.iter().filter_map(|&at| known.get(at).copied()).collect();
    let truth: Vec<bool> = known.iter().map(|(_, e)| e.labels[label] == Some(true)).collect();
    let step = known.len().div_ceil(MAX_COMBINED);
    let taught = columns.select(Axis(0), &(0..known.len()).step_by(step).collect::<Vec<_>>());
    let combiner = fit_combiner(taught, truth.iter().copied().step_by(step).collect())
        .map_err(|problem| LearningError::Head { head: label.name(), problem })?;
    let odds = |c: &Combiner| columns.rows().into_iter().map(|r| c.log_odds(&r.to_vec())).collect::<Vec<_>>();
    let scaling = platt(&odds(&combiner), &truth);
    let combiner = combiner.scaled(scaling);
    let held_out = known.iter().map(|(at, _)| *at).zip(odds(&combiner)).collect();
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
