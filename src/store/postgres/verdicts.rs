//! Verdicts, their look-ups, counts and request marks.
//!
//! May import: `types`, `store`.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use async_trait::async_trait;

use crate::{
    store::{
        Enqueue, Membership, NewVerdict, Recorded, RequestMark, StoreError, VerdictFilter, VerdictStore,
        effect::{self, Answered},
        queue::{self, Ledger as _, LookUp, Rows as _},
    },
    types::{
        CommentId, KeyId, Page, PageRequest, RequestId, SiteId, Tally, TallyKey, Timestamp, Verdict,
        VerdictId,
    },
};

use super::{
    PostgresStore, fetch,
    image::{Image, Want},
    sql::{Id, Query},
    unit::{submit, wait},
};

/// A verdict with its row encoded, so that the lane does not have to.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) verdict: Verdict,
    pub(super) body: Vec<u8>,
    tallies: Vec<TallyKey>,
    request: Option<RequestMark>,
    queue: Option<Enqueue>,
    campaign: Option<Membership>,
}

impl Prepared {
    fn new(new: NewVerdict) -> Result<Self, StoreError> {
        let NewVerdict { verdict, request, queue, campaign } = new;
        let body = rmp_serde::to_vec(&verdict)
            .map_err(|source| StoreError::Backend { doing: "encoding a row", source: source.into() })?;
        let tallies = effect::distinct(&verdict.tallies);
        Ok(Self { verdict, body, tallies, request, queue, campaign })
    }

    /// What recording it is known to look at.
    fn hint(&self) -> Want {
        let mut want = Want::default();
        want.parts.extend(self.verdict.comment.clone().map(|comment| (LookUp::Comment(comment), true, None)));
        want.marks.extend(self.request.as_ref().map(|mark| (mark.actor.clone(), mark.id)));
        want
    }

    fn record(this: &Arc<Self>, image: &mut Image) -> Result<Recorded, StoreError> {
        let Self { verdict, tallies, request, queue, campaign, .. } = &**this;
        let at = verdict.created_at;
        if let Some(request) = request
            && let Some(answered) = image.answered(request, at)?
        {
            let Answered::Verdict(known) = answered else {
                return Err(StoreError::RequestReused(request.id));
            };
            if let Some(known) = image.verdict(known)? {
                return Ok(Recorded::Replayed(Box::new(known)));
            }
        }
        for tally in tallies {
            image.tally(tally, &mut |tally| effect::see(tally, at))?;
        }
        if let Some(request) = request {
            image.remember(request.clone(), at, Answered::Verdict(verdict.id))?;
        }
        image.staged.verdicts.insert(verdict.id, Arc::clone(this));
        queue::enqueue(image, verdict, queue.as_ref())?;
        if let Some(membership) = campaign {
            queue::join(image, verdict, membership)?;
        }
        Ok(Recorded::New)
    }
}

/// What makes a request's mark one of its kind.
type MarkName = (SiteId, KeyId, RequestId);

fn mark_name(verdict: &Verdict, mark: &RequestMark) -> MarkName {
    (verdict.site.clone(), mark.actor.clone(), mark.id)
}

/// The requests that more than one of these verdicts name.
fn shared_marks(verdicts: &[NewVerdict]) -> HashSet<MarkName> {
    let mut seen = HashSet::new();
    let names = verdicts.iter().filter_map(|new| Some(mark_name(&new.verdict, new.request.as_ref()?)));
    names.filter(|name| !seen.insert(name.clone())).collect()
}

impl PostgresStore {
    /// The lane of a verdict. Verdicts on one comment, and the tries of one request, take
    /// the same one: they see each other. What shares its request with another of the same
    /// call goes in order, so that the first of them wins.
    fn lane_of(&self, new: &Prepared, shared: &HashSet<MarkName>) -> &super::lane::Entry {
        let with_another =
            new.request.as_ref().is_some_and(|mark| shared.contains(&mark_name(&new.verdict, mark)));
        if with_another || new.queue.is_some() || new.campaign.is_some() {
            return &self.ordered;
        }
        let mut hasher = DefaultHasher::new();
        new.verdict.site.hash(&mut hasher);
        match (&new.request, &new.verdict.comment) {
            (_, Some(comment)) => comment.hash(&mut hasher),
            (Some(mark), None) => mark.id.hash(&mut hasher),
            (None, None) => new.verdict.id.hash(&mut hasher),
        }
        let at = usize::try_from(hasher.finish() % self.free.len() as u64).unwrap_or(0);
        self.free.get(at).unwrap_or(&self.ordered)
    }
}

