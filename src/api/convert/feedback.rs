//! The messages of `FeedbackService`.
//!
//! May import: `types`.

use super::{
    checks::{Checks, at_most, known, some},
    names, time,
    verdict::{read_label, write_label},
};
use crate::{
    api::{
        error::ApiError,
        idempotency::Promise,
        pb::{
            self, open_appeal_request::Subject as AppealSubject,
            report_feedback_request::Subject as PbSubject,
        },
    },
    types::{
        Appeal, AppealId, AppealOutcome, CommentId, DecisionId, Feedback, FeedbackSource, Label,
        MAX_FIELD_BYTES, Ruling, SiteId, VerdictId,
    },
};

/// Most bytes of a reader's id.
const MAX_REPORTER_BYTES: usize = 200;

/// Which comment a report is about.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::api) enum Subject {
    /// The one of this verdict.
    Verdict(VerdictId),
    /// The newest verdict on this one.
    Comment(CommentId),
}

/// A report.
#[derive(Debug)]
pub(in crate::api) struct ReportCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) subject: Subject,
    pub(in crate::api) ruling: Ruling,
    pub(in crate::api) source: FeedbackSource,
    pub(in crate::api) note: String,
    /// The reader who reports.
    pub(in crate::api) reporter: Option<String>,
    pub(in crate::api) promise: Option<Promise>,
}

impl TryFrom<pb::ReportFeedbackRequest> for ReportCall {
    type Error = ApiError;
    fn try_from(mut request: pb::ReportFeedbackRequest) -> Result<Self, ApiError> {
        let request_id = std::mem::take(&mut request.request_id);
        let mut checks = Checks::default();
        let promise = checks.take("request_id", Promise::new("ReportFeedback", &request_id, &request));
        let pb::ReportFeedbackRequest {
            parent,
            ruling,
            labels,
            source,
            note,
            request_id: _,
            reporter_id,
            subject,
        } = request;
        let site = checks.take("parent", names::site(&parent));
        let subject = read_subject(subject, site.as_ref(), &mut checks);
        let ruling = read_ruling(ruling, &labels, &mut checks);
        let source = checks.take("source", read_source(source));
        let note = checks.take("note", at_most(note, MAX_FIELD_BYTES));
        let reader = source == Some(FeedbackSource::Reader);
        if source.is_some() && !reader {
            checks.require("reporter_id", reporter_id.is_empty(), "must be empty unless a reader reports");
        }
        let reporter = some(reporter_id).map(|id| at_most(id, MAX_REPORTER_BYTES));
        let reporter = checks.maybe("reporter_id", reporter);
        let call = (|| {
            Some(Self {
                site: site?,
                subject: subject?,
                ruling: ruling?,
                source: source?,
                note: note?,
                reporter: reporter?,
                promise: promise?,
            })
        })();
        checks.finish(call)
    }
}

fn read_subject(subject: Option<PbSubject>, site: Option<&SiteId>, checks: &mut Checks) -> Option<Subject> {
    match subject {
        None => {
            checks.fail("verdict", "or comment_id must be there");
            None
        }
        Some(PbSubject::Verdict(name)) => {
            checks.take("verdict", names::of_site(names::verdict(&name), site)).map(Subject::Verdict)
        }
        Some(PbSubject::CommentId(id)) => {
            checks.take("comment_id", CommentId::new(&id)).map(Subject::Comment)
        }
    }
}

