//! What a candidate would have done: stored verdicts of a time range judged by what is in
//! force and by the candidate, and both held against what people decided.
//!
//! Both sides are judged now, so every flip is the candidate's. Verdicts are read page by
//! page and judged on all cores; memory does not grow with their number. May import:
//! `types`, `classifier`, `rules`, `store`.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rayon::prelude::*;

use super::{Bench, Rules};
use crate::{
    classifier::{Bundle, wilson},
    rules::RuleSet,
    store::{SharedStore, StoreError, VerdictFilter},
    types::{Action, PageRequest, Policy, SiteId, Timestamp, Verdict, VerdictId},
};

/// Verdicts read in one go.
const PAGE: usize = 500;
/// Flips kept with their text.
const MAX_FLIPS: usize = 100;
/// Bytes of a text that are shown.
const EXCERPT: usize = 280;
/// Share of comments that people approved above which newly holding them stops a
/// candidate.
pub const MAX_APPROVED_HELD: f64 = 0.02;
/// Approved comments newly held below which nothing is said: chance.
pub const LEAST_APPROVED_HELD: u64 = 3;

thread_local! {
    static BENCH: RefCell<Bench> = RefCell::default();
}

/// What is asked of a back-test.
#[derive(Clone, Debug)]
pub struct Question {
    /// The sites whose verdicts are judged.
    pub sites: Vec<SiteId>,
    /// Only verdicts made at or after this moment.
    pub from: Option<Timestamp>,
    /// Only verdicts made before this moment.
    pub until: Option<Timestamp>,
    /// Most verdicts, the newest first.
    pub limit: u64,
    /// The present moment: rules past their expiry are silent.
    pub now: Timestamp,
}

/// What judges: one side of the comparison.
#[derive(Clone, Debug)]
pub struct Side {
    /// The model.
    pub bundle: Arc<Bundle>,
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// The thresholds; those that decided then when absent.
    pub policy: Option<Policy>,
}

/// Comments by what was done and what people said of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Held or refused, and people rejected it.
    pub caught: u64,
    /// Held or refused, and people approved it.
    pub wronged: u64,
    /// Let through, and people rejected it.
    pub missed: u64,
    /// Let through, and people approved it.
    pub passed: u64,
}

/// A share with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// How many of `of`.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Rate {
    /// The share and its interval ([`wilson`]); from 0 to 1 when there is nothing to judge by.
    #[must_use]
    pub fn of(count: u64, of: u64) -> Self {
        let [low, high] = wilson(count as f64, of as f64);
        Self { count, of, low, high }
    }

    /// The share; 0 of nothing.
    #[must_use]
    pub fn value(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.count as f64 / self.of as f64 }
    }
}

impl Table {
    /// Of what was held or refused, what people rejected.
    #[must_use]
    pub fn precision(self) -> Rate {
        Rate::of(self.caught, self.caught + self.wronged)
    }

    /// Of what people rejected, what was held or refused.
    #[must_use]
    pub fn recall(self) -> Rate {
        Rate::of(self.caught, self.caught + self.missed)
    }

    fn note(&mut self, action: Action, approved: bool) {
        let cell = match (action == Action::Allow, approved) {
            (false, false) => &mut self.caught,
            (false, true) => &mut self.wronged,
            (true, false) => &mut self.missed,
            (true, true) => &mut self.passed,
        };
        *cell += 1;
    }
}

/// One comment that the candidate would treat otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Flip {
    /// Its verdict.
    pub verdict: VerdictId,
    /// Its site.
    pub site: SiteId,
    /// What is done now.
    pub before: Action,
    /// What would be done.
    pub after: Action,
    /// What people said: whether it may stand; `None` when nobody did.
    pub approved: Option<bool>,
    /// Its text, shortened.
    pub excerpt: String,
    /// Live rules of the candidate that match it.
    pub rules: Vec<String>,
}

