//! From stored rulings to a candidate with its report.
//!
//! Four trainings of one kind: without what is held out (figures), without and with the
//! newest batch (poison), and with everything (the candidate). Pure: no clock, no store;
//! the same input gives the same bytes. May import: `types`, `classifier`, `rules`,
//! `scoring`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    BundleFiles, ModelsError,
    compare::{compare, flips, paired},
    report::{DataReport, Effect, EvasionReport, Known, PoisonReport, ReviewerEffect, TrainingReport},
    stored::{Capped, StoredSample, sets_of},
};
use crate::{
    classifier::Bundle,
    learning::{
        DataSet, Evaluation, Judged, LearningError, Outcome, Target, TrainConfig, evade, judge_sets,
        summarise, train_reporting,
    },
    rules::RuleSet,
    scoring::Snapshot,
    types::{Action, Policy, Preset, Timestamp, TrainingRequest},
};

/// How the report says what was held out.
const PROTOCOL: &str = "the newest rulings, by a bundle that saw only those before";
/// Of the base and of old rulings, one group in so many is judged for the poison check.
const JUDGED_GROUP: u64 = 4;
/// Reviewers whose part in a harmful batch is measured.
const SUSPECTS: usize = 4;
/// Least share of the stored rulings that is taken for old, in percent.
const OLD_PERCENT: usize = 50;
/// Held-out rulings that must be left when those that the active bundle saw are skipped.
const LEAST_UNSEEN: usize = 200;

/// Everything a training depends on.
pub struct Input {
    /// Rulings that are learnt from, by place.
    pub stored: Vec<StoredSample>,
    /// Rulings that tell no label.
    pub without_label: usize,
    /// How many were left out.
    pub capped: Capped,
    /// Comments besides.
    pub base: Vec<DataSet>,
    /// What was asked for.
    pub request: TrainingRequest,
    /// Threads; changes no byte.
    pub threads: usize,
    /// The rules whose stated weights are part of what is learnt.
    pub rules: Arc<RuleSet>,
    /// The bundle that scores.
    pub active: Arc<Bundle>,
    /// The newest ruling that it learnt from.
    pub active_until: Option<Timestamp>,
}

/// Who follows a training, and may stop it.
#[derive(Default)]
pub struct Control {
    /// Set to stop it at the next step.
    pub cancelled: AtomicBool,
    /// The step and the share that is done.
    progress: parking_lot::Mutex<(f64, String)>,
}

impl Control {
    /// What is being done.
    #[must_use]
    pub fn progress(&self) -> (f64, String) {
        self.progress.lock().clone()
    }

    /// Says what is done from here on.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Cancelled`] when somebody asked for that.
    pub fn step(&self, share: f64, what: &str) -> Result<(), ModelsError> {
        *self.progress.lock() = (share, what.to_owned());
        if self.cancelled.load(Ordering::Relaxed) { Err(ModelsError::Cancelled) } else { Ok(()) }
    }
}

/// What a training made.
pub struct Made {
    /// The candidate.
    pub candidate: BundleFiles,
    /// The bundle that the figures are of.
    pub measured: BundleFiles,
    /// What was measured.
    pub report: TrainingReport,
    /// The newest ruling that was learnt from.
    pub learnt_until: Option<Timestamp>,
}

/// Makes a candidate with its report.
///
/// # Errors
///
/// [`ModelsError::Learning`] when there is nothing to learn from;
/// [`ModelsError::Cancelled`].
pub fn make(input: &Input, control: &Control) -> Result<Made, ModelsError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(input.threads).stack_size(16 << 20).build();
    let pool = pool.map_err(|error| ModelsError::Unusable(error.to_string()))?;
    pool.install(|| Training { input, control, policy: Policy::preset(PRESET) }.make())
}

/// The policy whose thresholds decisions are measured at.
const PRESET: Preset = Preset::Balanced;

struct Training<'a> {
    input: &'a Input,
    control: &'a Control,
    policy: Policy,
}

/// Where the held-out rulings begin, and whether the active bundle saw some of them.
pub(super) fn split(stored: &[StoredSample], percent: u32, active_until: Option<Timestamp>) -> (usize, bool) {
    let all = stored.len();
    let by_share = all - all * percent.clamp(5, 50) as usize / 100;
    // Rulings of one moment stay on one side: the moment tells which side that is.
    let last = by_share.checked_sub(1).and_then(|last| stored.get(last)).map(|one| one.at);
    let by_share = last.map_or(by_share, |last| stored.partition_point(|one| one.at <= last));
    let unseen = active_until.map_or(0, |until| stored.partition_point(|one| one.at <= until));
    if unseen <= by_share {
        return (by_share, false);
    }
    if all - unseen >= LEAST_UNSEEN { (unseen, false) } else { (by_share, true) }
}

