//! Recall in disguise beside recall in the clear, and false positives on clean text.
//!
//! May import: `types`, `text`, `classifier`, `scoring`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use crate::{
    classifier::{SplitMix, cut_at},
    scoring::{Scratch, Snapshot},
    text::Document,
    types::{Action, Body, Comment, PerLabel, Policy, Preset},
};

use super::{
    super::{
        DataSet, LearningError, Sample,
        evaluate::{Found, Target, find, judge_all, scored},
    },
    DISGUISES, Disguise, Draft,
};

/// Positives of a set that are disguised at most, drawn evenly.
const MOST: usize = 400;
/// Pairs are tried on fewer: there are three hundred of them.
const MOST_IN_PAIRS: usize = 150;
/// Comments on which a trick must have worked to be listed.
const LEAST: usize = 10;

/// What is caught of some comments: shares, absent when there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Caught {
    /// Comments.
    pub comments: usize,
    /// From the policy's hold threshold on.
    pub at_policy: Option<f64>,
    /// Above the cut that 1 % of the set's negatives exceed.
    pub at_1_percent: Option<f64>,
    /// Whatever the policy does not let through, for whichever label.
    pub not_let_through: Option<f64>,
}

/// One trick, or a pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrickFigures {
    /// Its name; of a pair: `first + second`, in the order in which they were applied.
    pub name: String,
    /// The comments on which it worked, in the clear.
    pub clean: Caught,
    /// The same in disguise.
    pub disguised: Caught,
}

impl TrickFigures {
    /// Points of recall at the policy's threshold that the trick costs; negative when
    /// it helps the filter.
    #[must_use]
    pub fn loss(&self) -> f64 {
        let points = |caught: &Caught| 100.0 * caught.at_policy.unwrap_or(0.0);
        points(&self.clean) - points(&self.disguised)
    }
}

/// One set in disguise.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EvasionSet {
    /// Comments that carry the label.
    pub positives: usize,
    /// Comments that do not.
    pub negatives: usize,
    /// Single tricks.
    pub singles: Vec<TrickFigures>,
    /// Pairs, the costliest first.
    pub pairs: Vec<TrickFigures>,
}

/// Clean comments of one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CleanText {
    /// The language, or `all`.
    pub language: String,
    /// Comments.
    pub comments: usize,
    /// How many the policy takes for the label.
    pub flagged: usize,
    /// In how many the normaliser undid what it took for a disguise.
    pub touched: usize,
    /// How many of those are flagged: false positives that undoing disguises can have
    /// caused, at most.
    pub touched_and_flagged: usize,
}

impl CleanText {
    /// A count as a share of the comments.
    #[must_use]
    pub fn share(&self, count: usize) -> Option<f64> {
        (self.comments > 0).then(|| count as f64 / self.comments as f64)
    }
}

/// What the evasion lab found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EvasionFigures {
    /// The label.
    pub target: &'static str,
    /// By set; `all` over all of them.
    pub sets: BTreeMap<String, EvasionSet>,
    /// Clean comments by language: the given ones without the label, and the texts given
    /// as clean. The last row is over all languages.
    pub clean_text: Vec<CleanText>,
}

/// Clean texts from files, one comment a line; the language is the file's name.
///
/// # Errors
///
/// [`LearningError::Io`].
pub fn read_clean(paths: &[PathBuf]) -> Result<Vec<(String, Comment)>, LearningError> {
    let mut found = Vec::new();
    for path in paths {
        let text =
            fs::read_to_string(path).map_err(|source| LearningError::Io { path: path.clone(), source })?;
        let language = path.file_stem().and_then(std::ffi::OsStr::to_str).unwrap_or("").to_owned();
        let bodies = text.lines().filter_map(|line| Body::new(line.to_owned()).ok());
        found.extend(bodies.map(|body| (language.clone(), Comment::of(body))));
    }
    Ok(found)
}

/// Disguises the positives of every set and judges them. `tell` hears of each set.
#[must_use]
pub fn evade(
    snapshot: &Snapshot,
    preset: Preset,
    target: Target,
    sets: &[DataSet],
    clean: &[(String, Comment)],
    seed: u64,
    tell: &(dyn Fn(&str) + Sync),
) -> EvasionFigures {
    let lab = Lab { snapshot, policy: Policy::preset(preset), target, seed };
    let mut figures = EvasionFigures { target: target.name(), ..EvasionFigures::default() };
    let mut all: BTreeMap<String, [Vec<Outcome>; 2]> = BTreeMap::new();
    let (mut positives, mut negatives) = (0, 0);
    for set in sets {
        tell(&format!("disguising {}", set.name));
        let found = lab.try_on(set);
        (positives, negatives) = (positives + found.positives, negatives + found.negatives);
        for (name, outcomes, pair) in &found.tried {
            if let Some(list) = all.entry(name.clone()).or_default().get_mut(usize::from(*pair)) {
                list.extend(outcomes.iter().copied());
            }
        }
        figures.sets.insert(set.name.clone(), found.figures());
    }
    if sets.len() > 1 {
        let tried = all
            .into_iter()
            .flat_map(|(name, [single, pair])| [(name.clone(), single, false), (name, pair, true)]);
        let together = Tried { positives, negatives, tried: tried.collect() };
        figures.sets.insert("(all sets)".into(), together.figures());
    }
    figures.clean_text = lab.clean_text(sets, clean);
    figures
}

