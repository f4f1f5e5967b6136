//! How a recorded verdict comes into the queue, or meets the item that its
//! comment has already.
//!
//! May import: `types`, `store`.

use std::ops::ControlFlow;

use super::{
    super::StoreError,
    claim::{allowed, end},
    index, log,
    request::Enqueue,
    rows::{Ledger, LookUp, Rows},
    stats,
};
use crate::types::{
    AuditAction, Causes, CommentId, ItemEvent, ItemState, MAX_ITEM_RULES, QueueItem, QueueItemId,
    ReasonSource, Timestamp, Verdict, VerdictId, text_digest,
};

/// Most verdicts on a comment among which its item is looked for.
const MAX_VERDICTS: usize = 64;

/// Takes a verdict that is just being recorded into the queue. Without `enqueue`
/// only an item that waits for the same comment takes notice: it must show what
/// the comment says now.
pub(in crate::store) fn enqueue(
    ledger: &mut dyn Ledger,
    verdict: &Verdict,
    enqueue: Option<&Enqueue>,
) -> Result<(), StoreError> {
    let known = match &verdict.comment {
        Some(comment) => of_comment(ledger, comment)?,
        None => None,
    };
    match (known, enqueue) {
        (None, None) => Ok(()),
        (None, Some(enqueue)) => add(ledger, verdict, enqueue, verdict.created_at).map(drop),
        (Some(item), enqueue) => meet(ledger, item, verdict, enqueue),
    }
}

/// The item of a comment: that of its newest verdict that has one.
pub(super) fn of_comment(rows: &dyn Rows, comment: &CommentId) -> Result<Option<QueueItem>, StoreError> {
    let (mut found, mut looked_at) = (None, 0);
    rows.look_up(&LookUp::Comment(comment.clone()), None, true, &mut |id| {
        looked_at += 1;
        found = index::item(rows, id.into())?;
        let over = found.is_some() || looked_at == MAX_VERDICTS;
        Ok(if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(found)
}

/// The item of the comment that a verdict is on.
pub(super) fn of_verdict(rows: &dyn Rows, verdict: VerdictId) -> Result<Option<QueueItem>, StoreError> {
    if let Some(item) = index::item(rows, verdict.into())? {
        return Ok(Some(item));
    }
    let comment = rows.verdict(verdict)?.and_then(|verdict| verdict.comment);
    comment.map_or(Ok(None), |comment| of_comment(rows, &comment))
}

/// An item as its verdict makes it.
fn made(verdict: &Verdict, enqueue: &Enqueue, at: Timestamp) -> QueueItem {
    let assessment = &verdict.assessment;
    let spoke = assessment.reasons.iter().filter(|reason| reason.source == ReasonSource::Rule);
    let mut rules: Vec<String> = Vec::new();
    for reason in spoke {
        if rules.len() < MAX_ITEM_RULES && !rules.iter().any(|known| *known == reason.code) {
            rules.push(reason.code.to_string());
        }
    }
    QueueItem {
        id: QueueItemId::from(verdict.id),
        site: verdict.site.clone(),
        verdict: verdict.id,
        comment: verdict.comment.clone(),
        article: verdict.article.clone(),
        section: enqueue.section.clone(),
        language: assessment.language.as_deref().map(str::to_owned),
        author: verdict.author(),
        campaign: None,
        rules,
        causes: enqueue.causes,
        action: verdict.action,
        labels: crate::types::PerLabel::from_fn(|label| assessment.labels[label].probability),
        overall: assessment.probability,
        exposure: enqueue.exposure,
        report_weight: 0,
        state: ItemState::Open,
        lease: None,
        token: 0,
        barred: None,
        appeal: None,
        decision: None,
        text: text_digest(&verdict.body, verdict.markup),
        waiting_since: at,
        updated_at: at,
        version: 0,
    }
}

/// Puts a comment into the queue that has no item.
pub(super) fn add(
    ledger: &mut dyn Ledger,
    verdict: &Verdict,
    enqueue: &Enqueue,
    at: Timestamp,
) -> Result<QueueItem, StoreError> {
    let mut item = made(verdict, enqueue, at);
    index::put(ledger, None, &mut item)?;
    stats::count(ledger, at, |hour| hour.added += 1)?;
    log::append(ledger, at, None, AuditAction::Added { item: item.id, causes: item.causes })?;
    Ok(item)
}

/// A comment that has an item was scored again.
fn meet(
    ledger: &mut dyn Ledger,
    before: QueueItem,
    verdict: &Verdict,
    enqueue: Option<&Enqueue>,
) -> Result<(), StoreError> {
    let at = verdict.created_at;
    let asked = enqueue.map_or(Causes::NONE, |enqueue| enqueue.causes);
    let same_text = before.text == text_digest(&verdict.body, verdict.markup);
    if before.state == ItemState::Decided && (same_text || asked.is_empty()) {
        // What a person decided stands; another text that nobody needs to see
        // has nothing to do with it.
        return Ok(());
    }
    let before = match before.state {
        ItemState::Claimed if !same_text => end(ledger, before, ItemEvent::Revise, None, at)?,
        ItemState::Open | ItemState::Claimed | ItemState::Decided => before,
    };
    let event = if same_text { ItemEvent::Rescore } else { ItemEvent::Revise };
    let state = allowed(ledger, &before, event)?;
    let section = enqueue.map_or_else(|| before.section.clone(), |enqueue| enqueue.section.clone());
    let exposure = enqueue.map_or(before.exposure, |enqueue| enqueue.exposure);
    let reopened = before.state == ItemState::Decided;
    let causes = if reopened { asked } else { before.causes.and(asked) };
    let fresh = made(verdict, &Enqueue { causes, section, exposure }, at);
    let mut item = QueueItem {
        id: before.id,
        state,
        lease: before.lease.clone(),
        token: before.token,
        barred: before.barred.clone(),
        appeal: before.appeal,
        decision: before.decision.filter(|_| same_text),
        report_weight: before.report_weight,
        campaign: before.campaign,
        waiting_since: if reopened { at } else { before.waiting_since },
        ..fresh
    };
    index::put(ledger, Some(&before), &mut item)?;
    if reopened {
        stats::count(ledger, at, |hour| hour.reopened += 1)?;
    }
    if reopened || causes != before.causes {
        log::append(ledger, at, None, AuditAction::Reopened { item: item.id, causes })?;
    }
    Ok(())
}

/// Lets an item wait again, or for one more cause.
pub(super) fn reopen(
    ledger: &mut dyn Ledger,
    before: &QueueItem,
    item: &mut QueueItem,
    event: ItemEvent,
    at: Timestamp,
) -> Result<(), StoreError> {
    item.state = allowed(ledger, before, event)?;
    item.updated_at = at;
    let reopened = before.state == ItemState::Decided && item.state == ItemState::Open;
    if reopened {
        item.waiting_since = at;
        stats::count(ledger, at, |hour| hour.reopened += 1)?;
    }
    index::put(ledger, Some(before), item)?;
    if reopened || item.causes != before.causes {
        let action = AuditAction::Reopened { item: item.id, causes: item.causes };
        log::append(ledger, at, None, action)?;
    }
    Ok(())
}