/// Ids of a look-up's verdicts, newest first, with their bodies: the filter's best index.
fn list(site: &SiteId, filter: &VerdictFilter, after: Option<VerdictId>, limit: i64) -> Query {
    let after = Id(after.map_or([u8::MAX; 16], |id| *id.as_bytes()));
    let sql = match (&filter.comment, filter.author, &filter.article) {
        (Some(_), ..) => {
            "SELECT id, body FROM verdicts WHERE site = $1 AND id < $2 AND comment = $4 ORDER BY id DESC LIMIT $3"
        }
        (None, Some(_), _) => {
            "SELECT id, body FROM verdicts WHERE site = $1 AND id < $2 AND author = $4 ORDER BY id DESC LIMIT $3"
        }
        (None, None, Some(_)) => {
            "SELECT id, body FROM verdicts WHERE site = $1 AND id < $2 AND article = $4 ORDER BY id DESC LIMIT $3"
        }
        (None, None, None) => {
            "SELECT id, body FROM verdicts WHERE site = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        }
    };
    let query = Query::new(sql).with(site.as_str().to_owned()).with(after).with(limit);
    match (&filter.comment, filter.author, &filter.article) {
        (Some(comment), ..) => query.with(comment.as_str().to_owned()),
        (None, Some(author), _) => query.with(Id(author)),
        (None, None, Some(article)) => query.with(article.as_str().to_owned()),
        (None, None, None) => query,
    }
}

#[async_trait]
impl VerdictStore for PostgresStore {
    async fn record(&self, verdicts: Vec<NewVerdict>) -> Vec<Result<Recorded, StoreError>> {
        let shared = shared_marks(&verdicts);
        let hand_in = |new: NewVerdict| {
            let new = Arc::new(Prepared::new(new)?);
            let (hint, bytes) = (new.hint(), new.body.len());
            let (site, record) = (new.verdict.site.clone(), Arc::clone(&new));
            Ok(submit(self.lane_of(&new, &shared), &site, bytes, hint, move |image| {
                Prepared::record(&record, image)
            }))
        };
        // All are on their way before the first is waited for.
        let replies: Vec<Result<_, StoreError>> = verdicts.into_iter().map(hand_in).collect();
        let mut recorded = Vec::with_capacity(replies.len());
        for reply in replies {
            recorded.push(match reply {
                Ok(reply) => wait(reply).await,
                Err(error) => Err(error),
            });
        }
        recorded
    }

    async fn replay(
        &self,
        site: &SiteId,
        mark: &RequestMark,
        now: Timestamp,
    ) -> Result<Option<Verdict>, StoreError> {
        let mark = mark.clone();
        self.read(site, move |image| match image.answered(&mark, now)? {
            Some(Answered::Verdict(id)) => image.verdict(id),
            Some(_) => Err(StoreError::RequestReused(mark.id)),
            None => Ok(None),
        })
        .await
    }

    async fn verdict(&self, site: &SiteId, id: VerdictId) -> Result<Option<Verdict>, StoreError> {
        self.read(site, move |image| image.verdict(id)).await
    }

    async fn verdict_of(&self, site: &SiteId, comment: &CommentId) -> Result<Option<Verdict>, StoreError> {
        let by = LookUp::Comment(comment.clone());
        self.read(site, move |image| {
            let mut newest = None;
            image.look_up(&by, None, true, &mut |id| {
                newest = Some(id);
                Ok(std::ops::ControlFlow::Break(()))
            })?;
            newest.map_or(Ok(None), |id| image.verdict(id))
        })
        .await
    }

    async fn verdicts(
        &self,
        site: &SiteId,
        filter: &VerdictFilter,
        page: PageRequest<VerdictId>,
    ) -> Result<Page<Verdict, VerdictId>, StoreError> {
        let size = page.size.max(1);
        let VerdictFilter { article, comment, author, action, from, until } = filter;
        let lookups =
            usize::from(article.is_some()) + usize::from(comment.is_some()) + usize::from(author.is_some());
        // Where an index answers alone, no row is looked at in vain.
        let exact = action.is_none() && from.is_none() && until.is_none() && lookups <= 1;
        let looked_at = if exact { size } else { effect::MAX_LOOKED_AT };
        let limit = i64::try_from(looked_at + 1).unwrap_or(i64::MAX);
        let rows = self.select(site, list(site, filter, page.after, limit)).await?;
        let mut found = Page { rows: Vec::new(), next: None };
        let mut last = None;
        for (number, row) in rows.into_iter().enumerate() {
            if found.rows.len() == size || number == looked_at {
                found.next = last;
                break;
            }
            let read = |error: tokio_postgres::Error| StoreError::Backend {
                doing: "reading a row",
                source: error.into(),
            };
            let id = VerdictId::from_bytes(row.try_get::<_, Id>(0).map_err(read)?.0);
            last = Some(id);
            match fetch::verdict(id, row.try_get(1).map_err(read)?) {
                Ok(verdict) if filter.admits(&verdict) => found.rows.push(verdict),
                Ok(_) => {}
                // One bad row must not hide the others; reading it by id says so.
                Err(error) => tracing::error!(%error, "left out of a list"),
            }
        }
        Ok(found)
    }

    async fn tallies(&self, site: &SiteId, keys: &[TallyKey]) -> Result<Vec<Tally>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys = keys.to_vec();
        self.read(site, move |image| image.tallies(&keys)).await
    }

    async fn forget_requests(&self, now: Timestamp) -> Result<usize, StoreError> {
        let cutoff = now
            .micros()
            .saturating_sub(i64::try_from(crate::store::REQUEST_MEMORY.as_micros()).unwrap_or(i64::MAX));
        let mut forgotten = 0;
        loop {
            // Index `request_marks_at`; some at a time, so that no lock lasts.
            let query = Query::new(
                "DELETE FROM request_marks WHERE (site, actor, id) IN \
                 (SELECT site, actor, id FROM request_marks WHERE at < $1 ORDER BY at LIMIT 5000 FOR UPDATE SKIP LOCKED)",
            );
            let count = self.maintain(query.with(cutoff)).await?;
            forgotten += usize::try_from(count).unwrap_or(usize::MAX);
            if count < 5_000 {
                return Ok(forgotten);
            }
        }
    }
}