fn read_ruling(ruling: i32, labels: &[i32], checks: &mut Checks) -> Option<Ruling> {
    let found: Vec<Option<Label>> = labels
        .iter()
        .enumerate()
        .map(|(at, label)| checks.take(&format!("labels[{at}]"), read_label(*label)))
        .collect();
    let mut labels = found.into_iter().collect::<Option<Vec<Label>>>();
    if let Some(labels) = &mut labels {
        labels.sort_unstable();
        labels.dedup();
    }
    let empty = labels.as_ref().is_some_and(Vec::is_empty);
    match known::<pb::Ruling>(ruling) {
        Ok(Some(pb::Ruling::Approve)) => {
            checks.require("labels", empty, "must be empty when the comment may stand");
            Some(Ruling::Approve)
        }
        Ok(Some(pb::Ruling::Reject)) => {
            checks.require("labels", !empty, "must say why the comment had to go");
            labels.map(Ruling::Reject)
        }
        Ok(Some(pb::Ruling::Unspecified) | None) | Err(_) => {
            checks.fail("ruling", "must be RULING_APPROVE or RULING_REJECT");
            None
        }
    }
}

fn read_source(source: i32) -> Result<FeedbackSource, &'static str> {
    match pb::FeedbackSource::try_from(source) {
        Ok(pb::FeedbackSource::Moderator) => Ok(FeedbackSource::Moderator),
        Ok(pb::FeedbackSource::Owner) => Ok(FeedbackSource::Owner),
        Ok(pb::FeedbackSource::Reader) => Ok(FeedbackSource::Reader),
        Ok(pb::FeedbackSource::Unspecified) | Err(_) => Err("must say who reports"),
    }
}

/// Writes a report of a site.
pub(in crate::api) fn write(site: &SiteId, feedback: Feedback) -> pb::Feedback {
    let Feedback { id, verdict, ruling, source, reporter, note, created_at } = feedback;
    let source = match source {
        FeedbackSource::Moderator => pb::FeedbackSource::Moderator,
        FeedbackSource::Owner => pb::FeedbackSource::Owner,
        FeedbackSource::Reader => pb::FeedbackSource::Reader,
    };
    let (ruling, labels) = match ruling {
        Ruling::Approve => (pb::Ruling::Approve, Vec::new()),
        Ruling::Reject(labels) => (pb::Ruling::Reject, labels),
    };
    pb::Feedback {
        name: names::of_feedback(site, id),
        verdict: names::of_a_verdict(site, verdict),
        ruling: ruling.into(),
        labels: labels.into_iter().map(|label| write_label(label).into()).collect(),
        source: source.into(),
        note,
        create_time: Some(time::write(created_at)),
        key_id: reporter.into(),
    }
}

/// An appeal to open.
#[derive(Debug)]
pub(in crate::api) struct AppealCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) subject: Subject,
    pub(in crate::api) statement: String,
    pub(in crate::api) promise: Option<Promise>,
}

impl TryFrom<pb::OpenAppealRequest> for AppealCall {
    type Error = ApiError;
    fn try_from(mut request: pb::OpenAppealRequest) -> Result<Self, ApiError> {
        let request_id = std::mem::take(&mut request.request_id);
        let mut checks = Checks::default();
        let promise = checks.take("request_id", Promise::new("OpenAppeal", &request_id, &request));
        let pb::OpenAppealRequest { parent, statement, request_id: _, subject } = request;
        let site = checks.take("parent", names::site(&parent));
        let subject = subject.map(|subject| match subject {
            AppealSubject::Verdict(name) => PbSubject::Verdict(name),
            AppealSubject::CommentId(id) => PbSubject::CommentId(id),
        });
        let subject = read_subject(subject, site.as_ref(), &mut checks);
        let statement = checks.take("statement", at_most(statement, MAX_FIELD_BYTES));
        let call =
            (|| Some(Self { site: site?, subject: subject?, statement: statement?, promise: promise? }))();
        checks.finish(call)
    }
}

/// Reads the name of an appeal.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_appeal_name(name: &str) -> Result<(SiteId, AppealId), ApiError> {
    let mut checks = Checks::default();
    let name = checks.take("name", names::appeal(name));
    checks.finish(name)
}

/// Writes how an appeal ended.
pub(super) const fn write_appeal_outcome(outcome: Option<(DecisionId, AppealOutcome)>) -> pb::AppealOutcome {
    match outcome {
        None => pb::AppealOutcome::Unspecified,
        Some((_, AppealOutcome::Upheld)) => pb::AppealOutcome::Upheld,
        Some((_, AppealOutcome::Overturned)) => pb::AppealOutcome::Overturned,
    }
}

