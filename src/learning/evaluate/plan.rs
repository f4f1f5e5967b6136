//! Which comments to train on and which to judge: the protocols.
//!
//! A comment is never judged by a bundle that was trained on it. May import: `types`,
//! `classifier`.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use crate::{classifier::SplitMix, types::Label};

use super::super::{Articles, DataSet, LearningError, Sample};

/// How comments are split into those to learn from and those to judge.
#[derive(Clone, Debug, PartialEq)]
pub enum Protocol {
    /// Each set by the training set of the same name.
    Alone,
    /// Stratified cross-validation: each set is dealt into `folds` parts with the same
    /// share of every combination of labels, and each part is judged by a bundle
    /// trained on the others (R. Kohavi, IJCAI 1995). `repeat` times with another
    /// shuffle.
    Folds {
        /// Parts.
        folds: usize,
        /// Shuffles.
        repeat: usize,
        /// Of the shuffles.
        seed: u64,
    },
    /// `splits` random splits, stratified, with `share` of each set held out; seeds
    /// count up from `seed`.
    Splits {
        /// Splits.
        splits: usize,
        /// Share that is judged, in (0, 1).
        share: f64,
        /// Of the first split.
        seed: u64,
    },
    /// Each article of a set by a bundle that saw only the others.
    LeaveOneGroupOut,
    /// The latest `share` of each set by a bundle that saw only what was posted before.
    /// Comments without a time are left out.
    ByTime {
        /// Share that is judged, in (0, 1).
        share: f64,
    },
    /// Each set by a bundle that saw only the other sets.
    LeaveOneSetOut,
}

impl Protocol {
    /// What it is, for a report.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Alone => "each set by a bundle trained on its own training set".into(),
            Self::Folds { folds, repeat, seed } => {
                format!("stratified {folds}-fold cross-validation, {repeat} time(s), seed {seed}")
            }
            Self::Splits { splits, share, seed } => {
                format!(
                    "{splits} random stratified split(s), {:.0} % judged, seeds from {seed}",
                    share * 100.0
                )
            }
            Self::LeaveOneGroupOut => "leave one article out".into(),
            Self::ByTime { share } => format!("by time: the latest {:.0} % judged", share * 100.0),
            Self::LeaveOneSetOut => "leave one set out".into(),
        }
    }
}

/// One training and what it judges, as places in the plan's pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fold {
    /// The set that is judged.
    pub set: String,
    /// Which fold of it.
    pub name: String,
    /// What to learn from.
    pub train: Vec<usize>,
    /// What to judge.
    pub test: Vec<usize>,
}

/// All trainings of a protocol.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What it is, for a report.
    pub protocol: String,
    /// Every sample with the name of its set.
    pub pool: Vec<(String, Sample)>,
    /// The trainings.
    pub folds: Vec<Fold>,
}

impl Plan {
    /// Plans a protocol over `sets`; `extra` sets are learnt from in every fold (but
    /// with [`Protocol::Alone`], where each teaches for the set of its name only).
    ///
    /// # Errors
    ///
    /// [`LearningError::Configuration`] when a protocol cannot be carried out: too few
    /// comments, articles or times.
    pub fn new(protocol: &Protocol, sets: Vec<DataSet>, extra: Vec<DataSet>) -> Result<Self, LearningError> {
        let mut plan = Self { protocol: protocol.describe(), ..Self::default() };
        let taught: Vec<(String, Vec<usize>)> = extra.into_iter().map(|set| plan.add(set)).collect();
        let judged: Vec<(String, Vec<usize>)> = sets.into_iter().map(|set| plan.add(set)).collect();
        for (set, places) in &judged {
            for (name, test) in plan.parts(protocol, places) {
                let train = match protocol {
                    Protocol::Alone => {
                        taught.iter().filter(|(s, _)| s == set).flat_map(|(_, p)| p.clone()).collect()
                    }
                    Protocol::LeaveOneSetOut => {
                        let others = judged.iter().chain(&taught).filter(|(s, _)| s != set);
                        others.flat_map(|(_, p)| p.clone()).collect()
                    }
                    Protocol::ByTime { .. } => without(&plan.timed(places), &test, &taught),
                    Protocol::Folds { .. } | Protocol::Splits { .. } | Protocol::LeaveOneGroupOut => {
                        without(places, &test, &taught)
                    }
                };
                plan.folds.push(Fold { set: set.clone(), name, train, test });
            }
        }
        plan.checked()
    }

    /// The folds that a peers' runner wrote: `<set>/<fold>/{train,test}.jsonl` below
    /// `dir`. A line of `sets` with the same id lends its other fields (author,
    /// article), which the runner does not write.
    ///
    /// # Errors
    ///
    /// [`LearningError::Io`], [`LearningError::Line`], [`LearningError::Configuration`].
    pub fn from_folder(dir: &Path, sets: &[DataSet], articles: &mut Articles) -> Result<Self, LearningError> {
        let known: HashMap<&str, &Sample> =
            sets.iter().flat_map(|s| &s.samples).map(|s| (s.id.as_str(), s)).collect();
        let mut plan = Self { protocol: "the splits of the peers' runner".into(), ..Self::default() };
        for set in folders(dir)? {
            for fold in folders(&set)? {
                let mut read = |part: &str| -> Result<Vec<usize>, LearningError> {
                    let mut found = DataSet::read(&fold.join(part), articles)?;
                    found.name = last(&set);
                    for sample in &mut found.samples {
                        if let Some(&full) = known.get(sample.id.as_str()) {
                            let labels = sample.labels;
                            *sample = full.clone();
                            sample.labels = labels;
                        }
                    }
                    Ok(plan.add(found).1)
                };
                let (train, test) = (read("train.jsonl")?, read("test.jsonl")?);
                plan.folds.push(Fold { set: last(&set), name: last(&fold), train, test });
            }
        }
        plan.checked()
    }

