//! The rows of one site in sled, and a plan as a transaction over them.
//!
//! May import: `types`, `store`.

use std::ops::ControlFlow;

use async_trait::async_trait;

use super::{Key, SledStore, StoreError, codec, gate::View, keys::Kind, merge::Ranged, packs, plan::Plan};
use crate::{
    store::{
        RequestMark,
        effect::Answered,
        queue::{Backend, Ledger, LookUp, RowKey, Rows, Span, Visit},
    },
    types::{SiteId, Tally, TallyKey, Timestamp, Verdict, VerdictId},
};

/// Rows of a site, wherever they are read from.
pub(super) struct SiteRows<'a, R> {
    rows: &'a R,
    site: &'a SiteId,
}

impl<'a, R> SiteRows<'a, R> {
    /// The rows of a site.
    pub(super) const fn new(rows: &'a R, site: &'a SiteId) -> Self {
        Self { rows, site }
    }
}

impl<R: Ranged> Rows for SiteRows<'_, R> {
    fn get(&self, key: &RowKey) -> Result<Option<Vec<u8>>, StoreError> {
        let is_packed = Kind::Row(key.kind).is_packed();
        let key = Key::row(self.site, key);
        if is_packed {
            return packs::get(self.rows, &key);
        }
        let stored = self.rows.raw(&key)?;
        stored.map(|stored| codec::payload(self.rows, &key, &stored).map(Into::into)).transpose()
    }

    fn scan(&self, span: &Span, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let start = Key::row_at(self.site, span.kind, &span.from);
        let end = match &span.to {
            Some(to) => Key::row_at(self.site, span.kind, to),
            None => Key::row_at(self.site, span.kind, &[]).end(),
        };
        if start >= end {
            return Ok(());
        }
        if Kind::Row(span.kind).is_packed() {
            for row in packs::scan(self.rows, &start, &end, span.backwards)? {
                let (key, bytes) = row?;
                let (_, _, rest) = key.parts().ok_or_else(|| codec::damaged(&key))?;
                if visit(rest, &bytes)?.is_break() {
                    break;
                }
            }
            return Ok(());
        }
        for row in self.rows.rows(&start, &end, span.backwards) {
            let (key, stored) = row?;
            let bytes = codec::payload(self.rows, &key, &stored)?;
            let (_, _, rest) = key.parts().ok_or_else(|| codec::damaged(&key))?;
            if visit(rest, &bytes)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn verdict(&self, id: VerdictId) -> Result<Option<Verdict>, StoreError> {
        codec::load(self.rows, &Key::verdict(self.site, id))
    }

    fn look_up(
        &self,
        by: &LookUp,
        after: Option<VerdictId>,
        newest_first: bool,
        visit: &mut dyn FnMut(VerdictId) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let prefix = match by {
            LookUp::Comment(comment) => Key::of_comment(self.site, comment),
            LookUp::Article(article) => Key::under_article(self.site, article),
            LookUp::Author(author) => Key::by_author(self.site, *author),
        };
        let (start, end) = match (after, newest_first) {
            (None, _) => (prefix.clone(), prefix.end()),
            (Some(after), false) => (prefix.with_verdict(after).next(), prefix.end()),
            (Some(after), true) => (prefix.clone(), prefix.with_verdict(after)),
        };
        for row in packs::scan(self.rows, &start, &end, newest_first)? {
            let (key, _) = row?;
            let id = key.verdict_id().ok_or_else(|| codec::damaged(&key))?;
            if visit(id)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn damaged(&self, key: &RowKey) -> StoreError {
        codec::damaged(&Key::row(self.site, key))
    }
}

/// A plan as a transaction over the rows of one site.
pub(super) struct SledLedger<'a> {
    plan: &'a mut Plan,
    site: &'a SiteId,
}

impl<'a> SledLedger<'a> {
    /// A transaction that is part of the plan's present step.
    pub(super) const fn new(plan: &'a mut Plan, site: &'a SiteId) -> Self {
        Self { plan, site }
    }

    fn rows(&self) -> SiteRows<'_, Plan> {
        SiteRows { rows: self.plan, site: self.site }
    }
}

impl Rows for SledLedger<'_> {
    fn get(&self, key: &RowKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.rows().get(key)
    }

    fn scan(&self, span: &Span, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.rows().scan(span, visit)
    }

    fn verdict(&self, id: VerdictId) -> Result<Option<Verdict>, StoreError> {
        self.rows().verdict(id)
    }

    fn look_up(
        &self,
        by: &LookUp,
        after: Option<VerdictId>,
        newest_first: bool,
        visit: &mut dyn FnMut(VerdictId) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        self.rows().look_up(by, after, newest_first, visit)
    }

    fn damaged(&self, key: &RowKey) -> StoreError {
        self.rows().damaged(key)
    }
}

impl Ledger for SledLedger<'_> {
    fn put(&mut self, key: &RowKey, bytes: Vec<u8>) -> Result<(), StoreError> {
        let row = Key::row(self.site, key);
        if Kind::Row(key.kind).is_packed() {
            return packs::put(self.plan, &row, bytes);
        }
        self.plan.replace_bytes(&row, &bytes)
    }

    fn delete(&mut self, key: &RowKey) -> Result<(), StoreError> {
        let row = Key::row(self.site, key);
        let removed = if Kind::Row(key.kind).is_packed() {
            packs::remove(self.plan, &row)
        } else {
            self.plan.remove(&row)
        };
        removed.map(drop)
    }

    fn answered(&self, request: &RequestMark, now: Timestamp) -> Result<Option<Answered>, StoreError> {
        self.plan.answered(self.site, request, now)
    }

    fn remember(&mut self, request: RequestMark, at: Timestamp, answer: Answered) -> Result<(), StoreError> {
        self.plan.remember(self.site, request, at, answer)
    }

    fn tally(&mut self, key: &TallyKey, change: &mut dyn FnMut(&mut Tally)) -> Result<(), StoreError> {
        self.plan.change_tally(self.site, key, change)
    }
}

#[async_trait]
impl Backend for SledStore {
    async fn glance<T, F>(&self, site: &SiteId, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        let site = site.clone();
        self.gate.read(move |view: View<'_>| read(&SiteRows::new(&view, &site))).await
    }

    async fn find<T, F>(&self, site: &SiteId, read: F) -> Result<Option<T>, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<Option<T>, StoreError> + Send + Sync + 'static,
    {
        let site = site.clone();
        self.gate.find(move |view: View<'_>| read(&SiteRows::new(&view, &site))).await
    }

    async fn look<T, F>(&self, site: &SiteId, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        let site = site.clone();
        self.gate.scan(move |view: View<'_>| read(&SiteRows::new(&view, &site))).await
    }

    async fn change<W, T, F>(
        &self,
        site: &SiteId,
        work: Vec<W>,
        bytes: usize,
        change: F,
    ) -> Vec<Result<T, StoreError>>
    where
        W: Clone + Send + Sync + 'static,
        T: Send + 'static,
        F: Fn(&mut dyn Ledger, W) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        let (site, count) = (site.clone(), work.len());
        if count == 0 {
            return Vec::new();
        }
        let write = move |plan: &mut Plan| {
            let one = |one| plan.step(|plan| change(&mut SledLedger::new(plan, &site), one));
            Ok(work.into_iter().map(one).collect())
        };
        let refused = match self.writer() {
            Ok(writer) => match writer.write(count, bytes, write).await {
                Ok(done) => return done,
                Err(refused) => refused,
            },
            Err(closed) => closed,
        };
        refused.repeated(count).into_iter().map(Err).collect()
    }
}
