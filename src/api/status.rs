//! From failures to what callers see: one table of codes, one way to fill in the
//! details, for unary calls and for items of batches and streams alike.
//!
//! Internal causes go to the log, once and here, with an id; the caller gets
//! "internal error" and the id. May import: `types`, `store`, `moderation`, `learning`.

use std::{collections::HashMap, error::Error, time::Duration};

use prost_types::Duration as PbDuration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};
use uuid::Uuid;

use super::{
    convert::write_time,
    error::{ApiError, Violation},
    pb,
};
use crate::{
    learning::{ModelsError, ReplayError, RulesError, rule_words::Diagnostic},
    moderation::ModerationError,
    store::{ModelRefusal, QueueRefusal, RuleRefusal, StoreError},
    types::FailureKind,
};

/// `ErrorInfo.domain` of every error this service raises.
pub const DOMAIN: &str = "tamis";

/// The code table: one row per kind, both transports side by side so that they
/// cannot drift apart.
#[must_use]
pub const fn codes(kind: FailureKind) -> (Code, http::StatusCode) {
    use http::StatusCode as Http;
    match kind {
        FailureKind::Invalid => (Code::InvalidArgument, Http::BAD_REQUEST),
        FailureKind::Unauthenticated => (Code::Unauthenticated, Http::UNAUTHORIZED),
        FailureKind::Forbidden => (Code::PermissionDenied, Http::FORBIDDEN),
        FailureKind::NotFound => (Code::NotFound, Http::NOT_FOUND),
        FailureKind::Exists => (Code::AlreadyExists, Http::CONFLICT),
        FailureKind::Stale => (Code::Aborted, Http::CONFLICT),
        FailureKind::NotNow => (Code::FailedPrecondition, Http::BAD_REQUEST),
        FailureKind::Quota(_) => (Code::ResourceExhausted, Http::TOO_MANY_REQUESTS),
        FailureKind::Busy(_) => (Code::Unavailable, Http::SERVICE_UNAVAILABLE),
        FailureKind::TimedOut => (Code::DeadlineExceeded, Http::GATEWAY_TIMEOUT),
        FailureKind::Internal => (Code::Internal, Http::INTERNAL_SERVER_ERROR),
    }
}

/// Most diagnostics told as violations.
const MAX_DIAGNOSTICS: usize = 100;

/// The thing an error is about, as google.rpc.ResourceInfo wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Full name of its message type.
    pub kind: &'static str,
    /// Its resource name, as far as it is known.
    pub name: String,
    /// What holds instead of what was asked for, for ErrorInfo: of `LEASE_LOST` the
    /// decision in force.
    pub instead: Vec<(&'static str, String)>,
}

/// A failure, ready to be told in any protocol.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the caller can do.
    pub kind: FailureKind,
    /// Stable reason.
    pub reason: &'static str,
    /// English text; "internal error" when the cause is none of the caller's.
    pub message: String,
    /// All fields that are wrong.
    pub violations: Vec<Violation>,
    /// What it is about.
    pub resource: Option<Box<Resource>>,
    /// Set for internal failures: the id under which the cause was logged.
    pub incident: Option<Uuid>,
}

