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
    compare::{compare, flips},
    report::{DataReport, Effect, EvasionReport, PoisonReport, ReviewerEffect, TrainingReport},
    stored::{Capped, StoredSample, sets_of},
};
use crate::{
    classifier::Bundle,
    learning::{
        DataSet, Evaluation, Outcome, Target, TrainConfig, evade, judge_sets, summarise, train_reporting,
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
        let without = self.effect(seen.iter().copied(), &base, &sets)?;
        self.control.step(0.6, "training with the newest rulings")?;
        let with = self.effect(seen.iter().copied().chain(batch), &base, &sets)?;
        let mut report = PoisonReport {
            batch: batch.len(),
            judged: sets.iter().map(|set| set.samples.len()).sum(),
            without,
            with,
            reviewers: Vec::new(),
        };
        if report.harm() > 1.0 {
            report.reviewers = self.suspects(&seen, batch, &base, &sets)?;
        }
        Ok(Some(report))
    }

    /// The effect of the batch without each of the reviewers who ruled most in it.
    fn suspects(
        &self,
        seen: &[&StoredSample],
        batch: &[StoredSample],
        base: &[DataSet],
        sets: &[DataSet],
    ) -> Result<Vec<ReviewerEffect>, ModelsError> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for one in batch {
            *counts.entry(one.reviewer.as_str()).or_default() += 1;
        }
        let mut most: Vec<(&str, usize)> = counts.into_iter().collect();
        most.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        if most.len() < 2 {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for (reviewer, rulings) in most.into_iter().take(SUSPECTS) {
            self.control.step(0.7, "looking for whose rulings do harm")?;
            let rest = batch.iter().filter(|one| one.reviewer.as_str() != reviewer);
            let without_them = self.effect(seen.iter().copied().chain(rest), base, sets)?;
            found.push(ReviewerEffect { reviewer: reviewer.to_owned(), rulings, without_them });
        }
        Ok(found)
    }

    fn effect<'b>(
        &self,
        stored: impl IntoIterator<Item = &'b StoredSample>,
        base: &[DataSet],
        judged: &[DataSet],
    ) -> Result<Effect, ModelsError> {
        let (files, _) = match self.train(stored, base) {
            Err(ModelsError::Learning(crate::learning::LearningError::NothingToLearn)) => {
                return Ok(Effect::default());
            }
            trained => trained?,
        };
        let outcomes = judge_sets(&self.snapshot(&files)?, &self.policy, judged);
        let (mut loss, mut count) = (0.0, 0.0);
        let (mut bad, mut caught, mut good, mut kept) = (0.0_f64, 0.0, 0.0_f64, 0.0);
        for one in outcomes.iter().flat_map(|outcome| &outcome.judged) {
            let Some(truth) = Target::Overall.truth(one.sample) else { continue };
            let p = one.found.overall.clamp(1e-9, 1.0 - 1e-9);
            loss -= if truth { p.ln() } else { (1.0 - p).ln() };
            count += 1.0;
            let allowed = one.found.action == Action::Allow;
            if truth {
                bad += 1.0;
                caught += f64::from(u8::from(!allowed));
            } else {
                good += 1.0;
                kept += f64::from(u8::from(allowed));
            }
        }
        Ok(Effect {
            log_loss: loss / f64::max(count, 1.0),
            recall: caught / bad.max(1.0),
            good_kept: kept / good.max(1.0),
        })
    }
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
