//! What happened, in order and exactly once: the audit chain as watchers see it.
//!
//! May import: `types`, `store`.

use super::{Deed, QueueDesk, is_hidden};
use crate::{
    moderation::{Actor, ModerationError},
    types::{Appeal, AuditEvent, Decision, SiteId, Verdict},
};

/// Events of one read.
const LIMIT: usize = 200;

/// One event with what a watcher wants to know of it.
#[derive(Clone, Debug)]
pub struct Happened {
    /// The event.
    pub event: AuditEvent,
    /// The decision, when one was made or taken back.
    pub decision: Option<Decision>,
}

impl QueueDesk {
    /// Number of the last event of a site.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`].
    pub async fn last_event(&self, site: &SiteId) -> Result<u64, ModerationError> {
        if *site != SiteId::installation() {
            self.known(site).await?;
        }
        Ok(self.desk.store.chain_head(site).await?.number)
    }

    /// Whether anything happened after an event: one point read.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn anything_after(&self, site: &SiteId, after: u64) -> Result<bool, ModerationError> {
        Ok(self.desk.store.chain_head(site).await?.number > after)
    }

    /// What happened after an event, oldest first, some hundred at most.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Trimmed`] when events after it were deleted meanwhile.
    pub async fn events_after(&self, site: &SiteId, after: u64) -> Result<Vec<Happened>, ModerationError> {
        let events = self.desk.store.events(site, after, LIMIT).await?;
        if events.first().is_some_and(|first| first.number > after.saturating_add(1)) {
            return Err(ModerationError::Trimmed);
        }
        let mut happened = Vec::with_capacity(events.len());
        for event in events {
            let decision = match event.action.decision() {
                Some(id) => self.desk.store.decision(site, id).await?,
                None => None,
            };
            happened.push(Happened { event, decision });
        }
        Ok(happened)
    }

    /// Those events that no closed queue keeps from the caller: of items as they are now.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn visible_events(
        &self,
        caller: &Actor,
        site: &SiteId,
        happened: Vec<Happened>,
    ) -> Result<Vec<Happened>, ModerationError> {
        let hidden = self.hidden(caller, site, Deed::Look).await?;
        if hidden.is_empty() {
            return Ok(happened);
        }
        let mut visible = Vec::with_capacity(happened.len());
        for one in happened {
            let item = match one.event.action.item() {
                Some(id) => self.desk.store.item(site, id).await?,
                None => None,
            };
            if item.is_none_or(|item| !is_hidden(&item, &hidden, self.now())) {
                visible.push(one);
            }
        }
        Ok(visible)
    }

    /// The appeal that a decision ended, if it ended one.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn appeal_ended_by(
        &self,
        site: &SiteId,
        decision: &Decision,
    ) -> Result<Option<Appeal>, ModerationError> {
        let item = self.desk.store.item(site, decision.item).await?;
        let Some(id) = item.and_then(|item| item.appeal) else { return Ok(None) };
        let appeal = self.desk.store.appeal(site, id).await?;
        Ok(appeal.filter(|appeal| appeal.outcome.is_some_and(|(by, _)| by == decision.id)))
    }

    /// The verdict that a decision is on; `None` when it was erased.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn verdict_of(
        &self,
        site: &SiteId,
        decision: &Decision,
    ) -> Result<Option<Verdict>, ModerationError> {
        Ok(self.desk.store.verdict(site, decision.verdict).await?)
    }
}