/// Writes an appeal of a site.
pub(in crate::api) fn write_appeal(site: &SiteId, appeal: Appeal) -> pb::Appeal {
    let Appeal { id, verdict, item, against, statement, opened_by: _, created_at, outcome } = appeal;
    let decision = outcome.map(|(decision, _)| decision);
    let outcome = write_appeal_outcome(outcome);
    pb::Appeal {
        name: names::of_an_appeal(site, id),
        verdict: names::of_a_verdict(site, verdict),
        item: names::of_a_queue_item(site, item),
        against: against.map(|id| names::of_a_decision(site, id)).unwrap_or_default(),
        statement,
        create_time: Some(time::write(created_at)),
        outcome: outcome.into(),
        decision: decision.map(|id| names::of_a_decision(site, id)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::checks::tests::refused, *};
    use pb::{Label as L, Ruling as R};

    fn report(ruling: R, labels: &[i32]) -> pb::ReportFeedbackRequest {
        pb::ReportFeedbackRequest {
            parent: "sites/news".to_owned(),
            ruling: ruling.into(),
            labels: labels.to_vec(),
            source: pb::FeedbackSource::Moderator.into(),
            note: String::new(),
            request_id: String::new(),
            reporter_id: String::new(),
            subject: Some(PbSubject::CommentId("c-1".to_owned())),
        }
    }

    #[test]
    fn every_violation_is_named() {
        let fine = || report(R::Approve, &[]);
        let about = |name: &str| pb::ReportFeedbackRequest {
            subject: Some(PbSubject::Verdict(name.to_owned())),
            ..fine()
        };
        let foreign = "sites/blog/verdicts/01890a5d-ac96-774b-bcce-b302099a8057";
        #[rustfmt::skip]
        let cases: Vec<(&str, pb::ReportFeedbackRequest, &[&str])> = vec![
            ("nothing at all",        pb::ReportFeedbackRequest::default(), &["parent", "verdict", "ruling", "source"]),
            ("a bad request id",      pb::ReportFeedbackRequest { request_id: "x".into(), ..fine() }, &["request_id"]),
            ("no verdict name",       about("42"), &["verdict"]),
            ("another site's verdict", about(foreign), &["verdict"]),
            ("a bad comment id",      pb::ReportFeedbackRequest { subject: Some(PbSubject::CommentId(String::new())), ..fine() }, &["comment_id"]),
            ("an unknown ruling",     pb::ReportFeedbackRequest { ruling: 9, ..fine() }, &["ruling"]),
            ("an unknown source",     pb::ReportFeedbackRequest { source: 9, ..fine() }, &["source"]),
            ("approved with a label", report(R::Approve, &[L::Spam.into()]), &["labels"]),
            ("rejected without",      report(R::Reject, &[]), &["labels"]),
            ("an unknown label",      report(R::Reject, &[L::Spam.into(), 9]), &["labels[1]"]),
            ("a moderator as reader", pb::ReportFeedbackRequest { reporter_id: "r".into(), ..fine() }, &["reporter_id"]),
            ("an endless note",       pb::ReportFeedbackRequest { note: "n".repeat(2049), ..fine() }, &["note"]),
        ];
        for (name, request, want) in cases {
            assert_eq!(refused(ReportCall::try_from(request)), want, "{name}");
        }
    }

    #[test]
    fn labels_count_once() {
        let labels = [L::Abuse.into(), L::Spam.into(), L::Abuse.into()];
        let call = ReportCall::try_from(report(R::Reject, &labels)).unwrap();
        assert_eq!(call.ruling, Ruling::Reject(vec![Label::Spam, Label::Abuse]));
        assert_eq!(call.subject, Subject::Comment(CommentId::new("c-1").unwrap()));
    }
}
