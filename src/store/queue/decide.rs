//! Decisions and their undoing, with all that they move.
//!
//! May import: `types`, `store`.

use std::ops::ControlFlow;

use super::{
    super::{RequestMark, StoreError, effect::Answered},
    appeals, authors, campaigns,
    claim::{allowed, end, held},
    index, log, reports,
    request::{LeaseRef, NewDecision, Outcome, QueueRefusal, UndoRequest},
    rows::{Ledger, RowKey, RowKind, Rows, Span, last_id, load, save},
    ruling::{self, of_decision},
    stats,
};
use crate::types::{
    AuditAction, Decision, DecisionId, Disposition, ItemEvent, ItemState, Page, PageRequest, QueueItem,
    QueueItemId, Timestamp, Verdict, VerdictId,
};

/// Most decisions of an item that are shown.
const MAX_SHOWN: usize = 500;

/// Makes a decision.
pub(super) fn decide(
    ledger: &mut dyn Ledger,
    new: NewDecision,
    now: Timestamp,
) -> Result<Decision, StoreError> {
    if let Some(known) = replay(ledger, new.request.as_ref(), now)? {
        return Ok(known);
    }
    let before = decidable(ledger, &new, now)?;
    if let Some(actor) = before.barred.clone().filter(|barred| *barred == new.actor) {
        return Err(QueueRefusal::SecondReviewer { item: before.id, actor }.into());
    }
    let event = if before.lease.is_some() { ItemEvent::Decide } else { ItemEvent::DecideUnclaimed };
    let mut item = before.clone();
    item.state = allowed(ledger, &before, event)?;
    let token = before.lease.as_ref().map(|lease| lease.token);
    let NewDecision { id, actor, outcome, policy_clause, note, author, batch, request, .. } = new;
    let (disposition, reason) = match outcome {
        Outcome::Approve => (Disposition::Approve, None),
        Outcome::Reject(reason) => (Disposition::Reject, Some(reason)),
    };
    let decision = Decision {
        id,
        item: item.id,
        verdict: item.verdict,
        actor,
        disposition,
        reason,
        policy_clause,
        note,
        batch,
        reverses: None,
        author_action: author.as_ref().map(|rule| rule.action),
        token,
        created_at: now,
    };
    file(ledger, &decision, request)?;
    let verdict = verdict_of(ledger, item.verdict)?;
    ruling::give(ledger, &verdict, of_decision(&decision))?;
    reports::settle(ledger, item.id, &decision)?;
    appeals::settle(ledger, &item, &decision)?;
    if let Some((author, rule)) = item.author.zip(author) {
        authors::push(ledger, author, crate::types::AuthorRule { decision: Some(id), ..rule })?;
    }
    (item.lease, item.barred, item.report_weight) = (None, None, 0);
    (item.decision, item.updated_at) = (Some(id), now);
    index::put(ledger, Some(&before), &mut item)?;
    stats::count(ledger, now, |hour| match disposition {
        Disposition::Approve => hour.approved += 1,
        Disposition::Reject | Disposition::Undo => hour.rejected += 1,
    })?;
    let action = AuditAction::Decided { item: item.id, decision: id, disposition };
    log::append(ledger, now, Some(&decision.actor), action)?;
    Ok(decision)
}

/// What a request was answered with.
fn replay(
    ledger: &dyn Ledger,
    request: Option<&RequestMark>,
    now: Timestamp,
) -> Result<Option<Decision>, StoreError> {
    let Some(request) = request else { return Ok(None) };
    match ledger.answered(request, now)? {
        None => Ok(None),
        Some(Answered::Decision(id)) => load(ledger, &RowKey::decision(id)),
        Some(_) => Err(StoreError::RequestReused(request.id)),
    }
}

/// The item that a decision may be made on: under its lease, or held by nobody.
fn decidable(ledger: &mut dyn Ledger, new: &NewDecision, now: Timestamp) -> Result<QueueItem, StoreError> {
    if let Some(token) = new.token {
        return held(ledger, &new.actor, LeaseRef { item: new.item, token }, now);
    }
    let item = match (index::item(ledger, new.item)?, &new.adopt) {
        (Some(item), _) => item,
        (None, Some((campaign, enqueue))) => {
            let member = (*campaign, VerdictId::from_bytes(*new.item.as_bytes()), enqueue);
            let adopted = campaigns::call_in(ledger, member, now)?;
            adopted.ok_or(QueueRefusal::UnknownItem(new.item))?
        }
        (None, None) => return Err(QueueRefusal::UnknownItem(new.item).into()),
    };
    match &item.lease {
        None => Ok(item),
        Some(_) if !item.is_held(now) => end(ledger, item, ItemEvent::Expire, None, now),
        Some(lease) if lease.holder == new.actor => Ok(item),
        Some(lease) => {
            let (holder, expires_at) = (lease.holder.clone(), lease.expires_at);
            Err(QueueRefusal::Held { item: item.id, holder, expires_at }.into())
        }
    }
}

