//! A scoring service that does nothing: each call is answered with an empty message.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _};
use tamis::api::pb::{self, scoring_service_server::ScoringService};
use tonic::{Request, Response, Status, Streaming};

pub(crate) struct Echo;

#[tonic::async_trait]
impl ScoringService for Echo {
    type StreamScoreCommentsStream =
        Pin<Box<dyn Stream<Item = Result<pb::StreamScoreCommentsResponse, Status>> + Send>>;

    async fn score_comment(
        &self,
        _: Request<pb::ScoreCommentRequest>,
    ) -> Result<Response<pb::ScoreCommentResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn preview_score(
        &self,
        _: Request<pb::PreviewScoreRequest>,
    ) -> Result<Response<pb::PreviewScoreResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn batch_score_comments(
        &self,
        _: Request<pb::BatchScoreCommentsRequest>,
    ) -> Result<Response<pb::BatchScoreCommentsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn stream_score_comments(
        &self,
        request: Request<Streaming<pb::StreamScoreCommentsRequest>>,
    ) -> Result<Response<Self::StreamScoreCommentsStream>, Status> {
        let answer = |request: Result<_, Status>| request.map(|_| pb::StreamScoreCommentsResponse::default());
        Ok(Response::new(Box::pin(request.into_inner().map(answer))))
    }

    async fn get_verdict(
        &self,
        _: Request<pb::GetVerdictRequest>,
    ) -> Result<Response<pb::GetVerdictResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn list_verdicts(
        &self,
        _: Request<pb::ListVerdictsRequest>,
    ) -> Result<Response<pb::ListVerdictsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn explain_verdict(
        &self,
        _: Request<pb::ExplainVerdictRequest>,
    ) -> Result<Response<pb::ExplainVerdictResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}
