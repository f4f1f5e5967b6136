//! Authors' objections to what became of their comments.
//!
//! May import: `types`, `store`.

use std::sync::Arc;

use crate::{
    store::{QueueRefusal, RequestMark, StoreError},
    types::{Appeal, AppealId, KeyId, QueueItemId, SiteId, VerdictId},
};

use super::{Articles, Desk, ModerationError};

/// Appeals of every site.
pub struct Appeals {
    desk: Desk,
    articles: Arc<Articles>,
}

impl Appeals {
    /// Appeals kept at a desk.
    #[must_use]
    pub const fn new(desk: Desk, articles: Arc<Articles>) -> Self {
        Self { desk, articles }
    }

    /// Opens an appeal: the comment waits again, and somebody else must decide it.
    ///
    /// # Errors
    ///
    /// `VERDICT_NOT_FOUND`, `NOTHING_TO_APPEAL`, `APPEAL_OPEN`, `REQUEST_ID_REUSED`.
    pub async fn open(
        &self,
        site: &SiteId,
        opened_by: &KeyId,
        verdict: VerdictId,
        statement: String,
        request: Option<RequestMark>,
    ) -> Result<Appeal, ModerationError> {
        let about = self.desk.store.verdict(site, verdict).await?;
        let about = about.ok_or(StoreError::UnknownVerdict(verdict))?;
        let section = match &about.article {
            Some(article) => self.articles.section(site, article).await?,
            None => None,
        };
        let appeal = Appeal {
            id: AppealId::generate(),
            verdict,
            // The store knows the item, the decision and, later, the outcome.
            item: QueueItemId::from(verdict),
            against: None,
            statement,
            opened_by: opened_by.clone(),
            created_at: self.desk.clock.now(),
            outcome: None,
        };
        Ok(self.desk.store.open_appeal(site, appeal, section, request).await?)
    }

    /// One appeal.
    ///
    /// # Errors
    ///
    /// `APPEAL_NOT_FOUND`.
    pub async fn get(&self, site: &SiteId, id: AppealId) -> Result<Appeal, ModerationError> {
        let appeal = self.desk.store.appeal(site, id).await?;
        Ok(appeal.ok_or_else(|| StoreError::from(QueueRefusal::UnknownAppeal(id)))?)
    }
}
