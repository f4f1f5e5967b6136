//! How well the filter does, measured on what really happened: precision and recall from
//! the random sample, drift, decisions against it, calibration.
//!
//! What people see of held comments says nothing of those that were let through. A share
//! of those is drawn at random into the queue; each decided one stands for as many as it
//! was drawn from (D. G. Horvitz and D. J. Thompson, "A generalization of sampling without
//! replacement from a finite universe", 1952). Drift is the population stability index.
//! Knows no metric. May import: `types`, `features`, `classifier`, `store`.

use std::collections::HashMap;

use crate::{
    classifier::wilson,
    features::signals::{self, Signals},
    store::{SharedStore, StoreError, VerdictFilter},
    types::{Action, Cause, Label, PageRequest, PerLabel, Sample, SiteId, Timestamp, Verdict, VerdictId},
};

/// Days looked back over.
pub const WINDOW_DAYS: u64 = 28;
/// Most verdicts looked at, the newest first.
const MAX_VERDICTS: usize = 50_000;
/// Rows read in one go.
const PAGE: usize = 500;
/// Values below which a distribution says nothing.
const LEAST_VALUES: usize = 200;
/// Bins of a distribution: deciles of the reference.
const BINS: usize = 10;
const DAY: i64 = 86_400_000_000;
/// The signals whose drift is told, as far as the catalogue has them.
const WATCHED: [&str; 8] = [
    "links/count",
    "length/words",
    "relevance/overlap",
    "disguise/mixed_script",
    "author/approved",
    "author/seen",
    "contacts/phone",
    "content/mean_information",
];

/// A share with its 95 % interval: value, lower end, upper end.
pub type Bounded = [f64; 3];

/// What was measured of a site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Of what was held or refused, what people reject, by label and over all.
    pub precision: Vec<(&'static str, Bounded)>,
    /// Of what people would reject, what was held or refused.
    pub recall: Vec<(&'static str, Bounded)>,
    /// Population stability index of the last day against the days before.
    pub psi: Vec<(String, f64)>,
    /// Share of decisions against the filter, last 7 days.
    pub overturned: Option<f64>,
    /// Mean distance of stated and observed probability that people reject.
    pub calibration_gap: Option<f64>,
    /// Share rejected or discarded in the last hour.
    pub reject_share: Option<f64>,
    /// Verdicts looked at.
    pub verdicts: usize,
    /// Comments drawn at random and decided.
    pub sampled: usize,
}

/// One comment that people decided.
#[derive(Clone, Debug)]
struct Decided {
    sample: Sample,
    flagged: bool,
    probability: f64,
    drawn: bool,
}

/// Measures a site.
///
/// # Errors
///
/// What the store says.
pub async fn measure(store: &SharedStore, site: &SiteId, now: Timestamp) -> Result<Measured, StoreError> {
    let from = Timestamp::from_micros(now.micros() - DAY * WINDOW_DAYS as i64);
    let samples = samples(store, site).await?;
    let filter = VerdictFilter { from: Some(from), ..VerdictFilter::default() };
    let (mut seen, mut decided, mut after) = (Vec::new(), Vec::new(), None);
    while seen.len() < MAX_VERDICTS {
        let page = store.verdicts(site, &filter, PageRequest { size: PAGE, after }).await?;
        for verdict in &page.rows {
            if let Some(sample) = samples.get(&verdict.id) {
                let item = store.item_of(site, verdict.id).await?;
                let drawn = item.is_some_and(|item| item.causes.has(Cause::Sampled));
                decided.push(Decided {
                    sample: sample.clone(),
                    flagged: verdict.action != Action::Allow,
                    probability: verdict.assessment.probability.get(),
                    drawn,
                });
            }
            seen.push(Seen::of(verdict));
        }
        after = page.next;
        if super::replay::backtest::is_over(after, from) {
            break;
        }
    }
    let work = move || figures(&seen, &decided, now);
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Closed)
}

