//! Many items decided at once, and decisions taken back, one or a batch.
//!
//! May import: `types`, `store`.

use sha2::{Digest as _, Sha256};

use super::{Deed, InheritTerms, QueueDesk, Ruled, Wanted, claim::part, decide::is_lead};
use crate::{
    moderation::{Actor, ModerationError},
    store::{ItemCursor, ItemQuery, Outcome, Placed, QueueRefusal, RequestMark, StoreError, UndoRequest},
    types::{
        Action, BatchId, Decision, DecisionId, ItemState, PageRequest, QueueItem, QueueItemId, QueueOrder,
        SiteId,
    },
};

/// Most items of one call.
pub const MAX_BATCH: usize = 500;
/// Most items that a preview counts.
const MAX_PREVIEW: usize = 10_000;
/// Items shown of a preview.
const SAMPLE: usize = 10;
/// Rows of one page read here.
const PAGE: usize = 500;

/// Which items a batch is about.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These.
    Items(Vec<QueueItemId>),
    /// Open ones that pass.
    Filter(Box<Wanted>),
}

/// A batch to be decided.
#[derive(Clone, Debug)]
pub struct BatchAsk {
    /// Which items.
    pub selection: Selection,
    /// What is ruled on each.
    pub ruled: Ruled,
    /// The batch to add to; `None` starts one.
    pub batch: Option<BatchId>,
    /// Set when the client wants retries recognised.
    pub request: Option<RequestMark>,
}

/// What a batch would do.
#[derive(Clone, Debug, Default)]
pub struct BatchPreview {
    /// Items that would be decided.
    pub count: usize,
    /// Items that are held, decided or unknown.
    pub failing: usize,
    /// Whether there are more than were counted.
    pub more: bool,
    /// Of those counted, how many agree with the automatic action.
    pub agreed: usize,
    /// Mean probability, by the model, that the decision is wrong; in `[0, 1]`.
    pub estimated_error: f64,
    /// Some of the items, spread over the selection.
    pub sample: Vec<Placed>,
}

/// What a batch did.
#[derive(Debug)]
pub struct BatchOutcome {
    /// Its name.
    pub batch: BatchId,
    /// Per item, in order of the selection.
    pub results: Vec<(QueueItemId, Result<Decision, ModerationError>)>,
    /// Whether the filter matches further items.
    pub more: bool,
    /// Of those decided, how many agree with the automatic action.
    pub agreed: usize,
    /// Mean probability, by the model, that a decision is wrong; in `[0, 1]`.
    pub estimated_error: f64,
}

/// What undoing did.
#[derive(Debug)]
pub struct UndoPage {
    /// Per decision: which, and the decision that undoes it.
    pub results: Vec<(DecisionId, Result<Decision, ModerationError>)>,
    /// Where the batch goes on.
    pub next: Option<DecisionId>,
}

impl QueueDesk {
    /// Says what a batch would do.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], [`ModerationError::Forbidden`].
    pub async fn preview_batch(
        &self,
        caller: &Actor,
        site: &SiteId,
        ask: &BatchAsk,
    ) -> Result<BatchPreview, ModerationError> {
        self.may_batch(caller, site, &ask.ruled).await?;
        let (items, more) = self.select(site, &ask.selection, MAX_PREVIEW).await?;
        let now = self.now();
        let decidable = |item: &&QueueItem| match item.state {
            ItemState::Open => true,
            ItemState::Claimed => !item.is_held(now) || holds(item, caller),
            ItemState::Decided => false,
        };
        let total = items.len();
        let items: Vec<QueueItem> = items.into_iter().flatten().collect();
        let fine: Vec<&QueueItem> = items.iter().filter(decidable).collect();
        let step = fine.len().div_ceil(SAMPLE).max(1);
        let sample = fine.iter().step_by(step).map(|i| self.placed((*i).clone(), QueueOrder::ValueOfLook));
        let sample = sample.collect();
        let (agreed, estimated_error) = judged(&ask.ruled.outcome, fine.iter().copied());
        let count = fine.len();
        Ok(BatchPreview { count, failing: total - count, more, agreed, estimated_error, sample })
    }

