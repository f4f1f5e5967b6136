//! Two bundles on the same comments: how much better or worse, and whether chance alone
//! could say so.
//!
//! Every comment is judged by both, so differences are taken comment by comment: what is
//! hard for both cancels out. May import: `types`, `classifier`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    classifier::SplitMix,
    learning::evaluate::{Judged, Outcome, Target},
    types::Action,
};

/// Resamples of an interval.
const RESAMPLES: usize = 400;
/// Comments below which a part is not compared: chance speaks there.
pub(super) const LEAST: usize = 30;
/// Comments up to which an interval is drawn.
const MOST_DRAWN: usize = 5_000;
/// Of each class, for an area under a curve.
const LEAST_OF_CLASS: usize = 10;
/// Parts of one kind at most, the largest first.
const MOST_PARTS: usize = 40;
/// Comments listed whose action changes.
const EXAMPLES: usize = 100;

/// One figure of one part, by both bundles.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What the part was cut by: `all`, `site`, `language` or `section`.
    pub by: &'static str,
    /// The part; empty for all.
    pub part: String,
    /// What the figure is about.
    pub target: &'static str,
    /// `roc_auc`; `wrong`: share of comments that get another action than they should;
    /// `false_positives`: share of the good ones that are not let through.
    pub figure: &'static str,
    /// Comments.
    pub comments: usize,
    /// By the candidate.
    pub candidate: f64,
    /// By the active bundle.
    pub active: f64,
    /// How much better the candidate is; negative when it is worse.
    pub better: f64,
    /// 95 % bootstrap interval of that.
    pub interval: [f64; 2],
}

/// Comments that get another action.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Flips {
    /// Comments judged.
    pub comments: usize,
    /// How many, by `allow>hold` and so on.
    pub counts: BTreeMap<String, usize>,
    /// How many good ones are newly kept back.
    pub newly_held_good: usize,
    /// How many bad ones are newly let through.
    pub newly_published_bad: usize,
    /// Some of them, the worst first.
    pub examples: Vec<Flip>,
}

/// One of them. Holds no text: it is read from the verdict while that is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flip {
    /// The set.
    pub set: String,
    /// The comment's id.
    pub id: String,
    /// What the active bundle makes of it.
    pub active: &'static str,
    /// What the candidate makes of it.
    pub candidate: &'static str,
    /// Whether a moderator would remove it; nothing when that is not known.
    pub bad: Option<bool>,
    /// Probability by the active bundle.
    pub active_probability: f64,
    /// Probability by the candidate.
    pub candidate_probability: f64,
}

/// Probability by the active bundle, by the candidate, and what is so.
type Trio = (f64, f64, bool);

/// A comment by both.
#[derive(Clone, Copy)]
struct Pair<'a> {
    set: &'a str,
    active: Judged<'a>,
    candidate: Judged<'a>,
}

