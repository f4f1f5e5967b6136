//! Rows of a site in memory, with transactions: what a change that fails had
//! written is put back.
//!
//! May import: `types`, `store`.

use std::ops::{
    Bound::{self, Excluded, Included, Unbounded},
    ControlFlow,
};

use async_trait::async_trait;

use super::{MemoryStore, Tenant};
use crate::{
    store::{
        RequestMark, StoreError,
        effect::{Answered, Mark},
        queue::{Backend, Ledger, LookUp, RowKey, RowKind, Rows, Span, Visit},
    },
    types::{KeyId, RequestId, SiteId, Tally, TallyKey, Timestamp, Verdict, VerdictId},
};

/// What stood where something was written.
enum Undo {
    Row(RowKey, Option<Vec<u8>>),
    Mark((KeyId, RequestId), Option<Mark>),
    Tally(TallyKey, Option<Tally>),
}

/// A transaction.
pub(super) struct MemoryLedger<'a> {
    tenant: &'a mut Tenant,
    undo: Vec<Undo>,
}

impl<'a> MemoryLedger<'a> {
    /// Carries out a change; when it fails, nothing of it stays.
    pub(super) fn step<T>(
        tenant: &'a mut Tenant,
        change: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut ledger = Self { tenant, undo: Vec::new() };
        let done = change(&mut ledger);
        if done.is_err() {
            ledger.roll_back();
        }
        done
    }

    /// The rows besides those of the queue.
    pub(super) const fn tenant(&mut self) -> &mut Tenant {
        self.tenant
    }

    fn roll_back(self) {
        for undo in self.undo.into_iter().rev() {
            match undo {
                Undo::Row(key, Some(bytes)) => drop(self.tenant.rows.insert(key, bytes)),
                Undo::Row(key, None) => drop(self.tenant.rows.remove(&key)),
                Undo::Mark(key, Some(mark)) => drop(self.tenant.marks.insert(key, mark)),
                Undo::Mark(key, None) => drop(self.tenant.marks.remove(&key)),
                Undo::Tally(key, Some(tally)) => drop(self.tenant.tallies.insert(key, tally)),
                Undo::Tally(key, None) => drop(self.tenant.tallies.remove(&key)),
            }
        }
    }
}

impl Rows for Tenant {
    fn get(&self, key: &RowKey) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows.get(key).cloned())
    }

    fn scan(&self, span: &Span, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let key = |rest: &[u8]| RowKey { kind: span.kind, rest: rest.to_vec() };
        let from = key(&span.from);
        let to = span.to.as_deref().map(key);
        if to.as_ref().is_some_and(|to| *to <= from) {
            return Ok(());
        }
        let to = to.map_or(Unbounded, Excluded);
        let rows = self.rows.range((Included(from), to)).take_while(in_kind(span.kind));
        if span.backwards {
            // The end of a kind is not the end of the map.
            let all: Vec<_> = rows.collect();
            return show(all.into_iter().rev(), visit);
        }
        show(rows, visit)
    }

    fn verdict(&self, id: VerdictId) -> Result<Option<Verdict>, StoreError> {
        Ok(self.verdicts.get(&id).cloned())
    }

    fn look_up(
        &self,
        by: &LookUp,
        after: Option<VerdictId>,
        newest_first: bool,
        visit: &mut dyn FnMut(VerdictId) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let range: (Bound<VerdictId>, Bound<VerdictId>) = match (after, newest_first) {
            (None, _) => (Unbounded, Unbounded),
            (Some(after), false) => (Excluded(after), Unbounded),
            (Some(after), true) => (Unbounded, Excluded(after)),
        };
        let belongs = |verdict: &&Verdict| match by {
            LookUp::Comment(comment) => verdict.comment.as_ref() == Some(comment),
            LookUp::Article(article) => verdict.article.as_ref() == Some(article),
            LookUp::Author(author) => verdict.author() == Some(*author),
        };
        let mut found: Vec<_> = self.verdicts.range(range).map(|(_, v)| v).filter(belongs).collect();
        if newest_first {
            found.reverse();
        }
        for verdict in found {
            if visit(verdict.id)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn damaged(&self, key: &RowKey) -> StoreError {
        let hex = key.rest.iter().map(|byte| format!("{byte:02x}")).collect();
        StoreError::Damaged { what: key.kind.name(), key: hex }
    }
}

fn in_kind(kind: RowKind) -> impl Fn(&(&RowKey, &Vec<u8>)) -> bool {
    move |(key, _)| key.kind == kind
}

fn show<'a>(
    rows: impl Iterator<Item = (&'a RowKey, &'a Vec<u8>)>,
    visit: &mut Visit<'_>,
) -> Result<(), StoreError> {
    for (key, bytes) in rows {
        if visit(&key.rest, bytes)?.is_break() {
            break;
        }
    }
    Ok(())
}

