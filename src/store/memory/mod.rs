//! Everything in maps behind one lock: the reference that other backends are
//! compared with, and the store of tests.
//!
//! Keeps nothing after the process ends, so "durable" is void here. Plain over
//! fast: no caches, no clever locks. The queue's rows are kept as other backends
//! keep them: in key order, encoded.
//!
//! May import: `types`, `store`.

mod ledger;

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use async_trait::async_trait;
use parking_lot::Mutex;

use self::ledger::MemoryLedger;
use super::{
    ArticleStore, FeedbackStore, NewVerdict, Recorded, RequestMark, SiteStore, StoreError, StoreHealth,
    VerdictFilter, VerdictStore,
    effect::{self, Answered, Mark},
    queue::{self, Ledger as _, RowKey},
};
use crate::types::{
    ApiKey, Article, ArticleId, CommentId, Feedback, FeedbackId, KeyId, Page, PageRequest, RequestId, Site,
    SiteId, Tally, TallyKey, Timestamp, Verdict, VerdictId,
};

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Rows>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rows, for writing.
    fn write<T>(&self, change: impl FnOnce(&mut Rows) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut rows = self.0.lock();
        if rows.closed {
            return Err(StoreError::Closed);
        }
        change(&mut rows)
    }
}

#[derive(Debug, Default)]
struct Rows {
    closed: bool,
    sites: BTreeMap<SiteId, Site>,
    keys: BTreeMap<KeyId, ApiKey>,
    tenants: BTreeMap<SiteId, Tenant>,
}

impl Rows {
    fn tenant(&mut self, site: &SiteId) -> &mut Tenant {
        self.tenants.entry(site.clone()).or_default()
    }
}

/// The rows of one site.
#[derive(Debug, Default)]
struct Tenant {
    verdicts: BTreeMap<VerdictId, Verdict>,
    marks: BTreeMap<(KeyId, RequestId), Mark>,
    tallies: BTreeMap<TallyKey, Tally>,
    feedback: BTreeMap<(VerdictId, FeedbackId), Feedback>,
    rows: BTreeMap<RowKey, Vec<u8>>,
    articles: BTreeMap<ArticleId, Article>,
}

impl Tenant {
    /// What a request was answered with, if it is remembered at `now`.
    fn answered(&self, mark: &RequestMark, now: Timestamp) -> Result<Option<Answered>, StoreError> {
        Mark::answer(self.marks.get(&(mark.actor.clone(), mark.id)), mark, now)
    }

    fn replay(&self, mark: &RequestMark, now: Timestamp) -> Result<Option<Verdict>, StoreError> {
        match self.answered(mark, now)? {
            Some(Answered::Verdict(id)) => Ok(self.verdicts.get(&id).cloned()),
            Some(_) => Err(StoreError::RequestReused(mark.id)),
            None => Ok(None),
        }
    }

    fn list(&self, filter: &VerdictFilter, page: &PageRequest<VerdictId>) -> Page<Verdict, VerdictId> {
        let before = page.after.map_or(Unbounded, Excluded);
        let mut found = Page { rows: Vec::new(), next: None };
        let mut last = None;
        for (looked_at, (id, verdict)) in self.verdicts.range((Unbounded, before)).rev().enumerate() {
            if found.rows.len() == page.size.max(1) || looked_at == effect::MAX_LOOKED_AT {
                found.next = last;
                break;
            }
            last = Some(*id);
            if filter.admits(verdict) {
                found.rows.push(verdict.clone());
            }
        }
        found
    }
}

fn record(ledger: &mut MemoryLedger<'_>, new: NewVerdict) -> Result<Recorded, StoreError> {
    let NewVerdict { verdict, request, queue, campaign } = new;
    if let Some(mark) = &request
        && let Some(known) = ledger.tenant().replay(mark, verdict.created_at)?
    {
        return Ok(Recorded::Replayed(Box::new(known)));
    }
    for key in effect::distinct(&verdict.tallies) {
        ledger.tally(&key, &mut |tally| effect::see(tally, verdict.created_at))?;
    }
    queue::enqueue(ledger, &verdict, queue.as_ref())?;
    if let Some(membership) = &campaign {
        queue::join(ledger, &verdict, membership)?;
    }
    if let Some(request) = request {
        ledger.remember(request, verdict.created_at, Answered::Verdict(verdict.id))?;
    }
    // Last: nothing after it fails.
    ledger.tenant().verdicts.insert(verdict.id, verdict);
    Ok(Recorded::New)
}

