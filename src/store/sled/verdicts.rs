//! Verdicts, their look-ups, tallies and request marks in sled.
//!
//! May import: `types`, `store`.

use ::sled::IVec;
use async_trait::async_trait;

use super::{
    Key, SledStore, StoreError, codec,
    gate::View,
    ledger::SledLedger,
    merge::Ranged,
    packs,
    plan::{GroupedMark, Plan},
};
use crate::{
    store::{
        Enqueue, Membership, NewVerdict, Recorded, RequestMark, VerdictFilter, VerdictStore,
        effect::{self, Answered, Mark},
        queue,
    },
    types::{CommentId, Page, PageRequest, SiteId, Tally, TallyKey, Timestamp, Verdict, VerdictId},
};

/// Most marks forgotten in one commit.
const MAX_FORGOTTEN: usize = 1_000;

/// A verdict with its rows encoded, so that the committer does not have to.
pub(super) struct Prepared {
    tallies: Vec<TallyKey>,
    rows: Vec<(Key, IVec)>,
    lookups: Vec<Key>,
    request: Option<RequestMark>,
    queue: Option<Enqueue>,
    campaign: Option<Membership>,
    verdict: Verdict,
}

impl Prepared {
    pub(super) fn new(new: NewVerdict) -> Result<Self, StoreError> {
        let NewVerdict { verdict, request, queue, campaign } = new;
        let rows = codec::encode(&Key::verdict(&verdict.site, verdict.id), &verdict)?;
        let lookups = [
            verdict.comment.as_ref().map(|comment| Key::of_comment(&verdict.site, comment)),
            verdict.article.as_ref().map(|article| Key::under_article(&verdict.site, article)),
            verdict.author().map(|author| Key::by_author(&verdict.site, author)),
        ];
        let lookups = lookups.into_iter().flatten().map(|prefix| prefix.with_verdict(verdict.id)).collect();
        let tallies = effect::distinct(&verdict.tallies);
        Ok(Self { tallies, rows, lookups, request, queue, campaign, verdict })
    }

    /// Writes the verdict with its look-ups and nothing else that recording does.
    pub(super) fn keep(self, plan: &mut Plan) -> Result<(), StoreError> {
        plan.insert_rows(self.rows);
        for lookup in &self.lookups {
            packs::put(plan, lookup, Vec::new())?;
        }
        plan.totals().verdicts += 1;
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.rows.iter().map(|(key, value)| key.as_bytes().len() + value.len()).sum()
    }

    fn record(self, plan: &mut Plan) -> Result<Recorded, StoreError> {
        let Self { tallies, rows, lookups, request, queue, campaign, verdict } = self;
        let (site, at) = (&verdict.site, verdict.created_at);
        if let Some(request) = &request
            && let Some(answered) = plan.answered(site, request, at)?
        {
            let Answered::Verdict(known) = answered else {
                return Err(StoreError::RequestReused(request.id));
            };
            if let Some(known) = plan.load(&Key::verdict(site, known))? {
                return Ok(Recorded::Replayed(Box::new(known)));
            }
        }
        for tally in &tallies {
            plan.change_tally(site, tally, |tally| effect::see(tally, at))?;
        }
        if let Some(request) = request {
            plan.remember(site, request, at, Answered::Verdict(verdict.id))?;
        }
        plan.insert_rows(rows);
        for lookup in &lookups {
            packs::put(plan, lookup, Vec::new())?;
        }
        queue::enqueue(&mut SledLedger::new(plan, site), &verdict, queue.as_ref())?;
        if let Some(membership) = &campaign {
            queue::join(&mut SledLedger::new(plan, site), &verdict, membership)?;
        }
        plan.totals().verdicts += 1;
        Ok(Recorded::New)
    }
}

impl Plan {
    /// What a request was answered with; `None` when it is new at `now`.
    pub(super) fn answered(
        &self,
        site: &SiteId,
        request: &RequestMark,
        now: Timestamp,
    ) -> Result<Option<Answered>, StoreError> {
        let stored = self.load::<Mark>(&Key::mark(site, &request.actor, request.id))?;
        Mark::answer(stored.as_ref(), request, now)
    }

    /// Remembers what a request is answered with.
    pub(super) fn remember(
        &mut self,
        site: &SiteId,
        request: RequestMark,
        at: Timestamp,
        answered: Answered,
    ) -> Result<(), StoreError> {
        let RequestMark { actor, id, payload } = request;
        self.insert(&Key::mark(site, &actor, id), &Mark { payload, at, answered })?;
        self.list_mark(site, (actor, id, at));
        Ok(())
    }

