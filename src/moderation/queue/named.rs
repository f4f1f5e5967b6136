//! Queues that a site gave a name.
//!
//! May import: `types`, `store`.

use super::{Deed, MAX_QUEUES, QueueDesk, Wanted, may};
use crate::{
    moderation::{Actor, ModerationError},
    store::{QueueRefusal, StoreError},
    types::{NamedQueue, PageRequest, QueueName, SiteId},
};

impl QueueDesk {
    /// Makes a queue.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], `QUEUE_EXISTS`, [`ModerationError::Field`] when
    /// the site has as many as it may.
    pub async fn create_queue(
        &self,
        caller: &Actor,
        site: &SiteId,
        queue: NamedQueue,
        wanted: Wanted,
    ) -> Result<NamedQueue, ModerationError> {
        self.known(site).await?;
        let there = self.desk.store.queues(site, PageRequest { size: MAX_QUEUES, after: None }).await?;
        if there.rows.len() >= MAX_QUEUES {
            let must = format!("would be one more than the {MAX_QUEUES} queues that a site may have");
            return Err(ModerationError::Field { field: "queue_id", must });
        }
        self.put_queue(caller, site, queue, wanted, 0).await
    }

    /// Changes a queue that was read with this version.
    ///
    /// # Errors
    ///
    /// `QUEUE_NOT_FOUND`, `ETAG_MISMATCH`.
    pub async fn put_queue(
        &self,
        caller: &Actor,
        site: &SiteId,
        queue: NamedQueue,
        wanted: Wanted,
        expected: u64,
    ) -> Result<NamedQueue, ModerationError> {
        let filter = self.resolve(site, wanted);
        let queue = NamedQueue { filter, updated_at: self.now(), ..queue };
        Ok(self.desk.store.put_queue(site, &caller.key, queue, expected).await?)
    }

    /// One queue.
    ///
    /// # Errors
    ///
    /// `QUEUE_NOT_FOUND`, also for one that the caller may not see.
    pub async fn queue(
        &self,
        caller: &Actor,
        site: &SiteId,
        name: &QueueName,
    ) -> Result<NamedQueue, ModerationError> {
        let queue = self.desk.store.queue(site, name).await?.filter(|queue| may(queue, caller, Deed::Look));
        Ok(queue.ok_or_else(|| StoreError::from(QueueRefusal::UnknownQueue(name.clone())))?)
    }

    /// The queues that the caller may see, by name.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`].
    pub async fn queues(&self, caller: &Actor, site: &SiteId) -> Result<Vec<NamedQueue>, ModerationError> {
        self.known(site).await?;
        let queues = self.desk.store.queues(site, PageRequest { size: MAX_QUEUES, after: None }).await?;
        Ok(queues.rows.into_iter().filter(|queue| may(queue, caller, Deed::Look)).collect())
    }

    /// Deletes a queue; its items stay.
    ///
    /// # Errors
    ///
    /// `QUEUE_NOT_FOUND`, `ETAG_MISMATCH`.
    pub async fn delete_queue(
        &self,
        caller: &Actor,
        site: &SiteId,
        name: &QueueName,
        expected: u64,
    ) -> Result<(), ModerationError> {
        Ok(self.desk.store.delete_queue(site, &caller.key, name, expected, self.now()).await?)
    }
}
