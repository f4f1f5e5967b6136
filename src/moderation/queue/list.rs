//! Lists of items, one item, and the verdicts behind them.
//!
//! May import: `types`, `store`.

use super::{Deed, QueueDesk, Scope, View, Wanted, is_hidden};
use crate::{
    moderation::{Actor, ModerationError},
    store::{ItemCursor, ItemQuery, Placed, QueueStats, StoreError},
    types::{
        Decision, ItemState, Page, PageRequest, QueueItem, QueueItemId, QueueOrder, Rank, SiteId, Verdict,
    },
};

/// A page of items that is wanted.
#[derive(Clone, Debug)]
pub struct ListAsk {
    /// Whose.
    pub scope: Scope,
    /// Which of them.
    pub wanted: Wanted,
    /// In which order; `None` means the queue's own.
    pub order: Option<QueueOrder>,
    /// In which state.
    pub state: ItemState,
    /// Which page.
    pub page: PageRequest<ItemCursor>,
}

impl QueueDesk {
    /// Items in order, each with the reason for its place; and that order.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], `QUEUE_NOT_FOUND`.
    pub async fn list(
        &self,
        caller: &Actor,
        site: &SiteId,
        ask: ListAsk,
    ) -> Result<(QueueOrder, Page<Placed, ItemCursor>), ModerationError> {
        let ListAsk { scope, wanted, order, state, page } = ask;
        let view = self.view(caller, site, (&scope, wanted, order), Deed::Look).await?;
        let View { filter: Some(filter), order, hidden } = view else {
            return Ok((view.order, Page { rows: Vec::new(), next: None }));
        };
        let now = self.now();
        let query = ItemQuery { filter, state, order };
        let mut found = self.desk.store.items(site, &query, page, now).await?;
        found.rows.retain(|placed| !is_hidden(&placed.item, &hidden, now));
        Ok((order, found))
    }

    /// One item with every decision on it, oldest first.
    ///
    /// # Errors
    ///
    /// `QUEUE_ITEM_NOT_FOUND`.
    pub async fn item(
        &self,
        caller: &Actor,
        site: &SiteId,
        id: QueueItemId,
    ) -> Result<(Placed, Vec<Decision>), ModerationError> {
        let item = self.reachable(caller, site, id, Deed::Look).await?;
        let decisions = self.desk.store.decisions_on(site, id).await?;
        Ok((self.placed(item, QueueOrder::ValueOfLook), decisions))
    }

    /// The verdict behind an item.
    ///
    /// # Errors
    ///
    /// `VERDICT_NOT_FOUND`: it was erased.
    pub async fn verdict_behind(&self, site: &SiteId, placed: &Placed) -> Result<Verdict, ModerationError> {
        let id = placed.item.verdict;
        let verdict = self.desk.store.verdict(site, id).await?;
        verdict.ok_or(ModerationError::Store(StoreError::UnknownVerdict(id)))
    }

    /// How much waits, and how fast it comes and goes.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`].
    pub async fn stats(&self, site: &SiteId) -> Result<(QueueStats, super::Forecast), ModerationError> {
        self.known(site).await?;
        let stats = self.desk.store.queue_stats(site).await?;
        let forecast = super::Forecast::of(&stats, self.now());
        Ok((stats, forecast))
    }

    /// An item with its place in an order.
    #[must_use]
    pub fn placed(&self, item: QueueItem, order: QueueOrder) -> Placed {
        let (rank, now) = (Rank::of(&item), self.now());
        let value = rank.value(order, item.waiting_since, now);
        let why = rank.explain(order, item.waiting_since, now);
        Placed { item, rank, value, why }
    }
}
