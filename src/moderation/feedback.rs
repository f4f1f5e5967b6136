//! What comments really were, told by those who looked.
//!
//! May import: `types`, `store`.

use crate::{
    store::RequestMark,
    types::{Feedback, FeedbackId, FeedbackSource, KeyId, Ruling, SiteId, VerdictId},
};

use super::{Desk, ModerationError};

/// Reports on verdicts.
pub struct FeedbackDesk {
    desk: Desk,
}

impl FeedbackDesk {
    /// Reports kept at a desk.
    #[must_use]
    pub const fn new(desk: Desk) -> Self {
        Self { desk }
    }

    /// Records a report. A moderator's or owner's counts at once: the next comment
    /// with the same text, author or link is judged in its light.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`] with `VERDICT_NOT_FOUND` or `REQUEST_ID_REUSED`.
    #[expect(clippy::too_many_arguments, reason = "what a report consists of")]
    pub async fn report(
        &self,
        site: &SiteId,
        actor: &KeyId,
        verdict: VerdictId,
        ruling: Ruling,
        source: FeedbackSource,
        note: String,
        request: Option<RequestMark>,
    ) -> Result<Feedback, ModerationError> {
        let feedback = Feedback {
            id: FeedbackId::generate(),
            verdict,
            ruling,
            source,
            reporter: actor.clone(),
            note,
            created_at: self.desk.clock.now(),
        };
        Ok(self.desk.store.add_feedback(site, feedback, request).await?)
    }
}
