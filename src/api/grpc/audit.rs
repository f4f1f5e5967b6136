//! `tamis.v1.AuditService`.
//!
//! May import: `types`, `moderation`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::watch::{Messages, Watchers};
use crate::{
    api::{
        auth::Caller,
        convert::audit::{ListCall, VerifyCall, read_chain, read_name, write_check, write_event},
        pb::{self, audit_service_server::AuditService},
    },
    moderation::AuditDesk,
};

/// The service on its use cases.
#[derive(Clone)]
pub(in crate::api) struct AuditApi {
    pub(in crate::api) audit: Arc<AuditDesk>,
    pub(in crate::api) watchers: Watchers,
}

#[tonic::async_trait]
impl AuditService for AuditApi {
    type WatchAuditEventsStream = Messages<pb::WatchAuditEventsResponse>;

    async fn list_audit_events(
        &self,
        request: Request<pb::ListAuditEventsRequest>,
    ) -> Result<Response<pb::ListAuditEventsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let ListCall { site, size, after, binding } = ListCall::try_from(request)?;
        caller.enter(&site)?;
        let head = self.audit.head(&site).await?.number;
        let events = self.audit.events(&site, after, size).await?;
        let last = events.last().map(|event| event.number).filter(|last| *last < head);
        let next_page_token = binding.issue(last.map(u64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        let events = events.into_iter().map(|event| write_event(&site, event)).collect();
        Ok(Response::new(pb::ListAuditEventsResponse { events, next_page_token }))
    }

    async fn get_audit_event(
        &self,
        request: Request<pb::GetAuditEventRequest>,
    ) -> Result<Response<pb::GetAuditEventResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let (site, number) = read_name(&request.name)?;
        caller.enter(&site)?;
        let event = self.audit.event(&site, number).await?;
        Ok(Response::new(pb::GetAuditEventResponse { event: Some(write_event(&site, event)) }))
    }

    async fn watch_audit_events(
        &self,
        request: Request<pb::WatchAuditEventsRequest>,
    ) -> Result<Response<Self::WatchAuditEventsStream>, Status> {
        let (caller, request) = Caller::split(request)?;
        let pb::WatchAuditEventsRequest { parent, after_sequence } = request;
        let site = read_chain(&parent)?;
        caller.enter(&site)?;
        Ok(Response::new(self.watchers.audit(caller.actor().clone(), site, after_sequence).await?))
    }

    async fn verify_audit_chain(
        &self,
        request: Request<pb::VerifyAuditChainRequest>,
    ) -> Result<Response<pb::VerifyAuditChainResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let VerifyCall { site, after } = VerifyCall::try_from(request)?;
        caller.enter(&site)?;
        Ok(Response::new(write_check(self.audit.verify(&site, after).await?)))
    }
}
