//! Items and the places by which they are found: written together, always.
//!
//! An open item has one place per order, a claimed one the end of its lease, a
//! decided one the time of its decision. A place of an open item carries what most
//! filters ask for, so that items which do not fit are passed over unread.
//!
//! May import: `types`, `store`.

use serde::{Deserialize, Serialize};

use super::{
    super::StoreError,
    campaigns,
    rows::{Ledger, RowKey, RowKind, Rows, Span, encode, load, save},
    stats,
};
use crate::types::{
    Action, Causes, ItemState, Label, Probability, QueueFilter, QueueItem, QueueItemId, QueueOrder, Rank,
};

/// The orders that have places of their own.
const PLACED: [QueueOrder; 4] =
    [QueueOrder::Oldest, QueueOrder::MostLikelyWrong, QueueOrder::HarmExposure, QueueOrder::ValueOfLook];

/// What a place says about its item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Brief(Label, Causes, Action, Probability, Option<String>, Option<String>);

impl Brief {
    pub(super) fn of(item: &QueueItem) -> Self {
        let QueueItem { causes, action, overall, language, section, .. } = item;
        Self(item.label(), *causes, *action, *overall, language.clone(), section.clone())
    }

    /// Whether the filter may let the item through: `false` is certain.
    pub(super) fn may_pass(&self, filter: &QueueFilter) -> bool {
        let Self(label, causes, action, overall, language, section) = self;
        filter.label.is_none_or(|wanted| *label == wanted)
            && filter.cause.is_none_or(|cause| causes.has(cause))
            && filter.action.is_none_or(|wanted| *action == wanted)
            && filter.score_from.is_none_or(|from| *overall >= from)
            && filter.score_below.is_none_or(|limit| limit.get() >= 1.0 || *overall < limit)
            && filter.language.as_ref().is_none_or(|wanted| language.as_ref() == Some(wanted))
            && filter.section.as_ref().is_none_or(|wanted| section.as_ref() == Some(wanted))
    }
}

/// The places of open items in an order, in reading order.
pub(super) fn places(order: QueueOrder) -> Span {
    let key = RowKey::open_place(order, 0, QueueItemId::from_bytes([0; 16]));
    let prefix = key.rest.get(..1).unwrap_or_default();
    let span = Span::prefix(RowKind::OpenPlace, prefix);
    if order == QueueOrder::Newest { span.reversed() } else { span }
}

/// The keys by which an item is found.
pub(super) fn keys(item: &QueueItem) -> Vec<RowKey> {
    match item.state {
        ItemState::Open => {
            let rank = Rank::of(item);
            let place = |order| RowKey::open_place(order, rank.key(order, item.waiting_since), item.id);
            PLACED.map(place).to_vec()
        }
        ItemState::Claimed => {
            let end = item.lease.as_ref().map_or(item.updated_at, |lease| lease.expires_at);
            vec![RowKey::timed(RowKind::LeasePlace, end, item.id)]
        }
        ItemState::Decided => vec![RowKey::timed(RowKind::DecidedPlace, item.updated_at, item.id)],
    }
}

/// What stands at those keys.
pub(super) fn place_bytes(item: &QueueItem) -> Result<Vec<u8>, StoreError> {
    match item.state {
        // Places come by the million: no field names.
        ItemState::Open => rmp_serde::to_vec(&Brief::of(item))
            .map_err(|source| StoreError::Backend { doing: "encoding a row", source: source.into() }),
        ItemState::Claimed | ItemState::Decided => encode(&()),
    }
}

/// One item.
pub(super) fn item(rows: &dyn Rows, id: QueueItemId) -> Result<Option<QueueItem>, StoreError> {
    load(rows, &RowKey::item(id))
}

/// Writes an item with its places and counts, in place of what it was before.
pub(super) fn put(
    ledger: &mut dyn Ledger,
    before: Option<&QueueItem>,
    item: &mut QueueItem,
) -> Result<(), StoreError> {
    item.version = before.map_or(1, |before| before.version + 1);
    let wanted = keys(item);
    let bytes = place_bytes(item)?;
    let (known, known_bytes) = match before {
        Some(before) => (keys(before), place_bytes(before)?),
        None => (Vec::new(), Vec::new()),
    };
    for key in known.iter().filter(|key| !wanted.contains(key)) {
        ledger.delete(key)?;
    }
    for key in &wanted {
        if bytes != known_bytes || !known.contains(key) {
            ledger.put(key, bytes.clone())?;
        }
    }
    stats::moved(ledger, before.map(|before| before.state), item.state)?;
    let waits_for = |item: &QueueItem| item.campaign.filter(|_| item.state != ItemState::Decided);
    campaigns::wait(ledger, before.and_then(waits_for), waits_for(item))?;
    save(ledger, &RowKey::item(item.id), item)
}