fn add_feedback(
    ledger: &mut MemoryLedger<'_>,
    feedback: Feedback,
    request: Option<RequestMark>,
) -> Result<Feedback, StoreError> {
    if let Some(mark) = &request {
        match ledger.answered(mark, feedback.created_at)? {
            Some(Answered::Feedback(verdict, id)) => {
                if let Some(known) = ledger.tenant().feedback.get(&(verdict, id)) {
                    return Ok(known.clone());
                }
            }
            Some(_) => return Err(StoreError::RequestReused(mark.id)),
            None => {}
        }
    }
    let Some(verdict) = ledger.tenant().verdicts.get(&feedback.verdict).cloned() else {
        return Err(StoreError::UnknownVerdict(feedback.verdict));
    };
    if let Some(given) = queue::of_feedback(&feedback) {
        queue::give(ledger, &verdict, given)?;
    }
    if let Some(request) = request {
        let answered = Answered::Feedback(feedback.verdict, feedback.id);
        ledger.remember(request, feedback.created_at, answered)?;
    }
    ledger.tenant().feedback.insert((feedback.verdict, feedback.id), feedback.clone());
    Ok(feedback)
}

#[async_trait]
impl VerdictStore for MemoryStore {
    async fn record(&self, verdicts: Vec<NewVerdict>) -> Vec<Result<Recorded, StoreError>> {
        let record = |new: NewVerdict| {
            let site = new.verdict.site.clone();
            self.write(|rows| MemoryLedger::step(rows.tenant(&site), |ledger| record(ledger, new)))
        };
        verdicts.into_iter().map(record).collect()
    }

    async fn replay(
        &self,
        site: &SiteId,
        mark: &RequestMark,
        now: Timestamp,
    ) -> Result<Option<Verdict>, StoreError> {
        self.0.lock().tenant(site).replay(mark, now)
    }

    async fn verdict(&self, site: &SiteId, id: VerdictId) -> Result<Option<Verdict>, StoreError> {
        Ok(self.0.lock().tenant(site).verdicts.get(&id).cloned())
    }

    async fn verdict_of(&self, site: &SiteId, comment: &CommentId) -> Result<Option<Verdict>, StoreError> {
        let mut rows = self.0.lock();
        let newest = rows.tenant(site).verdicts.values().rev().find(|v| v.comment.as_ref() == Some(comment));
        Ok(newest.cloned())
    }

    async fn verdicts(
        &self,
        site: &SiteId,
        filter: &VerdictFilter,
        page: PageRequest<VerdictId>,
    ) -> Result<Page<Verdict, VerdictId>, StoreError> {
        Ok(self.0.lock().tenant(site).list(filter, &page))
    }

    async fn tallies(&self, site: &SiteId, keys: &[TallyKey]) -> Result<Vec<Tally>, StoreError> {
        let mut rows = self.0.lock();
        let tallies = &rows.tenant(site).tallies;
        Ok(keys.iter().map(|key| tallies.get(key).copied().unwrap_or_default()).collect())
    }

    async fn forget_requests(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.write(|rows| {
            let forget = |tenant: &mut Tenant| {
                let before = tenant.marks.len();
                tenant.marks.retain(|_, mark| mark.is_live(now));
                before - tenant.marks.len()
            };
            Ok(rows.tenants.values_mut().map(forget).sum())
        })
    }
}

#[async_trait]
impl FeedbackStore for MemoryStore {
    async fn add_feedback(
        &self,
        site: &SiteId,
        feedback: Feedback,
        request: Option<RequestMark>,
    ) -> Result<Feedback, StoreError> {
        self.write(|rows| {
            MemoryLedger::step(rows.tenant(site), |ledger| add_feedback(ledger, feedback, request))
        })
    }