impl Failure {
    /// Hides and logs the cause when it is internal.
    fn new(kind: FailureKind, reason: &'static str, cause: &(dyn Error + 'static)) -> Self {
        let (message, incident) = if matches!(kind, FailureKind::Internal) {
            let incident = Uuid::now_v7();
            tracing::error!(%incident, reason, error = %chain(cause), "request failed");
            ("internal error".to_owned(), Some(incident))
        } else {
            (cause.to_string(), None)
        };
        Self { kind, reason, message, violations: Vec::new(), resource: None, incident }
    }

    /// How long to wait before trying again, when that can help.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            FailureKind::Quota(after) | FailureKind::Busy(after) => Some(after),
            FailureKind::Invalid
            | FailureKind::Unauthenticated
            | FailureKind::Forbidden
            | FailureKind::NotFound
            | FailureKind::Exists
            | FailureKind::Stale
            | FailureKind::NotNow
            | FailureKind::TimedOut
            | FailureKind::Internal => None,
        }
    }

    fn details(&self) -> ErrorDetails {
        let mut details = ErrorDetails::new();
        if let Some(incident) = self.incident {
            details.set_request_info(incident.to_string(), "");
            return details;
        }
        let instead = self.resource.iter().flat_map(|resource| &resource.instead);
        let metadata = instead.map(|(key, value)| ((*key).to_owned(), value.clone()));
        details.set_error_info(self.reason, DOMAIN, metadata.collect::<HashMap<_, _>>());
        if !self.violations.is_empty() {
            let violations = self.violations.iter();
            details.set_bad_request(
                violations.map(|v| FieldViolation::new(&v.field, &v.description)).collect::<Vec<_>>(),
            );
        }
        if let Some(resource) = &self.resource {
            details.set_resource_info(resource.kind, &resource.name, "", &self.message);
        }
        if let Some(after) = self.retry_after() {
            details.set_retry_info(Some(after));
        }
        match self.kind {
            FailureKind::Quota(_) => {
                details.add_quota_failure_violation(self.reason, &self.message);
            }
            FailureKind::NotNow => {
                details.add_precondition_failure_violation(self.reason, "", &self.message);
            }
            FailureKind::Invalid
            | FailureKind::Unauthenticated
            | FailureKind::Forbidden
            | FailureKind::NotFound
            | FailureKind::Exists
            | FailureKind::Stale
            | FailureKind::Busy(_)
            | FailureKind::TimedOut
            | FailureKind::Internal => {}
        }
        details
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let failure = Self::new(error.kind(), error.reason(), &error);
        Self { violations: error.violations(), ..failure }
    }
}

/// What holds instead of what was asked for.
#[expect(clippy::wildcard_enum_match_arm, reason = "most refusals have nothing instead")]
fn instead(refusal: &QueueRefusal) -> Vec<(&'static str, String)> {
    let (holder, decision) = match refusal {
        QueueRefusal::LeaseLost { holder, decision, .. } => (holder.as_ref(), decision.as_deref()),
        QueueRefusal::Decided { decision, .. } => (None, Some(&**decision)),
        QueueRefusal::Held { holder, .. } => (Some(holder), None),
        QueueRefusal::SecondReviewer { actor, .. } => return vec![("reviewer", actor.to_string())],
        _ => return Vec::new(),
    };
    let mut told: Vec<(&'static str, String)> = Vec::new();
    if let Some(decision) = decision {
        told.push(("decision", format!("decisions/{}", decision.id)));
        told.push(("disposition", decision.disposition.name().to_uppercase()));
        told.extend(decision.reason.map(|reason| ("reason_code", reason.name().to_uppercase())));
        told.push(("reviewer", decision.actor.to_string()));
        told.push(("create_time", write_time(decision.created_at).to_string()));
    }
    told.extend(holder.map(|holder| ("holder", holder.to_string())));
    told
}

impl From<ModerationError> for Failure {
    fn from(error: ModerationError) -> Self {
        let failure = Self::new(error.kind(), error.reason(), &error);
        let reused = matches!(error, ModerationError::Store(StoreError::RequestReused(_)));
        let mut violations = Vec::new();
        if reused {
            let description = "was used before with another request".to_owned();
            violations.push(Violation { field: "request_id".to_owned(), description });
        }
        if let ModerationError::Field { field, must } = &error {
            violations.push(Violation { field: (*field).to_owned(), description: must.clone() });
        }
        Self { violations, resource: resource(&error), ..failure }
    }
}

/// What a failed use case was about.
#[expect(clippy::wildcard_enum_match_arm, reason = "most failures are about no single thing")]
fn resource(error: &ModerationError) -> Option<Box<Resource>> {
    let (kind, name) = match error {
        ModerationError::UnknownSite(site) => ("tamis.v1.Site", format!("sites/{site}")),
        ModerationError::UnknownArticle(article) => ("tamis.v1.Article", format!("articles/{article}")),
        ModerationError::UnknownComment(comment) => ("tamis.v1.Comment", format!("comments/{comment}")),
        ModerationError::Store(
            StoreError::UnknownSite(site) | StoreError::SiteExists(site) | StoreError::SiteChanged(site),
        ) => ("tamis.v1.Site", format!("sites/{site}")),
        ModerationError::Store(StoreError::UnknownVerdict(verdict)) => {
            ("tamis.v1.Verdict", format!("verdicts/{verdict}"))
        }
        ModerationError::UnknownKey(key) => ("tamis.v1.Key", format!("keys/{key}")),
        ModerationError::UnknownAuditEvent(number) => {
            ("tamis.v1.AuditEvent", format!("auditEvents/{number}"))
        }
        ModerationError::Store(StoreError::Queue(refusal)) => of_queue(refusal)?,
        ModerationError::Store(StoreError::Rules(RuleRefusal::Unknown(set))) => {
            ("tamis.v1.RuleSet", format!("ruleSets/{set}"))
        }
        _ => return None,
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "only the queue has something instead")]
    let instead = match error {
        ModerationError::Store(StoreError::Queue(refusal)) => instead(refusal),
        _ => Vec::new(),
    };
    Some(Box::new(Resource { kind, name, instead }))
}

