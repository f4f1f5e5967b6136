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
    classifier::{Combiner, NaiveBayes, NaiveBayesParams, Row, Svm, SvmParams, corpus, fit_combiner, platt},
    features::signals::{COUNT, SIGNALS},
    types::{Label, PerLabel},
};

use super::{LearningError, train::TrainConfig};

/// Parts into which groups are dealt for held-out margins.
pub(super) const FOLDS: u64 = 3;
/// Rows the combiner learns from at most, taken evenly: it has some seventy weights,
/// and its optimiser takes longer than everything else together.
const MAX_COMBINED: usize = 16_000;
/// Columns before the signals: both margins and the rules.
const FIRST: usize = 3;

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
}

/// Mean and deviation of each scaled signal where it is present.
#[derive(Clone, Debug)]
pub(super) struct Scaler {
    pub(super) means: Vec<f64>,
    pub(super) deviations: Vec<f64>,
}

impl Scaler {
    pub(super) fn of(examples: &[Example]) -> Self {
        let mut sums = vec![(0.0_f64, 0.0_f64, 0.0_f64); COUNT];
        for example in examples {
            for ((n, sum, squares), &x) in
                sums.iter_mut().zip(&example.signals).filter(|(_, x)| x.is_finite())
            {
                *n += 1.0;
                *sum += f64::from(x);
                *squares += f64::from(x) * f64::from(x);
            }
        }
        let mean = |&(n, sum, _): &(f64, f64, f64)| if n > 0.0 { sum / n } else { 0.0 };
        let deviation =
            |s: &(f64, f64, f64)| (s.2 / s.0.max(1.0) - mean(s).powi(2)).max(0.0).sqrt().max(1e-3);
        Self { means: sums.iter().map(mean).collect(), deviations: sums.iter().map(deviation).collect() }
    }

    fn column(&self, at: usize, x: f32) -> f64 {
        match (self.means.get(at), self.deviations.get(at)) {
            (Some(mean), Some(deviation)) if x.is_finite() => (f64::from(x) - mean) / deviation,
            _ => 0.0,
        }
    }
}

/// A trained head, text weights still in full precision.
#[derive(Clone, Debug)]
pub(super) struct TrainedHead {
    pub(super) text: Vec<f32>,
    pub(super) base: f64,
    pub(super) rules: f64,
    pub(super) signals: Vec<f64>,
    /// Held-out log-odds of the examples with a known label: (example, odds).
    pub(super) held_out: Vec<(usize, f64)>,
}

/// Learners of one fold with their margins on the comments they did not see.
type Part = Result<(Learners, Vec<[f64; 2]>), LearningError>;

struct Learners {
    svm: Svm,
    bayes: NaiveBayes,
}

fn learn(config: &TrainConfig, label: Label, examples: &[&Example]) -> Result<Learners, LearningError> {
    let fault =
        |problem: linfa::Error| LearningError::Head { head: label.name(), problem: problem.to_string() };
    let rows: Vec<Row> = examples.iter().map(|e| e.row.clone()).collect();
    let truth = Array1::from_iter(examples.iter().map(|e| e.labels[label] == Some(true)));
    let dataset = DatasetBase::new(corpus(rows), truth);
    let params = SvmParams::new(config.bits).c(config.c).epochs(config.epochs).seed(config.seed);
    Ok(Learners {
        svm: params.fit(&dataset).map_err(fault)?,
        bayes: NaiveBayesParams::new(config.bits).fit(&dataset).map_err(fault)?,
    })
}

/// Trains every head. Heads and folds are independent, so threads change nothing.
pub(super) fn train_heads(
    config: &TrainConfig,
    examples: &[Example],
    scaler: &Scaler,
) -> Result<Vec<TrainedHead>, LearningError> {
    Label::ALL.par_iter().map(|&label| train_head(config, label, examples, scaler)).collect()
}