async fn samples(store: &SharedStore, site: &SiteId) -> Result<HashMap<VerdictId, Sample>, StoreError> {
    let (mut found, mut after) = (HashMap::new(), None);
    loop {
        let page = store.samples(site, PageRequest { size: PAGE, after }).await?;
        found.extend(page.rows.into_iter().map(|sample| (sample.verdict, sample)));
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// What is kept of a verdict while a site is measured.
#[derive(Clone, Debug)]
struct Seen {
    at: Timestamp,
    action: Action,
    odds: PerLabel<f64>,
    signals: [f32; WATCHED.len()],
}

impl Seen {
    fn of(verdict: &Verdict) -> Self {
        let measured = verdict.trace.as_ref().and_then(|trace| Signals::unpack(&trace.signals.0));
        let value = |code: &str| {
            let id = signals::find(code)?;
            measured.as_ref()?.get(id)
        };
        Self {
            at: verdict.created_at,
            action: verdict.action,
            odds: PerLabel::from_fn(|label| verdict.assessment.labels[label].log_odds.get()),
            signals: WATCHED.map(|code| value(code).unwrap_or(f32::NAN)),
        }
    }
}

fn figures(seen: &[Seen], decided: &[Decided], now: Timestamp) -> Measured {
    let flagged = seen.iter().filter(|one| one.action != Action::Allow).count();
    let allowed = seen.len() - flagged;
    let mut measured = Measured {
        verdicts: seen.len(),
        sampled: decided.iter().filter(|one| one.drawn && !one.flagged).count(),
        psi: drift(seen, now),
        ..Measured::default()
    };
    let over_all = |sample: &Sample| !sample.approved;
    measured.add("any", decided, (flagged, allowed), &over_all);
    for label in Label::ALL {
        let of_label = move |sample: &Sample| sample.labels.contains(&label);
        measured.add(label.name(), decided, (flagged, allowed), &of_label);
    }
    let week = Timestamp::from_micros(now.micros() - 7 * DAY);
    let recent: Vec<_> = decided.iter().filter(|one| one.sample.created_at >= week).collect();
    let against = recent.iter().filter(|one| one.flagged == one.sample.approved).count();
    measured.overturned = (!recent.is_empty()).then(|| against as f64 / recent.len() as f64);
    measured.calibration_gap = calibration_gap(decided, (flagged, allowed));
    let hour: Vec<_> = seen.iter().filter(|one| one.at.micros() >= now.micros() - DAY / 24).collect();
    let rejected = hour.iter().filter(|one| matches!(one.action, Action::Reject | Action::Discard)).count();
    measured.reject_share = (!hour.is_empty()).then(|| rejected as f64 / hour.len() as f64);
    measured
}

impl Measured {
    /// Precision and recall for what `is` says people reject.
    fn add(
        &mut self,
        name: &'static str,
        decided: &[Decided],
        (flagged, allowed): (usize, usize),
        is: &dyn Fn(&Sample) -> bool,
    ) {
        let share = |chosen: &dyn Fn(&Decided) -> bool| {
            let of: Vec<_> = decided.iter().filter(|one| chosen(one)).collect();
            let hits = of.iter().filter(|one| is(&one.sample)).count();
            (hits as f64, of.len() as f64)
        };
        let (caught, looked_at) = share(&|one| one.flagged);
        let (missed, drawn) = share(&|one| one.drawn && !one.flagged);
        if looked_at > 0.0 {
            let [low, high] = wilson(caught, looked_at);
            self.precision.push((name, [caught / looked_at, low, high]));
        }
        if looked_at == 0.0 || drawn == 0.0 {
            return;
        }
        // Each drawn comment stands for as many as it was drawn from; the interval is that
        // of the share missed, by far the less certain of the two.
        let found = caught / looked_at * flagged as f64;
        let recall = |missed: f64| {
            let whole = found + missed * allowed as f64;
            if whole > 0.0 { found / whole } else { 1.0 }
        };
        let [low, high] = wilson(missed, drawn);
        self.recall.push((name, [recall(missed / drawn), recall(high), recall(low)]));
    }
}

/// Mean distance of stated and observed probability over ten bins, each decided comment
/// weighted by how many it stands for (M. P. Naeini et al., "Obtaining well calibrated
/// probabilities using Bayesian binning", 2015).
fn calibration_gap(decided: &[Decided], (flagged, allowed): (usize, usize)) -> Option<f64> {
    let counts = |flag: bool| decided.iter().filter(|one| one.flagged == flag && (flag || one.drawn)).count();
    let (held, drawn) = (counts(true), counts(false));
    if held + drawn < LEAST_VALUES / 4 {
        return None;
    }
    let mut bins = [[0.0_f64; 3]; BINS];
    for one in decided.iter().filter(|one| one.flagged || one.drawn) {
        let weight = if one.flagged { flagged as f64 / held as f64 } else { allowed as f64 / drawn as f64 };
        let at = ((one.probability * BINS as f64) as usize).min(BINS - 1);
        if let Some([mass, stated, observed]) = bins.get_mut(at) {
            *mass += weight;
            *stated += weight * one.probability;
            *observed += weight * f64::from(u8::from(!one.sample.approved));
        }
    }
    let mass: f64 = bins.iter().map(|[mass, ..]| mass).sum();
    let gap: f64 = bins.iter().map(|[_, stated, observed]| (stated - observed).abs()).sum();
    (mass > 0.0).then(|| gap / mass)
}

/// The shift of the last day against the days before, of each label's log-odds and of the
/// watched signals.
fn drift(seen: &[Seen], now: Timestamp) -> Vec<(String, f64)> {
    let is_new = |one: &&Seen| one.at.micros() >= now.micros() - DAY;
    let mut found = Vec::new();
    let mut add = |name: String, value: &dyn Fn(&Seen) -> f64| {
        let side = |new: bool| {
            let chosen = seen.iter().filter(|one| is_new(one) == new).map(value);
            chosen.filter(|value| value.is_finite()).collect::<Vec<_>>()
        };
        if let Some(index) = psi(side(false), &side(true)) {
            found.push((name, index));
        }
    };
    for label in Label::ALL {
        add(label.name().to_owned(), &|one| one.odds[label]);
    }
    for (at, code) in WATCHED.iter().enumerate() {
        add((*code).to_owned(), &|one| one.signals.get(at).copied().map_or(f64::NAN, f64::from));
    }
    found
}

/// The population stability index over deciles of the reference, each share at least that
/// of half a value: `Σ (q − p) ln(q / p)`. `None` when either side has too few values.
fn psi(mut reference: Vec<f64>, present: &[f64]) -> Option<f64> {
    if reference.len() < LEAST_VALUES || present.len() < LEAST_VALUES {
        return None;
    }
    reference.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> =
        (1..BINS).filter_map(|bin| reference.get(bin * reference.len() / BINS)).copied().collect();
    edges.dedup();
    let shares = |values: &[f64]| {
        let mut counts = vec![0.0_f64; edges.len() + 1];
        for value in values {
            // Values at an edge go below it, so that a frequent value has a bin of its own.
            let bin = edges.partition_point(|edge| edge < value);
            counts.get_mut(bin).into_iter().for_each(|count| *count += 1.0);
        }
        let whole = values.len() as f64;
        counts.into_iter().map(|count| count.max(0.5) / whole).collect::<Vec<_>>()
    };
    let (before, after) = (shares(&reference), shares(present));
    Some(before.iter().zip(&after).map(|(p, q)| (q - p) * (q / p).ln()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{FeedbackId, KeyId, RulingId, SampleSource};

    fn decided(flagged: bool, approved: bool, drawn: bool) -> Decided {
        let verdict = VerdictId::generate();
        let sample = Sample {
            verdict,
            comment: None,
            approved,
            labels: if approved { Vec::new() } else { vec![Label::Spam] },
            ruling: RulingId::from(FeedbackId::generate()),
            source: SampleSource::Decision,
            reviewer: KeyId::new("m1").unwrap(),
            created_at: Timestamp::from_micros(10 * DAY),
        };
        Decided { sample, flagged, probability: if flagged { 0.9 } else { 0.05 }, drawn }
    }

    fn seen(action: Action, odds: f64, at: i64) -> Seen {
        Seen {
            at: Timestamp::from_micros(at),
            action,
            odds: PerLabel::from_fn(|_| odds),
            signals: [f32::NAN; WATCHED.len()],
        }
    }

    #[test]
    fn recall_counts_what_the_sample_stands_for() {
        let now = Timestamp::from_micros(10 * DAY);
        // 100 held, of which 20 were decided, 18 of them rejected; 900 let through, of which
        // 50 were drawn and decided, one of them rejected.
        let mut all: Vec<Seen> = (0..100).map(|_| seen(Action::Hold, 2.0, 5 * DAY)).collect();
        all.extend((0..900).map(|_| seen(Action::Allow, -3.0, 5 * DAY)));
        let mut ruled: Vec<Decided> = (0..20).map(|n| decided(true, n < 2, false)).collect();
        ruled.extend((0..50).map(|n| decided(false, n > 0, true)));
        // A reader reported this one: it is no random one and counts for nothing.
        ruled.push(decided(false, false, false));
        let measured = figures(&all, &ruled, now);
        assert_eq!((measured.verdicts, measured.sampled), (1000, 50));
        let (name, [precision, low, high]) = measured.precision[0];
        assert!(name == "any" && (precision - 0.9).abs() < 1e-9 && low < 0.9 && high > 0.9);
        let (_, [recall, low, high]) = measured.recall[0];
        assert!((recall - 90.0 / (90.0 + 18.0)).abs() < 1e-9, "{recall}");
        assert!(low < recall && recall < high && high < 1.0, "{low} {high}");
        assert_eq!(measured.recall[1].0, "spam");
        // 2 approved ones held, 2 rejected ones let through.
        assert!((measured.overturned.unwrap() - 4.0 / 71.0).abs() < 1e-9);
        let gap = measured.calibration_gap.unwrap();
        assert!((gap - (0.9 * 0.03)).abs() < 1e-9, "{gap}");
    }

    #[test]
    fn every_watched_signal_is_in_the_catalogue() {
        for code in WATCHED {
            assert!(signals::find(code).is_some(), "{code}");
        }
    }

    #[test]
    fn a_shift_shows_and_its_absence_does_not() {
        let now = Timestamp::from_micros(10 * DAY);
        let spread = |shift: f64, at: i64| {
            (0..1000).map(move |n| seen(Action::Allow, f64::from(n) / 100.0 + shift, at))
        };
        let same: Vec<Seen> = spread(0.0, DAY).chain(spread(0.0, 10 * DAY - 5)).collect();
        let moved: Vec<Seen> = spread(0.0, DAY).chain(spread(4.0, 10 * DAY - 5)).collect();
        let index = |seen: &[Seen]| drift(seen, now)[0].1;
        assert!(index(&same) < 1e-9 && index(&moved) > 0.3, "{} {}", index(&same), index(&moved));
        assert!(drift(&same[..100], now).is_empty(), "too few to say");
    }
}
