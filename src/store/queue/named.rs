//! Queues with a name.
//!
//! May import: `types`, `store`.

use std::ops::ControlFlow;

use super::{
    super::StoreError,
    log,
    request::QueueRefusal,
    rows::{Ledger, RowKey, RowKind, Rows, Span, decode, load, save},
};
use crate::types::{AuditAction, KeyId, NamedQueue, Page, PageRequest, QueueName, Timestamp};

/// One queue.
pub(super) fn get(rows: &dyn Rows, name: &QueueName) -> Result<Option<NamedQueue>, StoreError> {
    load(rows, &RowKey::queue(name))
}

/// Puts a queue that was read with version `expected`, 0 for a new one.
pub(super) fn put(
    ledger: &mut dyn Ledger,
    actor: &KeyId,
    mut queue: NamedQueue,
    expected: u64,
) -> Result<NamedQueue, StoreError> {
    ensure(get(ledger, &queue.name)?.as_ref(), &queue.name, expected)?;
    queue.version = expected + 1;
    save(ledger, &RowKey::queue(&queue.name), &queue)?;
    let action = AuditAction::QueuePut { queue: queue.name.clone() };
    log::append(ledger, queue.updated_at, Some(actor), action)?;
    Ok(queue)
}

/// Deletes a queue that was read with version `expected`.
pub(super) fn delete(
    ledger: &mut dyn Ledger,
    actor: &KeyId,
    name: &QueueName,
    expected: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = get(ledger, name)?.ok_or_else(|| QueueRefusal::UnknownQueue(name.clone()))?;
    ensure(Some(&known), name, expected.max(1))?;
    ledger.delete(&RowKey::queue(name))?;
    log::append(ledger, now, Some(actor), AuditAction::QueueDeleted { queue: name.clone() })
}

fn ensure(known: Option<&NamedQueue>, name: &QueueName, expected: u64) -> Result<(), QueueRefusal> {
    match (known, expected) {
        (None, 0) => Ok(()),
        (None, _) => Err(QueueRefusal::UnknownQueue(name.clone())),
        (Some(_), 0) => Err(QueueRefusal::QueueExists(name.clone())),
        (Some(known), _) if known.version == expected => Ok(()),
        (Some(_), _) => Err(QueueRefusal::QueueChanged(name.clone())),
    }
}

/// Queues by name.
pub(super) fn list(
    rows: &dyn Rows,
    page: &PageRequest<QueueName>,
) -> Result<Page<NamedQueue, QueueName>, StoreError> {
    let mut span = Span::prefix(RowKind::Queue, &[]);
    if let Some(after) = &page.after {
        span = span.after(&RowKey::queue(after).rest);
    }
    let mut found: Page<NamedQueue, QueueName> = Page { rows: Vec::new(), next: None };
    rows.scan(&span, &mut |rest, bytes| {
        if found.rows.len() == page.size.max(1) {
            found.next = found.rows.last().map(|last| last.name.clone());
            return Ok(ControlFlow::Break(()));
        }
        found.rows.push(decode(rows, &RowKey::new(RowKind::Queue, &[rest]), bytes)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
