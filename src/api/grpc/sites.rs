//! `tamis.v1.SiteService`.
//!
//! May import: `types`, `moderation`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::{
    api::{
        auth::Caller,
        convert::sites::{CreateCall, ListCall, UpdateCall, read_name, write},
        pb::{self, site_service_server::SiteService},
    },
    moderation::Sites,
    types::{Page, SiteId},
};

/// The service on its use cases.
#[derive(Clone)]
pub(in crate::api) struct SiteApi {
    pub(in crate::api) sites: Arc<Sites>,
}

#[tonic::async_trait]
impl SiteService for SiteApi {
    async fn create_site(
        &self,
        request: Request<pb::CreateSiteRequest>,
    ) -> Result<Response<pb::CreateSiteResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let CreateCall { id, display_name, languages, policy, queue } = CreateCall::try_from(request)?;
        let site = self.sites.create(id, display_name, languages, policy, queue).await?;
        Ok(Response::new(pb::CreateSiteResponse { site: Some(write(site)) }))
    }

    async fn get_site(
        &self,
        request: Request<pb::GetSiteRequest>,
    ) -> Result<Response<pb::GetSiteResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let id = read_name(&request.name)?;
        caller.enter(&id)?;
        let site = self.sites.get(&id).await?;
        Ok(Response::new(pb::GetSiteResponse { site: Some(write(site)) }))
    }

    async fn list_sites(
        &self,
        request: Request<pb::ListSitesRequest>,
    ) -> Result<Response<pb::ListSitesResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let ListCall { page, binding } = ListCall::try_from(request)?;
        let Page { rows, next } = match caller.bound_to() {
            Some(own) => Page { rows: vec![self.sites.get(own).await?], next: None },
            None => self.sites.list(page).await?,
        };
        Ok(Response::new(pb::ListSitesResponse {
            sites: rows.into_iter().map(write).collect(),
            next_page_token: binding.issue(next.as_ref().map(SiteId::as_str).map(str::as_bytes)),
        }))
    }

    async fn update_site(
        &self,
        request: Request<pb::UpdateSiteRequest>,
    ) -> Result<Response<pb::UpdateSiteResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let UpdateCall { id, change } = UpdateCall::try_from(request)?;
        caller.enter(&id)?;
        let site = self.sites.update(&id, change).await?;
        Ok(Response::new(pb::UpdateSiteResponse { site: Some(write(site)) }))
    }
}
