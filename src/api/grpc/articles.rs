//! `tamis.v1.ArticleService`.
//!
//! May import: `moderation`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::{
    api::{
        auth::Caller,
        convert::articles::{PutCall, read_name, write},
        pb::{self, article_service_server::ArticleService},
    },
    moderation::Articles,
};

/// The service on its use cases.
#[derive(Clone)]
pub(in crate::api) struct ArticleApi {
    pub(in crate::api) articles: Arc<Articles>,
}

#[tonic::async_trait]
impl ArticleService for ArticleApi {
    async fn put_article(
        &self,
        request: Request<pb::PutArticleRequest>,
    ) -> Result<Response<pb::PutArticleResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let call = PutCall::try_from(request)?;
        caller.enter(&call.site)?;
        let article = self.articles.put(&call.site, call.id, call.fields).await?;
        Ok(Response::new(pb::PutArticleResponse { article: Some(write(&call.site, article)) }))
    }

    async fn get_article(
        &self,
        request: Request<pb::GetArticleRequest>,
    ) -> Result<Response<pb::GetArticleResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let (site, id) = read_name(&request.name)?;
        caller.enter(&site)?;
        let article = self.articles.get(&site, &id).await?;
        Ok(Response::new(pb::GetArticleResponse { article: Some(write(&site, article)) }))
    }

    async fn delete_article(
        &self,
        request: Request<pb::DeleteArticleRequest>,
    ) -> Result<Response<pb::DeleteArticleResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let (site, id) = read_name(&request.name)?;
        caller.enter(&site)?;
        self.articles.delete(&site, &id).await?;
        Ok(Response::new(pb::DeleteArticleResponse {}))
    }
}
