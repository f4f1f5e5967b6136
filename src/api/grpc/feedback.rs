//! `tamis.v1.FeedbackService`.
//!
//! May import: `moderation`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::{
    api::{
        auth::Caller,
        convert::feedback::{ReportCall, Subject, write},
        pb::{self, feedback_service_server::FeedbackService},
    },
    moderation::{FeedbackDesk, Intake},
};

/// The service on its use cases.
#[derive(Clone)]
pub(in crate::api) struct FeedbackApi {
    pub(in crate::api) feedback: Arc<FeedbackDesk>,
    pub(in crate::api) intake: Arc<Intake>,
}

#[tonic::async_trait]
impl FeedbackService for FeedbackApi {
    async fn report_feedback(
        &self,
        request: Request<pb::ReportFeedbackRequest>,
    ) -> Result<Response<pb::ReportFeedbackResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let ReportCall { site, subject, ruling, source, note, promise } = ReportCall::try_from(request)?;
        caller.enter(&site)?;
        let verdict = match subject {
            Subject::Verdict(id) => id,
            Subject::Comment(id) => self.intake.verdict_of(&site, &id).await?.id,
        };
        let mark = promise.map(|promise| promise.by(caller.key()));
        let report = self.feedback.report(&site, caller.key(), verdict, ruling, source, note, mark);
        let feedback = Some(write(&site, report.await?));
        Ok(Response::new(pb::ReportFeedbackResponse { feedback }))
    }
}