/// One comment in the clear and in disguise, with the cut of its set.
#[derive(Clone, Copy)]
struct Outcome {
    clean: Seen,
    disguised: Seen,
}

#[derive(Clone, Copy)]
struct Seen {
    at_policy: bool,
    at_1_percent: bool,
    not_let_through: bool,
}

/// All tricks tried on a set.
struct Tried {
    positives: usize,
    negatives: usize,
    /// Name, outcomes, and whether it is a pair.
    tried: Vec<(String, Vec<Outcome>, bool)>,
}

impl Tried {
    fn figures(&self) -> EvasionSet {
        let of = |pair: bool| {
            let tried = self.tried.iter().filter(|(_, o, p)| *p == pair && o.len() >= LEAST);
            let figures = tried.map(|(name, outcomes, _)| TrickFigures {
                name: name.clone(),
                clean: caught(outcomes.iter().map(|o| o.clean)),
                disguised: caught(outcomes.iter().map(|o| o.disguised)),
            });
            figures.collect::<Vec<_>>()
        };
        let order = |t: &TrickFigures| DISGUISES.iter().position(|d| d.name == t.name);
        let (mut singles, mut pairs) = (of(false), of(true));
        singles.sort_by_key(order);
        pairs.sort_by(|a, b| b.loss().total_cmp(&a.loss()).then_with(|| a.name.cmp(&b.name)));
        EvasionSet { positives: self.positives, negatives: self.negatives, singles, pairs }
    }
}

fn caught(seen: impl Iterator<Item = Seen> + Clone) -> Caught {
    let comments = seen.clone().count();
    let share = |of: fn(&Seen) -> bool| {
        (comments > 0).then(|| seen.clone().filter(of).count() as f64 / comments as f64)
    };
    Caught {
        comments,
        at_policy: share(|s| s.at_policy),
        at_1_percent: share(|s| s.at_1_percent),
        not_let_through: share(|s| s.not_let_through),
    }
}

struct Lab<'a> {
    snapshot: &'a Snapshot,
    policy: Policy,
    target: Target,
    seed: u64,
}

