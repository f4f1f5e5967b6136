//! `tamis.v1.QueueService`.
//!
//! May import: `types`, `moderation`.

use std::sync::Arc;

use prost::Message as _;
use tonic::{Request, Response, Status};

use super::watch::{Messages, Watchers};
use crate::{
    api::{
        auth::Caller,
        convert::{
            Undone,
            queue::{
                AuthorRuleCall, BatchCall, ClaimCall, CreateQueueCall, DecideCall, DecideCampaignCall,
                DeleteQueueCall, GetCall, GetCampaignCall, GetQueueCall, ListCall, ListCampaignsCall, Parts,
                ReleaseCall, RenewCall, UndoCall, UpdateQueueCall, WatchCall, read_parent, write_batch,
                write_campaign, write_campaign_outcome, write_card, write_context, write_decision,
                write_item, write_members, write_preview, write_queue, write_stats, write_undo,
            },
        },
        limits::PAGE_BUDGET_BYTES,
        pb::{self, queue_service_server::QueueService},
        status::Failure,
    },
    moderation::{QueueDesk, queue::UndoPage},
    store::Placed,
    types::{QueueOrder, SiteId},
};

/// The service on its use cases.
#[derive(Clone)]
pub(in crate::api) struct QueueApi {
    pub(in crate::api) queue: Arc<QueueDesk>,
    pub(in crate::api) watchers: Watchers,
}

impl QueueApi {
    /// Writes an item with what of its verdict is wanted.
    async fn show(
        &self,
        site: &SiteId,
        placed: Placed,
        order: QueueOrder,
        parts: &Parts,
    ) -> Result<pb::QueueItem, Status> {
        let verdict = match parts.need_verdicts() {
            true => Some(self.queue.verdict_behind(site, &placed).await?),
            false => None,
        };
        Ok(write_item(site, placed, order, verdict, parts))
    }

    /// The items of a page as far as they fit into one answer; `None` when they do not.
    async fn fitting(
        &self,
        site: &SiteId,
        rows: Vec<Placed>,
        order: QueueOrder,
        parts: &Parts,
    ) -> Result<Option<Vec<pb::QueueItem>>, Status> {
        let (mut items, mut bytes, single) = (Vec::with_capacity(rows.len()), 0, rows.len() == 1);
        for placed in rows {
            let item = self.show(site, placed, order, parts).await?;
            bytes += item.encoded_len();
            if bytes > PAGE_BUDGET_BYTES && !single {
                return Ok(None);
            }
            items.push(item);
        }
        Ok(Some(items))
    }
}

#[tonic::async_trait]
impl QueueService for QueueApi {
    type WatchQueueStream = Messages<pb::WatchQueueResponse>;

