//! Carrying out a plan: train, judge, next.
//!
//! May import: `types`, `classifier`, `scoring`, `rules`.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    sync::Arc,
};

use crate::{
    rules::RuleSet,
    scoring::Snapshot,
    types::{Policy, Preset},
};

use super::{
    super::{DataSet, LearningError, Sample, TrainConfig, train},
    Found, Judged, Plan, Target, judge_all,
};

/// The judgements of one set, or of one fold of it.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// The set.
    pub set: String,
    /// The fold, when the set was judged in folds.
    pub fold: Option<String>,
    /// The judgements.
    pub judged: Vec<Judged<'a>>,
}

/// Trains a bundle per fold and judges what it did not see; what was found stands in
/// the order of each fold's `test`.
///
/// # Errors
///
/// As [`train`].
pub fn run_plan(
    plan: &Plan,
    config: &TrainConfig,
    rules: &Arc<RuleSet>,
    preset: Preset,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Vec<Found>>, LearningError> {
    let policy = Policy::preset(preset);
    let mut all = Vec::with_capacity(plan.folds.len());
    for (n, fold) in plan.folds.iter().enumerate() {
        tell(&format!("{} of {}: {}, {}", n + 1, plan.folds.len(), fold.set, fold.name));
        let mut sets: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
        for (set, sample) in fold.train.iter().filter_map(|&place| plan.pool.get(place)) {
            sets.entry(set).or_default().push(sample.clone());
        }
        let sets: Vec<DataSet> = sets
            .into_iter()
            .map(|(name, samples)| DataSet { name: name.to_owned(), samples, sha256: String::new() })
            .collect();
        let bundle = train(config, &sets, rules, &|_| {})?;
        let snapshot = Snapshot { bundle: Arc::new(bundle), rules: Arc::clone(rules) };
        let test: Vec<Sample> = samples(plan, &fold.test).cloned().collect();
        all.push(judge_all(&snapshot, &policy, &test).into_iter().map(|j| j.found).collect());
    }
    Ok(all)
}

fn samples<'a>(plan: &'a Plan, places: &'a [usize]) -> impl Iterator<Item = &'a Sample> {
    places.iter().filter_map(|&place| plan.pool.get(place)).map(|(_, sample)| sample)
}

/// The outcomes of a plan that was carried out.
#[must_use]
pub fn outcomes<'a>(plan: &'a Plan, found: &[Vec<Found>]) -> Vec<Outcome<'a>> {
    let together = |(fold, found): (&'a super::Fold, &Vec<Found>)| {
        let judged = samples(plan, &fold.test).zip(found);
        Outcome {
            set: fold.set.clone(),
            fold: Some(fold.name.clone()),
            judged: judged.map(|(sample, &found)| Judged { sample, found }).collect(),
        }
    };
    plan.folds.iter().zip(found).map(together).collect()
}

/// Probabilities as the peers' runner reads those of a candidate: a line per comment,
/// and one that tells the cut.
///
/// # Errors
///
/// [`LearningError::Configuration`] when an id was judged more than once: the runner
/// knows one score per id.
pub fn export_scores(
    outcomes: &[Outcome<'_>],
    target: Target,
    preset: Preset,
) -> Result<String, LearningError> {
    let (mut lines, mut seen) = (String::new(), HashSet::new());
    for judged in outcomes.iter().flat_map(|o| &o.judged) {
        let id = judged.sample.id.as_str();
        if !seen.insert(id) {
            return Err(LearningError::Configuration(format!(
                "scores can be exported only where each comment is judged once; {id:?} was judged again"
            )));
        }
        let line = serde_json::json!({"id": id, "score": target.probability(&judged.found)});
        let _ = writeln!(lines, "{line}");
    }
    let threshold = match target {
        Target::Label(label) => Policy::preset(preset).thresholds(label).hold.get(),
        Target::Overall => 0.5,
    };
    let _ = writeln!(lines, "{}", serde_json::json!({"timing": {"threshold": threshold, "proba": true}}));
    Ok(lines)
}
