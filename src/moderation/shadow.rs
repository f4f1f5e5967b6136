//! A second snapshot on live traffic, off the request path: what it would have done.
//!
//! A scored comment is handed over after its verdict is durable, through a queue that
//! never makes a caller wait: what finds it full is dropped and counted. Both snapshots
//! judge it here with the same context, so their times and actions compare. Holds names
//! of verdicts and no text. Figures begin anew with another shadow or another start.
//!
//! May import: `types`, `features`, `scoring`, `store`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Desk, ModerationError, context::Gathered, reading::Reading};
use crate::{
    scoring::{Books, Judgement, Snapshot, judge_read},
    types::{
        Action, Comment, Disposition, FeedbackSource, Label, Preset, Ruling, Site, SiteId, Timestamp,
        VerdictId,
    },
};

/// Comments that wait at most; one is a few KiB.
const MAX_WAITING: usize = 2_048;
/// Comments judged in one go.
const BATCH: usize = 64;
/// Judgements remembered, to be held against what people rule later.
const MAX_REMEMBERED: usize = 5_000;
/// Flips listed.
const MAX_EXAMPLES: usize = 100;
/// Sections and languages counted each; what comes later is counted together.
const MAX_PARTS: usize = 50;
/// Steps of the clock of times: one is a factor of √2 from 1 µs on.
const STEPS: usize = 50;

thread_local! {
    static BOOKS: RefCell<Books> = RefCell::default();
}

/// A scored comment to be judged again.
pub(super) struct Work {
    /// The site as it was.
    pub(super) site: Arc<Site>,
    /// The comment.
    pub(super) comment: Comment,
    /// What was known of it.
    pub(super) gathered: Gathered,
    /// Name of its verdict.
    pub(super) verdict: VerdictId,
    /// The bundle that made the verdict.
    pub(super) model: String,
    /// When.
    pub(super) now: Timestamp,
}

/// What both snapshots made of a comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// The site.
    pub site: SiteId,
    /// The verdict.
    pub verdict: VerdictId,
    /// What the active snapshot makes of it, before what people said is heard.
    pub active: Action,
    /// What the shadow makes of it.
    pub shadow: Action,
    /// Probability that a moderator would remove it, by the active snapshot.
    pub active_probability: f64,
    /// The same by the shadow.
    pub shadow_probability: f64,
}

/// How long one comment takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// Mean.
    pub mean: Duration,
    /// The step below which 99 % stay, exact to a factor of √2.
    pub p99: Duration,
}

#[derive(Clone, Debug)]
struct Clockwork {
    steps: [u64; STEPS],
    total: Duration,
}

impl Default for Clockwork {
    fn default() -> Self {
        Self { steps: [0; STEPS], total: Duration::ZERO }
    }
}

impl Clockwork {
    fn add(&mut self, took: Duration) {
        let micros = (took.as_nanos() as f64 / 1_000.0).max(1.0);
        let step = ((2.0 * micros.log2()) as usize).min(STEPS - 1);
        if let Some(count) = self.steps.get_mut(step) {
            *count += 1;
        }
        self.total += took;
    }

    fn times(&self) -> Times {
        let all: u64 = self.steps.iter().sum();
        let mut below = 0;
        let over = |count: &u64| {
            below += count;
            below as f64 >= 0.99 * all as f64
        };
        let step = self.steps.iter().position(over).unwrap_or(0);
        let p99 = Duration::from_nanos((1_000.0 * 2_f64.powf((step as f64 + 1.0) / 2.0)) as u64);
        let mean = self.total / u32::try_from(all.max(1)).unwrap_or(u32::MAX);
        if all == 0 { Times::default() } else { Times { mean, p99 } }
    }
}

