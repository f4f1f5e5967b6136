//! The audit chain, read and checked.
//!
//! May import: `types`, `store`.

use crate::{
    store::ChainCheck,
    types::{AuditEvent, ChainHead, SiteId},
};

use super::{Desk, ModerationError};

/// The audit chain of every site.
pub struct AuditDesk {
    desk: Desk,
}

impl AuditDesk {
    /// The chains of a desk.
    #[must_use]
    pub const fn new(desk: Desk) -> Self {
        Self { desk }
    }

    /// Events after a number, oldest first; at most 1,000.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`].
    pub async fn events(
        &self,
        site: &SiteId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AuditEvent>, ModerationError> {
        self.known(site).await?;
        Ok(self.desk.store.events(site, after, limit).await?)
    }

    /// One event.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownAuditEvent`].
    pub async fn event(&self, site: &SiteId, number: u64) -> Result<AuditEvent, ModerationError> {
        let unknown = || ModerationError::UnknownAuditEvent(number);
        let after = number.checked_sub(1).ok_or_else(unknown)?;
        let event = self.events(site, after, 1).await?.into_iter().next();
        event.filter(|event| event.number == number).ok_or_else(unknown)
    }

    /// The end of the chain.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`].
    pub async fn head(&self, site: &SiteId) -> Result<ChainHead, ModerationError> {
        self.known(site).await?;
        Ok(self.desk.store.chain_head(site).await?)
    }

    /// Follows the chain for some thousand links.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`].
    pub async fn verify(&self, site: &SiteId, after: ChainHead) -> Result<ChainCheck, ModerationError> {
        self.known(site).await?;
        Ok(self.desk.store.verify_chain(site, after).await?)
    }

    async fn known(&self, site: &SiteId) -> Result<(), ModerationError> {
        if *site == SiteId::installation() {
            return Ok(());
        }
        let found = self.desk.store.site(site).await?;
        found.map(drop).ok_or_else(|| ModerationError::UnknownSite(site.clone()))
    }
}