/// What a refusal of the queue was about.
#[expect(clippy::wildcard_enum_match_arm, reason = "only what was not found or is there has a name to tell")]
fn of_queue(refusal: &QueueRefusal) -> Option<(&'static str, String)> {
    Some(match refusal {
        QueueRefusal::UnknownItem(item)
        | QueueRefusal::LeaseLost { item, .. }
        | QueueRefusal::Decided { item, .. }
        | QueueRefusal::Held { item, .. }
        | QueueRefusal::SecondReviewer { item, .. } => ("tamis.v1.QueueItem", format!("queueItems/{item}")),
        QueueRefusal::UnknownDecision(id) => ("tamis.v1.Decision", format!("decisions/{id}")),
        QueueRefusal::UnknownQueue(name)
        | QueueRefusal::QueueExists(name)
        | QueueRefusal::QueueChanged(name) => ("tamis.v1.Queue", format!("queues/{name}")),
        QueueRefusal::UnknownAppeal(id) => ("tamis.v1.Appeal", format!("appeals/{id}")),
        _ => return None,
    })
}

impl From<ModelsError> for Failure {
    fn from(error: ModelsError) -> Self {
        let failure = Self::new(error.kind(), error.reason(), &error);
        let mut violations = Vec::new();
        if let ModelsError::Field { field, must } = &error {
            violations.push(Violation { field: (*field).to_owned(), description: must.clone() });
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "most failures are about no single thing")]
        let resource = match &error {
            ModelsError::Store(StoreError::Model(refusal)) => of_model(refusal),
            ModelsError::Lost { model, .. } | ModelsError::NoReport(model) => {
                Some(("tamis.v1.Model", format!("models/{model}")))
            }
            _ => None,
        };
        let mut instead = Vec::new();
        let mut resource = resource;
        if let ModelsError::GatesFailed(gates) = &error {
            let names: Vec<&str> = gates.iter().map(|gate| gate.name.as_str()).collect();
            instead.push(("gates", names.join(",")));
            resource = Some(("tamis.v1.ModelGate", String::new()));
        }
        let resource = resource.map(|(kind, name)| Box::new(Resource { kind, name, instead }));
        Self { violations, resource, ..failure }
    }
}

/// What a refusal about models was about.
fn of_model(refusal: &ModelRefusal) -> Option<(&'static str, String)> {
    Some(match refusal {
        ModelRefusal::UnknownModel(id) | ModelRefusal::ModelActive(id) => {
            ("tamis.v1.Model", format!("models/{id}"))
        }
        ModelRefusal::UnknownJob(id) | ModelRefusal::JobOver(id) => ("tamis.v1.Job", format!("jobs/{id}")),
        ModelRefusal::UnknownSet(name) | ModelRefusal::SetExists(name) => {
            ("tamis.v1.FrozenSet", format!("frozenSets/{name}"))
        }
        ModelRefusal::ActiveChanged(_) => return None,
    })
}

impl From<ModelsError> for Status {
    fn from(error: ModelsError) -> Self {
        Failure::from(error).into()
    }
}