fn pairs<'a>(active: &'a [Outcome<'a>], candidate: &'a [Outcome<'a>]) -> Vec<Pair<'a>> {
    let of = |(a, c): (&'a Outcome<'a>, &'a Outcome<'a>)| {
        let both = a.judged.iter().zip(&c.judged);
        both.map(|(active, candidate)| Pair { set: &a.set, active: *active, candidate: *candidate })
    };
    active.iter().zip(candidate).flat_map(of).collect()
}

/// Compares the judgements of two bundles on the same sets, in the same order.
#[must_use]
pub fn compare(active: &[Outcome<'_>], candidate: &[Outcome<'_>]) -> Vec<Comparison> {
    let all = pairs(active, candidate);
    let mut found = Vec::new();
    for target in Target::ALL {
        found.extend(areas(&all, target));
    }
    found.extend(errors("all", "", &all));
    let mut cut = |by: &'static str, name: &dyn Fn(&Pair<'_>) -> String| {
        let mut parts: BTreeMap<String, Vec<Pair<'_>>> = BTreeMap::new();
        for pair in &all {
            parts.entry(name(pair)).or_default().push(*pair);
        }
        let mut parts: Vec<_> = parts.into_iter().filter(|(part, _)| !part.is_empty()).collect();
        parts.sort_by(|(a, x), (b, y)| y.len().cmp(&x.len()).then_with(|| a.cmp(b)));
        for (part, pairs) in parts.into_iter().take(MOST_PARTS) {
            found.extend(errors(by, &part, &pairs));
        }
    };
    cut("site", &|pair| pair.set.to_owned());
    cut("language", &|pair| pair.active.sample.lang.clone());
    cut("section", &|pair| pair.active.sample.section.clone());
    found
}

/// Areas under the ROC curve, where both classes are there.
fn areas(all: &[Pair<'_>], target: Target) -> Option<Comparison> {
    let known = |pair: &Pair<'_>| {
        let truth = target.truth(pair.active.sample)?;
        Some((target.probability(&pair.active.found), target.probability(&pair.candidate.found), truth))
    };
    let known: Vec<Trio> = all.iter().filter_map(known).collect();
    let (bad, good): (Vec<Trio>, Vec<Trio>) = known.iter().copied().partition(|(.., truth)| *truth);
    if bad.len() < LEAST_OF_CLASS || good.len() < LEAST_OF_CLASS {
        return None;
    }
    let mut random = SplitMix::new(1);
    let mut better = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let mut drawn = Vec::with_capacity(known.len());
        for class in [&bad, &good] {
            drawn.extend((0..class.len()).filter_map(|_| random.pick(class).copied()));
        }
        better.push(area(&drawn, |one| one.1) - area(&drawn, |one| one.0));
    }
    let (active, candidate) = (area(&known, |one| one.0), area(&known, |one| one.1));
    Some(Comparison {
        by: "all",
        part: String::new(),
        target: target.name(),
        figure: "roc_auc",
        comments: known.len(),
        candidate,
        active,
        better: candidate - active,
        interval: interval(&mut better),
    })
}

/// Area under the ROC curve by ranks, ties count half (Mann & Whitney, 1947).
fn area(scored: &[Trio], score: impl Fn(&Trio) -> f64) -> f64 {
    let mut ranked: Vec<(f64, bool)> = scored.iter().map(|one| (score(one), one.2)).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut won, mut bad) = (0.0, 0.0, 0.0);
    for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
        let here = tied.iter().filter(|(_, truth)| *truth).count() as f64;
        let good = tied.len() as f64 - here;
        won += here * (below + good / 2.0);
        below += good;
        bad += here;
    }
    won / (bad * below).max(1.0)
}

/// Shares of wrong actions, over all and over the good comments.
fn errors(by: &'static str, part: &str, pairs: &[Pair<'_>]) -> Vec<Comparison> {
    let known = |pair: &Pair<'_>| {
        let truth = Target::Overall.truth(pair.active.sample)?;
        let kept_back = |judged: &Judged<'_>| judged.found.action != Action::Allow;
        Some((kept_back(&pair.active), kept_back(&pair.candidate), truth))
    };
    let known: Vec<(bool, bool, bool)> = pairs.iter().filter_map(known).collect();
    let good: Vec<_> = known.iter().filter(|(.., truth)| !truth).copied().collect();
    let figure = |figure: &'static str, known: &[(bool, bool, bool)]| {
        if known.len() < LEAST {
            return None;
        }
        let wrong: Vec<(f64, f64)> = known
            .iter()
            .map(|&(active, candidate, truth)| {
                (f64::from(u8::from(active != truth)), f64::from(u8::from(candidate != truth)))
            })
            .collect();
        let mean = |drawn: &[(f64, f64)], read: fn(&(f64, f64)) -> f64| {
            drawn.iter().map(read).sum::<f64>() / drawn.len() as f64
        };
        let (active, candidate) = (mean(&wrong, |w| w.0), mean(&wrong, |w| w.1));
        Some(Comparison {
            by,
            part: part.to_owned(),
            target: Target::Overall.name(),
            figure,
            comments: wrong.len(),
            candidate,
            active,
            better: active - candidate,
            interval: paired(&wrong),
        })
    };
    figure("wrong", &known).into_iter().chain(figure("false_positives", &good)).collect()
}

