//! Rule sets of a site: pushed, published, taken back. Each call is one atomic step
//! with its audit event.
//!
//! May import: `types`, `store`.

use std::ops::ControlFlow;

use super::{
    super::StoreError,
    log,
    rows::{Ledger, RowKey, RowKind, Rows, Span, decode, load, save},
};
use crate::types::{
    Activation, AuditAction, FailureKind, KeyId, MAX_RULE_VERSIONS, Page, PageRequest, RuleDraft, RuleFile,
    RuleSetId, RuleVersion, RulesState, Timestamp,
};

/// Why the rules of a site refuse something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleRefusal {
    /// No rule set of this name was pushed to this site.
    #[error("no rule set {0}")]
    Unknown(RuleSetId),
    /// Draft or live set changed since they were read.
    #[error("the rules were changed by somebody else")]
    Changed,
    /// The site keeps as many versions as it may.
    #[error("a site keeps at most {MAX_RULE_VERSIONS} versions of its rules")]
    TooMany,
}

impl RuleRefusal {
    /// What the caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Unknown(_) => FailureKind::NotFound,
            Self::Changed => FailureKind::Stale,
            Self::TooMany => FailureKind::NotNow,
        }
    }

    /// Stable machine-readable reason, part of the API contract.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "RULE_SET_NOT_FOUND",
            Self::Changed => "ETAG_MISMATCH",
            Self::TooMany => "RULE_VERSIONS_EXHAUSTED",
        }
    }
}

/// A rule set to keep.
#[derive(Clone, Debug)]
pub struct NewRules {
    /// Its content hash.
    pub set: RuleSetId,
    /// Its files, by name.
    pub files: Vec<RuleFile>,
    /// How many rules it holds.
    pub rules: u32,
    /// Why.
    pub note: String,
    /// Who pushes it; `None` when it comes with the configuration.
    pub actor: Option<KeyId>,
    /// Whether it becomes the draft; needs an actor.
    pub draft: bool,
    /// The etag the change was made from; `None` goes without.
    pub expected: Option<u64>,
}

/// A rule set to bring into force.
#[derive(Clone, Debug)]
pub struct NewActivation {
    /// The set; `None` takes the site's own rules away.
    pub set: Option<RuleSetId>,
    /// Who does it.
    pub actor: KeyId,
    /// Why.
    pub reason: String,
    /// Whether it goes back to an earlier version.
    pub rollback: bool,
    /// The gate that is overridden, and why; empty when none is.
    pub overridden: String,
    /// The etag it was decided from; `None` goes without.
    pub expected: Option<u64>,
}

pub(super) fn state(rows: &dyn Rows) -> Result<RulesState, StoreError> {
    Ok(load(rows, &RowKey::single(RowKind::RulesState))?.unwrap_or_default())
}

pub(super) fn version(rows: &dyn Rows, set: &RuleSetId) -> Result<Option<RuleVersion>, StoreError> {
    load(rows, &RowKey::rule_set(RowKind::RuleVersion, set))
}

pub(super) fn files(rows: &dyn Rows, set: &RuleSetId) -> Result<Option<Vec<RuleFile>>, StoreError> {
    load(rows, &RowKey::rule_set(RowKind::RuleSource, set))
}

fn expect(state: &RulesState, expected: Option<u64>) -> Result<(), RuleRefusal> {
    match expected {
        Some(etag) if etag != state.etag => Err(RuleRefusal::Changed),
        _ => Ok(()),
    }
}

fn save_state(ledger: &mut dyn Ledger, state: &mut RulesState) -> Result<(), StoreError> {
    state.etag += 1;
    save(ledger, &RowKey::single(RowKind::RulesState), state)
}