    fn add(&mut self, set: DataSet) -> (String, Vec<usize>) {
        let first = self.pool.len();
        self.pool.extend(set.samples.into_iter().map(|sample| (set.name.clone(), sample)));
        (set.name, (first..self.pool.len()).collect())
    }

    fn checked(self) -> Result<Self, LearningError> {
        let empty = self.folds.iter().find(|f| f.train.is_empty() || f.test.is_empty());
        match empty {
            Some(fold) => Err(LearningError::Configuration(format!(
                "{}, {}: set {} has nothing to {} in fold {:?}",
                self.protocol,
                if fold.train.is_empty() { "which needs more comments" } else { "which judges nothing" },
                fold.set,
                if fold.train.is_empty() { "learn from" } else { "judge" },
                fold.name
            ))),
            None if self.folds.is_empty() => {
                Err(LearningError::Configuration(format!("{}: no set has anything to judge", self.protocol)))
            }
            None => Ok(self),
        }
    }

    fn sample(&self, place: usize) -> Option<&Sample> {
        self.pool.get(place).map(|(_, sample)| sample)
    }

    /// The parts of a set to be judged, by name.
    fn parts(&self, protocol: &Protocol, places: &[usize]) -> Vec<(String, Vec<usize>)> {
        match *protocol {
            Protocol::Alone | Protocol::LeaveOneSetOut => vec![("all".into(), places.to_vec())],
            Protocol::Folds { folds, repeat, seed } => (0..repeat)
                .flat_map(|round| {
                    let dealt = self.dealt(places, folds, seed.wrapping_add(round as u64));
                    let name = move |fold| match repeat {
                        1 => format!("fold {}", fold + 1),
                        _ => format!("round {}, fold {}", round + 1, fold + 1),
                    };
                    dealt.into_iter().enumerate().map(move |(fold, test)| (name(fold), test))
                })
                .collect(),
            Protocol::Splits { splits, share, seed } => (0..splits as u64)
                .map(|n| seed.wrapping_add(n))
                .map(|seed| (format!("seed {seed}"), self.drawn(places, share, seed)))
                .collect(),
            Protocol::LeaveOneGroupOut => {
                let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
                for &place in places {
                    let Some(sample) = self.sample(place).filter(|s| !s.under.is_empty()) else { continue };
                    groups.entry(&sample.under).or_default().push(place);
                }
                groups.into_iter().map(|(name, test)| (name.to_owned(), test)).collect()
            }
            Protocol::ByTime { share } => {
                let timed = self.timed(places);
                let judged = (timed.len() as f64 * share).round() as usize;
                let from = timed.len().saturating_sub(judged);
                vec![("latest".into(), timed.into_iter().skip(from).collect())]
            }
        }
    }

    /// Places by what is known of their labels, each shuffled.
    fn strata(&self, places: &[usize], seed: u64) -> Vec<Vec<usize>> {
        let mut strata: BTreeMap<[Option<bool>; Label::COUNT], Vec<usize>> = BTreeMap::new();
        for &place in places {
            let Some(sample) = self.sample(place) else { continue };
            strata.entry(sample.labels.0).or_default().push(place);
        }
        let mut random = SplitMix::new(seed);
        let mut strata: Vec<Vec<usize>> = strata.into_values().collect();
        strata.iter_mut().for_each(|stratum| random.shuffle(stratum));
        strata
    }

    /// Deals places into parts like cards, stratum after stratum.
    fn dealt(&self, places: &[usize], parts: usize, seed: u64) -> Vec<Vec<usize>> {
        let mut dealt = vec![Vec::new(); parts];
        for (n, place) in self.strata(places, seed).into_iter().flatten().enumerate() {
            if let Some(part) = dealt.get_mut(n % parts) {
                part.push(place);
            }
        }
        dealt
    }

    /// Draws a share of each stratum, rounded.
    fn drawn(&self, places: &[usize], share: f64, seed: u64) -> Vec<usize> {
        let take = |stratum: Vec<usize>| {
            let n = (stratum.len() as f64 * share).round() as usize;
            stratum.into_iter().take(n)
        };
        self.strata(places, seed).into_iter().flat_map(take).collect()
    }

    /// Places whose time is known, earliest first. Times are compared as written:
    /// ISO 8601 sorts by itself.
    fn timed(&self, places: &[usize]) -> Vec<usize> {
        let time = |place: usize| self.sample(place).map_or("", |s| s.posted.as_str());
        let mut timed: Vec<usize> = places.iter().copied().filter(|&p| !time(p).is_empty()).collect();
        timed.sort_by(|&a, &b| time(a).cmp(time(b)).then(a.cmp(&b)));
        timed
    }
}

/// All of a set that is not judged, and what is always learnt from.
fn without(places: &[usize], test: &[usize], taught: &[(String, Vec<usize>)]) -> Vec<usize> {
    let held: std::collections::HashSet<usize> = test.iter().copied().collect();
    let rest = places.iter().copied().filter(|p| !held.contains(p));
    taught.iter().flat_map(|(_, p)| p.iter().copied()).chain(rest).collect()
}

/// Folders in a folder, by name.
fn folders(dir: &Path) -> Result<Vec<PathBuf>, LearningError> {
    let fault = |source| LearningError::Io { path: dir.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn last(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