impl Training<'_> {
    fn make(&self) -> Result<Made, ModelsError> {
        let Input { stored, request, active_until, .. } = self.input;
        let (at, active_saw) = split(stored, request.held_out_percent, *active_until);
        let (before, held_out) = stored.split_at(at.min(stored.len()));
        self.control.step(0.05, "training without what is held out")?;
        let (measured, _) = self.train(before.iter(), &self.input.base)?;
        let sets = sets_of(held_out);
        self.control.step(0.25, "judging what was held out")?;
        let measured_snapshot = self.snapshot(&measured)?;
        let active_snapshot =
            Snapshot { bundle: Arc::clone(&self.input.active), rules: Arc::clone(&self.input.rules) };
        let by_candidate = judge_sets(&measured_snapshot, &self.policy, &sets);
        let by_active = judge_sets(&active_snapshot, &self.policy, &sets);
        let mut report = TrainingReport {
            measured: measured.id.to_string(),
            compared_with: active_snapshot.model_id().to_owned(),
            data: self.data(before, held_out, &by_active, active_saw),
            candidate: figures(measured_snapshot.model_id(), &by_candidate),
            active: figures(active_snapshot.model_id(), &by_active),
            comparisons: compare(&by_active, &by_candidate),
            flips: flips(&by_active, &by_candidate),
            ..TrainingReport::default()
        };
        if request.evasion {
            self.control.step(0.35, "trying disguises")?;
            report.evasion = Some(self.disguises(&active_snapshot, &measured_snapshot, &sets));
        }
        report.poison = self.poison()?;
        self.control.step(0.8, "training with everything")?;
        let (candidate, conflicting) = self.train(stored.iter(), &self.input.base)?;
        report.data.conflicting = conflicting;
        report.model = candidate.id.to_string();
        report.gates = report.judge();
        self.control.step(0.95, "writing it down")?;
        let learnt_until = stored.last().map(|one| one.at);
        Ok(Made { candidate, measured, report, learnt_until })
    }

    /// Trains; also how many texts of stored comments carry conflicting labels.
    fn train<'b>(
        &self,
        stored: impl IntoIterator<Item = &'b StoredSample>,
        base: &[DataSet],
    ) -> Result<(BundleFiles, usize), ModelsError> {
        let mut sets = sets_of(stored);
        let stored: Vec<String> = sets.iter().map(|set| set.name.clone()).collect();
        sets.extend(base.iter().cloned());
        let config = TrainConfig {
            seed: self.input.request.seed,
            threads: self.input.threads,
            ..TrainConfig::default()
        };
        let (bundle, conflicts) = train_reporting(&config, &sets, &self.input.rules, &|_| {})?;
        let conflicting = conflicts.iter().filter(|conflict| stored.contains(&conflict.set)).count();
        Ok((BundleFiles::of(&bundle)?, conflicting))
    }

    /// As it will be when it was read back: what is measured is what scores.
    fn snapshot(&self, files: &BundleFiles) -> Result<Snapshot, ModelsError> {
        Ok(Snapshot { bundle: Arc::new(files.read()?), rules: Arc::clone(&self.input.rules) })
    }

    fn data(
        &self,
        before: &[StoredSample],
        held_out: &[StoredSample],
        judged: &[Outcome<'_>],
        active_saw_held_out: bool,
    ) -> DataReport {
        let bad = |outcome: &Outcome<'_>| {
            outcome.judged.iter().filter(|j| Target::Overall.truth(j.sample) == Some(true)).count()
        };
        DataReport {
            stored: self.input.stored.len(),
            held_out: held_out.len(),
            held_out_bad: judged.iter().map(bad).sum(),
            base: self.input.base.iter().map(|set| set.samples.len()).sum(),
            without_label: self.input.without_label,
            capped: self.input.capped,
            conflicting: 0,
            split_at: before.last().map(|one| one.at.micros()),
            active_saw_held_out,
        }
    }

    fn disguises(&self, active: &Snapshot, candidate: &Snapshot, sets: &[DataSet]) -> EvasionReport {
        let seed = self.input.request.seed;
        let spam = Target::Label(crate::types::Label::Spam);
        let mean = |snapshot: &Snapshot| {
            EvasionReport::mean(&evade(snapshot, PRESET, spam, sets, &[], seed, &|_| {}))
        };
        EvasionReport { active: mean(active), candidate: mean(candidate) }
    }

    /// Trains without and with the newest batch, and judges comments that it says nothing
    /// about. `None` when nothing is new.
    fn poison(&self) -> Result<Option<PoisonReport>, ModelsError> {
        let stored = &self.input.stored;
        let new = self.input.active_until.map_or(0, |until| stored.partition_point(|one| one.at <= until));
        let (old, batch) = stored.split_at(new.max(stored.len() * OLD_PERCENT / 100));
        if batch.is_empty() {
            return Ok(None);
        }
        let judged = |group: u64| group.is_multiple_of(JUDGED_GROUP);
        let (seen, unseen): (Vec<_>, Vec<_>) = old.iter().partition(|one| !judged(one.sample.group));
        let mut sets = sets_of(unseen);
        let mut base = self.input.base.clone();
        for set in &mut base {
            let (out, stay): (Vec<_>, Vec<_>) =
                std::mem::take(&mut set.samples).into_iter().partition(|one| judged(one.group));
            set.samples = stay;
            sets.push(DataSet { name: set.name.clone(), samples: out, sha256: String::new() });
        }
        self.control.step(0.5, "training without the newest rulings")?;
        let Some(before) = self.trained(seen.iter().copied(), &base)? else { return Ok(None) };
        self.control.step(0.6, "training with the newest rulings")?;
        let Some(after) = self.trained(seen.iter().copied().chain(batch), &base)? else { return Ok(None) };
        let (without, with) = (self.verdicts(&before, &sets), self.verdicts(&after, &sets));
        let old: Vec<DataSet> = sets.iter().filter(|set| set.name.starts_with("site-")).cloned().collect();
        let mut report = PoisonReport {
            batch: batch.len(),
            stored: stored.len(),
            judged: without.len(),
            without: Effect::of(&without),
            with: Effect::of(&with),
            recall_interval: lost(&without, &with, true),
            good_kept_interval: lost(&without, &with, false),
            contradicting: contradictions(&self.verdicts(&before, &sets_of(batch))),
            contradicting_old: contradictions(&self.verdicts(&before, &old)),
            old: old.iter().map(|set| set.samples.len()).sum(),
            reviewers: Vec::new(),
        };
        if report.harm() > 1.0 || report.excess() > report.excess_limit() {
            report.reviewers = self.suspects(&seen, batch, (&base, &sets), &before)?;
        }
        Ok(Some(report))
    }

    /// What the batch does without each of the reviewers who ruled most in it, and how many
    /// of their rulings contradict what was learnt before.
    fn suspects(
        &self,
        seen: &[&StoredSample],
        batch: &[StoredSample],
        (base, sets): (&[DataSet], &[DataSet]),
        before: &Snapshot,
    ) -> Result<Vec<ReviewerEffect>, ModelsError> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for one in batch {
            *counts.entry(one.reviewer.as_str()).or_default() += 1;
        }
        let mut most: Vec<(&str, usize)> = counts.into_iter().collect();
        most.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let mut found = Vec::new();
        for (reviewer, rulings) in most.into_iter().take(SUSPECTS) {
            self.control.step(0.7, "looking for whose rulings do harm")?;
            let (theirs, rest): (Vec<&StoredSample>, Vec<&StoredSample>) =
                batch.iter().partition(|one| one.reviewer.as_str() == reviewer);
            let trained = self.trained(seen.iter().copied().chain(rest), base)?;
            let without_them =
                trained.map_or_else(Effect::default, |trained| Effect::of(&self.verdicts(&trained, sets)));
            let contradicting = contradictions(&self.verdicts(before, &sets_of(theirs)));
            found.push(ReviewerEffect {
                reviewer: reviewer.to_owned(),
                rulings,
                contradicting,
                without_them,
            });
        }
        Ok(found)
    }

    /// A bundle of some of the rulings; `None` where they tell nothing.
    fn trained<'b>(
        &self,
        stored: impl IntoIterator<Item = &'b StoredSample>,
        base: &[DataSet],
    ) -> Result<Option<Snapshot>, ModelsError> {
        match self.train(stored, base) {
            Err(ModelsError::Learning(LearningError::NothingToLearn)) => Ok(None),
            trained => Ok(Some(self.snapshot(&trained?.0)?)),
        }
    }

    /// What a bundle makes of the comments of which it is known whether they are bad.
    fn verdicts(&self, snapshot: &Snapshot, sets: &[DataSet]) -> Vec<Known> {
        let outcomes = judge_sets(snapshot, &self.policy, sets);
        let known = |one: &Judged<'_>| {
            let bad = Target::Overall.truth(one.sample)?;
            let allowed = one.found.action == Action::Allow;
            Some(Known { probability: one.found.overall, allowed, bad })
        };
        outcomes.iter().flat_map(|outcome| &outcome.judged).filter_map(known).collect()
    }
}