impl Flip {
    /// Worst first: approved comments that are treated harder, rejected ones let through,
    /// then what nobody decided.
    fn badness(&self) -> (u8, u8) {
        let step = (self.before as u8).abs_diff(self.after as u8);
        let harder = self.after > self.before;
        let class = match (self.approved, harder) {
            (Some(true), true) => 3,
            (Some(false), false) => 2,
            (None, _) => 1,
            (Some(_), _) => 0,
        };
        (class, step)
    }
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Verdicts judged by both sides.
    pub judged: u64,
    /// Verdicts that could not be judged again.
    pub skipped: u64,
    /// Comments treated otherwise.
    pub flips: u64,
    /// Let through now, held or refused by the candidate.
    pub newly_held: u64,
    /// Held or refused now, let through by the candidate.
    pub newly_published: u64,
    /// Of the newly held, those that people approved.
    pub approved_held: u64,
    /// What is in force, against people.
    pub before: Table,
    /// The candidate, against people.
    pub after: Table,
    /// The worst flips; at most 100.
    pub worst: Vec<Flip>,
}

impl Outcome {
    /// Of the comments that people approved and that stand now, those newly held.
    #[must_use]
    pub fn approved_held(&self) -> Rate {
        Rate::of(self.approved_held, self.before.passed)
    }

    /// Whether the candidate may come into force without a person overriding.
    #[must_use]
    pub fn passes(&self) -> bool {
        let held = self.approved_held();
        held.count < LEAST_APPROVED_HELD || held.value() <= MAX_APPROVED_HELD
    }

    fn add(&mut self, other: Self) {
        self.judged += other.judged;
        self.skipped += other.skipped;
        self.flips += other.flips;
        self.newly_held += other.newly_held;
        self.newly_published += other.newly_published;
        self.approved_held += other.approved_held;
        for (mine, theirs) in [(&mut self.before, other.before), (&mut self.after, other.after)] {
            mine.caught += theirs.caught;
            mine.wronged += theirs.wronged;
            mine.missed += theirs.missed;
            mine.passed += theirs.passed;
        }
        self.worst.extend(other.worst);
        if self.worst.len() > MAX_FLIPS {
            self.sort();
        }
    }

    fn sort(&mut self) {
        self.worst.sort_by(|a, b| b.badness().cmp(&a.badness()).then(b.verdict.cmp(&a.verdict)));
        self.worst.truncate(MAX_FLIPS);
    }
}

/// How far it is, and whether it shall stop.
#[derive(Debug, Default)]
pub struct Progress {
    /// Verdicts looked at so far.
    pub done: AtomicU64,
    /// Set to stop it.
    pub cancelled: AtomicBool,
}

/// Runs a back-test. A run that was cancelled answers what it had.
///
/// # Errors
///
/// What the store says.
pub async fn run(
    store: &SharedStore,
    question: &Question,
    sides: [Side; 2],
    progress: &Progress,
) -> Result<Outcome, StoreError> {
    let sides = Arc::new(sides);
    let mut outcome = Outcome::default();
    let mut left = question.limit;
    for site in &question.sites {
        let truth = Arc::new(truth(store, site).await?);
        let filter = VerdictFilter { from: question.from, until: question.until, ..VerdictFilter::default() };
        let mut after = None;
        while left > 0 && !progress.cancelled.load(Ordering::Relaxed) {
            let size = PAGE.min(usize::try_from(left).unwrap_or(PAGE));
            let page = store.verdicts(site, &filter, PageRequest { size, after }).await?;
            let read = page.rows.len() as u64;
            left -= read.min(left);
            let (sides, truth, now) = (Arc::clone(&sides), Arc::clone(&truth), question.now);
            let work = move || judge_page(&page.rows, &sides, &truth, now);
            outcome.add(tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Closed)?);
            progress.done.fetch_add(read, Ordering::Relaxed);
            after = page.next;
            // The oldest is last: before `from` there is nothing more.
            if after.is_none() || question.from.is_some_and(|from| is_over(after, from)) {
                break;
            }
        }
    }
    outcome.sort();
    Ok(outcome)
}