impl From<RulesError> for Failure {
    fn from(error: RulesError) -> Self {
        let told = match error {
            RulesError::Store(store) => return ModerationError::from(store).into(),
            RulesError::UnknownSite(site) => return ModerationError::UnknownSite(site).into(),
            RulesError::Invalid(_)
            | RulesError::NoDraft
            | RulesError::NothingLive
            | RulesError::NothingBefore => error,
        };
        let failure = Self::new(told.kind(), told.reason(), &told);
        let RulesError::Invalid(diagnostics) = told else { return failure };
        let violation = |found: Diagnostic| {
            let Diagnostic { file, line, column, code, message, help, .. } = found;
            let help = help.map(|help| format!(" ({help})")).unwrap_or_default();
            let description = format!("{file}:{line}:{column}: {message}{help} [{code}]");
            Violation { field: "files".to_owned(), description }
        };
        Self { violations: diagnostics.into_iter().take(MAX_DIAGNOSTICS).map(violation).collect(), ..failure }
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Store(store) => ModerationError::from(store).into(),
            ReplayError::Rules(rules) => rules.into(),
            ReplayError::Gate(ref outcome) => {
                let flips = outcome.worst.iter().filter(|flip| flip.approved == Some(true));
                let listed = flips.take(MAX_DIAGNOSTICS).map(|flip| Violation {
                    field: format!("sites/{}/verdicts/{}", flip.site, flip.verdict),
                    description: format!("approved, would be {}: {}", flip.after.name(), flip.excerpt),
                });
                let violations = listed.collect();
                Self { violations, ..Self::new(error.kind(), error.reason(), &error) }
            }
            ReplayError::Untraceable(_)
            | ReplayError::Model(_)
            | ReplayError::Busy
            | ReplayError::UnknownBacktest(_) => Self::new(error.kind(), error.reason(), &error),
        }
    }
}

impl From<ReplayError> for Status {
    fn from(error: ReplayError) -> Self {
        Failure::from(error).into()
    }
}

impl From<RulesError> for Status {
    fn from(error: RulesError) -> Self {
        Failure::from(error).into()
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        let details = failure.details();
        Self::with_error_details(codes(failure.kind).0, failure.message, details)
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        Failure::from(error).into()
    }
}

impl From<ModerationError> for Status {
    fn from(error: ModerationError) -> Self {
        Failure::from(error).into()
    }
}

impl From<Failure> for pb::ItemError {
    fn from(failure: Failure) -> Self {
        let retry_delay = failure.retry_after().and_then(|after| PbDuration::try_from(after).ok());
        // As in a status: the reason of an internal failure is for the operator.
        let reason = if failure.incident.is_some() { "" } else { failure.reason };
        let violation = |Violation { field, description }| pb::FieldViolation { field, description };
        Self {
            code: codes(failure.kind).0.into(),
            message: failure.incident.map_or(failure.message, |id| format!("internal error ({id})")),
            reason: reason.to_owned(),
            violations: failure.violations.into_iter().map(violation).collect(),
            retry_delay,
        }
    }
}