impl Rows for MemoryLedger<'_> {
    fn get(&self, key: &RowKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.tenant.get(key)
    }

    fn scan(&self, span: &Span, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.tenant.scan(span, visit)
    }

    fn verdict(&self, id: VerdictId) -> Result<Option<Verdict>, StoreError> {
        self.tenant.verdict(id)
    }

    fn look_up(
        &self,
        by: &LookUp,
        after: Option<VerdictId>,
        newest_first: bool,
        visit: &mut dyn FnMut(VerdictId) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        self.tenant.look_up(by, after, newest_first, visit)
    }

    fn damaged(&self, key: &RowKey) -> StoreError {
        self.tenant.damaged(key)
    }
}

impl Ledger for MemoryLedger<'_> {
    fn put(&mut self, key: &RowKey, bytes: Vec<u8>) -> Result<(), StoreError> {
        let before = self.tenant.rows.insert(key.clone(), bytes);
        self.undo.push(Undo::Row(key.clone(), before));
        Ok(())
    }

    fn delete(&mut self, key: &RowKey) -> Result<(), StoreError> {
        let before = self.tenant.rows.remove(key);
        self.undo.push(Undo::Row(key.clone(), before));
        Ok(())
    }

    fn answered(&self, request: &RequestMark, now: Timestamp) -> Result<Option<Answered>, StoreError> {
        self.tenant.answered(request, now)
    }

    fn remember(
        &mut self,
        request: RequestMark,
        at: Timestamp,
        answered: Answered,
    ) -> Result<(), StoreError> {
        let RequestMark { actor, id, payload } = request;
        let before = self.tenant.marks.insert((actor.clone(), id), Mark { payload, at, answered });
        self.undo.push(Undo::Mark((actor, id), before));
        Ok(())
    }

    fn tally(&mut self, key: &TallyKey, change: &mut dyn FnMut(&mut Tally)) -> Result<(), StoreError> {
        let before = self.tenant.tallies.get(key).copied();
        self.undo.push(Undo::Tally(*key, before));
        change(self.tenant.tallies.entry(*key).or_default());
        Ok(())
    }
}

#[async_trait]
impl Backend for MemoryStore {
    async fn glance<T, F>(&self, site: &SiteId, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        read(self.0.lock().tenant(site))
    }

    async fn find<T, F>(&self, site: &SiteId, read: F) -> Result<Option<T>, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<Option<T>, StoreError> + Send + Sync + 'static,
    {
        read(self.0.lock().tenant(site))
    }

    async fn look<T, F>(&self, site: &SiteId, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        read(self.0.lock().tenant(site))
    }

    async fn change<W, T, F>(
        &self,
        site: &SiteId,
        work: Vec<W>,
        _bytes: usize,
        change: F,
    ) -> Vec<Result<T, StoreError>>
    where
        W: Clone + Send + Sync + 'static,
        T: Send + 'static,
        F: Fn(&mut dyn Ledger, W) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        let one =
            |one| self.write(|rows| MemoryLedger::step(rows.tenant(site), |ledger| change(ledger, one)));
        work.into_iter().map(one).collect()
    }
}