    /// Changes one count.
    pub(super) fn change_tally(
        &mut self,
        site: &SiteId,
        tally: &TallyKey,
        change: impl FnOnce(&mut Tally),
    ) -> Result<(), StoreError> {
        let key = Key::tally(site, tally);
        let mut count = tally_of(self, &key)?;
        change(&mut count);
        packs::put(self, &key, codec::bytes(&count)?)
    }

    /// Forgets the expired marks of one group; answers how many.
    fn forget(&mut self, site: &SiteId, group: &Key, now: Timestamp) -> Result<usize, StoreError> {
        let listed = self.load::<Vec<GroupedMark>>(group)?.unwrap_or_default();
        self.remove(group)?;
        let mut forgotten = 0;
        for (actor, id, at) in listed {
            let key = Key::mark(site, &actor, id);
            // A mark that was used again after its day is listed anew.
            if self.load::<Mark>(&key)?.is_none_or(|mark| mark.at != at) {
                continue;
            }
            if effect::is_remembered(at, now) {
                self.list_mark(site, (actor, id, at));
            } else {
                self.remove(&key)?;
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }
}

/// One count; the default when nothing was counted.
fn tally_of(rows: &impl Ranged, key: &Key) -> Result<Tally, StoreError> {
    let Some(stored) = packs::get(rows, key)? else { return Ok(Tally::default()) };
    rmp_serde::from_slice(&stored).map_err(|_| codec::damaged(key))
}

/// Groups of marks whose oldest mark is expired, some [`MAX_FORGOTTEN`] marks of them.
fn expired_groups(view: View<'_>, now: Timestamp) -> Result<Vec<(SiteId, Key)>, StoreError> {
    let (mut found, mut marks) = (Vec::new(), 0);
    let mut from = vec![1];
    while let Some(site) = view.next_site(&from)? {
        let prefix = Key::mark_groups(&site);
        for row in view.range(&prefix, &prefix.end()) {
            let (key, stored) = row?;
            let listed: Vec<GroupedMark> = codec::decode(&view, &key, &stored)?;
            let oldest = listed.iter().map(|(_, _, at)| *at).min();
            if oldest.is_some_and(|at| effect::is_remembered(at, now)) {
                break;
            }
            marks += listed.len();
            found.push((site.clone(), key));
            if marks >= MAX_FORGOTTEN {
                return Ok(found);
            }
        }
        from = [site.as_str().as_bytes(), &[1]].concat();
    }
    Ok(found)
}

/// Verdicts one after the other: their keys, and their rows where those were read.
type Listed<'a> = Box<dyn Iterator<Item = Result<(Key, Option<IVec>), StoreError>> + 'a>;

impl View<'_> {
    /// The first site at or after these bytes that has rows.
    fn next_site(&self, from: &[u8]) -> Result<Option<SiteId>, StoreError> {
        let (start, end) = (Key::from_bytes(from), Key::from_bytes(&[u8::MAX]));
        let Some(row) = self.range(&start, &end).next() else { return Ok(None) };
        let (key, _) = row?;
        let site = key.parts().and_then(|(site, ..)| SiteId::new(site).ok());
        site.map(Some).ok_or_else(|| codec::damaged(&key))
    }

    /// One page of verdicts, by the look-up that fits the filter best.
    fn list(
        &self,
        site: &SiteId,
        filter: &VerdictFilter,
        page: &PageRequest<VerdictId>,
    ) -> Result<Page<Verdict, VerdictId>, StoreError> {
        let lookup = match (&filter.comment, filter.author, &filter.article) {
            (Some(comment), ..) => Some(Key::of_comment(site, comment)),
            (None, Some(author), _) => Some(Key::by_author(site, author)),
            (None, None, Some(article)) => Some(Key::under_article(site, article)),
            (None, None, None) => None,
        };
        let prefix = lookup.clone().unwrap_or_else(|| Key::verdicts(site));
        let end = page.after.map_or_else(|| prefix.end(), |id| prefix.with_verdict(id));
        let mut found = Page { rows: Vec::new(), next: None };
        let mut last = None;
        let rows: Listed<'_> = match lookup {
            Some(_) => {
                Box::new(packs::scan(self, &prefix, &end, true)?.map(|row| row.map(|(key, _)| (key, None))))
            }
            None => {
                Box::new(self.range(&prefix, &end).rev().map(|row| row.map(|(key, row)| (key, Some(row)))))
            }
        };
        for (looked_at, row) in rows.enumerate() {
            let (key, stored) = row?;
            if found.rows.len() == page.size.max(1) || looked_at == effect::MAX_LOOKED_AT {
                found.next = last;
                break;
            }
            let Some(id) = key.verdict_id() else { continue };
            last = Some(id);
            let verdict = match stored {
                None => codec::load(self, &Key::verdict(site, id)),
                Some(stored) => codec::decode(self, &key, &stored).map(Some),
            };
            match verdict {
                Ok(Some(verdict)) if filter.admits(&verdict) => found.rows.push(verdict),
                Ok(_) => {}
                // One bad row must not hide the others; reading it by id says so.
                Err(error @ StoreError::Damaged { .. }) => tracing::error!(%error, "left out of a list"),
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl VerdictStore for SledStore {
    async fn record(&self, verdicts: Vec<NewVerdict>) -> Vec<Result<Recorded, StoreError>> {
        let count = verdicts.len();
        if count == 0 {
            return Vec::new();
        }
        let prepared: Vec<_> = verdicts.into_iter().map(Prepared::new).collect();
        let bytes = prepared.iter().flatten().map(Prepared::bytes).sum();
        let write = |plan: &mut Plan| {
            let record = |item: Result<Prepared, StoreError>| plan.step(|plan| item?.record(plan));
            Ok(prepared.into_iter().map(record).collect())
        };
        let refused = match self.writer() {
            Ok(writer) => match writer.write(count, bytes, write).await {
                Ok(recorded) => return recorded,
                Err(refused) => refused,
            },
            Err(closed) => closed,
        };
        refused.repeated(count).into_iter().map(Err).collect()
    }

    async fn replay(
        &self,
        site: &SiteId,
        mark: &RequestMark,
        now: Timestamp,
    ) -> Result<Option<Verdict>, StoreError> {
        let (site, request) = (site.clone(), mark.clone());
        let find = move |view: View<'_>| {
            let stored = codec::load::<Mark>(&view, &Key::mark(&site, &request.actor, request.id))?;
            match Mark::answer(stored.as_ref(), &request, now)? {
                Some(Answered::Verdict(id)) => codec::load(&view, &Key::verdict(&site, id)),
                Some(_) => Err(StoreError::RequestReused(request.id)),
                None => Ok(None),
            }
        };
        self.gate.find(find).await
    }

    async fn verdict(&self, site: &SiteId, id: VerdictId) -> Result<Option<Verdict>, StoreError> {
        let key = Key::verdict(site, id);
        self.gate.find(move |view| codec::load(&view, &key)).await
    }

    async fn verdict_of(&self, site: &SiteId, comment: &CommentId) -> Result<Option<Verdict>, StoreError> {
        let (site, prefix) = (site.clone(), Key::of_comment(site, comment));
        let find = move |view: View<'_>| {
            let Some(row) = packs::scan(&view, &prefix, &prefix.end(), true)?.next() else { return Ok(None) };
            let (key, _) = row?;
            let id = key.verdict_id().ok_or_else(|| codec::damaged(&key))?;
            codec::load(&view, &Key::verdict(&site, id))
        };
        self.gate.find(find).await
    }

    async fn verdicts(
        &self,
        site: &SiteId,
        filter: &VerdictFilter,
        page: PageRequest<VerdictId>,
    ) -> Result<Page<Verdict, VerdictId>, StoreError> {
        let (site, filter) = (site.clone(), filter.clone());
        self.gate.scan(move |view| view.list(&site, &filter, &page)).await
    }

    async fn tallies(&self, site: &SiteId, keys: &[TallyKey]) -> Result<Vec<Tally>, StoreError> {
        let keys: Vec<_> = keys.iter().map(|key| Key::tally(site, key)).collect();
        let read = move |view: View<'_>| keys.iter().map(|key| tally_of(&view, key)).collect();
        self.gate.read(read).await
    }

    async fn forget_requests(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut forgotten = 0;
        loop {
            let groups = match self.gate.scan(move |view| expired_groups(view, now)).await {
                Ok(groups) if groups.is_empty() => {
                    // A closed store says so even when there is nothing to forget.
                    return self.writer()?.write(1, 0, |_| Ok(())).await.map(|()| forgotten);
                }
                other => other?,
            };
            let forget = move |plan: &mut Plan| {
                let mut sum = 0;
                for (site, group) in groups {
                    sum += plan.step(|plan| plan.forget(&site, &group, now))?;
                }
                Ok(sum)
            };
            forgotten += self.writer()?.write(MAX_FORGOTTEN, 0, forget).await?;
        }
    }
}
