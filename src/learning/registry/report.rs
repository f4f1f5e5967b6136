//! What was measured of a candidate, and the gates that follow from it.
//!
//! Holds ids of comments and no text: a text is read from its verdict while that is kept.
//! May import: `types`, `classifier`.

use serde::Serialize;

use super::{
    compare::{Comparison, Flips, LEAST},
    stored::Capped,
};
use crate::{
    learning::{Evaluation, EvasionFigures},
    types::Gate,
};

/// How much worse a ranking may be before its interval is asked: area under the curve.
const AREA_MARGIN: f64 = 0.01;
/// How much larger a share of wrong actions may be before its interval is asked.
const ERROR_MARGIN: f64 = 0.02;
/// How much larger the calibration error may be.
const CALIBRATION_MARGIN: f64 = 0.03;
/// Calibration error that is always fine: what chance gives on some hundred comments.
const CALIBRATION_FINE: f64 = 0.08;
/// Points of recall in disguise that may be lost on average.
const EVASION_MARGIN: f64 = 0.05;
/// What the newest batch may cost on comments that it says nothing about: share of the
/// good ones that are let through.
const POISON_MARGIN: f64 = 0.01;
/// The same of the bad ones that are not.
const POISON_RECALL_MARGIN: f64 = 0.02;
/// Rulings of the newest batch that contradict what was surely learnt before, as a share of
/// all stored ones, beyond those that old rulings show.
const CONTRADICTION_LIMIT: f64 = 0.02;
/// How many of them are always allowed.
const CONTRADICTIONS_FINE: f64 = 20.0;
/// What the newest batch may cost there in mean log loss, in nats.
const POISON_LOSS: f64 = 0.02;
/// Share of texts that carry conflicting labels.
const CONFLICT_LIMIT: f64 = 0.05;
/// Held-out comments of each class.
const LEAST_OF_CLASS: usize = 20;

/// What it learnt from.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataReport {
    /// Stored comments that were learnt from.
    pub stored: usize,
    /// Of them held out while figures were measured.
    pub held_out: usize,
    /// Of the held-out ones: how many a moderator removed.
    pub held_out_bad: usize,
    /// Comments that come with the program or the configuration.
    pub base: usize,
    /// Rulings that tell no label.
    pub without_label: usize,
    /// Left out because one text, author or reviewer said too much.
    pub capped: Capped,
    /// Texts that carry conflicting labels: the majority is believed, and nobody where
    /// there is none.
    pub conflicting: usize,
    /// The last ruling before the held-out ones, in microseconds since 1970.
    pub split_at: Option<i64>,
    /// Whether the active bundle learnt from some of the held-out comments, which flatters
    /// it.
    pub active_saw_held_out: bool,
}

/// What the newest batch does to comments that it says nothing about (B. Nelson et al.,
/// "Exploiting Machine Learning to Subvert Your Spam Filter", LEET 2008, section 5), and how
/// much of it contradicts what was learnt before.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PoisonReport {
    /// Comments of the newest batch.
    pub batch: usize,
    /// All stored rulings.
    pub stored: usize,
    /// Comments that both bundles were judged on.
    pub judged: usize,
    /// By a bundle that did not see the batch.
    pub without: Effect,
    /// By one that did.
    pub with: Effect,
    /// 95 % interval of the change of recall.
    pub recall_interval: [f64; 2],
    /// 95 % interval of the change of the share of good comments let through.
    pub good_kept_interval: [f64; 2],
    /// Rulings of the batch that say the opposite of what the bundle without it is sure of.
    pub contradicting: usize,
    /// Old rulings that it did not see and that do so.
    pub contradicting_old: usize,
    /// Old rulings that it did not see.
    pub old: usize,
    /// The same for each reviewer with many rulings in the batch. Only measured when the
    /// batch as a whole does harm.
    pub reviewers: Vec<ReviewerEffect>,
}