/// The whole chain of causes on one line, outermost first.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::types::{ArticleId, RequestId, SiteId, VerdictId};

    #[test]
    fn every_kind_has_its_row() {
        let second = Duration::from_secs(1);
        #[rustfmt::skip]
        let rows = [
            (FailureKind::Invalid,         Code::InvalidArgument,    400),
            (FailureKind::Unauthenticated, Code::Unauthenticated,    401),
            (FailureKind::Forbidden,       Code::PermissionDenied,   403),
            (FailureKind::NotFound,        Code::NotFound,           404),
            (FailureKind::Exists,          Code::AlreadyExists,      409),
            (FailureKind::Stale,           Code::Aborted,            409),
            (FailureKind::NotNow,          Code::FailedPrecondition, 400),
            (FailureKind::Quota(second),   Code::ResourceExhausted,  429),
            (FailureKind::Busy(second),    Code::Unavailable,        503),
            (FailureKind::TimedOut,        Code::DeadlineExceeded,   504),
            (FailureKind::Internal,        Code::Internal,           500),
        ];
        for (kind, grpc, http) in rows {
            assert_eq!((codes(kind).0, codes(kind).1.as_u16()), (grpc, http), "{kind:?}");
        }
    }

    #[test]
    fn details_say_all_there_is() {
        let violation =
            |field: &str| Violation { field: field.to_owned(), description: "must be".to_owned() };
        let status = Status::from(ApiError::Fields(vec![violation("parent"), violation("comment.body")]));
        assert_eq!(status.message(), "parent must be (and 1 more)");
        let details = status.get_error_details();
        let fields = details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str());
        assert_eq!(fields.collect::<Vec<_>>(), ["parent", "comment.body"]);
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("FIELDS_INVALID", DOMAIN));

        let missing = ModerationError::UnknownArticle(ArticleId::new("42").unwrap());
        let details = Status::from(missing).get_error_details();
        let resource = details.resource_info().unwrap();
        assert_eq!((&*resource.resource_type, &*resource.resource_name), ("tamis.v1.Article", "articles/42"));

        let full = Status::from(ModerationError::Store(StoreError::Full));
        assert_eq!(full.code(), Code::ResourceExhausted);
        let details = full.get_error_details();
        assert!(details.retry_info().unwrap().retry_delay.is_some() && details.quota_failure().is_some());

        let id = RequestId::parse("7b0c4f9e-3a63-4d2b-9a55-0d6d2a6f1c11").unwrap();
        let reused = Status::from(ModerationError::Store(StoreError::RequestReused(id)));
        assert_eq!(reused.code(), Code::InvalidArgument);
        assert_eq!(reused.get_details_bad_request().unwrap().field_violations[0].field, "request_id");
    }

    #[test]
    fn internal_causes_stay_inside() {
        let damaged =
            || ModerationError::Store(StoreError::Damaged { what: "verdict", key: "6e657773".into() });
        let status = Status::from(damaged());
        assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
        let details = status.get_error_details();
        assert!(details.request_info().is_some_and(|info| !info.request_id.is_empty()));
        assert!(details.error_info().is_none());
        let item = pb::ItemError::from(Failure::from(damaged()));
        assert!(item.message.starts_with("internal error (") && item.reason.is_empty());
    }

    #[test]
    fn items_say_what_statuses_say() {
        let busy = StoreError::Busy { retry_after: Duration::from_millis(1500) };
        let item = pb::ItemError::from(Failure::from(ModerationError::Store(busy)));
        assert_eq!((item.code, item.reason.as_str()), (14, "STORAGE_BUSY"));
        assert_eq!(item.retry_delay, Some(PbDuration { seconds: 1, nanos: 500_000_000 }));
        let unknown = Failure::from(ModerationError::UnknownSite(SiteId::new("news").unwrap()));
        assert_eq!(pb::ItemError::from(unknown).code, 5);
        let verdict = VerdictId::generate();
        let status = Status::from(ModerationError::Store(StoreError::UnknownVerdict(verdict)));
        assert_eq!(status.get_details_resource_info().unwrap().resource_name, format!("verdicts/{verdict}"));
    }

    /// String literals of a source file that look like reasons.
    fn reasons_in(source: &str) -> impl Iterator<Item = &str> {
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        code.split('"').skip(1).step_by(2).filter(|text| {
            text.len() > 3 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') && text.contains('_')
                || *text == "OVERLOADED"
        })
    }

    #[test]
    fn the_catalogue_lists_exactly_the_reasons_of_the_code() {
        let code: BTreeSet<_> = [
            include_str!("error.rs"),
            include_str!("../moderation/error.rs"),
            include_str!("../store/error.rs"),
            include_str!("../store/queue/request.rs"),
            include_str!("../store/model_refusal.rs"),
            include_str!("../learning/registry/error.rs"),
            include_str!("../store/queue/rulebook.rs"),
            include_str!("../learning/rulebook/error.rs"),
            include_str!("../learning/replay/error.rs"),
        ]
        .into_iter()
        .flat_map(reasons_in)
        .collect();
        assert!(code.len() > 15, "the scan found too little: {code:?}");
        let rows: Vec<Vec<_>> = include_str!("../../docs/ERRORS.md")
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        let listed: BTreeSet<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
        assert_eq!(rows.len(), listed.len(), "a reason is listed twice");
        assert_eq!(listed, code, "left: docs/ERRORS.md, right: code");
        for row in rows {
            assert_eq!(row.len(), 5, "{row:?}");
            assert!(row.iter().all(|cell| !cell.is_empty()), "an empty cell: {row:?}");
        }
    }
}
