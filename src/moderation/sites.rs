//! Sites and their policies.
//!
//! May import: `types`, `store`.

use crate::types::{Page, PageRequest, Policy, QueueRules, Site, SiteId};

use super::{Desk, ModerationError, SiteChange};

/// Sites.
pub struct Sites {
    desk: Desk,
}

impl Sites {
    /// Sites kept at a desk.
    #[must_use]
    pub const fn new(desk: Desk) -> Self {
        Self { desk }
    }

    /// Adds a site.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`] with `SITE_EXISTS`.
    pub async fn create(
        &self,
        id: SiteId,
        display_name: String,
        languages: Vec<String>,
        policy: Policy,
        queue: QueueRules,
    ) -> Result<Site, ModerationError> {
        let now = self.desk.clock.now();
        let site = Site {
            id,
            display_name,
            languages,
            policy,
            policy_version: 1,
            queue,
            created_at: now,
            updated_at: now,
        };
        self.desk.store.create_site(site.clone()).await?;
        Ok(site)
    }

    /// One site.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`].
    pub async fn get(&self, id: &SiteId) -> Result<Site, ModerationError> {
        let site = self.desk.store.site(id).await?;
        site.ok_or_else(|| ModerationError::UnknownSite(id.clone()))
    }

    /// All sites by name.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn list(&self, page: PageRequest<SiteId>) -> Result<Page<Site, SiteId>, ModerationError> {
        Ok(self.desk.store.sites(page).await?)
    }

    /// Changes a site. Later verdicts name the new policy version.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`]; `ETAG_MISMATCH` when somebody else was faster.
    pub async fn update(&self, id: &SiteId, change: SiteChange) -> Result<Site, ModerationError> {
        let SiteChange { display_name, languages, policy, queue, expected_version } = change;
        let old = self.get(id).await?;
        let site = Site {
            display_name: display_name.unwrap_or(old.display_name),
            languages: languages.unwrap_or(old.languages),
            policy: policy.unwrap_or(old.policy),
            policy_version: expected_version.saturating_add(1),
            updated_at: self.desk.clock.now(),
            id: old.id,
            queue: queue.unwrap_or(old.queue),
            created_at: old.created_at,
        };
        self.desk.store.update_site(site.clone(), expected_version).await?;
        Ok(site)
    }
}
