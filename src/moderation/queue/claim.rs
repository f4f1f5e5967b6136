//! Leases: taken, made longer, given back.
//!
//! May import: `types`, `store`.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{DEFAULT_LEASE, Deed, QueueDesk, Scope, View, Wanted, is_hidden};
use crate::{
    moderation::{Actor, ModerationError},
    store::{Claim, ClaimTarget, ItemQuery, LeaseRef, Placed, RequestMark},
    types::{ItemState, PageRequest, QueueFilter, QueueItem, QueueItemId, QueueOrder, RequestId, SiteId},
};

/// Most items of one claim.
pub const MAX_CLAIM: usize = 50;
/// How often a claim goes on looking where it found nothing: some thousand rows.
const MAX_ROUNDS: u32 = 8;
/// Items listed for one claim where some are kept from the caller.
const LISTED: usize = 200;

/// A wish to claim items.
#[derive(Clone, Debug)]
pub struct ClaimAsk {
    /// From where.
    pub scope: Scope,
    /// Which of them.
    pub wanted: Wanted,
    /// The first ones of which order; `None` means the queue's own.
    pub order: Option<QueueOrder>,
    /// Exactly these instead, when not empty.
    pub items: Vec<QueueItemId>,
    /// Most items.
    pub max: usize,
    /// For how long.
    pub lease: Option<Duration>,
    /// Set when the client wants retries recognised.
    pub request: Option<RequestMark>,
}

impl QueueDesk {
    /// Claims open items, first ones first; and in which order that was.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], `QUEUE_NOT_FOUND`, `REQUEST_ID_REUSED`,
    /// [`ModerationError::Field`] when the lease is too short or too long.
    pub async fn claim(
        &self,
        caller: &Actor,
        site: &SiteId,
        ask: ClaimAsk,
    ) -> Result<(QueueOrder, Vec<Placed>), ModerationError> {
        let ClaimAsk { scope, wanted, order, items, max, lease, request } = ask;
        let lease = self.lease(lease)?;
        let view = self.view(caller, site, (&scope, wanted, order), Deed::Act).await?;
        let View { filter: Some(filter), order, hidden } = view else {
            return Ok((view.order, Vec::new()));
        };
        let claim = |target, request| Claim { target, max, lease, actor: caller.key.clone(), request };
        let claimed = if !items.is_empty() {
            let items = self.allowed(site, items, &hidden).await?;
            let claim = claim(ClaimTarget::Items(items), request);
            self.desk.store.claim(site, claim, self.now()).await?.rows
        } else if hidden.is_empty() {
            self.claim_next(site, filter, order, claim, request).await?
        } else {
            let items = self.listed(site, filter, order, &hidden).await?;
            let claim = claim(ClaimTarget::Items(items), request);
            self.desk.store.claim(site, claim, self.now()).await?.rows
        };
        Ok((order, claimed.into_iter().map(|item| self.placed(item, order)).collect()))
    }

    /// Goes on looking while the store finds nothing and has not seen everything.
    async fn claim_next(
        &self,
        site: &SiteId,
        filter: QueueFilter,
        order: QueueOrder,
        claim: impl Fn(ClaimTarget, Option<RequestMark>) -> Claim,
        request: Option<RequestMark>,
    ) -> Result<Vec<QueueItem>, ModerationError> {
        let mut after = None;
        for round in 0..MAX_ROUNDS {
            let target = ClaimTarget::Next { filter: Box::new(filter.clone()), order, after };
            let request = request.as_ref().map(|mark| part(mark, &round.to_be_bytes()));
            let page = self.desk.store.claim(site, claim(target, request), self.now()).await?;
            after = page.next;
            if !page.rows.is_empty() || after.is_none() {
                return Ok(page.rows);
            }
        }
        Ok(Vec::new())
    }

    /// The first open items that are not kept from the caller.
    async fn listed(
        &self,
        site: &SiteId,
        filter: QueueFilter,
        order: QueueOrder,
        hidden: &[QueueFilter],
    ) -> Result<Vec<QueueItemId>, ModerationError> {
        let query = ItemQuery { filter, state: ItemState::Open, order };
        let (now, mut after, mut ids) = (self.now(), None, Vec::new());
        for _ in 0..MAX_ROUNDS {
            let page = PageRequest { size: LISTED, after };
            let page = self.desk.store.items(site, &query, page, now).await?;
            let free = page.rows.iter().filter(|placed| !is_hidden(&placed.item, hidden, now));
            ids.extend(free.map(|placed| placed.item.id));
            after = page.next;
            if ids.len() >= LISTED || after.is_none() {
                break;
            }
        }
        Ok(ids)
    }

    /// Those of the named items that are not kept from the caller.
    async fn allowed(
        &self,
        site: &SiteId,
        items: Vec<QueueItemId>,
        hidden: &[QueueFilter],
    ) -> Result<Vec<QueueItemId>, ModerationError> {
        if hidden.is_empty() {
            return Ok(items);
        }
        let mut allowed = Vec::with_capacity(items.len());
        for id in items {
            let item = self.desk.store.item(site, id).await?;
            if item.is_some_and(|item| !is_hidden(&item, hidden, self.now())) {
                allowed.push(id);
            }
        }
        Ok(allowed)
    }

    /// Makes a lease last from now.
    ///
    /// # Errors
    ///
    /// `LEASE_LOST`, [`ModerationError::Field`].
    pub async fn renew(
        &self,
        caller: &Actor,
        site: &SiteId,
        lease: LeaseRef,
        duration: Option<Duration>,
    ) -> Result<QueueItem, ModerationError> {
        let duration = self.lease(duration)?;
        let renewed = self.desk.store.renew(site, &caller.key, &[lease], duration, self.now()).await;
        Ok(renewed.into_iter().next().ok_or(crate::store::StoreError::Closed)??)
    }

    /// Gives items back; results in input order.
    pub async fn release(
        &self,
        caller: &Actor,
        site: &SiteId,
        leases: &[LeaseRef],
    ) -> Vec<Result<(), ModerationError>> {
        let released = self.desk.store.release(site, &caller.key, leases, self.now()).await;
        released.into_iter().map(|result| result.map(drop).map_err(ModerationError::from)).collect()
    }

    /// Ends leases that are over, of every site; answers how many.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn expire_leases(&self) -> Result<usize, ModerationError> {
        let (mut ended, mut after) = (0, None);
        loop {
            let page = self.desk.store.sites(PageRequest { size: 100, after }).await?;
            for site in &page.rows {
                ended += self.desk.store.expire_leases(&site.id, self.now()).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(ended);
            }
        }
    }

    fn lease(&self, asked: Option<Duration>) -> Result<Duration, ModerationError> {
        let super::LeaseTerms { min, max } = self.terms;
        let lease = asked.unwrap_or_else(|| DEFAULT_LEASE.clamp(min, max));
        if (min..=max).contains(&lease) {
            return Ok(lease);
        }
        let must = format!("must be from {} s to {} s", min.as_secs_f64(), max.as_secs_f64());
        Err(ModerationError::Field { field: "lease_duration", must })
    }
}

/// The mark of a part of a request: the same part of the same request always gets
/// the same mark, and no two parts share one.
pub(super) fn part(mark: &RequestMark, which: &[u8]) -> RequestMark {
    let digest = Sha256::new().chain_update(mark.id.as_bytes()).chain_update(which).finalize();
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    RequestMark { id: RequestId::from_bytes(id), ..mark.clone() }
}
