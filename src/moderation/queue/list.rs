//! Lists of items, one item, and the verdicts behind them.
//!
//! May import: `types`, `store`.

use super::{Deed, QueueDesk, Scope, View, Wanted, is_hidden};
use crate::{
    moderation::{Actor, ModerationError},
    store::{ItemCursor, ItemQuery, Placed, QueueStats, StoreError, StoredHour},
    types::{
        Decision, ItemState, Page, PageRequest, QueueFilter, QueueItem, QueueItemId, QueueOrder, Rank,
        SiteId, Verdict,
    },
};

/// Items of each state that are looked at one by one.
const MAX_COUNTED: u64 = 5_000;

/// Counts with what follows from them.
#[derive(Clone, Debug)]
pub struct StatsTold {
    /// The counts.
    pub stats: QueueStats,
    /// Where they lead.
    pub forecast: super::Forecast,
    /// Whether some of them are by the share of what the caller may see.
    pub estimated: bool,
}

/// A count cut to a share.
fn scaled(count: u64, part: u64, of: u64) -> u64 {
    (count as f64 * part as f64 / of.max(1) as f64).round() as u64
}

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

    /// How much waits, and how fast it comes and goes. Of items that closed queues keep
    /// from the caller nothing is counted.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`].
    pub async fn stats(&self, caller: &Actor, site: &SiteId) -> Result<StatsTold, ModerationError> {
        self.known(site).await?;
        let stats = self.desk.store.queue_stats(site).await?;
        let hidden = self.hidden(caller, site, Deed::Look).await?;
        let (stats, estimated) = match hidden.is_empty() {
            true => (stats, false),
            false => self.visible_stats(site, stats, &hidden).await?,
        };
        let forecast = super::Forecast::of(&stats, self.now());
        Ok(StatsTold { stats, forecast, estimated })
    }

    /// The counts without hidden items: looked at one by one up to a bound, beyond it by
    /// their share. What came and went by the hour is by that share too, since nobody
    /// keeps it by queue.
    async fn visible_stats(
        &self,
        site: &SiteId,
        mut stats: QueueStats,
        hidden: &[QueueFilter],
    ) -> Result<(QueueStats, bool), ModerationError> {
        let (mut seen, mut visible, now) = (0_u64, 0_u64, self.now());
        let mut oldest = None;
        for state in ItemState::ALL {
            let query = ItemQuery { filter: QueueFilter::default(), state, order: QueueOrder::Oldest };
            let (mut of_state, mut shown, mut after) = (0_u64, 0_u64, None);
            loop {
                let page = self.desk.store.items(site, &query, PageRequest { size: 500, after }, now).await?;
                of_state += page.rows.len() as u64;
                for placed in page.rows.iter().filter(|placed| !is_hidden(&placed.item, hidden, now)) {
                    shown += 1;
                    if state == ItemState::Open {
                        oldest = oldest.or(Some(placed.item.waiting_since));
                    }
                }
                after = page.next;
                if after.is_none() || of_state >= MAX_COUNTED {
                    break;
                }
            }
            let count = match state {
                ItemState::Open => &mut stats.open,
                ItemState::Claimed => &mut stats.claimed,
                ItemState::Decided => &mut stats.decided,
            };
            *count = if after.is_none() { shown } else { scaled(*count, shown, of_state) };
            (seen, visible) = (seen + of_state, visible + shown);
        }
        stats.oldest = oldest;
        for (_, hour) in &mut stats.hours {
            let StoredHour { added, reopened, approved, rejected, undone } = hour;
            for count in [added, reopened, approved, rejected, undone] {
                *count = scaled(*count, visible, seen);
            }
        }
        Ok((stats, true))
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