/// Interval of the mean of `active - candidate`. Beyond some thousand comments the
/// bootstrap's limit is taken, the normal distribution of the mean: drawing would cost more
/// than all else and move the fourth digit.
pub(super) fn paired(wrong: &[(f64, f64)]) -> [f64; 2] {
    let n = wrong.len();
    let better = wrong.iter().filter(|(a, c)| a > c).count();
    let worse = wrong.iter().filter(|(a, c)| a < c).count();
    if n > MOST_DRAWN {
        let (up, down) = (better as f64 / n as f64, worse as f64 / n as f64);
        let mean = up - down;
        let half = 1.96 * ((up + down - mean * mean) / n as f64).sqrt();
        return [mean - half, mean + half];
    }
    let mut random = SplitMix::new(1);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let (mut up, mut down) = (0_i64, 0_i64);
            for _ in 0..n {
                match random.below(n) {
                    drawn if drawn < better => up += 1,
                    drawn if drawn < better + worse => down += 1,
                    _same => {}
                }
            }
            (up - down) as f64 / n.max(1) as f64
        })
        .collect();
    interval(&mut means)
}

fn interval(values: &mut [f64]) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * (values.len().max(1) - 1) as f64).round() as usize;
        values.get(place).copied().unwrap_or(0.0)
    };
    [at(0.025), at(0.975)]
}

/// The comments that get another action by the candidate.
#[must_use]
pub fn flips(active: &[Outcome<'_>], candidate: &[Outcome<'_>]) -> Flips {
    let mut found = Flips::default();
    for pair in pairs(active, candidate) {
        found.comments += 1;
        let (before, after) = (pair.active.found.action, pair.candidate.found.action);
        if before == after {
            continue;
        }
        *found.counts.entry(format!("{}>{}", before.name(), after.name())).or_default() += 1;
        let bad = Target::Overall.truth(pair.active.sample);
        let held = before == Action::Allow;
        let published = after == Action::Allow;
        found.newly_held_good += usize::from(held && bad == Some(false));
        found.newly_published_bad += usize::from(published && bad == Some(true));
        found.examples.push(Flip {
            set: pair.set.to_owned(),
            id: pair.active.sample.id.clone(),
            active: before.name(),
            candidate: after.name(),
            bad,
            active_probability: pair.active.found.overall,
            candidate_probability: pair.candidate.found.overall,
        });
    }
    let harm = |flip: &Flip| {
        let moved = flip.candidate_probability - flip.active_probability;
        match flip.bad {
            Some(true) => -moved,
            Some(false) => moved,
            None => moved.abs() - 1.0,
        }
    };
    found.examples.sort_by(|a, b| harm(b).total_cmp(&harm(a)).then_with(|| a.id.cmp(&b.id)));
    found.examples.truncate(EXAMPLES);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_counts_pairs_in_order() {
        let scored = [(0.1, 0.0, false), (0.4, 0.0, true), (0.4, 0.0, false), (0.9, 0.0, true)];
        // Of the four pairs three are in order and one is tied.
        assert!((area(&scored, |one| one.0) - 3.5 / 4.0).abs() < 1e-12);
        assert!((area(&scored, |one| one.1) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_difference_that_is_always_there_has_no_width() {
        let always = vec![(1.0, 0.0); 50];
        assert_eq!(paired(&always), [1.0, 1.0]);
        let mixed: Vec<(f64, f64)> = (0..100).map(|n| if n < 10 { (1.0, 0.0) } else { (0.0, 0.0) }).collect();
        let [low, high] = paired(&mixed);
        assert!(low > 0.0 && low < 0.1 && high > 0.1 && high < 0.25, "{low} {high}");
    }
}