    /// Decides a batch; one failing item leaves the others.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], [`ModerationError::Forbidden`].
    pub async fn decide_batch(
        &self,
        caller: &Actor,
        site: &SiteId,
        ask: BatchAsk,
    ) -> Result<BatchOutcome, ModerationError> {
        self.may_batch(caller, site, &ask.ruled).await?;
        let BatchAsk { selection, ruled, batch, request } = ask;
        let fresh = batch.is_none();
        let batch = batch.unwrap_or_else(|| request.as_ref().map_or_else(BatchId::generate, name_of));
        if fresh
            && request.is_some()
            && let Some(outcome) = self.replayed(site, batch, &ruled).await?
        {
            return Ok(outcome);
        }
        let campaign = match &selection {
            Selection::Filter(wanted) => wanted.filter.campaign,
            Selection::Items(_) => None,
        };
        let (items, more) = self.select(site, &selection, MAX_BATCH).await?;
        let ids: Vec<QueueItemId> = match selection {
            Selection::Items(ids) => ids,
            Selection::Filter(_) => items.iter().flatten().map(|item| item.id).collect(),
        };
        let decisions = ids.iter().map(|id| {
            let request = request.as_ref().map(|mark| part(mark, id.as_bytes()));
            self.decision(caller, *id, &ruled, None, (Some(batch), request))
        });
        let made = self.desk.store.decide(site, decisions.collect(), self.now()).await;
        let results: Vec<_> =
            ids.into_iter().zip(made.into_iter().map(|r| r.map_err(ModerationError::from))).collect();
        if let Some(campaign) = campaign
            && results.iter().any(|(_, result)| result.is_ok())
        {
            self.pass_on(caller, site, (campaign, batch), &ruled.outcome, InheritTerms::default()).await?;
        }
        let done = |item: &&QueueItem| results.iter().any(|(id, result)| *id == item.id && result.is_ok());
        let decided: Vec<&QueueItem> = items.iter().flatten().filter(done).collect();
        let (agreed, estimated_error) = judged(&ruled.outcome, decided.iter().copied());
        Ok(BatchOutcome { batch, results, more, agreed, estimated_error })
    }

    pub(super) async fn may_batch(
        &self,
        caller: &Actor,
        site: &SiteId,
        ruled: &Ruled,
    ) -> Result<(), ModerationError> {
        if !is_lead(caller) {
            return Err(ModerationError::Forbidden);
        }
        self.known(site).await?;
        self.check(caller, ruled)
    }

    /// What a batch of this name has decided already; `None` when nothing.
    async fn replayed(
        &self,
        site: &SiteId,
        batch: BatchId,
        ruled: &Ruled,
    ) -> Result<Option<BatchOutcome>, ModerationError> {
        let page = PageRequest { size: MAX_BATCH, after: None };
        let made = self.desk.store.decisions_of(site, batch, page).await?.rows;
        if made.is_empty() {
            return Ok(None);
        }
        let mut items = Vec::new();
        for decision in &made {
            items.extend(self.desk.store.item(site, decision.item).await?);
        }
        let (agreed, estimated_error) = judged(&ruled.outcome, items.iter());
        let results = made.into_iter().map(|decision| (decision.item, Ok(decision))).collect();
        Ok(Some(BatchOutcome { batch, results, more: true, agreed, estimated_error }))
    }

    /// The items of a selection, `None` for unknown ones, and whether there are more.
    async fn select(
        &self,
        site: &SiteId,
        selection: &Selection,
        most: usize,
    ) -> Result<(Vec<Option<QueueItem>>, bool), ModerationError> {
        match selection {
            Selection::Items(ids) => {
                let mut items = Vec::with_capacity(ids.len());
                for id in ids {
                    items.push(self.desk.store.item(site, *id).await?);
                }
                Ok((items, false))
            }
            Selection::Filter(wanted) => {
                let filter = self.resolve(site, (**wanted).clone());
                let query = ItemQuery { filter, state: ItemState::Open, order: QueueOrder::Oldest };
                self.scan(site, &query, most).await
            }
        }
    }

    async fn scan(
        &self,
        site: &SiteId,
        query: &ItemQuery,
        most: usize,
    ) -> Result<(Vec<Option<QueueItem>>, bool), ModerationError> {
        let (mut items, mut after, now): (_, Option<ItemCursor>, _) = (Vec::new(), None, self.now());
        loop {
            let size = PAGE.min(most - items.len());
            let page = self.desk.store.items(site, query, PageRequest { size, after }, now).await?;
            items.extend(page.rows.into_iter().map(|placed| Some(placed.item)));
            after = page.next;
            if after.is_none() || items.len() >= most {
                return Ok((items, after.is_some()));
            }
        }
    }