/// Whether a verdict was made before a moment, by its id.
pub(in crate::learning) fn is_over(id: Option<VerdictId>, from: Timestamp) -> bool {
    let Some(id) = id else { return true };
    let millis = id.as_bytes().iter().take(6).fold(0_i64, |all, byte| all << 8 | i64::from(*byte));
    millis < from.micros() / 1_000 - 1_000
}

/// What people said, by verdict.
///
/// # Errors
///
/// What the store says.
pub(in crate::learning) async fn truth(
    store: &SharedStore,
    site: &SiteId,
) -> Result<HashMap<VerdictId, bool>, StoreError> {
    let (mut found, mut after) = (HashMap::new(), None);
    loop {
        let page = store.samples(site, PageRequest { size: PAGE, after }).await?;
        found.extend(page.rows.into_iter().map(|sample| (sample.verdict, sample.approved)));
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn judge_page(
    verdicts: &[Verdict],
    sides: &[Side; 2],
    truth: &HashMap<VerdictId, bool>,
    now: Timestamp,
) -> Outcome {
    let one = |verdict: &Verdict| {
        BENCH.with_borrow_mut(|bench| judge_one(bench, verdict, sides, truth.get(&verdict.id).copied(), now))
    };
    let sum = |mut all: Outcome, one: Outcome| {
        all.add(one);
        all
    };
    verdicts.par_iter().map(one).reduce(Outcome::default, sum)
}

fn judge_one(
    bench: &mut Bench,
    verdict: &Verdict,
    [present, candidate]: &[Side; 2],
    approved: Option<bool>,
    now: Timestamp,
) -> Outcome {
    let mut ask = |side: &Side| {
        bench.judge(verdict, &side.bundle, Rules::Asked(&side.rules, now), side.policy.as_ref(), None)
    };
    let mut outcome = Outcome::default();
    let (Ok(before), Ok(after)) = (ask(present), ask(candidate)) else {
        outcome.skipped = 1;
        return outcome;
    };
    outcome.judged = 1;
    if let Some(approved) = approved {
        outcome.before.note(before.action, approved);
        outcome.after.note(after.action, approved);
    }
    if before.action == after.action {
        return outcome;
    }
    outcome.flips = 1;
    outcome.newly_held = u64::from(before.action == Action::Allow);
    outcome.newly_published = u64::from(after.action == Action::Allow);
    outcome.approved_held = u64::from(before.action == Action::Allow && approved == Some(true));
    let body = verdict.body.as_str();
    outcome.worst.push(Flip {
        verdict: verdict.id,
        site: verdict.site.clone(),
        before: before.action,
        after: after.action,
        approved,
        excerpt: body.get(..body.floor_char_boundary(EXCERPT)).unwrap_or_default().to_owned(),
        rules: after.rules,
    });
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_wilson() {
        let rate = Rate::of(8, 10);
        assert!((rate.low - 0.490_16).abs() < 1e-4 && (rate.high - 0.943_32).abs() < 1e-4, "{rate:?}");
        let none = Rate::of(0, 0);
        assert_eq!((none.low, none.high, none.value()), (0.0, 1.0, 0.0));
        assert_eq!(Rate::of(0, 50).low, 0.0);
    }

    #[test]
    fn a_candidate_is_stopped_for_what_it_does_to_approved_comments() {
        let outcome = |approved_held, passed| Outcome {
            approved_held,
            before: Table { passed, ..Table::default() },
            ..Outcome::default()
        };
        assert!(outcome(0, 0).passes() && outcome(2, 4).passes(), "too few to say");
        assert!(outcome(4, 200).passes());
        assert!(!outcome(5, 200).passes() && !outcome(30, 100).passes());
    }
}