/// Probability from which on a ruling that says otherwise contradicts all that was learnt.
const SURE: f64 = 0.95;

/// How many rulings say the opposite of what a bundle is sure of.
fn contradictions(judged: &[Known]) -> usize {
    let contradicts = |one: &&Known| {
        if one.bad { one.probability <= 1.0 - SURE } else { one.probability >= SURE }
    };
    judged.iter().filter(contradicts).count()
}

/// Interval of the share of right actions that is lost, among the bad or the good.
fn lost(without: &[Known], with: &[Known], bad: bool) -> [f64; 2] {
    let right = |one: &Known| f64::from(u8::from(one.allowed != bad));
    let both: Vec<(f64, f64)> =
        without.iter().zip(with).filter(|(a, _)| a.bad == bad).map(|(a, b)| (right(a), right(b))).collect();
    if both.is_empty() { [0.0, 0.0] } else { paired(&both) }
}

/// Figures without the texts of comments.
#[must_use]
pub(super) fn figures(model: &str, outcomes: &[Outcome<'_>]) -> Evaluation {
    let mut evaluation = summarise(model, PROTOCOL, PRESET, outcomes);
    let sets = evaluation.sets.values_mut().chain(&mut evaluation.pooled);
    for mistake in sets.flat_map(|set| &mut set.mistakes) {
        mistake.text = String::new();
    }
    evaluation
}
