//! `tamis.v1.ScoringService`.
//!
//! May import: `types`, `moderation`, `learning`.

use std::{pin::Pin, sync::Arc};

use futures_util::Stream;
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::stream::{self, Desk};
use crate::{
    api::{
        auth::Caller,
        convert::{
            Shape,
            scoring::{BatchCall, GetCall, ListCall, PreviewCall, ScoreCall, write_verdict},
        },
        limits::PAGE_BUDGET_BYTES,
        pb::{self, batch_score_comments_result::Result as Outcome, scoring_service_server::ScoringService},
        shed::Limiter,
        status::Failure,
    },
    learning::{Replay, replay::Explained},
    moderation::{Intake, ModerationError, Submission},
    types::{KeyId, Page, SiteId, Verdict, VerdictId},
};

/// The service on its use cases.
#[derive(Clone)]
pub(in crate::api) struct ScoringApi {
    pub(in crate::api) intake: Arc<Intake>,
    /// Judges recorded comments again.
    pub(in crate::api) replay: Arc<Replay>,
    /// Permits for the groups of streams.
    pub(in crate::api) limiter: Limiter,
    /// Cancelled when the server is about to stop.
    pub(in crate::api) stop: CancellationToken,
}

#[tonic::async_trait]
impl ScoringService for ScoringApi {
    type StreamScoreCommentsStream =
        Pin<Box<dyn Stream<Item = Result<pb::StreamScoreCommentsResponse, Status>> + Send>>;

    async fn score_comment(
        &self,
        request: Request<pb::ScoreCommentRequest>,
    ) -> Result<Response<pb::ScoreCommentResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let (site, submission) = ScoreCall::try_from(request)?.by(caller.key());
        caller.enter(&site)?;
        let verdict = self.intake.score(&site, caller.key(), submission).await?;
        let verdict = Some(write_verdict(verdict, Shape::Scored));
        Ok(Response::new(pb::ScoreCommentResponse { verdict }))
    }

    async fn preview_score(
        &self,
        request: Request<pb::PreviewScoreRequest>,
    ) -> Result<Response<pb::PreviewScoreResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let PreviewCall { site, comment } = PreviewCall::try_from(request)?;
        caller.enter(&site)?;
        let verdict = self.intake.preview(&site, caller.key(), comment).await?;
        let verdict = Some(write_verdict(verdict, Shape::Previewed));
        Ok(Response::new(pb::PreviewScoreResponse { verdict }))
    }

    async fn batch_score_comments(
        &self,
        request: Request<pb::BatchScoreCommentsRequest>,
    ) -> Result<Response<pb::BatchScoreCommentsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let BatchCall { site, items } = BatchCall::try_from(request)?;
        caller.enter(&site)?;
        let read = |item: Result<ScoreCall, _>| {
            item.map(|call: ScoreCall| call.by(caller.key()).1).map_err(Failure::from)
        };
        let items = items.into_iter().map(read).collect();
        let results = score_each(&self.intake, &site, caller.key(), items).await?;
        let results = results.into_iter().map(batch_result).collect();
        Ok(Response::new(pb::BatchScoreCommentsResponse { results }))
    }

    async fn stream_score_comments(
        &self,
        request: Request<Streaming<pb::StreamScoreCommentsRequest>>,
    ) -> Result<Response<Self::StreamScoreCommentsStream>, Status> {
        let (caller, incoming) = Caller::split(request)?;
        let desk = Desk {
            intake: Arc::clone(&self.intake),
            limiter: self.limiter.clone(),
            caller: Arc::new(caller),
        };
        Ok(Response::new(Box::pin(stream::answers(desk, incoming, self.stop.clone()))))
    }

    async fn get_verdict(
        &self,
        request: Request<pb::GetVerdictRequest>,
    ) -> Result<Response<pb::GetVerdictResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let GetCall { site, id, shape } = GetCall::try_from(request)?;
        caller.enter(&site)?;
        let verdict = self.intake.verdict(&site, id).await?;
        Ok(Response::new(pb::GetVerdictResponse { verdict: Some(write_verdict(verdict, shape)) }))
    }

    async fn explain_verdict(
        &self,
        request: Request<pb::ExplainVerdictRequest>,
    ) -> Result<Response<pb::ExplainVerdictResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let get = pb::GetVerdictRequest { name: request.name, view: 0 };
        let GetCall { site, id, .. } = GetCall::try_from(get)?;
        caller.enter(&site)?;
        let Explained { recorded, again, differences } = self.replay.explain(&site, id).await?;
        Ok(Response::new(pb::ExplainVerdictResponse {
            verdict: Some(write_verdict(again, Shape::Full)),
            identical: differences.is_empty(),
            differences,
            rules: recorded.trace.map(|trace| trace.rules).unwrap_or_default(),
        }))
    }

    async fn list_verdicts(
        &self,
        request: Request<pb::ListVerdictsRequest>,
    ) -> Result<Response<pb::ListVerdictsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let ListCall { site, filter, page, shape, binding } = ListCall::try_from(request)?;
        caller.enter(&site)?;
        let page = self.intake.verdicts(&site, &filter, page).await?;
        let (verdicts, next) = within_budget(page, shape);
        let next_page_token = binding.issue(next.as_ref().map(|id| id.as_bytes().as_slice()));
        Ok(Response::new(pb::ListVerdictsResponse { verdicts, next_page_token }))
    }
}

/// Scores the readable ones of many comments of one site with one call; results
/// come in the order of `items`.
///
/// # Errors
///
/// [`ModerationError::UnknownSite`] for all of them at once: there is nothing that
/// the caller could do about single ones.
pub(super) async fn score_each(
    intake: &Intake,
    site: &SiteId,
    key: &KeyId,
    items: Vec<Result<Submission, Failure>>,
) -> Result<Vec<Result<Verdict, Failure>>, ModerationError> {
    let mut submissions = Vec::with_capacity(items.len());
    let mut refused: Vec<Option<Failure>> = Vec::with_capacity(items.len());
    for item in items {
        refused.push(item.map(|submission| submissions.push(submission)).err());
    }
    let mut scored = intake.score_many(site, key, submissions).await.into_iter();
    let mut results = Vec::with_capacity(refused.len());
    for refused in refused {
        results.push(match refused {
            Some(failure) => Err(failure),
            None => match scored.next().expect("score_many answers every submission") {
                Err(ModerationError::UnknownSite(site)) => return Err(ModerationError::UnknownSite(site)),
                result => result.map_err(Failure::from),
            },
        });
    }
    Ok(results)
}

fn batch_result(result: Result<Verdict, Failure>) -> pb::BatchScoreCommentsResult {
    let result = match result {
        Ok(verdict) => Outcome::Verdict(write_verdict(verdict, Shape::Scored)),
        Err(failure) => Outcome::Error(failure.into()),
    };
    pb::BatchScoreCommentsResult { result: Some(result) }
}

/// The rows of a page that fit into one answer, at least one, and where to go on.
fn within_budget(page: Page<Verdict, VerdictId>, shape: Shape) -> (Vec<pb::Verdict>, Option<VerdictId>) {
    let Page { rows, next } = page;
    let (mut verdicts, mut bytes, mut last) = (Vec::with_capacity(rows.len()), 0, None);
    for row in rows {
        if bytes > PAGE_BUDGET_BYTES {
            return (verdicts, last);
        }
        last = Some(row.id);
        let verdict = write_verdict(row, shape);
        bytes += verdict.encoded_len();
        verdicts.push(verdict);
    }
    (verdicts, next)
}