fn train_head(
    config: &TrainConfig,
    label: Label,
    examples: &[Example],
    scaler: &Scaler,
) -> Result<TrainedHead, LearningError> {
    let known: Vec<(usize, &Example)> =
        examples.iter().enumerate().filter(|(_, e)| e.labels[label].is_some()).collect();
    let positives = known.iter().filter(|(_, e)| e.labels[label] == Some(true)).count();
    if positives == 0 || positives == known.len() {
        return Ok(untaught(config));
    }
    let mut parts: Vec<Part> = (0..=FOLDS)
        .into_par_iter()
        .map(|fold| {
            // The last part holds nothing out: its learners are the ones kept.
            let seen: Vec<&Example> =
                known.iter().map(|(_, e)| *e).filter(|e| fold == FOLDS || e.group % FOLDS != fold).collect();
            let learners = learn(config, label, &seen)?;
            let unseen = known.iter().filter(|(_, e)| fold < FOLDS && e.group % FOLDS == fold);
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
    let mut columns = Array2::zeros((known.len(), FIRST + COUNT));
    for ((mut row, (_, example)), _) in columns.rows_mut().into_iter().zip(&known).zip(0..) {
        let fold = (example.group % FOLDS) as usize;
        let [svm, bayes] = margins.get_mut(fold).and_then(Iterator::next).unwrap_or_default();
        let signals = example
            .signals
            .iter()
            .enumerate()
            .map(|(at, &x)| if learnt(label, at) { scaler.column(at, x) } else { 0.0 });
        let values = [svm, bayes, f64::from(example.rules[label])].into_iter().chain(signals);
        row.iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
    }
    let truth: Vec<bool> = known.iter().map(|(_, e)| e.labels[label] == Some(true)).collect();
    let step = known.len().div_ceil(MAX_COMBINED);
    let even: Vec<usize> = (0..known.len()).step_by(step).collect();
    let taught = columns.select(Axis(0), &even);
    let combiner = fit_combiner(taught, truth.iter().copied().step_by(step).collect())
        .map_err(|problem| LearningError::Head { head: label.name(), problem })?;
    let odds = |c: &Combiner| columns.rows().into_iter().map(|r| c.log_odds(&r.to_vec())).collect::<Vec<_>>();
    let scaling = platt(&odds(&combiner), &truth);
    let combiner = combiner.scaled(scaling);
    let held_out = known.iter().map(|(at, _)| *at).zip(odds(&combiner)).collect();
    Ok(fold_in(label, &learners, &combiner, scaler, held_out))
}

/// Everything is linear: both learners become one vector of text weights, the
/// standardisation moves into the signal weights.
fn fold_in(
    label: Label,
    learners: &Learners,
    combiner: &Combiner,
    scaler: &Scaler,
    held_out: Vec<(usize, f64)>,
) -> TrainedHead {
    let weight = |at: usize| combiner.weights.get(at).copied().unwrap_or(0.0);
    let (svm, bayes) = (weight(0) as f32, weight(1) as f32);
    let text =
        learners.svm.weights.iter().zip(&learners.bayes.ratios).map(|(w, r)| svm * w + bayes * r).collect();
    let signals = scaler.deviations.iter().enumerate();
    let signals = signals
        .map(
            |(at, deviation)| {
                if learnt(label, at) { weight(FIRST + at) / deviation } else { stated(label, at) }
            },
        )
        .collect();
    TrainedHead {
        text,
        base: combiner.intercept + weight(0) * f64::from(learners.svm.intercept),
        rules: if weight(2).abs() > 1e-6 { weight(2).clamp(0.3, 1.5) } else { 1.0 },
        signals,
        held_out,
    }
}

/// A head for a label that the samples say nothing about: silent but for what is
/// stated.
fn untaught(config: &TrainConfig) -> TrainedHead {
    TrainedHead {
        text: vec![0.0; 1 << config.bits],
        base: -4.0,
        rules: 1.0,
        signals: vec![0.0; COUNT],
        held_out: Vec::new(),
    }
}

/// Whether a signal's weight is learnt. Those about people, networks and requests
/// are not in any shared data set, and hardly one tells what a comment answers:
/// learning them from a few rows would make a prejudice of a coincidence. Whether a
/// comment is about its article shows in nothing but what relates the two.
fn learnt(label: Label, at: usize) -> bool {
    let code = SIGNALS.get(at).map_or("", |s| s.code);
    match code.split('/').next().unwrap_or("") {
        "author" | "network" | "domain" | "seen" | "request" | "timing" | "language" => false,
        "relevance" | "content" | "meaning" | "length" => code != "relevance/parent_overlap",
        _ => label != Label::OffTopic,
    }
}

/// Nats per scaled unit of the signals whose weights are not learnt.
fn stated(label: Label, at: usize) -> f64 {
    match (label, SIGNALS.get(at).map_or("", |s| s.code)) {
        (Label::Spam, "request/honeypot") => 4.0,
        (Label::Spam, "author/rejected" | "domain/rejected") => 0.9,
        (Label::Spam, "network/rejected") => 0.3,
        (Label::Spam, "author/approved" | "domain/approved") => -0.6,
        (Label::Spam, "seen/copies") => 0.4,
        (Label::Spam, "language/foreign") => 0.7,
        (Label::LowContent | Label::OffTopic, "relevance/parent_overlap") => -1.0,
        (Label::LowContent | Label::OffTopic | Label::Abuse, "author/approved") => -0.3,
        (Label::LowContent | Label::OffTopic | Label::Abuse, "author/rejected") => 0.3,
        _ => 0.0,
    }
}