/// What was seen so far.
#[derive(Clone, Debug, Default)]
struct Seen {
    model: String,
    since: Timestamp,
    comments: u64,
    flips: BTreeMap<(Action, Action), u64>,
    parts: BTreeMap<(&'static str, String), (u64, u64)>,
    examples: VecDeque<Beside>,
    remembered: VecDeque<Beside>,
    active: Clockwork,
    shadow: Clockwork,
}

impl Seen {
    fn note(&mut self, one: Beside, parts: [(&'static str, String); 2], took: (Duration, Duration)) {
        self.comments += 1;
        let flipped = one.active != one.shadow;
        for (by, part) in parts {
            let known = self.parts.keys().filter(|(kind, _)| *kind == by).count();
            let key = (by, part);
            let key = if known < MAX_PARTS || self.parts.contains_key(&key) {
                key
            } else {
                (by, "(others)".into())
            };
            let (all, flips) = self.parts.entry(key).or_default();
            *all += 1;
            *flips += u64::from(flipped);
        }
        self.active.add(took.0);
        self.shadow.add(took.1);
        if flipped {
            *self.flips.entry((one.active, one.shadow)).or_default() += 1;
            keep(&mut self.examples, one.clone(), MAX_EXAMPLES);
        }
        keep(&mut self.remembered, one, MAX_REMEMBERED);
    }
}

fn keep<T>(kept: &mut VecDeque<T>, one: T, most: usize) {
    if kept.len() == most {
        kept.pop_front();
    }
    kept.push_back(one);
}

/// Both snapshots held against what people ruled.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Comments that people ruled on.
    pub ruled: u64,
    /// Of them: where the active snapshot's action agrees.
    pub active_right: u64,
    /// Where the shadow's does.
    pub shadow_right: u64,
    /// Good ones that each keeps back: active, shadow.
    pub held_good: (u64, u64),
    /// Bad ones that each lets through: active, shadow.
    pub published_bad: (u64, u64),
    /// What the mistakes cost by the balanced policy, in false alarms: active, shadow.
    pub cost: (f64, f64),
}

/// What the shadow would have done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShadowReport {
    /// The bundle in shadow; empty when there is none.
    pub model: String,
    /// Since when.
    pub since: Timestamp,
    /// Comments judged by both.
    pub comments: u64,
    /// Comments that found the queue full.
    pub dropped: u64,
    /// Comments that get another action: from, to, how many.
    pub flips: Vec<(Action, Action, u64)>,
    /// Flips by `section` and `language`: part, comments, flips.
    pub parts: Vec<(&'static str, String, u64, u64)>,
    /// Some of them, the newest first.
    pub examples: Vec<Beside>,
    /// Held against what people ruled since, over the newest comments.
    pub agreement: Agreement,
    /// How long the active snapshot takes.
    pub active_times: Times,
    /// How long the shadow takes.
    pub shadow_times: Times,
}

/// The shadow of a node.
pub struct Shadow {
    desk: Desk,
    live: Arc<ArcSwap<Snapshot>>,
    beside: Arc<ArcSwapOption<Snapshot>>,
    sender: mpsc::Sender<Work>,
    receiver: tokio::sync::Mutex<mpsc::Receiver<Work>>,
    dropped: AtomicU64,
    seen: Mutex<Seen>,
}

impl Shadow {
    /// A shadow beside what scores.
    #[must_use]
    pub fn new(desk: Desk, live: Arc<ArcSwap<Snapshot>>, beside: Arc<ArcSwapOption<Snapshot>>) -> Self {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        let receiver = tokio::sync::Mutex::new(receiver);
        Self { desk, live, beside, sender, receiver, dropped: AtomicU64::new(0), seen: Mutex::default() }
    }

    /// Whether anything is asked beside.
    pub(super) fn is_on(&self) -> bool {
        self.beside.load().is_some()
    }

    /// Takes a comment over, or drops it: never waits.
    pub(super) fn offer(&self, work: Work) {
        if self.sender.try_send(work).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Judges what is handed over until `stop` is cancelled.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut waiting = self.receiver.lock().await;
        loop {
            let mut batch = Vec::with_capacity(BATCH);
            tokio::select! {
                () = stop.cancelled() => return,
                got = waiting.recv_many(&mut batch, BATCH) => if got == 0 { return },
            }
            let Some(beside) = self.beside.load_full() else { continue };
            let (this, live) = (Arc::clone(&self), self.live.load_full());
            let judged = tokio::task::spawn_blocking(move || {
                for work in batch {
                    this.judge(&live, &beside, work);
                }
            });
            if judged.await.is_err() {
                tracing::error!("judging beside failed");
            }
        }
    }

    fn judge(&self, live: &Snapshot, beside: &Snapshot, work: Work) {
        let Work { site, comment, mut gathered, verdict, model, now } = work;
        if model != live.model_id() {
            return;
        }
        gathered.reading = Reading::of(&comment);
        let language = gathered.reading.document().language().map_or("", |guess| guess.lang);
        let parts =
            [("language", language.to_owned()), ("section", gathered.section.clone().unwrap_or_default())];
        let context = gathered.context(&site, now);
        let ask = |snapshot: &Snapshot| {
            let began = Instant::now();
            let document = gathered.reading.document();
            let judgement = BOOKS.with_borrow_mut(|books| {
                judge_read(snapshot, &site.policy, Some(&site.id), &comment, document, &context, books)
            });
            (judgement, began.elapsed())
        };
        let (active, active_took) = ask(live);
        let (shadow, shadow_took) = ask(&Snapshot { rules: Arc::clone(&live.rules), ..beside.clone() });
        let probability = |judgement: &Judgement| judgement.assessment.probability.get();
        let one = Beside {
            site: site.id.clone(),
            verdict,
            active: active.action,
            shadow: shadow.action,
            active_probability: probability(&active),
            shadow_probability: probability(&shadow),
        };
        let mut seen = self.seen.lock();
        if seen.model != beside.model_id() {
            self.dropped.store(0, Ordering::Relaxed);
            *seen = Seen { model: beside.model_id().to_owned(), since: now, ..Seen::default() };
        }
        seen.note(one, parts, (active_took, shadow_took));
    }

