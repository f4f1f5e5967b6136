//! From judgements to figures.
//!
//! May import: `types`, `classifier`.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use crate::{
    classifier::{
        BINS, Bin, Figures, Histogram, Interval, Point, Resampled, figures, histogram, interval,
        precision_recall_curve, reliability, resample, roc_curve,
    },
    types::{Policy, Preset},
};

use super::{
    super::evasion::EvasionFigures, CostFigures, Judged, OnlineFigures, Outcome, Slice, Target,
    expected_costs, scored, slices::slices,
};

/// Mistakes listed per target of a set.
const MISTAKES: usize = 10;
/// Letters of a mistake's text that are shown.
const EXCERPT: usize = 240;
/// Points of a curve at most.
const POINTS: usize = 200;

/// Figures of one snapshot, or of the bundles of one protocol.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Evaluation {
    /// Content hash of the bundle; empty when each fold has its own.
    pub model: String,
    /// How comments were split.
    pub protocol: String,
    /// The policy whose thresholds the decisions are measured at.
    pub policy: String,
    /// By set; a set that was judged in folds: all its judgements together.
    pub sets: BTreeMap<String, SetFigures>,
    /// Over all sets, when there are several.
    pub pooled: Option<SetFigures>,
    /// By set, of those judged in folds.
    pub means: BTreeMap<String, Means>,
    /// By set, when comments were judged one by one and learnt from.
    pub online: BTreeMap<String, OnlineFigures>,
    /// When disguises were tried.
    pub evasion: Option<EvasionFigures>,
}

/// Figures of one set.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SetFigures {
    /// Comments scored.
    pub comments: usize,
    /// Figures per label that the set knows.
    pub labels: BTreeMap<String, Figures>,
    /// Figures of "a moderator would remove this".
    pub overall: Option<Figures>,
    /// How many comments each action met.
    pub actions: BTreeMap<String, usize>,
    /// Figures of parts of it.
    pub slices: Vec<Slice>,
    /// What the shipped policies cost on it.
    pub costs: Vec<CostFigures>,
    /// What can be drawn, by target.
    pub curves: BTreeMap<String, Curves>,
    /// The surest mistakes of each target.
    pub mistakes: Vec<Mistake>,
}

impl SetFigures {
    /// Figures by target, the overall ones last.
    pub fn targets(&self) -> impl Iterator<Item = (&str, &Figures)> {
        let overall = self.overall.iter().map(|f| (Target::Overall.name(), f));
        self.labels.iter().map(|(name, f)| (name.as_str(), f)).chain(overall)
    }

    /// What a bundle's card holds of them.
    #[must_use]
    pub fn on_card(&self) -> BTreeMap<String, Figures> {
        self.targets().map(|(target, figures)| (target.to_owned(), figures.clone())).collect()
    }
}

/// What can be drawn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curves {
    /// (false positive rate, recall).
    pub roc: Vec<Point>,
    /// (recall, precision).
    pub precision_recall: Vec<Point>,
    /// Claimed and held by bins of the probability.
    pub reliability: [Bin; BINS],
    /// Probabilities by truth.
    pub histogram: Histogram,
}

/// A comment about which the snapshot was wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mistake {
    /// The comment's id.
    pub id: String,
    /// What it was wrong about.
    pub target: &'static str,
    /// The probability it gave.
    pub probability: f64,
    /// What is so.
    pub truth: bool,
    /// What the policy did.
    pub action: &'static str,
    /// The beginning of the text.
    pub text: String,
}

/// Means over the folds of a set.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Means {
    /// Figures of each fold, by target.
    pub folds: BTreeMap<String, BTreeMap<String, Figures>>,
    /// The mean of each figure over the folds that have it, by target.
    pub means: BTreeMap<String, BTreeMap<&'static str, f64>>,
    /// 95 % intervals of means, by target: percentiles of the means of 1,000 bootstrap
    /// resamples of each fold. Folds that share comments make them a little too narrow.
    pub intervals: BTreeMap<String, BTreeMap<&'static str, Interval>>,
}

/// Sums up. `model` names the bundle, `protocol` how comments were split.
#[must_use]
pub fn summarise(model: &str, protocol: &str, preset: Preset, outcomes: &[Outcome<'_>]) -> Evaluation {
    let policy = Policy::preset(preset);
    let mut by_set: BTreeMap<&str, Vec<&Outcome<'_>>> = BTreeMap::new();
    for outcome in outcomes {
        by_set.entry(&outcome.set).or_default().push(outcome);
    }
    let sets = by_set.iter().map(|(name, parts)| ((*name).to_owned(), of_set(&together(parts), &policy)));
    let means = by_set.iter().filter(|(_, parts)| parts.len() > 1);
    let means = means.map(|(name, parts)| ((*name).to_owned(), means_of(parts, &policy)));
    let all: Vec<&Outcome<'_>> = outcomes.iter().collect();
    Evaluation {
        model: model.to_owned(),
        protocol: protocol.to_owned(),
        policy: preset.name().to_owned(),
        pooled: (by_set.len() > 1).then(|| of_set(&together(&all), &policy)),
        means: means.collect(),
        sets: sets.collect(),
        ..Evaluation::default()
    }
}

fn together<'a>(parts: &[&Outcome<'a>]) -> Vec<Judged<'a>> {
    parts.iter().flat_map(|outcome| outcome.judged.iter().copied()).collect()
}

