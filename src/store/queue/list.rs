//! Walks over items in an order, looking at a bounded number of them.
//!
//! May import: `types`, `store`.

use std::ops::ControlFlow;

use super::{
    super::StoreError,
    campaigns,
    index::{self, Brief},
    request::{ItemCursor, ItemQuery, Placed},
    rows::{LookUp, RowKey, RowKind, Rows, Span, last_id},
};
use crate::types::{
    CampaignId, ItemState, Page, PageRequest, QueueFilter, QueueItem, QueueItemId, QueueOrder, Rank,
    Timestamp, VerdictId,
};

/// How much a walk may look at before it pauses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Places: a microsecond each.
    pub(super) places: usize,
    /// Items: some ten microseconds each.
    pub(super) items: usize,
}

/// For a list, on a thread for long work.
const LIST: Bounds = Bounds { places: 20_000, items: 1_000 };
/// For a claim, which all writers wait for.
pub(super) const CLAIM: Bounds = Bounds { places: 5_000, items: 400 };

/// What is done with an item that fits.
pub(super) enum Step {
    /// On to the next.
    More,
    /// This one was the last that is wanted.
    Enough,
}

/// A walk underway.
struct Walk<'a, F> {
    rows: &'a dyn Rows,
    query: &'a ItemQuery,
    now: Timestamp,
    left: Bounds,
    take: F,
    last: Option<ItemCursor>,
    paused: bool,
}

impl<F: FnMut(QueueItem, ItemCursor) -> Result<Step, StoreError>> Walk<'_, F> {
    /// Looks at one candidate; breaks when the walk is over.
    fn visit(&mut self, cursor: ItemCursor, brief: Option<&[u8]>) -> Result<ControlFlow<()>, StoreError> {
        if self.left.places == 0 || self.left.items == 0 {
            self.paused = true;
            return Ok(ControlFlow::Break(()));
        }
        self.left.places -= 1;
        let passes = match brief {
            Some(bytes) => {
                let brief: Result<Brief, _> = rmp_serde::from_slice(bytes);
                brief.map_err(|_| self.rows.damaged(&RowKey::item(cursor.item)))?.may_pass(&self.query.filter)
            }
            None => true,
        };
        self.last = Some(cursor);
        if !passes {
            return Ok(ControlFlow::Continue(()));
        }
        self.left.items -= 1;
        let Some(item) = index::item(self.rows, cursor.item)? else { return Ok(ControlFlow::Continue(())) };
        if item.state != self.query.state || !self.query.filter.admits(&item, self.now) {
            return Ok(ControlFlow::Continue(()));
        }
        Ok(match (self.take)(item, cursor)? {
            Step::More => ControlFlow::Continue(()),
            Step::Enough => {
                self.paused = true;
                ControlFlow::Break(())
            }
        })
    }
}

/// Shows the items of a query to `take`, those past `after` only; where to go on,
/// if the walk did not come to its end.
pub(super) fn walk(
    rows: &dyn Rows,
    query: &ItemQuery,
    after: Option<ItemCursor>,
    now: Timestamp,
    bounds: Bounds,
    take: impl FnMut(QueueItem, ItemCursor) -> Result<Step, StoreError>,
) -> Result<Option<ItemCursor>, StoreError> {
    let mut walk = Walk { rows, query, now, left: bounds, take, last: after, paused: false };
    match (query.filter.campaign, look_up_of(&query.filter)) {
        (Some(campaign), _) => by_campaign(&mut walk, campaign, after)?,
        (None, Some(by)) => by_verdict(&mut walk, &by, after)?,
        (None, None) => by_place(&mut walk, after)?,
    }
    Ok(if walk.paused { walk.last } else { None })
}

/// The look-up of verdicts that fits a filter.
fn look_up_of(filter: &QueueFilter) -> Option<LookUp> {
    let author = filter.author.map(LookUp::Author);
    author.or_else(|| filter.article.clone().map(LookUp::Article))
}

