//! Readers' reports: weighed when they come, settled by decisions.
//!
//! May import: `types`, `store`.

use super::{
    super::StoreError,
    enqueue::{add, of_verdict, reopen},
    index, log,
    request::{Enqueue, NewReport, ReportOutcome},
    rows::{Ledger, RowKey, Rows, load, save},
};
use crate::types::{
    AuditAction, Cause, Causes, Decision, DecisionId, Disposition, FiledReport, ItemEvent, MAX_REPORTS,
    QueueItemId, ReporterRecord, Timestamp, VerdictId,
};

/// Reports are kept under the item, or the name that it would have.
fn filed(rows: &dyn Rows, item: QueueItemId) -> Result<Vec<FiledReport>, StoreError> {
    Ok(load(rows, &RowKey::reports(item))?.unwrap_or_default())
}

fn weight(filed: &[FiledReport]) -> u32 {
    filed.iter().filter(|one| one.settled.is_none()).map(|one| one.weight).sum()
}

/// Files a report.
pub(super) fn report(
    ledger: &mut dyn Ledger,
    new: NewReport,
    now: Timestamp,
) -> Result<ReportOutcome, StoreError> {
    let NewReport { report, threshold, section, exposure } = new;
    let verdict = ledger.verdict(report.verdict)?.ok_or(StoreError::UnknownVerdict(report.verdict))?;
    let known = of_verdict(ledger, verdict.id)?;
    let subject = known.as_ref().map_or(QueueItemId::from(verdict.id), |item| item.id);
    let mut filed = filed(ledger, subject)?;
    if filed.iter().any(|one| one.report.reporter == report.reporter) {
        return Ok(ReportOutcome::Repeated);
    }
    if filed.len() >= MAX_REPORTS {
        return Ok(ReportOutcome::Enough);
    }
    let (reporter, actor) = (RowKey::reporter(report.reporter), report.sent_by.clone());
    let mut record: ReporterRecord = load(ledger, &reporter)?.unwrap_or_default();
    filed.push(FiledReport { weight: record.weight(), report, settled: None });
    record.filed = record.filed.saturating_add(1);
    save(ledger, &reporter, &record)?;
    save(ledger, &RowKey::reports(subject), &filed)?;
    let weight = weight(&filed);
    let reached = weight >= threshold;
    let queued = match known {
        Some(before) => {
            let mut item = before.clone();
            item.report_weight = weight;
            if reached {
                item.causes = item.causes.with(Cause::Reported);
                reopen(ledger, &before, &mut item, ItemEvent::Report, now)?;
            } else {
                index::put(ledger, Some(&before), &mut item)?;
            }
            item.state != crate::types::ItemState::Decided
        }
        None if reached => {
            let enqueue = Enqueue { causes: Causes::of(Cause::Reported), section, exposure };
            let before = add(ledger, &verdict, &enqueue, now)?;
            let mut item = before.clone();
            item.report_weight = weight;
            index::put(ledger, Some(&before), &mut item)?;
            // Reports came under the name of the verdict, which the item has too.
            true
        }
        None => false,
    };
    log::append(ledger, now, Some(&actor), AuditAction::Reported { item: subject, weight })?;
    Ok(ReportOutcome::Counted { weight, queued })
}

/// Reports on the comment of a verdict.
pub(super) fn on(rows: &dyn Rows, verdict: VerdictId) -> Result<Vec<FiledReport>, StoreError> {
    let item = of_verdict(rows, verdict)?;
    filed(rows, item.map_or(QueueItemId::from(verdict), |item| item.id))
}

/// A decision settles the reports that wait for one: their authors were right or not.
pub(super) fn settle(
    ledger: &mut dyn Ledger,
    item: QueueItemId,
    decision: &Decision,
) -> Result<(), StoreError> {
    let right = decision.disposition == Disposition::Reject;
    let mut all = filed(ledger, item)?;
    let waiting: Vec<_> = all.iter_mut().filter(|one| one.settled.is_none()).collect();
    if waiting.is_empty() {
        return Ok(());
    }
    for one in waiting {
        one.settled = Some((decision.id, right));
        record(ledger, one.report.reporter, |record| {
            let count = if right { &mut record.upheld } else { &mut record.dismissed };
            *count = count.saturating_add(1);
        })?;
    }
    save(ledger, &RowKey::reports(item), &all)
}

/// Takes back what a decision settled; the weight of all that wait now.
pub(super) fn unsettle(
    ledger: &mut dyn Ledger,
    item: QueueItemId,
    decision: DecisionId,
) -> Result<u32, StoreError> {
    let mut all = filed(ledger, item)?;
    let mut changed = false;
    for one in &mut all {
        let Some((_, right)) = one.settled.filter(|(by, _)| *by == decision) else { continue };
        one.settled = None;
        changed = true;
        record(ledger, one.report.reporter, |record| {
            let count = if right { &mut record.upheld } else { &mut record.dismissed };
            *count = count.saturating_sub(1);
        })?;
    }
    if changed {
        save(ledger, &RowKey::reports(item), &all)?;
    }
    Ok(weight(&all))
}

fn record(
    ledger: &mut dyn Ledger,
    reporter: [u8; 16],
    change: impl FnOnce(&mut ReporterRecord),
) -> Result<(), StoreError> {
    let key = RowKey::reporter(reporter);
    let mut record: ReporterRecord = load(ledger, &key)?.unwrap_or_default();
    change(&mut record);
    save(ledger, &key, &record)
}
