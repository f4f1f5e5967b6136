//! `StreamScoreComments`: comments in, verdicts out, for as long as both sides want.
//!
//! Comments that have arrived together are scored and recorded together, so one
//! durable write serves many. A few such groups are worked on at a time; while
//! they are, or while their answers wait to be read, nothing more is read, and
//! HTTP/2 makes the sender wait.
//!
//! May import: `types`, `moderation`.

use std::sync::{Arc, OnceLock};

use futures_util::{Stream, StreamExt as _, future, stream};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tonic::Status;

use super::scoring::score_each;
use crate::{
    api::{
        auth::Caller,
        convert::{
            Shape,
            scoring::{ScoreCall, StreamItem, write_verdict},
        },
        error::ApiError,
        limits::{CALL_DEADLINE, STREAM_GROUP, STREAM_IN_FLIGHT},
        pb::{self, stream_score_comments_response::Result as Outcome},
        shed::Limiter,
        status::Failure,
    },
    moderation::{Intake, Submission},
    types::{SiteId, Verdict},
};

/// Groups worked on at a time.
const GROUPS: usize = STREAM_IN_FLIGHT / STREAM_GROUP;

type Answer = pb::StreamScoreCommentsResponse;

/// What every group of a stream needs.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) intake: Arc<Intake>,
    pub(super) limiter: Limiter,
    pub(super) caller: Arc<Caller>,
}

/// The answers to the comments of `incoming`. Ends without error when the client
/// half-closes; with one when reading fails or `stop` is cancelled, after
/// everything that was read before is answered.
pub(super) fn answers(
    desk: Desk,
    incoming: impl Stream<Item = Result<pb::StreamScoreCommentsRequest, Status>> + Send + 'static,
    stop: CancellationToken,
) -> impl Stream<Item = Result<Answer, Status>> + Send {
    // Why reading ended, if not by half-close.
    let ending = Arc::new(OnceLock::new());
    let stopped = {
        let ending = Arc::clone(&ending);
        async move {
            stop.cancelled().await;
            let _ = ending.set(ApiError::ShuttingDown.into());
        }
    };
    let failed = Arc::clone(&ending);
    incoming
        .take_until(Box::pin(stopped))
        .scan((), move |(), read| future::ready(read.map_err(|status| failed.set(status)).ok()))
        .ready_chunks(STREAM_GROUP)
        .map(move |group| spawn_group(desk.clone(), group))
        .buffer_unordered(GROUPS)
        .flat_map(|answers| match answers {
            Ok(answers) => stream::iter(answers.into_iter().map(Ok).collect::<Vec<_>>()),
            Err(panicked) => {
                tracing::error!(error = %panicked, "scoring a group of a stream failed");
                stream::iter(vec![Err(Status::internal("internal error"))])
            }
        })
        .chain(stream::once(future::lazy(move |_| ending.get().cloned().map(Err))).filter_map(future::ready))
}

/// Works on a group in a task: were it part of the stream, it would stand still,
/// permit in hand, whenever the client does not read its answers.
#[expect(clippy::disallowed_methods, reason = "the task is aborted with the stream that owns its handle")]
fn spawn_group(desk: Desk, group: Vec<pb::StreamScoreCommentsRequest>) -> AbortOnDropHandle<Vec<Answer>> {
    AbortOnDropHandle::new(tokio::spawn(async move { score_group(&desk, group).await }))
}

/// The readable comments of a group that are of one site.
struct OfSite {
    site: SiteId,
    refs: Vec<String>,
    submissions: Vec<Result<Submission, Failure>>,
}

async fn score_group(desk: &Desk, group: Vec<pb::StreamScoreCommentsRequest>) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(group.len());
    // Nearly always one site, so a list beats a map.
    let mut sites: Vec<OfSite> = Vec::new();
    for StreamItem { client_ref, call } in group.into_iter().map(StreamItem::from) {
        let (site, submission) = match call.map_err(Failure::from).and_then(|call| enter(desk, call)) {
            Ok(entered) => entered,
            Err(failure) => {
                answers.push(answer(client_ref, Err(failure)));
                continue;
            }
        };
        match sites.iter_mut().find(|known| known.site == site) {
            Some(known) => {
                known.refs.push(client_ref);
                known.submissions.push(Ok(submission));
            }
            None => sites.push(OfSite { site, refs: vec![client_ref], submissions: vec![Ok(submission)] }),
        }
    }
    let _permit = desk.limiter.wait().await;
    for OfSite { site, refs, submissions } in sites {
        let results = score_site(desk, &site, submissions).await;
        answers.extend(refs.into_iter().zip(results).map(|(client_ref, result)| answer(client_ref, result)));
    }
    answers
}

fn enter(desk: &Desk, call: ScoreCall) -> Result<(SiteId, Submission), Failure> {
    desk.caller.enter(&call.site)?;
    Ok(call.by(desk.caller.key()))
}

/// One result per submission, whatever happens.
async fn score_site(
    desk: &Desk,
    site: &SiteId,
    submissions: Vec<Result<Submission, Failure>>,
) -> Vec<Result<Verdict, Failure>> {
    let count = submissions.len();
    let scoring = score_each(&desk.intake, site, desk.caller.key(), submissions);
    let failure: Failure = match tokio::time::timeout(CALL_DEADLINE, scoring).await {
        Ok(Ok(results)) => return results,
        Ok(Err(error)) => error.into(),
        Err(_) => ApiError::TimedOut(CALL_DEADLINE).into(),
    };
    vec![Err(failure); count]
}

fn answer(client_ref: String, result: Result<Verdict, Failure>) -> Answer {
    let result = match result {
        Ok(verdict) => Outcome::Verdict(write_verdict(verdict, Shape::Scored)),
        Err(failure) => Outcome::Error(failure.into()),
    };
    Answer { client_ref, result: Some(result) }
}
