//! Counters of a site's queue, moved in the step that moves what they count.
//!
//! May import: `types`, `store`.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{
    super::StoreError,
    request::{QueueStats, StoredHour},
    rows::{Ledger, RowKey, RowKind, Rows, Span, decode, load, save, time_of},
};
use crate::types::{ItemState, QueueOrder, Timestamp};

/// Hours that are kept: four weeks, so that a forecast sees each weekday four times.
const HOURS_KEPT: i64 = 28 * 24;
const HOUR: i64 = 3_600_000_000;

/// How many items are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Depth {
    pub(super) open: u64,
    pub(super) claimed: u64,
    pub(super) decided: u64,
}

impl Depth {
    /// The count of a state.
    pub(super) const fn of(&mut self, state: ItemState) -> &mut u64 {
        match state {
            ItemState::Open => &mut self.open,
            ItemState::Claimed => &mut self.claimed,
            ItemState::Decided => &mut self.decided,
        }
    }
}

/// The counts of a site.
pub(super) fn depth(rows: &dyn Rows) -> Result<Depth, StoreError> {
    Ok(load(rows, &RowKey::single(RowKind::Depth))?.unwrap_or_default())
}

/// Counts an item that goes from one state to another.
pub(super) fn moved(
    ledger: &mut dyn Ledger,
    from: Option<ItemState>,
    to: ItemState,
) -> Result<(), StoreError> {
    if from == Some(to) {
        return Ok(());
    }
    let mut depth = depth(ledger)?;
    if let Some(from) = from {
        let count = depth.of(from);
        *count = count.saturating_sub(1);
    }
    *depth.of(to) += 1;
    save(ledger, &RowKey::single(RowKind::Depth), &depth)
}

/// The first moment of an hour.
const fn hour_of(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros().div_euclid(HOUR) * HOUR)
}

/// Counts something that happened. A new hour drops the hours whose time is over.
pub(super) fn count(
    ledger: &mut dyn Ledger,
    at: Timestamp,
    change: impl FnOnce(&mut StoredHour),
) -> Result<(), StoreError> {
    let hour = hour_of(at);
    let key = RowKey::hour(hour);
    let known = load::<StoredHour>(ledger, &key)?;
    if known.is_none() {
        forget(ledger, hour)?;
    }
    let mut counts = known.unwrap_or_default();
    change(&mut counts);
    save(ledger, &key, &counts)
}

fn forget(ledger: &mut dyn Ledger, hour: Timestamp) -> Result<(), StoreError> {
    let oldest = Timestamp::from_micros(hour.micros().saturating_sub(HOURS_KEPT * HOUR));
    let mut span = Span::prefix(RowKind::Hour, &[]);
    span.to = Some(RowKey::hour(oldest).rest);
    let mut over = Vec::new();
    ledger.scan(&span, &mut |rest, _| {
        over.push(RowKey::new(RowKind::Hour, &[rest]));
        Ok(ControlFlow::Continue(()))
    })?;
    over.iter().try_for_each(|key| ledger.delete(key))
}

/// The state of the queue.
pub(super) fn stats(rows: &dyn Rows) -> Result<QueueStats, StoreError> {
    let Depth { open, claimed, decided } = depth(rows)?;
    let mut stats = QueueStats { open, claimed, decided, ..QueueStats::default() };
    let places = super::index::places(QueueOrder::Oldest);
    rows.scan(&places, &mut |rest, _| {
        let time = rest.get(1..9).and_then(|bytes| bytes.try_into().ok());
        stats.oldest = time.map(time_of);
        Ok(ControlFlow::Break(()))
    })?;
    rows.scan(&Span::prefix(RowKind::Hour, &[]), &mut |rest, bytes| {
        let key = RowKey::new(RowKind::Hour, &[rest]);
        let first = rest.try_into().map(time_of).map_err(|_| rows.damaged(&key))?;
        stats.hours.push((first, decode(rows, &key, bytes)?));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(stats)
}
