//! Models, jobs and frozen sets as rows of the installation.
//!
//! May import: `types`, `store`.

use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use super::{
    super::{ModelRefusal, NewPromotion, StoreError},
    log,
    rows::{Ledger, LookUp, RowKey, RowKind, Rows, Span, decode, load, save},
    ruling,
};
use crate::types::{
    AuditAction, FrozenSet, Job, JobId, KeyId, ModelId, ModelRecord, Page, PageRequest, Promotion, Stage,
    Timestamp, VerdictId,
};

/// Verdicts of an author that are looked at in one step.
const MAX_FORGOTTEN: usize = 2_000;

/// Adds a bundle that is not there yet.
pub(super) fn add(ledger: &mut dyn Ledger, model: ModelRecord) -> Result<ModelRecord, StoreError> {
    if let Some(known) = load(ledger, &RowKey::model(&model.id))? {
        return Ok(known);
    }
    save(ledger, &RowKey::model(&model.id), &model)?;
    let action = AuditAction::ModelAdded { model: model.id.clone() };
    log::append(ledger, model.created_at, model.created_by.as_ref(), action)?;
    Ok(model)
}

fn known(rows: &dyn Rows, id: &ModelId) -> Result<ModelRecord, StoreError> {
    let found = load(rows, &RowKey::model(id))?;
    found.ok_or_else(|| ModelRefusal::UnknownModel(id.clone()).into())
}

