//! Leases: given, made longer, given back, ended by time.
//!
//! May import: `types`, `store`.

use std::{ops::ControlFlow, time::Duration};

use super::{
    super::{RequestMark, StoreError, effect::Answered},
    index,
    list::{CLAIM, Step, walk},
    log,
    request::{Claim, ClaimTarget, ItemCursor, ItemQuery, LeaseRef, QueueRefusal},
    rows::{Ledger, RowKey, RowKind, Rows, Span, last_id, load, time_bytes},
};
use crate::types::{
    AuditAction, Decision, ItemEvent, ItemState, KeyId, Lease, Page, QueueItem, QueueItemId, Refused,
    Timestamp,
};

/// Most leases ended in one step.
const MAX_EXPIRED: usize = 200;

/// Gives leases.
pub(super) fn claim(
    ledger: &mut dyn Ledger,
    claim: Claim,
    now: Timestamp,
) -> Result<Page<QueueItem, ItemCursor>, StoreError> {
    if let Some(held) = replay(ledger, claim.request.as_ref(), &claim.actor, now)? {
        return Ok(Page { rows: held, next: None });
    }
    expire(ledger, now)?;
    let (found, next) = candidates(ledger, &claim, now)?;
    let mut rows = Vec::with_capacity(found.len());
    for before in found {
        rows.push(take(ledger, before, &claim, now)?);
    }
    if let Some(request) = claim.request {
        let leases = rows.iter().map(|item| LeaseRef { item: item.id, token: item.token }).collect();
        ledger.remember(request, now, Answered::Claim(leases))?;
    }
    Ok(Page { rows, next })
}

/// What of an earlier answer is still held.
fn replay(
    ledger: &dyn Ledger,
    request: Option<&RequestMark>,
    actor: &KeyId,
    now: Timestamp,
) -> Result<Option<Vec<QueueItem>>, StoreError> {
    let Some(request) = request else { return Ok(None) };
    let leases = match ledger.answered(request, now)? {
        None => return Ok(None),
        Some(Answered::Claim(leases)) => leases,
        Some(_) => return Err(StoreError::RequestReused(request.id)),
    };
    let mut held = Vec::new();
    for lease in leases {
        let item = index::item(ledger, lease.item)?;
        held.extend(item.filter(|item| holds(item, actor, lease.token, now)));
    }
    Ok(Some(held))
}

/// Open items that the claim is for, and where to go on looking.
fn candidates(
    rows: &dyn Ledger,
    claim: &Claim,
    now: Timestamp,
) -> Result<(Vec<QueueItem>, Option<ItemCursor>), StoreError> {
    let max = claim.max.max(1);
    let may = |item: &QueueItem| item.barred.as_ref() != Some(&claim.actor);
    let mut found = Vec::new();
    match &claim.target {
        ClaimTarget::Items(ids) => {
            for id in ids.iter().take(max) {
                let item = index::item(rows, *id)?;
                let fits = |item: &QueueItem| item.state == ItemState::Open && may(item);
                found.extend(
                    item.filter(fits).filter(|item| !found.iter().any(|f: &QueueItem| f.id == item.id)),
                );
            }
            Ok((found, None))
        }
        ClaimTarget::Next { filter, order, after } => {
            let query = ItemQuery { filter: filter.as_ref().clone(), state: ItemState::Open, order: *order };
            let next = walk(rows, &query, *after, now, CLAIM, |item, _| {
                if may(&item) {
                    found.push(item);
                }
                Ok(if found.len() == max { Step::Enough } else { Step::More })
            })?;
            let next = if found.len() == max { None } else { next };
            Ok((found, next))
        }
    }
}

fn take(
    ledger: &mut dyn Ledger,
    before: QueueItem,
    claim: &Claim,
    now: Timestamp,
) -> Result<QueueItem, StoreError> {
    let mut item = before.clone();
    item.state = allowed(ledger, &before, ItemEvent::Claim)?;
    item.token += 1;
    let expires_at = now.plus(claim.lease);
    item.lease = Some(Lease { holder: claim.actor.clone(), token: item.token, expires_at });
    item.updated_at = now;
    index::put(ledger, Some(&before), &mut item)?;
    let action = AuditAction::Claimed { item: item.id, token: item.token, expires_at };
    log::append(ledger, now, Some(&claim.actor), action)?;
    Ok(item)
}

/// Lets a lease last longer.
pub(super) fn renew(
    ledger: &mut dyn Ledger,
    actor: &KeyId,
    lease: LeaseRef,
    length: Duration,
    now: Timestamp,
) -> Result<QueueItem, StoreError> {
    let before = held(ledger, actor, lease, now)?;
    let mut item = before.clone();
    item.state = allowed(ledger, &before, ItemEvent::Renew)?;
    let expires_at = now.plus(length);
    item.lease = Some(Lease { holder: actor.clone(), token: lease.token, expires_at });
    item.updated_at = now;
    index::put(ledger, Some(&before), &mut item)?;
    let action = AuditAction::Renewed { item: item.id, token: lease.token, expires_at };
    log::append(ledger, now, Some(actor), action)?;
    Ok(item)
}