/// Keeps a set, unless it is kept already, and makes it the draft when asked to.
pub(super) fn put(
    ledger: &mut dyn Ledger,
    new: NewRules,
    now: Timestamp,
) -> Result<(RuleVersion, RulesState), StoreError> {
    let NewRules { set, files, rules, note, actor, draft, expected } = new;
    let mut state = state(ledger)?;
    expect(&state, expected)?;
    let known = version(ledger, &set)?;
    let is_new = known.is_none();
    let version = match known {
        Some(known) => known,
        None if state.versions >= MAX_RULE_VERSIONS => return Err(RuleRefusal::TooMany.into()),
        None => {
            state.versions += 1;
            let version = RuleVersion {
                id: set.clone(),
                number: state.versions,
                rules,
                files: files.iter().map(|file| file.name.clone()).collect(),
                actor: actor.clone(),
                note,
                created_at: now,
                first_live_at: None,
            };
            save(ledger, &RowKey::rule_set(RowKind::RuleSource, &set), &files)?;
            save(ledger, &RowKey::rule_set(RowKind::RuleVersion, &set), &version)?;
            save(ledger, &RowKey::numbered(RowKind::RuleNumber, version.number), &set)?;
            version
        }
    };
    let drafted = actor.filter(|_| draft);
    if let Some(actor) = &drafted {
        state.draft = Some(RuleDraft { set: set.clone(), actor: actor.clone(), updated_at: now });
    }
    if is_new || drafted.is_some() {
        save_state(ledger, &mut state)?;
        log::append(ledger, now, drafted.as_ref(), AuditAction::RulesPushed { set })?;
    }
    Ok((version, state))
}

/// Brings a set into force.
pub(super) fn activate(
    ledger: &mut dyn Ledger,
    new: NewActivation,
    now: Timestamp,
) -> Result<RulesState, StoreError> {
    let NewActivation { set, actor, reason, rollback, overridden, expected } = new;
    let mut state = state(ledger)?;
    expect(&state, expected)?;
    if let Some(set) = &set {
        begin(ledger, set, now)?;
    }
    let previous = state.live_set().cloned();
    let number = state.live.as_ref().map_or(1, |live| live.number + 1);
    let told = AuditAction::RulesPublished {
        set: set.clone(),
        previous: previous.clone(),
        rollback,
        reason: reason.clone(),
        overridden: overridden.clone(),
    };
    let by = actor.clone();
    let activation = Activation { number, set, previous, actor, reason, at: now, rollback, overridden };
    save(ledger, &RowKey::numbered(RowKind::Activation, number), &activation)?;
    if state.draft.as_ref().map(|draft| &draft.set) == activation.set.as_ref() {
        state.draft = None;
    }
    state.live = Some(activation);
    save_state(ledger, &mut state)?;
    log::append(ledger, now, Some(&by), told)?;
    Ok(state)
}

/// Notes when a set first came into force.
pub(super) fn begin(ledger: &mut dyn Ledger, set: &RuleSetId, now: Timestamp) -> Result<(), StoreError> {
    let mut version = version(ledger, set)?.ok_or_else(|| RuleRefusal::Unknown(set.clone()))?;
    if version.first_live_at.is_none() {
        version.first_live_at = Some(now);
        save(ledger, &RowKey::rule_set(RowKind::RuleVersion, set), &version)?;
    }
    Ok(())
}

/// Versions, newest first.
pub(super) fn versions(
    rows: &dyn Rows,
    page: &PageRequest<u64>,
) -> Result<Page<RuleVersion, u64>, StoreError> {
    let mut found = Page { rows: Vec::new(), next: None };
    let newest =
        page.after.map_or_else(|| state(rows).map(|state| state.versions), |n| Ok(n.saturating_sub(1)))?;
    for number in (1..=newest).rev() {
        if found.rows.len() == page.size.max(1) {
            found.next = found.rows.last().map(|last: &RuleVersion| last.number);
            break;
        }
        let key = RowKey::numbered(RowKind::RuleNumber, number);
        let set: RuleSetId = load(rows, &key)?.ok_or_else(|| rows.damaged(&key))?;
        found.rows.push(version(rows, &set)?.ok_or_else(|| rows.damaged(&key))?);
    }
    Ok(found)
}

/// Activations, newest first.
pub(super) fn activations(
    rows: &dyn Rows,
    page: &PageRequest<u64>,
) -> Result<Page<Activation, u64>, StoreError> {
    let mut found = Page { rows: Vec::new(), next: None };
    let span = Span::prefix(RowKind::Activation, &[]).reversed();
    let span = page.after.map_or(span.clone(), |after| span.after(&after.to_be_bytes()));
    rows.scan(&span, &mut |rest, bytes| {
        if found.rows.len() == page.size.max(1) {
            found.next = found.rows.last().map(|last: &Activation| last.number);
            return Ok(ControlFlow::Break(()));
        }
        found.rows.push(decode(rows, &RowKey::new(RowKind::Activation, &[rest]), bytes)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