/// Goes from verdicts to items: an item has the id of its first verdict.
fn by_verdict<F: FnMut(QueueItem, ItemCursor) -> Result<Step, StoreError>>(
    walk: &mut Walk<'_, F>,
    by: &LookUp,
    after: Option<ItemCursor>,
) -> Result<(), StoreError> {
    let rows = walk.rows;
    let newest_first = walk.query.order == QueueOrder::Newest;
    let after = after.map(|cursor| VerdictId::from_bytes(*cursor.item.as_bytes()));
    rows.look_up(by, after, newest_first, &mut |id| {
        walk.visit(ItemCursor { key: 0, item: QueueItemId::from(id) }, None)
    })
}

fn by_campaign<F: FnMut(QueueItem, ItemCursor) -> Result<Step, StoreError>>(
    walk: &mut Walk<'_, F>,
    campaign: CampaignId,
    after: Option<ItemCursor>,
) -> Result<(), StoreError> {
    let rows = walk.rows;
    let newest_first = walk.query.order == QueueOrder::Newest;
    let after = after.map(|cursor| VerdictId::from_bytes(*cursor.item.as_bytes()));
    campaigns::each_member(rows, campaign, after, newest_first, &mut |id| {
        walk.visit(ItemCursor { key: 0, item: QueueItemId::from(id) }, None)
    })
}

fn by_place<F: FnMut(QueueItem, ItemCursor) -> Result<Step, StoreError>>(
    walk: &mut Walk<'_, F>,
    after: Option<ItemCursor>,
) -> Result<(), StoreError> {
    let rows = walk.rows;
    let order = walk.query.order;
    let open = walk.query.state == ItemState::Open;
    let span = match walk.query.state {
        ItemState::Open => index::places(order),
        ItemState::Claimed => timed(RowKind::LeasePlace, order),
        ItemState::Decided => timed(RowKind::DecidedPlace, order),
    };
    // Newest reads the places of oldest from their end.
    let turned = |key: u64| if order == QueueOrder::Newest { !key } else { key };
    let span = match after {
        None => span,
        Some(ItemCursor { key, item }) if open => span.after(&RowKey::open_place(order, key, item).rest),
        Some(ItemCursor { key, item }) => {
            span.after(&[turned(key).to_be_bytes().as_slice(), item.as_bytes()].concat())
        }
    };
    rows.scan(&span, &mut |rest, bytes| {
        let key = if open { rest.get(1..9) } else { rest.get(..8) };
        let key = key.and_then(|key| key.try_into().ok()).map(u64::from_be_bytes);
        let Some((key, item)) = key.zip(last_id(rest)) else {
            return Err(rows.damaged(&RowKey::new(span.kind, &[rest])));
        };
        let cursor = ItemCursor { key: turned(key), item: QueueItemId::from_bytes(item) };
        walk.visit(cursor, open.then_some(bytes))
    })
}

fn timed(kind: RowKind, order: QueueOrder) -> Span {
    let span = Span::prefix(kind, &[]);
    if order == QueueOrder::Newest { span.reversed() } else { span }
}

/// One page of items.
pub(super) fn page(
    rows: &dyn Rows,
    query: &ItemQuery,
    page: &PageRequest<ItemCursor>,
    now: Timestamp,
) -> Result<Page<Placed, ItemCursor>, StoreError> {
    let size = page.size.max(1);
    let mut found = Vec::new();
    let next = walk(rows, query, page.after, now, LIST, |item, _| {
        let rank = Rank::of(&item);
        let value = rank.value(query.order, item.waiting_since, now);
        let why = rank.explain(query.order, item.waiting_since, now);
        found.push(Placed { item, rank, value, why });
        Ok(if found.len() == size { Step::Enough } else { Step::More })
    })?;
    Ok(Page { rows: found, next })
}
