//! The text learners of one head, and their margins on comments they did not see.
//!
//! Each part is held out in turn. Learning begins anew for none of them: the counts of
//! naive Bayes are those of all comments less those of the part, and the descent of the
//! machine starts from the multipliers that it found with the part (as leave-one-out is
//! done by D. DeCoste, K. Wagstaff, "Alpha Seeding for Support Vector Machines", KDD
//! 2000). Both forget the part: its counts are taken away, its multipliers are left out.
//!
//! May import: `types`, `classifier`.

use linfa::ParamGuard;
use rayon::prelude::*;

use crate::{
    classifier::{FeatureCounts, NaiveBayes, NaiveBayesParams, Row, Strata, Svm, SvmParams},
    types::Label,
};

use super::{LearningError, heads::Example, train::TrainConfig};

/// Passes over what is left when a part is held out: the start is near the end.
const PASSES_HELD_OUT: usize = 2;
/// Rows from which their mean length is taken.
const MEASURED: usize = 4_000;

/// What is kept of a head's learners: those that saw every comment.
pub(super) struct Learners {
    pub(super) svm: Svm,
    pub(super) bayes: NaiveBayes,
}

/// Trains the learners of `label` on examples that all carry it or are known not to. Of
/// those `asked` for, tells the margins of both learners trained without the example's
/// part; zeros for the others. Parts are independent, so threads change nothing.
pub(super) fn stack(
    config: &TrainConfig,
    label: Label,
    examples: &[&Example],
    asked: &[bool],
    features: usize,
) -> Result<(Learners, Vec<[f64; 2]>), LearningError> {
    let fault =
        |problem: linfa::Error| LearningError::Head { head: label.name(), problem: problem.to_string() };
    let rows: Vec<&Row> = examples.iter().map(|e| &e.row).collect();
    let truth: Vec<bool> = examples.iter().map(|e| e.labels[label] == Some(true)).collect();
    let parts: Vec<u64> = examples.iter().map(|e| e.part(label, config.folds)).collect();
    let told = || rows.iter().copied().zip(truth.iter().copied());

    let strata = Strata::of(told());
    let of_part = |fold: u64| {
        let rows = told().zip(&parts).filter(|(_, part)| **part == fold).map(|(row, _)| row);
        FeatureCounts::of(features, &strata, rows)
    };
    let counts: Vec<FeatureCounts> = (0..config.folds).into_par_iter().map(of_part).collect();
    let Some((first, rest)) = counts.split_first() else { return Err(LearningError::NothingToLearn) };
    let mut total = first.clone();
    rest.iter().for_each(|part| total.add(part));
    let bayes = |counts: &FeatureCounts, rows: &[&Row]| {
        let sample = rows.iter().copied().step_by(rows.len().div_ceil(MEASURED).max(1));
        NaiveBayes::from_counts(NaiveBayesParams::new(features), counts, sample).map_err(fault)
    };
    let descend = |scales: &[f32], epochs: usize, rows: &[&Row], truth: &[bool], start: &[f32]| {
        let params = SvmParams::new(scales).c(config.c).epochs(epochs).seed(config.seed);
        Ok::<_, LearningError>(params.check().map_err(fault)?.descend(rows, truth, start))
    };
    let whole = bayes(&total, &rows)?;
    let (svm, multipliers) = descend(&whole.scales, config.epochs, &rows, &truth, &[])?;

    let passes = config.epochs.min(PASSES_HELD_OUT);
    let held_out = |(fold, part): (usize, &FeatureCounts)| {
        let fold = fold as u64;
        let seen: Vec<usize> = (0..rows.len()).filter(|at| parts.get(*at) != Some(&fold)).collect();
        let rows_seen: Vec<&Row> = pick(&rows, &seen);
        let bayes = bayes(&total.without(part), &rows_seen)?;
        let (svm, _) =
            descend(&bayes.scales, passes, &rows_seen, &pick(&truth, &seen), &pick(&multipliers, &seen))?;
        let table: Vec<[f32; 2]> = svm.weights.iter().zip(&bayes.ratios).map(|(w, r)| [*w, *r]).collect();
        let unseen = (0..rows.len()).filter(|at| parts.get(*at) == Some(&fold));
        let unseen = unseen.filter(|at| asked.get(*at) == Some(&true));
        let margin = |at: usize| Some((at, margins(&table, svm.intercept, rows.get(at)?)));
        Ok(unseen.filter_map(margin).collect::<Vec<_>>())
    };
    let found: Result<Vec<_>, LearningError> = counts.par_iter().enumerate().map(held_out).collect();
    let mut all = vec![[0.0; 2]; rows.len()];
    for (at, margins) in found?.into_iter().flatten() {
        if let Some(slot) = all.get_mut(at) {
            *slot = margins;
        }
    }
    Ok((Learners { svm, bayes: whole }, all))
}

fn pick<T: Copy>(from: &[T], places: &[usize]) -> Vec<T> {
    places.iter().filter_map(|&at| from.get(at).copied()).collect()
}

/// The margins of both learners, whose weights stand side by side.
fn margins(table: &[[f32; 2]], intercept: f32, row: &Row) -> [f64; 2] {
    let [mut svm, mut bayes] = [intercept, 0.0];
    for (features, value) in row.blocks() {
        let (mut w, mut r) = (0.0_f32, 0.0_f32);
        for [weight, ratio] in features.iter().filter_map(|&f| table.get(f as usize)) {
            w += weight;
            r += ratio;
        }
        svm += w * value;
        bayes += r * value;
    }
    [f64::from(svm), f64::from(bayes)]
}
