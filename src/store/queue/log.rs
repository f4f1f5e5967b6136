//! The audit chain of a site: appended to in the step that does what it tells.
//!
//! May import: `types`, `store`.

use std::ops::ControlFlow;

use super::{
    super::StoreError,
    rows::{Ledger, RowKey, RowKind, Rows, Span, decode, load, save},
    traits::ChainCheck,
};
use crate::types::{AuditAction, AuditEvent, ChainHead, KeyId, Timestamp};

/// Most events of one answer.
const MAX_EVENTS: usize = 1_000;
/// Most links followed in one go.
const MAX_FOLLOWED: usize = 10_000;
/// Most events trimmed in one step.
const MAX_TRIMMED: u64 = 2_000;
/// Events that are never trimmed: a watcher that was away for a moment can go on.
const ALWAYS_KEPT: u64 = 1_000;

/// The end of the chain.
pub(super) fn head(rows: &dyn Rows) -> Result<ChainHead, StoreError> {
    Ok(load(rows, &RowKey::single(RowKind::ChainHead))?.unwrap_or_default())
}

/// The last link that was trimmed.
pub(super) fn anchor(rows: &dyn Rows) -> Result<ChainHead, StoreError> {
    Ok(load(rows, &RowKey::single(RowKind::ChainAnchor))?.unwrap_or_default())
}

/// Adds a link.
pub(super) fn append(
    ledger: &mut dyn Ledger,
    at: Timestamp,
    actor: Option<&KeyId>,
    action: AuditAction,
) -> Result<(), StoreError> {
    let event = AuditEvent::link(head(ledger)?, at, actor.cloned(), action);
    save(ledger, &RowKey::event(event.number), &event)?;
    save(ledger, &RowKey::single(RowKind::ChainHead), &event.head())
}

/// Events after a number.
pub(super) fn events(rows: &dyn Rows, after: u64, limit: usize) -> Result<Vec<AuditEvent>, StoreError> {
    let mut found = Vec::new();
    let limit = limit.min(MAX_EVENTS);
    let span = Span::prefix(RowKind::Event, &[]).after(&after.to_be_bytes());
    rows.scan(&span, &mut |rest, bytes| {
        if found.len() == limit {
            return Ok(ControlFlow::Break(()));
        }
        found.push(decode(rows, &RowKey::new(RowKind::Event, &[rest]), bytes)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Follows the chain.
pub(super) fn verify(rows: &dyn Rows, after: ChainHead) -> Result<ChainCheck, StoreError> {
    let (start, end) = (anchor(rows)?, head(rows)?);
    let mut at = if after.number < start.number { start } else { after };
    let mut check = ChainCheck { head: at, links: 0, broken: None, done: false };
    let span = Span::prefix(RowKind::Event, &[]).after(&at.number.to_be_bytes());
    let mut more = false;
    rows.scan(&span, &mut |rest, bytes| {
        if check.links as usize == MAX_FOLLOWED {
            more = true;
            return Ok(ControlFlow::Break(()));
        }
        let event = rmp_serde::from_slice::<AuditEvent>(bytes).ok();
        let expected = (at.number + 1).to_be_bytes();
        match event.filter(|event| rest == expected && event.follows(at)) {
            Some(event) => at = event.head(),
            None => {
                check.broken = Some(at.number + 1);
                return Ok(ControlFlow::Break(()));
            }
        }
        check.links += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    check.head = at;
    if check.broken.is_none() && !more {
        check.done = true;
        check.broken = (at != end).then_some(at.number + 1);
    }
    Ok(check)
}

/// Deletes events older than `before` from the front.
pub(super) fn trim(ledger: &mut dyn Ledger, before: Timestamp, now: Timestamp) -> Result<usize, StoreError> {
    let (first, last) = (anchor(ledger)?.number + 1, head(ledger)?.number);
    let limit = last.saturating_sub(ALWAYS_KEPT).min(first.saturating_sub(1) + MAX_TRIMMED);
    let mut trimmed = 0;
    let mut anchor = None;
    for number in first..=limit {
        let key = RowKey::event(number);
        let event: AuditEvent = load(ledger, &key)?.ok_or_else(|| ledger.damaged(&key))?;
        if event.at >= before {
            break;
        }
        ledger.delete(&key)?;
        anchor = Some(event.head());
        trimmed += 1;
    }
    if let Some(anchor) = anchor {
        save(ledger, &RowKey::single(RowKind::ChainAnchor), &anchor)?;
        append(ledger, now, None, AuditAction::Trimmed { first_kept: anchor.number + 1 })?;
    }
    Ok(trimmed)
}
