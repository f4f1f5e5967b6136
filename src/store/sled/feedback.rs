//! Reports of what comments really were, in sled.
//!
//! May import: `types`, `store`.

use async_trait::async_trait;

use super::{Key, SledStore, StoreError, codec, gate::View, ledger::SledLedger, plan::Plan};
use crate::{
    store::{FeedbackStore, RequestMark, effect::Answered, queue},
    types::{Feedback, SiteId, Verdict, VerdictId},
};

/// Room a report takes in a group, about.
const BYTES: usize = 512;

fn add(
    plan: &mut Plan,
    site: &SiteId,
    feedback: Feedback,
    request: Option<RequestMark>,
) -> Result<Feedback, StoreError> {
    if let Some(request) = &request
        && let Some(answered) = plan.answered(site, request, feedback.created_at)?
    {
        let Answered::Feedback(verdict, id) = answered else {
            return Err(StoreError::RequestReused(request.id));
        };
        if let Some(known) = plan.load(&Key::feedback(site, verdict, id))? {
            return Ok(known);
        }
    }
    let about: Option<Verdict> = plan.load(&Key::verdict(site, feedback.verdict))?;
    let about = about.ok_or(StoreError::UnknownVerdict(feedback.verdict))?;
    if let Some(given) = queue::of_feedback(&feedback) {
        queue::give(&mut SledLedger::new(plan, site), &about, given)?;
    }
    if let Some(request) = request {
        let answered = Answered::Feedback(feedback.verdict, feedback.id);
        plan.remember(site, request, feedback.created_at, answered)?;
    }
    if !plan.replace(&Key::feedback(site, feedback.verdict, feedback.id), &feedback)? {
        plan.totals().feedback += 1;
    }
    Ok(feedback)
}

#[async_trait]
impl FeedbackStore for SledStore {
    async fn add_feedback(
        &self,
        site: &SiteId,
        feedback: Feedback,
        request: Option<RequestMark>,
    ) -> Result<Feedback, StoreError> {
        let site = site.clone();
        let bytes = BYTES + feedback.note.len();
        let write = move |plan: &mut Plan| plan.step(|plan| add(plan, &site, feedback, request));
        self.writer()?.write(1, bytes, write).await
    }

    async fn feedback_on(&self, site: &SiteId, verdict: VerdictId) -> Result<Vec<Feedback>, StoreError> {
        let prefix = Key::feedback_on(site, verdict);
        let list = move |view: View<'_>| {
            let rows = view.range(&prefix, &prefix.end());
            rows.map(|row| row.and_then(|(key, stored)| codec::decode(&view, &key, &stored))).collect()
        };
        self.gate.scan(list).await
    }
}