/// What a bundle makes of a comment of which it is known whether it is bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// Probability that a moderator would remove it.
    pub probability: f64,
    /// Whether it is let through.
    pub allowed: bool,
    /// Whether a moderator removes it.
    pub bad: bool,
}

/// How a bundle does on comments that the batch says nothing about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Effect {
    /// Mean log loss of "a moderator would remove this", in nats.
    pub log_loss: f64,
    /// Share of the bad ones that are not let through.
    pub recall: f64,
    /// Share of the good ones that are let through.
    pub good_kept: f64,
}

impl Effect {
    /// Of what a bundle makes of comments.
    #[must_use]
    pub fn of(judged: &[Known]) -> Self {
        let (mut loss, mut bad, mut caught, mut good, mut kept) = (0.0, 0.0_f64, 0.0, 0.0_f64, 0.0);
        for one in judged {
            let p = one.probability.clamp(1e-9, 1.0 - 1e-9);
            let allowed = f64::from(u8::from(one.allowed));
            if one.bad {
                loss -= p.ln();
                bad += 1.0;
                caught += 1.0 - allowed;
            } else {
                loss -= (1.0 - p).ln();
                good += 1.0;
                kept += allowed;
            }
        }
        Self {
            log_loss: loss / (bad + good).max(1.0),
            recall: caught / bad.max(1.0),
            good_kept: kept / good.max(1.0),
        }
    }
}

/// What leaving one reviewer's rulings out of the batch gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReviewerEffect {
    /// Id of the key.
    pub reviewer: String,
    /// Their rulings in the batch.
    pub rulings: usize,
    /// Those of them that contradict what was surely learnt before.
    pub contradicting: usize,
    /// By a bundle that saw the batch without them.
    pub without_them: Effect,
}

/// Recall of known adverts in disguise, mean over the tricks.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EvasionReport {
    /// By the active bundle.
    pub active: Option<f64>,
    /// By the candidate.
    pub candidate: Option<f64>,
}

impl EvasionReport {
    /// Mean recall over the single tricks that worked often enough.
    #[must_use]
    pub fn mean(figures: &EvasionFigures) -> Option<f64> {
        let tricks = figures.sets.values().flat_map(|set| &set.singles);
        let caught: Vec<f64> = tricks.filter_map(|trick| trick.disguised.at_policy).collect();
        (!caught.is_empty()).then(|| caught.iter().sum::<f64>() / caught.len() as f64)
    }
}

/// What was measured of a candidate.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TrainingReport {
    /// The candidate, which learnt from everything.
    pub model: String,
    /// The bundle that the figures are of: the same training without what was held out.
    pub measured: String,
    /// The active bundle at the time.
    pub compared_with: String,
    /// What it learnt from.
    pub data: DataReport,
    /// Figures of the measured bundle on what was held out.
    pub candidate: Evaluation,
    /// Figures of the active bundle on the same.
    pub active: Evaluation,
    /// Both beside each other, with intervals.
    pub comparisons: Vec<Comparison>,
    /// Comments that get another action.
    pub flips: Flips,
    /// Known adverts in disguise, where they were tried.
    pub evasion: Option<EvasionReport>,
    /// The newest batch.
    pub poison: Option<PoisonReport>,
    /// What has to hold.
    pub gates: Vec<Gate>,
}

fn gate(name: &str, passed: bool, value: Option<f64>, limit: Option<f64>, message: String) -> Gate {
    Gate { name: name.to_owned(), passed, value, limit, message }
}

impl TrainingReport {
    /// The gates that follow from what was measured.
    #[must_use]
    pub fn judge(&self) -> Vec<Gate> {
        let mut gates = vec![self.enough(), self.conflicts()];
        gates.push(self.ranking());
        for by in ["all", "site", "language", "section"] {
            gates.push(self.part(by));
        }
        gates.extend(self.calibration());
        gates.push(self.disguises());
        gates.push(self.batch());
        gates.push(self.contradictions());
        gates
    }