    async fn feedback_on(&self, site: &SiteId, verdict: VerdictId) -> Result<Vec<Feedback>, StoreError> {
        let mut rows = self.0.lock();
        let all = rows.tenant(site).feedback.iter();
        Ok(all.filter(|((on, _), _)| *on == verdict).map(|(_, feedback)| feedback.clone()).collect())
    }
}

#[async_trait]
impl ArticleStore for MemoryStore {
    async fn put_article(&self, site: &SiteId, article: Article) -> Result<(), StoreError> {
        self.write(|rows| {
            rows.tenant(site).articles.insert(article.id.clone(), article);
            Ok(())
        })
    }

    async fn article(&self, site: &SiteId, id: &ArticleId) -> Result<Option<Article>, StoreError> {
        Ok(self.0.lock().tenant(site).articles.get(id).cloned())
    }

    async fn delete_article(&self, site: &SiteId, id: &ArticleId) -> Result<bool, StoreError> {
        self.write(|rows| Ok(rows.tenant(site).articles.remove(id).is_some()))
    }
}

#[async_trait]
impl SiteStore for MemoryStore {
    async fn create_site(&self, site: Site) -> Result<(), StoreError> {
        self.write(|rows| {
            if rows.sites.contains_key(&site.id) {
                return Err(StoreError::SiteExists(site.id));
            }
            rows.sites.insert(site.id.clone(), site);
            Ok(())
        })
    }

    async fn update_site(&self, site: Site, expected: u64) -> Result<(), StoreError> {
        self.write(|rows| match rows.sites.get_mut(&site.id) {
            None => Err(StoreError::UnknownSite(site.id)),
            Some(known) if known.policy_version != expected => Err(StoreError::SiteChanged(site.id)),
            Some(known) => {
                *known = site;
                Ok(())
            }
        })
    }

    async fn site(&self, id: &SiteId) -> Result<Option<Site>, StoreError> {
        Ok(self.0.lock().sites.get(id).cloned())
    }

    async fn sites(&self, page: PageRequest<SiteId>) -> Result<Page<Site, SiteId>, StoreError> {
        let after = page.after.map_or(Unbounded, Excluded);
        let rows = self.0.lock();
        let mut list = rows.sites.range((after, Unbounded)).map(|(_, site)| site.clone());
        let found: Vec<_> = list.by_ref().take(page.size.max(1)).collect();
        let next = list.next().and_then(|_| found.last()).map(|site| site.id.clone());
        Ok(Page { rows: found, next })
    }

    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        self.write(|rows| {
            rows.keys.insert(key.id.clone(), key);
            Ok(())
        })
    }

    async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.0.lock().keys.get(id).cloned())
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        Ok(self.0.lock().keys.values().cloned().collect())
    }
}

#[async_trait]
impl StoreHealth for MemoryStore {
    async fn check(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(()))
    }

    async fn close(&self) {
        self.0.lock().closed = true;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::store::conformance::queue_runs;

    async fn open() -> (Arc<MemoryStore>, ()) {
        (Arc::new(MemoryStore::new()), ())
    }

    crate::store::conformance::suite!(open);

    /// Runs of the queue: 400, or as many as `TAMIS_QUEUE_RUNS` says.
    fn runs() -> ProptestConfig {
        let wanted = std::env::var_os("TAMIS_QUEUE_RUNS").and_then(|n| n.to_str()?.parse().ok());
        ProptestConfig { cases: wanted.unwrap_or(400), max_shrink_iters: 2_000, ..ProptestConfig::default() }
    }

    proptest! {
        #![proptest_config(runs())]

        /// Random interleavings of all calls of the queue end as the plain model
        /// says, and a recount finds every counter right.
        #[test]
        fn the_queue_agrees_with_the_model(ops in queue_runs::ops()) {
            let store = Arc::new(MemoryStore::new());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(queue_runs::agree(&ops, store.clone()));
            let daily = SiteId::new("daily").unwrap();
            let problems = crate::store::queue::recount(store.0.lock().tenant(&daily)).unwrap();
            prop_assert!(problems.is_empty(), "{problems:?}");
        }
    }
}
