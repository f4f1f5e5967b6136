//! Appeals: opened by authors, ended by a second reviewer's decision.
//!
//! May import: `types`, `store`.

use super::{
    super::{RequestMark, StoreError, effect::Answered},
    claim::standing_decision,
    enqueue::{add, of_verdict, reopen},
    log,
    request::{Enqueue, QueueRefusal},
    rows::{Ledger, RowKey, load, save},
};
use crate::types::{
    Action, Appeal, AppealOutcome, AuditAction, Cause, Causes, Decision, DecisionId, Disposition, ItemEvent,
    KeyId, QueueItem, Verdict,
};

/// Opens an appeal.
pub(super) fn open(
    ledger: &mut dyn Ledger,
    mut appeal: Appeal,
    section: Option<String>,
    request: Option<RequestMark>,
) -> Result<Appeal, StoreError> {
    let at = appeal.created_at;
    if let Some(request) = &request {
        match ledger.answered(request, at)? {
            None => {}
            Some(Answered::Appeal(id)) => {
                if let Some(known) = load(ledger, &RowKey::appeal(id))? {
                    return Ok(known);
                }
            }
            Some(_) => return Err(StoreError::RequestReused(request.id)),
        }
    }
    let verdict = ledger.verdict(appeal.verdict)?.ok_or(StoreError::UnknownVerdict(appeal.verdict))?;
    let before = match of_verdict(ledger, verdict.id)? {
        Some(item) => item,
        None => queued(ledger, &verdict, &appeal, section)?,
    };
    let decision = standing_decision(ledger, &before)?;
    ensure_appealable(ledger, &before, decision.as_ref())?;
    appeal.item = before.id;
    appeal.against = decision.as_ref().map(|decision| decision.id);
    appeal.outcome = None;
    save(ledger, &RowKey::appeal(appeal.id), &appeal)?;
    let mut item = before.clone();
    item.causes = item.causes.with(Cause::Appealed);
    item.appeal = Some(appeal.id);
    item.barred = decision.map(|decision| decision.actor);
    reopen(ledger, &before, &mut item, ItemEvent::Appeal, at)?;
    let action = AuditAction::Appealed { item: item.id, appeal: appeal.id };
    log::append(ledger, at, Some(&appeal.opened_by), action)?;
    if let Some(request) = request {
        ledger.remember(request, at, Answered::Appeal(appeal.id))?;
    }
    Ok(appeal)
}

/// Puts a comment that only the filter had looked at into the queue.
fn queued(
    ledger: &mut dyn Ledger,
    verdict: &Verdict,
    appeal: &Appeal,
    section: Option<String>,
) -> Result<QueueItem, StoreError> {
    if verdict.action == Action::Allow {
        return Err(QueueRefusal::NothingToAppeal.into());
    }
    let enqueue = Enqueue { causes: Causes::of(Cause::Appealed), section, exposure: 1.0 };
    add(ledger, verdict, &enqueue, appeal.created_at)
}

fn ensure_appealable(
    ledger: &dyn Ledger,
    item: &QueueItem,
    decision: Option<&Decision>,
) -> Result<(), StoreError> {
    if let Some(id) = item.appeal
        && load::<Appeal>(ledger, &RowKey::appeal(id))?.is_some_and(|known| known.outcome.is_none())
    {
        return Err(QueueRefusal::AppealOpen(id).into());
    }
    let stands_against = match decision {
        Some(decision) => decision.disposition == Disposition::Reject,
        None => item.action != Action::Allow,
    };
    if stands_against { Ok(()) } else { Err(QueueRefusal::NothingToAppeal.into()) }
}

/// A decision ends the appeal that is open on its item.
pub(super) fn settle(
    ledger: &mut dyn Ledger,
    item: &QueueItem,
    decision: &Decision,
) -> Result<(), StoreError> {
    let Some(key) = item.appeal.map(RowKey::appeal) else { return Ok(()) };
    let Some(mut appeal) = load::<Appeal>(ledger, &key)?.filter(|appeal| appeal.outcome.is_none()) else {
        return Ok(());
    };
    let outcome = match decision.disposition {
        Disposition::Approve => AppealOutcome::Overturned,
        Disposition::Reject | Disposition::Undo => AppealOutcome::Upheld,
    };
    appeal.outcome = Some((decision.id, outcome));
    save(ledger, &key, &appeal)
}

/// Opens an appeal again whose decision is taken back; who may not decide it.
pub(super) fn unsettle(
    ledger: &mut dyn Ledger,
    item: &QueueItem,
    decision: DecisionId,
) -> Result<Option<KeyId>, StoreError> {
    let Some(key) = item.appeal.map(RowKey::appeal) else { return Ok(None) };
    let Some(mut appeal) = load::<Appeal>(ledger, &key)? else { return Ok(None) };
    if appeal.outcome.is_none_or(|(by, _)| by != decision) {
        return Ok(None);
    }
    appeal.outcome = None;
    save(ledger, &key, &appeal)?;
    let against = appeal.against.map(|id| load::<Decision>(ledger, &RowKey::decision(id)));
    Ok(against.transpose()?.flatten().map(|decision| decision.actor))
}