    fn enough(&self) -> Gate {
        let DataReport { held_out, held_out_bad, .. } = self.data;
        let least = held_out_bad.min(held_out - held_out_bad.min(held_out));
        let message = format!(
            "{held_out} comments were held out, {held_out_bad} of them bad; {LEAST_OF_CLASS} of each kind are needed"
        );
        let (value, limit) = (Some(least as f64), Some(LEAST_OF_CLASS as f64));
        gate("data/enough", least >= LEAST_OF_CLASS, value, limit, message)
    }

    fn conflicts(&self) -> Gate {
        let share = self.data.conflicting as f64 / self.data.stored.max(1) as f64;
        let message = format!(
            "{} of {} stored texts carry conflicting labels and are not believed",
            self.data.conflicting, self.data.stored
        );
        gate("data/conflicts", share <= CONFLICT_LIMIT, Some(share), Some(CONFLICT_LIMIT), message)
    }

    /// The worst of the comparisons that speak against the candidate, or the worst of all.
    fn worst(&self, fits: impl Fn(&Comparison) -> bool, margin: f64) -> Option<(&Comparison, bool)> {
        let against = |c: &Comparison| c.better < -margin && c.interval[1] < 0.0;
        let found = self.comparisons.iter().filter(|c| fits(c));
        let worst = found.min_by(|a, b| {
            (!against(a), a.better).partial_cmp(&(!against(b), b.better)).unwrap_or(std::cmp::Ordering::Equal)
        })?;
        Some((worst, !against(worst)))
    }

    fn ranking(&self) -> Gate {
        let Some((worst, passed)) = self.worst(|c| c.figure == "roc_auc", AREA_MARGIN) else {
            return gate("figures/ranking", true, None, None, "no label has enough comments to rank".into());
        };
        let message = format!(
            "{}: area under the ROC curve {:.4}, the active one's {:.4}; 95 % interval of the difference {:+.4} to {:+.4}",
            worst.target, worst.candidate, worst.active, worst.interval[0], worst.interval[1]
        );
        gate("figures/ranking", passed, Some(worst.better), Some(-AREA_MARGIN), message)
    }

    fn part(&self, by: &'static str) -> Gate {
        let name = match by {
            "all" => "figures/actions".to_owned(),
            by => format!("slices/{by}"),
        };
        let Some((worst, passed)) = self.worst(|c| c.by == by && c.figure != "roc_auc", ERROR_MARGIN) else {
            let message = format!("no part has {LEAST} comments");
            return gate(&name, by != "all", None, None, message);
        };
        let part = if worst.part.is_empty() { "all comments" } else { &worst.part };
        let message = format!(
            "{part}: share of {} {:.3}, the active one's {:.3}, over {} comments; 95 % interval of the difference {:+.3} to {:+.3}",
            worst.figure.replace('_', " "),
            worst.candidate,
            worst.active,
            worst.comments,
            worst.interval[0],
            worst.interval[1]
        );
        gate(&name, passed, Some(worst.better), Some(-ERROR_MARGIN), message)
    }

    fn calibration(&self) -> Option<Gate> {
        let whole = |evaluation: &Evaluation| {
            let figures = evaluation.pooled.as_ref().or_else(|| evaluation.sets.values().next())?;
            figures.overall.as_ref().map(|figures| figures.ece)
        };
        let (candidate, active) = (whole(&self.candidate)?, whole(&self.active)?);
        let limit = CALIBRATION_FINE.max(active + CALIBRATION_MARGIN);
        let message = format!(
            "expected calibration error {candidate:.3}, the active one's {active:.3}; at most {limit:.3} is allowed"
        );
        Some(gate("figures/calibration", candidate <= limit, Some(candidate), Some(limit), message))
    }

    fn disguises(&self) -> Gate {
        let Some(evasion) = &self.evasion else {
            return gate("evasion/recall", false, None, None, "disguises were not tried".into());
        };
        let (Some(candidate), Some(active)) = (evasion.candidate, evasion.active) else {
            return gate(
                "evasion/recall",
                true,
                None,
                None,
                "no held-out advert is there to disguise".into(),
            );
        };
        let limit = active - EVASION_MARGIN;
        let message = format!("mean recall in disguise {candidate:.3}, the active one's {active:.3}");
        gate("evasion/recall", candidate >= limit, Some(candidate), Some(limit), message)
    }

