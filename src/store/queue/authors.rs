//! What holds for authors. A few rules are remembered, so that taking back the
//! decision that one came with brings the one before into force again.
//!
//! May import: `types`, `store`.

use super::{
    super::StoreError,
    log,
    rows::{Ledger, RowKey, Rows, load, save},
};
use crate::types::{AuditAction, AuthorRule, DecisionId, KeyId, Timestamp};

/// Most rules remembered per author.
const MAX_REMEMBERED: usize = 8;

fn rules(rows: &dyn Rows, author: [u8; 16]) -> Result<Vec<AuthorRule>, StoreError> {
    Ok(load(rows, &RowKey::author_rule(author))?.unwrap_or_default())
}

/// The one that holds.
pub(super) fn current(rows: &dyn Rows, author: [u8; 16]) -> Result<Option<AuthorRule>, StoreError> {
    Ok(rules(rows, author)?.pop())
}

/// Adds a rule.
pub(super) fn push(ledger: &mut dyn Ledger, author: [u8; 16], rule: AuthorRule) -> Result<(), StoreError> {
    let mut rules = rules(ledger, author)?;
    rules.push(rule);
    let over = rules.len().saturating_sub(MAX_REMEMBERED);
    rules.drain(..over);
    save(ledger, &RowKey::author_rule(author), &rules)
}

/// Takes away the rule that came with a decision.
pub(super) fn remove(
    ledger: &mut dyn Ledger,
    author: [u8; 16],
    decision: DecisionId,
) -> Result<(), StoreError> {
    let before = rules(ledger, author)?;
    let after: Vec<_> = before.iter().filter(|rule| rule.decision != Some(decision)).cloned().collect();
    match after.len() {
        len if len == before.len() => Ok(()),
        0 => ledger.delete(&RowKey::author_rule(author)),
        _ => save(ledger, &RowKey::author_rule(author), &after),
    }
}

/// Sets or ends what holds, outside a decision.
pub(super) fn set(
    ledger: &mut dyn Ledger,
    author: [u8; 16],
    rule: Option<AuthorRule>,
    actor: &KeyId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let action = rule.as_ref().map(|rule| rule.action.name().to_owned());
    match rule {
        Some(rule) => push(ledger, author, rule)?,
        None => ledger.delete(&RowKey::author_rule(author))?,
    }
    log::append(ledger, now, Some(actor), AuditAction::AuthorRuled { author, action })
}
