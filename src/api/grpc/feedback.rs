//! `tamis.v1.FeedbackService`: what people said about comments, in both directions.
//!
//! May import: `types`, `moderation`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::watch::{Messages, Watchers};
use crate::{
    api::{
        auth::Caller,
        convert::{
            feedback::{AppealCall, ReportCall, Subject, read_appeal_name, write, write_appeal},
            queue::WatchCall,
        },
        pb::{self, feedback_service_server::FeedbackService},
    },
    moderation::{Appeals, FeedbackDesk, Intake, ModerationError, Reports, reason_of},
    types::{FeedbackSource, Ruling, SiteId, VerdictId},
};

/// The service on its use cases.
#[derive(Clone)]
pub(in crate::api) struct FeedbackApi {
    pub(in crate::api) feedback: Arc<FeedbackDesk>,
    pub(in crate::api) reports: Arc<Reports>,
    pub(in crate::api) appeals: Arc<Appeals>,
    pub(in crate::api) intake: Arc<Intake>,
    pub(in crate::api) watchers: Watchers,
}

impl FeedbackApi {
    async fn verdict(&self, site: &SiteId, subject: Subject) -> Result<VerdictId, ModerationError> {
        Ok(match subject {
            Subject::Verdict(id) => id,
            Subject::Comment(id) => self.intake.verdict_of(site, &id).await?.id,
        })
    }
}

#[tonic::async_trait]
impl FeedbackService for FeedbackApi {
    type WatchVerdictsStream = Messages<pb::WatchVerdictsResponse>;

    async fn report_feedback(
        &self,
        request: Request<pb::ReportFeedbackRequest>,
    ) -> Result<Response<pb::ReportFeedbackResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let ReportCall { site, subject, ruling, source, note, reporter, promise } =
            ReportCall::try_from(request)?;
        caller.enter(&site)?;
        let verdict = self.verdict(&site, subject).await?;
        if source == FeedbackSource::Reader
            && let Ruling::Reject(labels) = &ruling
        {
            let reason = labels.first().copied().map(reason_of);
            let report = (reporter.as_deref(), reason, note.clone());
            self.reports.file(&site, caller.key(), verdict, report).await?;
        }
        let mark = promise.map(|promise| promise.by(caller.key()));
        let report = self.feedback.report(&site, caller.key(), verdict, ruling, source, note, mark);
        let feedback = Some(write(&site, report.await?));
        Ok(Response::new(pb::ReportFeedbackResponse { feedback }))
    }

    async fn open_appeal(
        &self,
        request: Request<pb::OpenAppealRequest>,
    ) -> Result<Response<pb::OpenAppealResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let AppealCall { site, subject, statement, promise } = AppealCall::try_from(request)?;
        caller.enter(&site)?;
        let verdict = self.verdict(&site, subject).await?;
        let mark = promise.map(|promise| promise.by(caller.key()));
        let appeal = self.appeals.open(&site, caller.key(), verdict, statement, mark).await?;
        Ok(Response::new(pb::OpenAppealResponse { appeal: Some(write_appeal(&site, appeal)) }))
    }

    async fn get_appeal(
        &self,
        request: Request<pb::GetAppealRequest>,
    ) -> Result<Response<pb::GetAppealResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let (site, id) = read_appeal_name(&request.name)?;
        caller.enter(&site)?;
        let appeal = self.appeals.get(&site, id).await?;
        Ok(Response::new(pb::GetAppealResponse { appeal: Some(write_appeal(&site, appeal)) }))
    }

    async fn watch_verdicts(
        &self,
        request: Request<pb::WatchVerdictsRequest>,
    ) -> Result<Response<Self::WatchVerdictsStream>, Status> {
        let (caller, request) = Caller::split(request)?;
        let pb::WatchVerdictsRequest { parent, resume_token } = request;
        let call = WatchCall::read("WatchVerdicts", &parent, &resume_token)?;
        caller.enter(&call.site)?;
        Ok(Response::new(self.watchers.verdicts(caller.actor().clone(), call).await?))
    }
}
