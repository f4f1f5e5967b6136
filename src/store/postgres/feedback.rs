//! Reports on verdicts.
//!
//! May import: `types`, `store`.

use async_trait::async_trait;

use crate::{
    store::{
        FeedbackStore, RequestMark, StoreError,
        effect::Answered,
        queue::{self, Ledger as _, Rows as _},
    },
    types::{Feedback, SiteId, VerdictId},
};

use super::{
    PostgresStore,
    image::{Image, Want},
    ledger::damaged,
    sql::{Id, Query},
    unit::{submit, wait},
};

/// What adding a report came to.
enum Added {
    New(Feedback),
    Before(VerdictId, crate::types::FeedbackId),
}

fn add(image: &mut Image, feedback: Feedback, request: Option<RequestMark>) -> Result<Added, StoreError> {
    if let Some(mark) = &request {
        match image.answered(mark, feedback.created_at)? {
            Some(Answered::Feedback(verdict, id)) => return Ok(Added::Before(verdict, id)),
            Some(_) => return Err(StoreError::RequestReused(mark.id)),
            None => {}
        }
    }
    let Some(verdict) = image.verdict(feedback.verdict)? else {
        return Err(StoreError::UnknownVerdict(feedback.verdict));
    };
    if let Some(given) = queue::of_feedback(&feedback) {
        queue::give(image, &verdict, given)?;
    }
    if let Some(request) = request {
        let answered = Answered::Feedback(feedback.verdict, feedback.id);
        image.remember(request, feedback.created_at, answered)?;
    }
    image.staged.feedback.push(feedback.clone());
    Ok(Added::New(feedback))
}

#[async_trait]
impl FeedbackStore for PostgresStore {
    async fn add_feedback(
        &self,
        site: &SiteId,
        feedback: Feedback,
        request: Option<RequestMark>,
    ) -> Result<Feedback, StoreError> {
        let mut hint = Want::default();
        hint.verdicts.insert(feedback.verdict);
        hint.marks.extend(request.as_ref().map(|mark| (mark.actor.clone(), mark.id)));
        let run = move |image: &mut Image| add(image, feedback.clone(), request.clone());
        match wait(submit(&self.ordered, site, 1_024, hint, run)).await? {
            Added::New(feedback) => Ok(feedback),
            Added::Before(verdict, id) => {
                let known = self.feedback_on(site, verdict).await?.into_iter().find(|known| known.id == id);
                known.ok_or_else(|| damaged("feedback", id.as_bytes()))
            }
        }
    }

    async fn feedback_on(&self, site: &SiteId, verdict: VerdictId) -> Result<Vec<Feedback>, StoreError> {
        // Primary key of `feedback`.
        let query = Query::new("SELECT id, body FROM feedback WHERE site = $1 AND verdict = $2 ORDER BY id");
        let query = query.with(site.as_str().to_owned()).with(Id(*verdict.as_bytes()));
        let mut all = Vec::new();
        for row in self.select(site, query).await? {
            let bytes: Option<&[u8]> = row.try_get(1).ok();
            let read = bytes.and_then(|bytes| rmp_serde::from_slice(bytes).ok());
            all.push(read.ok_or_else(|| damaged("feedback", verdict.as_bytes()))?);
        }
        Ok(all)
    }
}