    fn batch(&self) -> Gate {
        let Some(poison) = &self.poison else {
            return gate(
                "poison/newest_batch",
                true,
                None,
                None,
                "nothing is new since the active one".into(),
            );
        };
        let message = format!(
            "the newest {} rulings move recall by {:+.1} and good comments let through by {:+.1} points, log loss by \
             {:+.3} nats, over {} comments that they say nothing about{}",
            poison.batch,
            100.0 * (poison.with.recall - poison.without.recall),
            100.0 * (poison.with.good_kept - poison.without.good_kept),
            poison.with.log_loss - poison.without.log_loss,
            poison.judged,
            poison.suspects()
        );
        let worst = poison.harm();
        gate("poison/newest_batch", worst <= 1.0, Some(worst), Some(1.0), message)
    }
}

impl TrainingReport {
    fn contradictions(&self) -> Gate {
        const NAME: &str = "poison/contradictions";
        let Some(poison) = &self.poison else {
            return gate(NAME, true, None, None, "nothing is new since the active one".into());
        };
        let most = poison.reviewers.iter().max_by_key(|one| one.contradicting);
        let by = most.map_or(String::new(), |one| {
            format!(
                "; most of one reviewer: {} of the {} of {}",
                one.contradicting, one.rulings, one.reviewer
            )
        });
        let (excess, limit) = (poison.excess(), poison.excess_limit());
        let message = format!(
            "{} of the newest {} rulings say the opposite of what was surely learnt before; {:.0} of them are more than usual, \
             {limit:.0} are allowed{by}",
            poison.contradicting, poison.batch, excess
        );
        gate(NAME, excess <= limit, Some(excess), Some(limit), message)
    }
}

impl PoisonReport {
    /// The largest harm, where 1 is what is allowed. A share that chance alone could lose
    /// is not lost.
    #[must_use]
    pub fn harm(&self) -> f64 {
        let Self { without, with, .. } = self;
        let surely = |interval: [f64; 2], lost: f64| if interval[1] < 0.0 { lost } else { 0.0 };
        let lost = [
            surely(self.recall_interval, (without.recall - with.recall) / POISON_RECALL_MARGIN),
            surely(self.good_kept_interval, (without.good_kept - with.good_kept) / POISON_MARGIN),
            (with.log_loss - without.log_loss) / POISON_LOSS,
        ];
        lost.into_iter().fold(0.0, f64::max)
    }

    fn harm_of(without: &Effect, with: &Effect) -> f64 {
        let lost = [
            (without.recall - with.recall) / POISON_RECALL_MARGIN,
            (without.good_kept - with.good_kept) / POISON_MARGIN,
            (with.log_loss - without.log_loss) / POISON_LOSS,
        ];
        lost.into_iter().fold(0.0, f64::max)
    }

    /// Contradicting rulings of the batch beyond what old rulings would show.
    #[must_use]
    pub fn excess(&self) -> f64 {
        let usual = self.contradicting_old as f64 / self.old.max(1) as f64;
        (self.contradicting as f64 - usual * self.batch as f64).max(0.0)
    }

    /// How many of them are allowed.
    #[must_use]
    pub fn excess_limit(&self) -> f64 {
        (CONTRADICTION_LIMIT * self.stored as f64).max(CONTRADICTIONS_FINE)
    }

    /// Reviewers without whom the batch would do no harm.
    fn suspects(&self) -> String {
        let fine = |one: &&ReviewerEffect| Self::harm_of(&self.without, &one.without_them) <= 1.0;
        let names: Vec<&str> = self.reviewers.iter().filter(fine).map(|one| one.reviewer.as_str()).collect();
        match names.is_empty() {
            true => String::new(),
            false => format!("; without the rulings of {} they would not", names.join(" or of ")),
        }
    }
}