    async fn list_queue_items(
        &self,
        request: Request<pb::ListQueueItemsRequest>,
    ) -> Result<Response<pb::ListQueueItemsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let ListCall { site, mut ask, parts, binding } = ListCall::try_from(request)?;
        caller.enter(&site)?;
        loop {
            let (order, page) = self.queue.list(caller.actor(), &site, ask.clone()).await?;
            if let Some(items) = self.fitting(&site, page.rows, order, &parts).await? {
                let next_page_token = ListCall::issue(binding, page.next);
                return Ok(Response::new(pb::ListQueueItemsResponse { items, next_page_token }));
            }
            // Where a shorter page ends only the store knows: so it is asked again.
            ask.page.size = (ask.page.size / 2).max(1);
        }
    }

    async fn get_queue_item(
        &self,
        request: Request<pb::GetQueueItemRequest>,
    ) -> Result<Response<pb::GetQueueItemResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let GetCall { site, id } = GetCall::read(&request.name)?;
        caller.enter(&site)?;
        let (placed, decisions) = self.queue.item(caller.actor(), &site, id).await?;
        let item = self.show(&site, placed, QueueOrder::ValueOfLook, &Parts::all()).await?;
        let decisions = decisions.into_iter().map(|decision| write_decision(&site, decision)).collect();
        Ok(Response::new(pb::GetQueueItemResponse { item: Some(item), decisions }))
    }

    async fn claim_queue_items(
        &self,
        request: Request<pb::ClaimQueueItemsRequest>,
    ) -> Result<Response<pb::ClaimQueueItemsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let (site, ask) = ClaimCall::try_from(request)?.by(caller.key());
        caller.enter(&site)?;
        let (order, claimed) = self.queue.claim(caller.actor(), &site, ask).await?;
        let (mut items, parts) = (Vec::with_capacity(claimed.len()), Parts::all());
        for placed in claimed {
            let lease_token = placed.item.lease.as_ref().map_or(0, |lease| lease.token);
            let item = self.show(&site, placed, order, &parts).await?;
            let lease_expire_time = item.lease_expire_time;
            items.push(pb::ClaimedItem { item: Some(item), lease_token, lease_expire_time });
        }
        Ok(Response::new(pb::ClaimQueueItemsResponse { items }))
    }

    async fn renew_lease(
        &self,
        request: Request<pb::RenewLeaseRequest>,
    ) -> Result<Response<pb::RenewLeaseResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let RenewCall { site, lease, duration } = RenewCall::try_from(request)?;
        caller.enter(&site)?;
        let item = self.queue.renew(caller.actor(), &site, lease, duration).await?;
        let placed = self.queue.placed(item, QueueOrder::ValueOfLook);
        let item = write_item(&site, placed, QueueOrder::ValueOfLook, None, &Parts::all());
        Ok(Response::new(pb::RenewLeaseResponse { lease_expire_time: item.lease_expire_time }))
    }

    async fn release_queue_items(
        &self,
        request: Request<pb::ReleaseQueueItemsRequest>,
    ) -> Result<Response<pb::ReleaseQueueItemsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let names: Vec<String> = request.items.iter().map(|item| item.name.clone()).collect();
        let ReleaseCall { site, leases } = ReleaseCall::try_from(request)?;
        caller.enter(&site)?;
        let released = self.queue.release(caller.actor(), &site, &leases).await;
        let results = names.into_iter().zip(released).map(|(name, result)| pb::ReleaseQueueItemsResult {
            name,
            error: result.err().map(|error| Failure::from(error).into()),
        });
        Ok(Response::new(pb::ReleaseQueueItemsResponse { results: results.collect() }))
    }

    async fn decide_queue_item(
        &self,
        request: Request<pb::DecideQueueItemRequest>,
    ) -> Result<Response<pb::DecideQueueItemResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let DecideCall { site, lease, ruled, promise } = DecideCall::try_from(request)?;
        caller.enter(&site)?;
        let mark = promise.map(|promise| promise.by(caller.key()));
        let decision = self.queue.decide(caller.actor(), &site, lease, ruled, mark).await?;
        Ok(Response::new(pb::DecideQueueItemResponse { decision: Some(write_decision(&site, decision)) }))
    }

    async fn batch_decide_queue_items(
        &self,
        request: Request<pb::BatchDecideQueueItemsRequest>,
    ) -> Result<Response<pb::BatchDecideQueueItemsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let call = BatchCall::try_from(request)?;
        caller.enter(&call.site)?;
        let (site, validate_only) = (call.site.clone(), call.validate_only);
        let ask = call.by(caller.key());
        let answer = if validate_only {
            write_preview(&site, self.queue.preview_batch(caller.actor(), &site, &ask).await?)
        } else {
            write_batch(&site, self.queue.decide_batch(caller.actor(), &site, ask).await?)
        };
        Ok(Response::new(answer))
    }

    async fn undo_decision(
        &self,
        request: Request<pb::UndoDecisionRequest>,
    ) -> Result<Response<pb::UndoDecisionResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let UndoCall { site, what, note, after, binding, promise } = UndoCall::try_from(request)?;
        caller.enter(&site)?;
        let mark = promise.map(|promise| promise.by(caller.key()));
        let page = match what {
            Undone::Decision(id) => {
                let decision = self.queue.undo(caller.actor(), &site, id, note, mark).await?;
                UndoPage { results: vec![(id, Ok(decision))], next: None }
            }
            Undone::Batch(id) => {
                self.queue.undo_batch(caller.actor(), &site, id, &note, (after, mark)).await?
            }
        };
        let token = binding.issue(page.next.as_ref().map(|id| id.as_bytes().as_slice()));
        Ok(Response::new(write_undo(&site, page, token)))
    }

    async fn watch_queue(
        &self,
        request: Request<pb::WatchQueueRequest>,
    ) -> Result<Response<Self::WatchQueueStream>, Status> {
        let (caller, request) = Caller::split(request)?;
        let pb::WatchQueueRequest { parent, resume_token } = request;
        let call = WatchCall::read("WatchQueue", &parent, &resume_token)?;
        caller.enter(&call.site)?;
        Ok(Response::new(self.watchers.queue(caller.actor().clone(), call).await?))
    }

    async fn get_queue_stats(
        &self,
        request: Request<pb::GetQueueStatsRequest>,
    ) -> Result<Response<pb::GetQueueStatsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let site = read_parent(&request.parent)?;
        caller.enter(&site)?;
        Ok(Response::new(write_stats(self.queue.stats(caller.actor(), &site).await?)))
    }

    async fn get_decision_context(
        &self,
        request: Request<pb::GetDecisionContextRequest>,
    ) -> Result<Response<pb::GetDecisionContextResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let GetCall { site, id } = GetCall::read(&request.name)?;
        caller.enter(&site)?;
        let context = self.queue.context(caller.actor(), &site, id).await?;
        Ok(Response::new(write_context(&site, context)))
    }

    async fn list_campaigns(
        &self,
        request: Request<pb::ListCampaignsRequest>,
    ) -> Result<Response<pb::ListCampaignsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let ListCampaignsCall { site, view, page, binding } = ListCampaignsCall::try_from(request)?;
        caller.enter(&site)?;
        let page = self.queue.campaigns(caller.actor(), &site, view, page).await?;
        let next_page_token = binding.issue(page.next.as_ref().map(|id| id.as_bytes().as_slice()));
        let campaigns = page.rows.into_iter().map(|listed| write_campaign(&site, listed)).collect();
        Ok(Response::new(pb::ListCampaignsResponse { campaigns, next_page_token }))
    }

    async fn get_campaign(
        &self,
        request: Request<pb::GetCampaignRequest>,
    ) -> Result<Response<pb::GetCampaignResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let GetCampaignCall { site, id, page, binding } = GetCampaignCall::try_from(request)?;
        caller.enter(&site)?;
        let (actor, first) = (caller.actor(), page.after.is_none());
        let answer = if first {
            let card = self.queue.campaign_card(actor, &site, id).await?;
            let members = self.queue.campaign_members(actor, &site, id, page).await?;
            write_card(&site, card, members, &binding)
        } else {
            let listed = self.queue.campaign(actor, &site, id).await?;
            let members = self.queue.campaign_members(actor, &site, id, page).await?;
            write_members(&site, listed, members, &binding)
        };
        Ok(Response::new(answer))
    }

    async fn decide_campaign(
        &self,
        request: Request<pb::DecideCampaignRequest>,
    ) -> Result<Response<pb::DecideCampaignResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let call = DecideCampaignCall::try_from(request)?;
        caller.enter(&call.site)?;
        let (site, validate_only) = (call.site.clone(), call.validate_only);
        let (ask, binding) = call.by(caller.key());
        let outcome = if validate_only {
            self.queue.preview_campaign(caller.actor(), &site, &ask).await?
        } else {
            self.queue.decide_campaign(caller.actor(), &site, ask).await?
        };
        let listed = self.queue.as_listed(&site, outcome.campaign.clone()).await?;
        Ok(Response::new(write_campaign_outcome(&site, outcome, listed, &binding)))
    }

    async fn set_author_rule(
        &self,
        request: Request<pb::SetAuthorRuleRequest>,
    ) -> Result<Response<pb::SetAuthorRuleResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let AuthorRuleCall { site, author_id, order, note } = AuthorRuleCall::try_from(request)?;
        caller.enter(&site)?;
        self.queue.set_author_rule(caller.actor(), &site, &author_id, order, note).await?;
        Ok(Response::new(pb::SetAuthorRuleResponse {}))
    }

    async fn create_queue(
        &self,
        request: Request<pb::CreateQueueRequest>,
    ) -> Result<Response<pb::CreateQueueResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let CreateQueueCall { site, queue, wanted } = CreateQueueCall::try_from(request)?;
        caller.enter(&site)?;
        let queue = self.queue.create_queue(caller.actor(), &site, queue, wanted).await?;
        Ok(Response::new(pb::CreateQueueResponse { queue: Some(write_queue(&site, queue)) }))
    }

    async fn get_queue(
        &self,
        request: Request<pb::GetQueueRequest>,
    ) -> Result<Response<pb::GetQueueResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let GetQueueCall { site, name } = GetQueueCall::read(&request.name)?;
        caller.enter(&site)?;
        let queue = self.queue.queue(caller.actor(), &site, &name).await?;
        Ok(Response::new(pb::GetQueueResponse { queue: Some(write_queue(&site, queue)) }))
    }

    async fn list_queues(
        &self,
        request: Request<pb::ListQueuesRequest>,
    ) -> Result<Response<pb::ListQueuesResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let site = read_parent(&request.parent)?;
        caller.enter(&site)?;
        let queues = self.queue.queues(caller.actor(), &site).await?;
        let queues = queues.into_iter().map(|queue| write_queue(&site, queue)).collect();
        Ok(Response::new(pb::ListQueuesResponse { queues }))
    }

    async fn update_queue(
        &self,
        request: Request<pb::UpdateQueueRequest>,
    ) -> Result<Response<pb::UpdateQueueResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let call = UpdateQueueCall::try_from(request)?;
        let (site, name, expected) = (call.site.clone(), call.name.clone(), call.expected);
        caller.enter(&site)?;
        let old = self.queue.queue(caller.actor(), &site, &name).await?;
        let (queue, wanted) = call.apply(old);
        let queue = self.queue.put_queue(caller.actor(), &site, queue, wanted, expected).await?;
        Ok(Response::new(pb::UpdateQueueResponse { queue: Some(write_queue(&site, queue)) }))
    }

    async fn delete_queue(
        &self,
        request: Request<pb::DeleteQueueRequest>,
    ) -> Result<Response<pb::DeleteQueueResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let DeleteQueueCall { site, name, expected } = DeleteQueueCall::try_from(request)?;
        caller.enter(&site)?;
        self.queue.delete_queue(caller.actor(), &site, &name, expected).await?;
        Ok(Response::new(pb::DeleteQueueResponse {}))
    }
}