    /// What the shadow would have done so far.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn report(&self) -> Result<ShadowReport, ModerationError> {
        let Some(beside) = self.beside.load_full() else { return Ok(ShadowReport::default()) };
        let seen = self.seen.lock().clone();
        if seen.model != beside.model_id() {
            let model = beside.model_id().to_owned();
            return Ok(ShadowReport { model, since: self.desk.clock.now(), ..ShadowReport::default() });
        }
        let agreement = self.agreement(&seen.remembered).await?;
        Ok(ShadowReport {
            model: seen.model,
            since: seen.since,
            comments: seen.comments,
            dropped: self.dropped.load(Ordering::Relaxed),
            flips: seen.flips.into_iter().map(|((from, to), count)| (from, to, count)).collect(),
            parts: seen.parts.into_iter().map(|((by, part), (all, flips))| (by, part, all, flips)).collect(),
            examples: seen.examples.into_iter().rev().collect(),
            agreement,
            active_times: seen.active.times(),
            shadow_times: seen.shadow.times(),
        })
    }

    async fn agreement(&self, judged: &VecDeque<Beside>) -> Result<Agreement, ModerationError> {
        let mut found = Agreement::default();
        for one in judged {
            let Some((bad, label)) = self.ruling(&one.site, one.verdict).await? else { continue };
            found.ruled += 1;
            let costs = Preset::Balanced.costs(label, Action::Hold);
            let missed = costs.map_or(1.0, |costs| costs.missed / costs.wrong);
            let hold_against = |action: Action, right: &mut u64, wrong: &mut [u64; 2], cost: &mut f64| match (
                action == Action::Allow,
                bad,
            ) {
                (true, true) => {
                    wrong[1] += 1;
                    *cost += missed;
                }
                (false, false) => {
                    wrong[0] += 1;
                    *cost += 1.0;
                }
                (true, false) | (false, true) => *right += 1,
            };
            let (mut by_active, mut by_shadow) = ([0, 0], [0, 0]);
            hold_against(one.active, &mut found.active_right, &mut by_active, &mut found.cost.0);
            hold_against(one.shadow, &mut found.shadow_right, &mut by_shadow, &mut found.cost.1);
            found.held_good.0 += by_active[0];
            found.published_bad.0 += by_active[1];
            found.held_good.1 += by_shadow[0];
            found.published_bad.1 += by_shadow[1];
        }
        Ok(found)
    }

    /// Whether people say that a comment has to go, and the label that they give it.
    async fn ruling(
        &self,
        site: &SiteId,
        verdict: VerdictId,
    ) -> Result<Option<(bool, Label)>, ModerationError> {
        let store = &self.desk.store;
        if let Some(decision) = store.item_of(site, verdict).await?.and_then(|item| item.decision)
            && let Some(decision) = store.decision(site, decision).await?
        {
            let label = decision.reason.and_then(crate::types::ReasonCode::label).unwrap_or(Label::Spam);
            return Ok(Some((decision.disposition == Disposition::Reject, label)));
        }
        let feedback = store.feedback_on(site, verdict).await?;
        let newest = feedback.into_iter().rev().find(|one| one.source != FeedbackSource::Reader);
        Ok(newest.map(|one| match one.ruling {
            Ruling::Approve => (false, Label::Spam),
            Ruling::Reject(labels) => (true, labels.first().copied().unwrap_or(Label::Spam)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_to_a_factor_of_root_two() {
        let mut clock = Clockwork::default();
        assert_eq!(clock.times(), Times::default());
        for _ in 0..98 {
            clock.add(Duration::from_micros(10));
        }
        clock.add(Duration::from_micros(1_000));
        clock.add(Duration::from_micros(1_000));
        let Times { mean, p99 } = clock.times();
        assert!((29..31).contains(&mean.as_micros()), "{mean:?}");
        assert!((1_000..=1_415).contains(&p99.as_micros()), "{p99:?}");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut seen = Seen::default();
        for n in 0..u16::try_from(MAX_REMEMBERED + 100).unwrap() {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&n.to_be_bytes());
            let one = Beside {
                site: SiteId::new("news").unwrap(),
                verdict: VerdictId::from_bytes(id),
                active: Action::Allow,
                shadow: if n % 2 == 0 { Action::Hold } else { Action::Allow },
                active_probability: 0.1,
                shadow_probability: 0.6,
            };
            let parts = [("language", String::new()), ("section", format!("desk {n}"))];
            seen.note(one, parts, (Duration::from_micros(3), Duration::from_micros(4)));
        }
        assert_eq!((seen.examples.len(), seen.remembered.len()), (MAX_EXAMPLES, MAX_REMEMBERED));
        assert_eq!(seen.flips[&(Action::Allow, Action::Hold)], 2_550);
        assert_eq!(seen.parts.len(), 1 + MAX_PARTS + 1);
        assert_eq!(seen.parts[&("section", "(others)".to_owned())].0, 5_050);
    }
}