fn of_set(judged: &[Judged<'_>], policy: &Policy) -> SetFigures {
    let mut set = SetFigures { comments: judged.len(), ..SetFigures::default() };
    for j in judged {
        *set.actions.entry(j.found.action.name().to_owned()).or_default() += 1;
    }
    let found: Vec<_> = Target::ALL
        .into_par_iter()
        .filter_map(|target| {
            let known = scored(judged, target, policy);
            (!known.is_empty()).then(|| (target, figures(&known), known))
        })
        .collect();
    for (target, figures, known) in found {
        let curves = Curves {
            roc: roc_curve(&known, POINTS),
            precision_recall: precision_recall_curve(&known, POINTS),
            reliability: reliability(&known),
            histogram: histogram(&known),
        };
        set.curves.insert(target.name().to_owned(), curves);
        match target {
            Target::Label(label) => drop(set.labels.insert(label.name().to_owned(), figures)),
            Target::Overall => set.overall = Some(figures),
        }
        set.mistakes.extend(mistakes(judged, target));
    }
    set.slices = slices(judged, policy);
    set.costs = expected_costs(judged);
    set
}

/// The comments whose truth a target found least likely, least likely first.
fn mistakes(judged: &[Judged<'_>], target: Target) -> Vec<Mistake> {
    let error = |j: &Judged<'_>| {
        let p = target.probability(&j.found);
        target.truth(j.sample).map(|truth| if truth { 1.0 - p } else { p })
    };
    let mut wrong: Vec<(f64, &Judged<'_>)> =
        judged.iter().filter_map(|j| Some((error(j)?, j))).filter(|(error, _)| *error > 0.5).collect();
    wrong.sort_by(|(x, a), (y, b)| y.total_cmp(x).then_with(|| a.sample.id.cmp(&b.sample.id)));
    let listed = wrong.iter().take(MISTAKES).map(|(_, j)| Mistake {
        id: j.sample.id.clone(),
        target: target.name(),
        probability: target.probability(&j.found),
        truth: target.truth(j.sample) == Some(true),
        action: j.found.action.name(),
        text: excerpt(j.sample.comment.body.as_str()),
    });
    listed.collect()
}

fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(EXCERPT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Figures that are averaged: those of a table of peers.
type Named = (&'static str, fn(&Figures) -> Option<f64>);
const AVERAGED: [Named; 11] = [
    ("accuracy", |f| Some(f.accuracy)),
    ("f1", |f| Some(f.f1)),
    ("mcc", |f| Some(f.mcc)),
    ("roc_auc", |f| f.roc_auc),
    ("pr_auc", |f| f.pr_auc),
    ("recall_at_0_1_percent", |f| f.recall_at_0_1_percent),
    ("recall_at_1_percent", |f| f.recall_at_1_percent),
    ("recall_at_5_percent", |f| f.recall_at_5_percent),
    ("log_loss", |f| Some(f.log_loss)),
    ("brier", |f| Some(f.brier)),
    ("ece", |f| Some(f.ece)),
];

fn means_of(parts: &[&Outcome<'_>], policy: &Policy) -> Means {
    let mut found = Means::default();
    for target in Target::ALL {
        let folds: Vec<_> = parts
            .par_iter()
            .enumerate()
            .filter_map(|(n, outcome)| {
                let known = scored(&outcome.judged, target, policy);
                let name = outcome.fold.clone().unwrap_or_else(|| (n + 1).to_string());
                (!known.is_empty()).then(|| (name, figures(&known), resample(&known, n as u64 + 1)))
            })
            .collect();
        if folds.is_empty() {
            continue;
        }
        let mean = |read: fn(&Figures) -> Option<f64>| {
            let known: Vec<f64> = folds.iter().filter_map(|(_, f, _)| read(f)).collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        let means = AVERAGED.iter().filter_map(|(name, read)| Some((*name, mean(*read)?)));
        found.means.insert(target.name().to_owned(), means.collect());
        let resampled: Vec<&Resampled> = folds.iter().map(|(_, _, r)| r).collect();
        found.intervals.insert(target.name().to_owned(), intervals(&resampled));
        for (name, figures, _) in folds {
            found.folds.entry(name).or_default().insert(target.name().to_owned(), figures);
        }
    }
    found
}

/// One of the resampled figures.
type Values = fn(&Resampled) -> &Vec<f64>;

fn intervals(folds: &[&Resampled]) -> BTreeMap<&'static str, Interval> {
    let mean = |values: Values| {
        let lists: Vec<&Vec<f64>> = folds.iter().map(|r| values(r)).filter(|v| !v.is_empty()).collect();
        let resamples = lists.first().map_or(0, |v| v.len());
        let means: Vec<f64> = (0..resamples)
            .map(|b| lists.iter().filter_map(|v| v.get(b)).sum::<f64>() / lists.len() as f64)
            .collect();
        (!means.is_empty()).then(|| interval(&means))
    };
    let named: [(_, Values); 3] =
        [("roc_auc", |r| &r.roc_auc), ("f1", |r| &r.f1), ("recall_at_1_percent", |r| &r.recall_at_1_percent)];
    named.into_iter().filter_map(|(name, values)| Some((name, mean(values)?))).collect()
}