/// Gives an item back.
pub(super) fn release(
    ledger: &mut dyn Ledger,
    actor: &KeyId,
    lease: LeaseRef,
    now: Timestamp,
) -> Result<QueueItem, StoreError> {
    let before = held(ledger, actor, lease, now)?;
    end(ledger, before, ItemEvent::Release, Some(actor), now)
}

/// Ends the leases that are over, a bounded number of them.
pub(super) fn expire(ledger: &mut dyn Ledger, now: Timestamp) -> Result<usize, StoreError> {
    let mut over = Vec::new();
    let mut span = Span::prefix(RowKind::LeasePlace, &[]);
    // A lease that ends at this very moment is over.
    span.to = Some(time_bytes(now.plus(Duration::from_micros(1))).to_vec());
    ledger.scan(&span, &mut |rest, _| {
        over.extend(last_id(rest).map(QueueItemId::from_bytes));
        Ok(if over.len() == MAX_EXPIRED { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let count = over.len();
    for id in over {
        let item = index::item(ledger, id)?.ok_or_else(|| ledger.damaged(&RowKey::item(id)))?;
        end(ledger, item, ItemEvent::Expire, None, now)?;
    }
    Ok(count)
}

/// Ends a lease.
pub(super) fn end(
    ledger: &mut dyn Ledger,
    before: QueueItem,
    event: ItemEvent,
    actor: Option<&KeyId>,
    now: Timestamp,
) -> Result<QueueItem, StoreError> {
    let mut item = before.clone();
    item.state = allowed(ledger, &before, event)?;
    item.lease = None;
    item.updated_at = now;
    index::put(ledger, Some(&before), &mut item)?;
    let expired = event == ItemEvent::Expire;
    let action = AuditAction::Released { item: item.id, token: before.token, expired };
    log::append(ledger, now, actor, action)?;
    Ok(item)
}

/// Whether the actor holds the item under that token.
pub(super) fn holds(item: &QueueItem, actor: &KeyId, token: u64, now: Timestamp) -> bool {
    let lease = item.lease.as_ref();
    lease.is_some_and(|lease| lease.holder == *actor && lease.token == token && now < lease.expires_at)
}

/// The item of a lease that lasts.
pub(super) fn held(
    rows: &dyn Rows,
    actor: &KeyId,
    lease: LeaseRef,
    now: Timestamp,
) -> Result<QueueItem, StoreError> {
    let item = index::item(rows, lease.item)?.ok_or(QueueRefusal::UnknownItem(lease.item))?;
    if holds(&item, actor, lease.token, now) {
        return Ok(item);
    }
    let decision = match item.state {
        ItemState::Decided => standing_decision(rows, &item)?.map(Box::new),
        ItemState::Open | ItemState::Claimed => None,
    };
    let holder = item.lease.filter(|lease| now < lease.expires_at).map(|lease| lease.holder);
    Err(QueueRefusal::LeaseLost { item: item.id, holder, decision }.into())
}

/// The decision that holds on an item.
pub(super) fn standing_decision(rows: &dyn Rows, item: &QueueItem) -> Result<Option<Decision>, StoreError> {
    match item.decision {
        Some(id) => load(rows, &RowKey::decision(id)),
        None => Ok(None),
    }
}

/// The state after an event, or what the table says against it.
pub(super) fn allowed(rows: &dyn Rows, item: &QueueItem, event: ItemEvent) -> Result<ItemState, StoreError> {
    let refused = match item.state.after(event) {
        Ok(state) => return Ok(state),
        Err(refused) => refused,
    };
    let lost = |decision| QueueRefusal::LeaseLost { item: item.id, holder: None, decision };
    let refusal = match (refused, &item.lease) {
        (Refused::Claimed, Some(Lease { holder, expires_at, .. })) => {
            QueueRefusal::Held { item: item.id, holder: holder.clone(), expires_at: *expires_at }
        }
        (Refused::Claimed | Refused::NotClaimed, _) => lost(None),
        (Refused::NotDecided, _) => match item.decision {
            Some(decision) => QueueRefusal::NotStanding(decision),
            None => lost(None),
        },
        (Refused::Decided, _) => match standing_decision(rows, item)? {
            Some(decision) => QueueRefusal::Decided { item: item.id, decision: Box::new(decision) },
            None => lost(None),
        },
    };
    Err(refusal.into())
}