/// Every value of a kind, in key order.
pub(super) fn all<T: DeserializeOwned>(rows: &dyn Rows, kind: RowKind) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    rows.scan(&Span::prefix(kind, &[]), &mut |rest, bytes| {
        found.push(decode(rows, &RowKey::new(kind, &[rest]), bytes)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Moves a bundle to a stage other than the active one.
pub(super) fn stage(
    ledger: &mut dyn Ledger,
    id: &ModelId,
    stage: Stage,
    actor: Option<&KeyId>,
    now: Timestamp,
) -> Result<ModelRecord, StoreError> {
    let mut model = known(ledger, id)?;
    if model.stage == Stage::Active || stage == Stage::Active {
        return Err(ModelRefusal::ModelActive(id.clone()).into());
    }
    if model.stage == stage {
        return Ok(model);
    }
    if stage == Stage::Shadow {
        let shadows = all::<ModelRecord>(ledger, RowKind::Model)?.into_iter();
        for mut other in shadows.filter(|other| other.stage == Stage::Shadow) {
            put(ledger, &mut other, Stage::Candidate, actor, now)?;
        }
    }
    put(ledger, &mut model, stage, actor, now)?;
    Ok(model)
}

fn put(
    ledger: &mut dyn Ledger,
    model: &mut ModelRecord,
    stage: Stage,
    actor: Option<&KeyId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    (model.stage, model.staged_at) = (stage, now);
    save(ledger, &RowKey::model(&model.id), model)?;
    let action = AuditAction::ModelStaged { model: model.id.clone(), stage };
    log::append(ledger, now, actor, action)
}

/// What scores.
pub(super) fn active(rows: &dyn Rows) -> Result<Option<Promotion>, StoreError> {
    load(rows, &RowKey::single(RowKind::ActiveModel))
}

/// Makes a bundle the active one.
pub(super) fn promote(
    ledger: &mut dyn Ledger,
    new: NewPromotion,
    now: Timestamp,
) -> Result<Promotion, StoreError> {
    let NewPromotion { model: id, kind, expected, actor, reason, overridden } = new;
    let before = active(ledger)?;
    let number = before.as_ref().map_or(0, |before| before.number);
    if expected.is_some_and(|expected| expected != number) {
        return Err(ModelRefusal::ActiveChanged(number).into());
    }
    let mut model = known(ledger, &id)?;
    if before.as_ref().is_some_and(|before| before.model == id) {
        return Err(ModelRefusal::ModelActive(id).into());
    }
    let previous = before.map(|before| before.model);
    if let Some(mut old) =
        previous.as_ref().map(|old| load::<ModelRecord>(ledger, &RowKey::model(old))).transpose()?.flatten()
    {
        (old.stage, old.staged_at) = (Stage::Retired, now);
        save(ledger, &RowKey::model(&old.id), &old)?;
    }
    (model.stage, model.staged_at) = (Stage::Active, now);
    save(ledger, &RowKey::model(&id), &model)?;
    let promotion =
        Promotion { number: number + 1, model: id, previous, kind, at: now, actor, reason, overridden };
    save(ledger, &RowKey::promotion(promotion.number), &promotion)?;
    save(ledger, &RowKey::single(RowKind::ActiveModel), &promotion)?;
    let Promotion { number, model, previous, actor, reason, overridden, .. } = promotion.clone();
    let action = AuditAction::ModelPromoted { model, previous, number, reason, overridden };
    log::append(ledger, now, actor.as_ref(), action)?;
    Ok(promotion)
}

/// Values of a kind from the end.
fn newest<T: DeserializeOwned, C>(
    rows: &dyn Rows,
    kind: RowKind,
    after: Option<&[u8]>,
    size: usize,
    cursor: impl Fn(&T) -> C,
) -> Result<Page<T, C>, StoreError> {
    let mut span = Span::prefix(kind, &[]).reversed();
    if let Some(after) = after {
        span = span.after(after);
    }
    let mut found: Page<T, C> = Page { rows: Vec::new(), next: None };
    rows.scan(&span, &mut |rest, bytes| {
        if found.rows.len() == size.max(1) {
            found.next = found.rows.last().map(&cursor);
            return Ok(ControlFlow::Break(()));
        }
        found.rows.push(decode(rows, &RowKey::new(kind, &[rest]), bytes)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Promotions, the newest first.
pub(super) fn promotions(
    rows: &dyn Rows,
    page: &PageRequest<u64>,
) -> Result<Page<Promotion, u64>, StoreError> {
    let after = page.after.map(u64::to_be_bytes);
    newest(rows, RowKind::Promotion, after.as_ref().map(<[u8; 8]>::as_slice), page.size, |p: &Promotion| {
        p.number
    })
}

/// Deletes a bundle's row.
pub(super) fn delete(
    ledger: &mut dyn Ledger,
    id: &ModelId,
    actor: Option<&KeyId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if known(ledger, id)?.stage == Stage::Active {
        return Err(ModelRefusal::ModelActive(id.clone()).into());
    }
    ledger.delete(&RowKey::model(id))?;
    log::append(ledger, now, actor, AuditAction::ModelDeleted { model: id.clone() })
}

/// Writes a job.
pub(super) fn save_job(
    ledger: &mut dyn Ledger,
    job: Job,
    actor: Option<&KeyId>,
    now: Timestamp,
) -> Result<Job, StoreError> {
    let before: Option<Job> = load(ledger, &RowKey::job(job.id))?;
    let state = before.map(|before| before.state);
    if state.is_some_and(crate::types::JobState::is_final) {
        return Err(ModelRefusal::JobOver(job.id).into());
    }
    save(ledger, &RowKey::job(job.id), &job)?;
    if state != Some(job.state) {
        log::append(ledger, now, actor, AuditAction::JobChanged { job: job.id, state: job.state })?;
    }
    Ok(job)
}

/// Jobs, the newest first.
pub(super) fn jobs(rows: &dyn Rows, page: &PageRequest<JobId>) -> Result<Page<Job, JobId>, StoreError> {
    let after = page.after.as_ref().map(|id| id.as_bytes().as_slice());
    newest(rows, RowKind::Job, after, page.size, |job: &Job| job.id)
}

/// Freezes a set.
pub(super) fn freeze(ledger: &mut dyn Ledger, set: &FrozenSet) -> Result<(), StoreError> {
    let key = RowKey::frozen_set(&set.name);
    if ledger.get(&key)?.is_some() {
        return Err(ModelRefusal::SetExists(set.name.clone()).into());
    }
    save(ledger, &key, set)?;
    let action = AuditAction::SetFrozen { set: set.name.clone() };
    log::append(ledger, set.created_at, set.created_by.as_ref(), action)
}

/// Withdraws the rulings on an author's comments.
pub(super) fn forget(
    ledger: &mut dyn Ledger,
    author: [u8; 16],
    actor: &KeyId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut ids: Vec<VerdictId> = Vec::new();
    ledger.look_up(&LookUp::Author(author), None, false, &mut |id| {
        ids.push(id);
        Ok(ControlFlow::Continue(()))
    })?;
    let mut count = 0;
    for id in ids {
        if count as usize == MAX_FORGOTTEN {
            break;
        }
        if let Some(verdict) = ledger.verdict(id)?
            && ruling::forget(ledger, &verdict)?
        {
            count += 1;
        }
    }
    if count > 0 {
        log::append(ledger, now, Some(actor), AuditAction::SamplesForgotten { author, count })?;
    }
    Ok(count)
}
