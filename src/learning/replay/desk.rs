//! Back-tests as work that runs beside the calls, and as the gate before rules are
//! published.
//!
//! May import: `types`, `rules`, `store`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;

use super::{
    Replay, ReplayError,
    backtest::{self, MAX_APPROVED_HELD, Outcome, Progress, Question, Side},
};
use crate::{
    learning::{Publication, RuleRef},
    rules::RuleSet,
    types::{ModelId, PageRequest, Policy, RuleVersion, RulesState, SiteId, Timestamp},
};

/// Most verdicts of one back-test.
pub const MAX_VERDICTS: u64 = 1_000_000;
/// Verdicts that the gate before publishing looks at: some seconds.
const GATE_VERDICTS: u64 = 20_000;
/// How far back it looks.
const GATE_DAYS: u64 = 28;
/// Back-tests remembered.
const MAX_KEPT: usize = 50;
/// The gate's name, for overrides.
pub const APPROVED_HELD: &str = "approved_held";

/// What is tried.
#[derive(Clone, Debug, Default)]
pub struct Candidate {
    /// Rules instead of those in force.
    pub rules: Option<RuleRef>,
    /// A model instead of the active one.
    pub model: Option<ModelId>,
    /// Thresholds instead of those that decided.
    pub policy: Option<Policy>,
}

/// Where a back-test stands.
#[derive(Clone, Debug)]
pub enum Stand {
    /// It runs.
    Running,
    /// It ended; cancelled or not.
    Ended {
        /// Whether it was cancelled.
        cancelled: bool,
        /// What came out.
        outcome: Box<Outcome>,
    },
    /// It could not be carried out.
    Failed(String),
}

/// A back-test.
#[derive(Debug)]
pub struct Backtest {
    /// Its number.
    pub id: u64,
    /// The site whose rules or verdicts it is about.
    pub site: SiteId,
    /// Rules of the candidate that cannot be measured.
    pub unmeasured: Vec<String>,
    progress: Progress,
    stand: Mutex<Stand>,
}

impl Backtest {
    /// Verdicts looked at so far.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.progress.done.load(Ordering::Relaxed)
    }

    /// Where it stands.
    #[must_use]
    pub fn stand(&self) -> Stand {
        self.stand.lock().clone()
    }
}

/// Back-tests of this process.
#[derive(Debug, Default)]
pub struct Runs {
    kept: Mutex<BTreeMap<u64, Arc<Backtest>>>,
    last: AtomicU64,
}

/// A time range of verdicts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// Only verdicts made at or after this moment.
    pub from: Option<Timestamp>,
    /// Only verdicts made before this moment.
    pub until: Option<Timestamp>,
    /// Most verdicts; 0 means [`MAX_VERDICTS`].
    pub limit: u64,
}

impl Replay {
    /// Starts a back-test.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Busy`] while another one runs; what the rulebook and the models say.
    pub async fn start(
        &self,
        site: &SiteId,
        candidate: Candidate,
        range: Range,
    ) -> Result<Arc<Backtest>, ReplayError> {
        let (sides, unmeasured) = self.sides(site, &candidate).await?;
        let question = self.question(site, range).await?;
        let mut kept = self.runs.kept.lock();
        if kept.values().any(|run| matches!(*run.stand.lock(), Stand::Running)) {
            return Err(ReplayError::Busy);
        }
        let id = self.runs.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (progress, stand) = (Progress::default(), Mutex::new(Stand::Running));
        let run = Arc::new(Backtest { id, site: site.clone(), unmeasured, progress, stand });
        kept.insert(id, Arc::clone(&run));
        while kept.len() > MAX_KEPT {
            kept.pop_first();
        }
        drop(kept);
        let (store, running) = (self.store.clone(), Arc::clone(&run));
        let runtime = tokio::runtime::Handle::current();
        // Ends by itself: at the latest when the store is closed under it.
        drop(tokio::task::spawn_blocking(move || {
            let done = runtime.block_on(backtest::run(&store, &question, sides, &running.progress));
            *running.stand.lock() = match done {
                Ok(outcome) => Stand::Ended {
                    cancelled: running.progress.cancelled.load(Ordering::Relaxed),
                    outcome: Box::new(outcome),
                },
                Err(error) => Stand::Failed(error.to_string()),
            };
        }));
        Ok(run)
    }

