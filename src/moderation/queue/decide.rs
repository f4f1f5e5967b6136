//! One decision, and what is ruled on authors.
//!
//! May import: `types`, `store`.

use super::{Deed, QueueDesk};
use crate::{
    moderation::{Actor, ModerationError},
    store::{NewDecision, Outcome, RequestMark, StoreError},
    types::{AuthorAction, AuthorRule, BatchId, Decision, DecisionId, QueueItemId, Role, SiteId, Timestamp},
};

/// What holds for an author from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthorOrder {
    /// What their comments meet.
    pub action: AuthorAction,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// What is ruled, the same for one item and for many.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruled {
    /// What.
    pub outcome: Outcome,
    /// The clause of the site's rules.
    pub policy_clause: String,
    /// Free words.
    pub note: String,
    /// What holds for the author.
    pub author: Option<AuthorOrder>,
}

impl QueueDesk {
    /// Decides an item under a lease.
    ///
    /// # Errors
    ///
    /// `QUEUE_ITEM_NOT_FOUND`, `LEASE_LOST` with the decision that holds instead,
    /// `SECOND_REVIEWER_NEEDED`, `REQUEST_ID_REUSED`; [`ModerationError::Forbidden`]
    /// when a moderator bans.
    pub async fn decide(
        &self,
        caller: &Actor,
        site: &SiteId,
        (item, token): (QueueItemId, u64),
        ruled: Ruled,
        request: Option<RequestMark>,
    ) -> Result<Decision, ModerationError> {
        self.check(caller, &ruled)?;
        self.reachable(caller, site, item, Deed::Act).await?;
        let decision = self.decision(caller, item, &ruled, Some(token), (None, request));
        let made = self.desk.store.decide(site, vec![decision], self.now()).await;
        Ok(made.into_iter().next().ok_or(StoreError::Closed)??)
    }

    /// Whether the caller may rule this.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Forbidden`], [`ModerationError::Field`].
    pub(super) fn check(&self, caller: &Actor, ruled: &Ruled) -> Result<(), ModerationError> {
        let Some(AuthorOrder { action, until }) = ruled.author else { return Ok(()) };
        if action == AuthorAction::Ban && !is_lead(caller) {
            return Err(ModerationError::Forbidden);
        }
        self.later(until, "author_action_expire_time")
    }

    /// Whether an end lies ahead.
    fn later(&self, until: Option<Timestamp>, field: &'static str) -> Result<(), ModerationError> {
        if until.is_none_or(|until| until > self.now()) {
            return Ok(());
        }
        Err(ModerationError::Field { field, must: "must be later than now".to_owned() })
    }

    /// The decision to be made on an item.
    pub(super) fn decision(
        &self,
        caller: &Actor,
        item: QueueItemId,
        ruled: &Ruled,
        token: Option<u64>,
        (batch, request): (Option<BatchId>, Option<RequestMark>),
    ) -> NewDecision {
        let Ruled { outcome, policy_clause, note, author } = ruled.clone();
        let rule = |AuthorOrder { action, until }| AuthorRule {
            action,
            until,
            actor: caller.key.clone(),
            decision: None,
            note: note.clone(),
            created_at: self.now(),
        };
        NewDecision {
            id: DecisionId::generate(),
            item,
            adopt: None,
            token,
            actor: caller.key.clone(),
            outcome,
            policy_clause,
            author: author.map(rule),
            note,
            batch,
            request,
        }
    }

    /// Sets or ends what holds for an author, outside a decision.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], [`ModerationError::Field`].
    pub async fn set_author_rule(
        &self,
        caller: &Actor,
        site: &SiteId,
        author_id: &str,
        order: Option<AuthorOrder>,
        note: String,
    ) -> Result<(), ModerationError> {
        self.known(site).await?;
        self.later(order.and_then(|order| order.until), "expire_time")?;
        let now = self.now();
        let rule = order.map(|AuthorOrder { action, until }| AuthorRule {
            action,
            until,
            actor: caller.key.clone(),
            decision: None,
            note,
            created_at: now,
        });
        let author = self.author(site, author_id);
        Ok(self.desk.store.set_author_rule(site, author, rule, &caller.key, now).await?)
    }
}

/// Whether the caller leads: rules on authors, many items, and what others decided.
pub(super) fn is_lead(caller: &Actor) -> bool {
    matches!(caller.role, Role::Lead | Role::Admin)
}