    /// Takes one decision back. A moderator takes back own decisions only.
    ///
    /// # Errors
    ///
    /// `DECISION_NOT_FOUND`, `DECISION_NOT_STANDING`, [`ModerationError::Forbidden`].
    pub async fn undo(
        &self,
        caller: &Actor,
        site: &SiteId,
        id: DecisionId,
        note: String,
        request: Option<RequestMark>,
    ) -> Result<Decision, ModerationError> {
        let decision = self.desk.store.decision(site, id).await?;
        let decision = decision.ok_or_else(|| StoreError::from(QueueRefusal::UnknownDecision(id)))?;
        self.reachable(caller, site, decision.item, Deed::Act).await?;
        if decision.actor != caller.key && !is_lead(caller) {
            return Err(ModerationError::Forbidden);
        }
        let undo = undoing(caller, id, note, None, request);
        let undone = self.desk.store.undo(site, vec![undo], self.now()).await;
        Ok(undone.into_iter().next().ok_or(StoreError::Closed)??)
    }

    /// Takes back those decisions of a batch that still hold, a page at a time.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Forbidden`] unless a lead asks.
    pub async fn undo_batch(
        &self,
        caller: &Actor,
        site: &SiteId,
        batch: BatchId,
        note: &str,
        (after, request): (Option<DecisionId>, Option<RequestMark>),
    ) -> Result<UndoPage, ModerationError> {
        if !is_lead(caller) {
            return Err(ModerationError::Forbidden);
        }
        let page = PageRequest { size: MAX_BATCH, after };
        let page = self.desk.store.decisions_of(site, batch, page).await?;
        let rulings: Vec<DecisionId> = page
            .rows
            .iter()
            .filter(|decision| decision.reverses.is_none())
            .map(|decision| decision.id)
            .collect();
        let undo = |id: &DecisionId| {
            let request = request.as_ref().map(|mark| part(mark, id.as_bytes()));
            undoing(caller, *id, note.to_owned(), None, request)
        };
        let undone = self.desk.store.undo(site, rulings.iter().map(undo).collect(), self.now()).await;
        let items: Vec<_> = undone.iter().flatten().map(|decision| decision.item).collect();
        self.end_inheritance(caller, site, batch, &items).await?;
        let results = rulings.into_iter().zip(undone);
        let results =
            results.filter(|(_, result)| !is_gone(result)).map(|(id, r)| (id, r.map_err(Into::into)));
        Ok(UndoPage { results: results.collect(), next: page.next })
    }
}

pub(super) fn holds(item: &QueueItem, caller: &Actor) -> bool {
    item.lease.as_ref().is_some_and(|lease| lease.holder == caller.key)
}

fn undoing(
    caller: &Actor,
    reverses: DecisionId,
    note: String,
    batch: Option<BatchId>,
    request: Option<RequestMark>,
) -> UndoRequest {
    UndoRequest { id: DecisionId::generate(), reverses, actor: caller.key.clone(), note, batch, request }
}

/// Whether a decision did not hold any more when it was to be taken back.
fn is_gone(result: &Result<Decision, StoreError>) -> bool {
    matches!(result, Err(StoreError::Queue(QueueRefusal::NotStanding(_))))
}

/// How many items' automatic action a outcome agrees with, and the mean probability
/// that the outcome is wrong.
fn judged<'a>(outcome: &Outcome, items: impl ExactSizeIterator<Item = &'a QueueItem>) -> (usize, f64) {
    let count = items.len().max(1) as f64;
    let (mut agreed, mut error) = (0, 0.0);
    for item in items {
        let p = item.overall.get();
        let allowed = item.action == Action::Allow;
        let approves = matches!(outcome, Outcome::Approve);
        agreed += usize::from(allowed == approves);
        error += if approves { p } else { 1.0 - p };
    }
    (agreed, error / count)
}

/// The name of the batch that a request makes: the same for a retry, whatever
/// became of the first try.
pub(super) fn name_of(mark: &RequestMark) -> BatchId {
    let digest = Sha256::new()
        .chain_update(mark.actor.as_str())
        .chain_update([0])
        .chain_update(mark.id.as_bytes())
        .chain_update(mark.payload)
        .finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    // The bits by which RFC 9562 knows a UUID of its version 8: ours alone to fill.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    BatchId::from_bytes(bytes)
}