    /// A back-test.
    ///
    /// # Errors
    ///
    /// [`ReplayError::UnknownBacktest`].
    pub fn backtest(&self, id: u64) -> Result<Arc<Backtest>, ReplayError> {
        self.runs.kept.lock().get(&id).cloned().ok_or(ReplayError::UnknownBacktest(id))
    }

    /// Stops a back-test soon.
    ///
    /// # Errors
    ///
    /// [`ReplayError::UnknownBacktest`].
    pub fn cancel(&self, id: u64) -> Result<Arc<Backtest>, ReplayError> {
        let run = self.backtest(id)?;
        run.progress.cancelled.store(true, Ordering::Relaxed);
        Ok(run)
    }

    /// Publishes rules if a back-test over the newest verdicts of four weeks lets them, or
    /// if its gate is overridden by name with a reason.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Gate`] with the comments; what the rulebook says.
    pub async fn publish(
        &self,
        site: &SiteId,
        publication: Publication,
    ) -> Result<(RuleVersion, RulesState, Outcome), ReplayError> {
        let candidate = Candidate { rules: Some(publication.set.clone()), ..Candidate::default() };
        let (sides, _) = self.sides(site, &candidate).await?;
        let from = self.rulebook.now().micros() - i64::try_from(GATE_DAYS * 86_400_000_000).unwrap_or(0);
        let range = Range { from: Some(Timestamp::from_micros(from)), until: None, limit: GATE_VERDICTS };
        let question = self.question(site, range).await?;
        let outcome = backtest::run(&self.store, &question, sides, &Progress::default()).await?;
        if !outcome.passes() && publication.overridden.is_empty() {
            return Err(ReplayError::Gate(Box::new(outcome)));
        }
        let (version, state) = self.rulebook.publish(site, publication).await?;
        Ok((version, state, outcome))
    }

    async fn question(&self, site: &SiteId, range: Range) -> Result<Question, ReplayError> {
        let mut sites = vec![site.clone()];
        if *site == SiteId::installation() {
            let page = self.store.sites(PageRequest { size: 500, after: None }).await?;
            sites = page.rows.into_iter().map(|site| site.id).collect();
        }
        let Range { from, until, limit } = range;
        let limit = if limit == 0 { MAX_VERDICTS } else { limit.min(MAX_VERDICTS) };
        Ok(Question { sites, from, until, limit, now: self.rulebook.now() })
    }

    /// What is in force and what is tried, with the rules that cannot be measured.
    async fn sides(
        &self,
        site: &SiteId,
        candidate: &Candidate,
    ) -> Result<([Side; 2], Vec<String>), ReplayError> {
        let live = self.rulebook.snapshot();
        let present = Side { bundle: Arc::clone(&live.bundle), rules: Arc::clone(&live.rules), policy: None };
        let mut tried = Side { policy: candidate.policy, ..present.clone() };
        if let Some(model) = &candidate.model {
            let found = self.models.bundle(model).await;
            tried.bundle = found.map_err(|_| ReplayError::Model(model.to_string()))?;
        }
        let mut unmeasured = Vec::new();
        if let Some(rules) = &candidate.rules {
            let (entry, _) = self.rulebook.get(site, rules).await?;
            let looks = entry.set.rules().filter(|rule| rule.looks_at_unkept);
            unmeasured = looks.map(|rule| rule.name.to_owned()).collect();
            tried.rules = Arc::new(layered(site, &live.rules, entry.set));
        }
        Ok(([present, tried], unmeasured))
    }
}

/// The rules in force with one set in place of another.
fn layered(site: &SiteId, live: &RuleSet, set: RuleSet) -> RuleSet {
    if *site == SiteId::installation() {
        return set.with_own(live.owners());
    }
    let others = live.owners().filter(|(owner, _)| owner != site);
    live.with_own(others.chain([(site.clone(), set)]))
}

/// What the gate says, in words.
pub(super) fn gate_words(outcome: &Outcome) -> String {
    let held = outcome.approved_held();
    format!(
        "{} of {} comments that people approved would be held ({:.1} %, at most {:.1} % may): override the gate {APPROVED_HELD} with a reason, or correct the rules",
        held.count,
        held.of,
        100.0 * held.value(),
        100.0 * MAX_APPROVED_HELD
    )
}

/// How long mining and reports look back when nothing is said.
#[must_use]
pub fn days_before(now: Timestamp, days: u64) -> Timestamp {
    let span = Duration::from_secs(days * 86_400).as_micros();
    Timestamp::from_micros(now.micros().saturating_sub(i64::try_from(span).unwrap_or(i64::MAX)))
}