impl Lab<'_> {
    fn seen(&self, found: &Found, cut: f64) -> Seen {
        Seen {
            at_policy: self.target.flagged(found, &self.policy),
            at_1_percent: self.target.probability(found) > cut,
            not_let_through: found.action != Action::Allow,
        }
    }

    fn try_on(&self, set: &DataSet) -> Tried {
        let judged = judge_all(self.snapshot, &self.policy, &set.samples);
        let known = scored(&judged, self.target, &self.policy);
        let cut = cut_at(&known, 0.01).unwrap_or(f64::INFINITY);
        let positives: Vec<(&Sample, Seen)> = judged
            .iter()
            .filter(|j| self.target.truth(j.sample) == Some(true))
            .map(|j| (j.sample, self.seen(&j.found, cut)))
            .collect();
        let drawn = |most: usize| {
            let step = positives.len().div_ceil(most).max(1);
            positives.iter().step_by(step).copied().collect::<Vec<_>>()
        };
        let (many, few) = (drawn(MOST), drawn(MOST_IN_PAIRS));
        let mut tasks: Vec<(String, Vec<&Disguise>, bool)> =
            DISGUISES.iter().map(|d| (d.name.to_owned(), vec![d], false)).collect();
        for (at, first) in DISGUISES.iter().enumerate().filter(|(_, d)| d.pairs) {
            for second in DISGUISES.iter().skip(at + 1).filter(|d| d.pairs) {
                // Padding comes last: it is no word to be disguised.
                tasks.push((format!("{} + {}", first.name, second.name), vec![first, second], true));
            }
        }
        let tried = tasks
            .into_par_iter()
            .map(|(name, tricks, pair)| {
                let (among, salt) = (if pair { &few } else { &many }, salt(&name));
                let mut scratch = Scratch::default();
                let outcomes = among.iter().enumerate().filter_map(|(n, (sample, clean))| {
                    let mut random = SplitMix::new(self.seed ^ salt ^ n as u64);
                    let disguised = disguised(sample, &tricks, &mut random)?;
                    let found = find(self.snapshot, &self.policy, &disguised, &mut scratch);
                    Some(Outcome { clean: *clean, disguised: self.seen(&found, cut) })
                });
                let outcomes = outcomes.collect::<Vec<_>>();
                (name, outcomes, pair)
            })
            .collect();
        let negatives = known.iter().filter(|s| !s.truth).count();
        Tried { positives: positives.len(), negatives, tried }
    }

    /// False positives by language, over the negatives of the sets and the clean texts.
    fn clean_text(&self, sets: &[DataSet], clean: &[(String, Comment)]) -> Vec<CleanText> {
        let negatives = sets.iter().flat_map(|s| &s.samples);
        let negatives: Vec<Sample> =
            negatives.filter(|s| self.target.truth(s) == Some(false)).cloned().collect();
        let texts = clean.iter().map(|(language, comment)| plain(language, comment));
        let samples: Vec<Sample> = negatives.into_iter().chain(texts).collect();
        let judged = judge_all(self.snapshot, &self.policy, &samples);
        let touched: Vec<bool> = samples
            .par_chunks(256)
            .flat_map_iter(|chunk| {
                let mut document = Document::default();
                chunk.iter().map(|s| is_touched(&mut document, s)).collect::<Vec<_>>()
            })
            .collect();
        let mut rows: BTreeMap<String, CleanText> = BTreeMap::new();
        let mut all = CleanText { language: "all".into(), ..CleanText::default() };
        for (j, touched) in judged.iter().zip(touched) {
            let flagged = self.target.flagged(&j.found, &self.policy);
            let language = if j.sample.lang.is_empty() { "not told" } else { &j.sample.lang };
            let row = rows.entry(language.to_owned()).or_default();
            row.language = language.to_owned();
            for row in [row, &mut all] {
                row.comments += 1;
                row.flagged += usize::from(flagged);
                row.touched += usize::from(touched);
                row.touched_and_flagged += usize::from(flagged && touched);
            }
        }
        rows.into_values().chain([all]).collect()
    }
}

/// Whether the normaliser undid anything that it takes for a disguise.
fn is_touched(document: &mut Document, sample: &Sample) -> bool {
    document.read(sample.comment.body.as_str(), sample.comment.markup);
    let c = document.counts();
    let undone = [
        c.zero_width,
        c.bidi_controls,
        c.surplus_marks,
        c.styled,
        c.mixed_script_words,
        c.skeleton_words,
        c.leet_words,
        c.joined_runs,
        c.squeezed_runs,
        c.invisible_chars,
    ];
    undone.iter().any(|n| *n > 0)
}

/// The sample in disguise; `None` when a trick finds nothing to work on.
fn disguised(sample: &Sample, tricks: &[&Disguise], random: &mut SplitMix) -> Option<Sample> {
    let mut draft = Draft::new(sample.comment.body.as_str());
    for trick in tricks {
        if !(trick.apply)(&mut draft, random) {
            return None;
        }
    }
    let mut disguised = sample.clone();
    disguised.comment.body = Body::new(draft.text).ok()?;
    if draft.author.is_some() {
        disguised.comment.author.name = draft.author;
    }
    Some(disguised)
}

/// A clean text as a sample without labels.
fn plain(language: &str, comment: &Comment) -> Sample {
    Sample {
        id: String::new(),
        comment: comment.clone(),
        article: None,
        labels: PerLabel::default(),
        group: 0,
        under: String::new(),
        lang: language.to_owned(),
        section: String::new(),
        kind: String::new(),
        posted: String::new(),
    }
}

/// Chance differs from trick to trick.
fn salt(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_losses() {
        let seen = |at_policy| Seen { at_policy, at_1_percent: true, not_let_through: at_policy };
        let outcome = |disguised| Outcome { clean: seen(true), disguised: seen(disguised) };
        let outcomes = (0..20).map(|n| outcome(n < 15)).collect();
        let tried = Tried { positives: 20, negatives: 5, tried: vec![("leetspeak".into(), outcomes, false)] };
        let figures = tried.figures();
        let trick = &figures.singles[0];
        assert_eq!((trick.clean.at_policy, trick.disguised.at_policy), (Some(1.0), Some(0.75)));
        assert!((trick.loss() - 25.0).abs() < 1e-9);
        assert_eq!(trick.disguised.at_1_percent, Some(1.0));
        let few = Tried {
            positives: 1,
            negatives: 0,
            tried: vec![("leetspeak".into(), vec![outcome(true)], false)],
        };
        assert!(few.figures().singles.is_empty(), "chance speaks where a trick worked once");
        assert_eq!(caught(std::iter::empty()).at_policy, None);
    }
}