fn verdict_of(rows: &dyn Rows, id: VerdictId) -> Result<Verdict, StoreError> {
    rows.verdict(id)?.ok_or(StoreError::UnknownVerdict(id))
}

/// Writes a decision with its look-ups and its mark.
fn file(
    ledger: &mut dyn Ledger,
    decision: &Decision,
    request: Option<RequestMark>,
) -> Result<(), StoreError> {
    save(ledger, &RowKey::decision(decision.id), decision)?;
    save(ledger, &RowKey::item_decision(decision.item, decision.id), &())?;
    if let Some(batch) = decision.batch {
        save(ledger, &RowKey::batch_decision(batch, decision.id), &())?;
    }
    match request {
        Some(request) => ledger.remember(request, decision.created_at, Answered::Decision(decision.id)),
        None => Ok(()),
    }
}

/// Takes a decision back.
pub(super) fn undo(
    ledger: &mut dyn Ledger,
    request: UndoRequest,
    now: Timestamp,
) -> Result<Decision, StoreError> {
    let UndoRequest { id, reverses, actor, note, batch, request } = request;
    if let Some(known) = replay(ledger, request.as_ref(), now)? {
        return Ok(known);
    }
    let undone: Decision =
        load(ledger, &RowKey::decision(reverses))?.ok_or(QueueRefusal::UnknownDecision(reverses))?;
    let before = index::item(ledger, undone.item)?.ok_or(QueueRefusal::UnknownItem(undone.item))?;
    if before.decision != Some(reverses) || before.state != ItemState::Decided {
        return Err(QueueRefusal::NotStanding(reverses).into());
    }
    let mut item = before.clone();
    item.state = allowed(ledger, &before, ItemEvent::Undo)?;
    let decision = Decision {
        id,
        item: item.id,
        verdict: undone.verdict,
        actor,
        disposition: Disposition::Undo,
        reason: None,
        policy_clause: String::new(),
        note,
        batch,
        reverses: Some(reverses),
        author_action: None,
        token: None,
        created_at: now,
    };
    file(ledger, &decision, request)?;
    let verdict = verdict_of(ledger, undone.verdict)?;
    ruling::withdraw(ledger, &verdict, reverses.into())?;
    item.report_weight = reports::unsettle(ledger, item.id, reverses)?;
    item.barred = appeals::unsettle(ledger, &item, reverses)?;
    if let Some(author) = item.author {
        authors::remove(ledger, author, reverses)?;
    }
    (item.decision, item.waiting_since, item.updated_at) = (None, now, now);
    index::put(ledger, Some(&before), &mut item)?;
    stats::count(ledger, now, |hour| {
        hour.undone += 1;
        hour.reopened += 1;
    })?;
    let action = AuditAction::Undone { item: item.id, decision: id, reverses };
    log::append(ledger, now, Some(&decision.actor), action)?;
    Ok(decision)
}

/// Decisions on an item, oldest first.
pub(super) fn on_item(rows: &dyn Rows, item: QueueItemId) -> Result<Vec<Decision>, StoreError> {
    let mut found = Vec::new();
    let span = Span::prefix(RowKind::ItemDecision, item.as_bytes()).reversed();
    rows.scan(&span, &mut |rest, _| {
        if let Some(id) = last_id(rest) {
            found.extend(load::<Decision>(rows, &RowKey::decision(DecisionId::from_bytes(id)))?);
        }
        Ok(if found.len() == MAX_SHOWN { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    found.reverse();
    Ok(found)
}

/// Decisions of a batch.
pub(super) fn of_batch(
    rows: &dyn Rows,
    batch: crate::types::BatchId,
    page: &PageRequest<DecisionId>,
) -> Result<Page<Decision, DecisionId>, StoreError> {
    let mut span = Span::prefix(RowKind::BatchDecision, batch.as_bytes());
    if let Some(after) = page.after {
        span = span.after(&RowKey::batch_decision(batch, after).rest);
    }
    let mut found: Page<Decision, DecisionId> = Page { rows: Vec::new(), next: None };
    rows.scan(&span, &mut |rest, _| {
        if found.rows.len() == page.size.max(1) {
            found.next = found.rows.last().map(|last| last.id);
            return Ok(ControlFlow::Break(()));
        }
        if let Some(id) = last_id(rest) {
            found.rows.extend(load::<Decision>(rows, &RowKey::decision(DecisionId::from_bytes(id)))?);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
