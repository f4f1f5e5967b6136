//! Deciding one and many, undoing, outcome on authors.
//!
//! May import: `types`, `store` (requests), `moderation` (what is asked).

use super::{
    filter::{read_author_action, read_filter, read_reason},
    items::{read_items, read_token},
};
use crate::{
    api::{
        convert::{
            checks::{Checks, at_most, known, some},
            names::{self, Undone},
            time,
        },
        error::ApiError,
        idempotency::Promise,
        page_token::ListBinding,
        pb::{self, batch_decide_queue_items_request::Selection as PbSelection},
    },
    moderation::queue::{AuthorOrder, BatchAsk, MAX_BATCH, Ruled, Selection, Wanted},
    store::Outcome,
    types::{DecisionId, KeyId, MAX_FIELD_BYTES, QueueItemId, SiteId},
};

/// Most bytes of a policy clause.
const MAX_CLAUSE_BYTES: usize = 200;

pub(super) fn read_ruled(ruled: Option<pb::Ruled>, checks: &mut Checks) -> Option<Ruled> {
    let Some(ruled) = ruled else {
        checks.fail("ruled", "must be there");
        return None;
    };
    checks.inside("ruled", |checks| {
        let pb::Ruled {
            disposition,
            reason_code,
            policy_clause,
            note,
            author_action,
            author_action_expire_time,
        } = ruled;
        let outcome = read_outcome(disposition, reason_code, checks);
        let policy_clause = checks.take("policy_clause", at_most(policy_clause, MAX_CLAUSE_BYTES));
        let note = checks.take("note", at_most(note, MAX_FIELD_BYTES));
        let action = read_author_action(author_action, "author_action", checks);
        let until = checks.maybe("author_action_expire_time", author_action_expire_time.map(time::read));
        if let (Some(None), Some(Some(_))) = (action, until) {
            checks.fail("author_action_expire_time", "must be empty without author_action");
        }
        let author = action?.zip(until).map(|(action, until)| AuthorOrder { action, until });
        Some(Ruled { outcome: outcome?, policy_clause: policy_clause?, note: note?, author })
    })
}

fn read_outcome(disposition: i32, reason: i32, checks: &mut Checks) -> Option<Outcome> {
    let reason = read_reason(reason, checks)?;
    match known::<pb::Disposition>(disposition) {
        Ok(Some(pb::Disposition::Approve)) => {
            checks.require("reason_code", reason.is_none(), "must be empty when the comment may stand");
            Some(Outcome::Approve)
        }
        Ok(Some(pb::Disposition::Reject)) => {
            checks.require("reason_code", reason.is_some(), "must say why the comment has to go");
            reason.map(Outcome::Reject)
        }
        Ok(Some(pb::Disposition::Undo | pb::Disposition::Unspecified) | None) | Err(_) => {
            checks.fail("disposition", "must be DISPOSITION_APPROVE or DISPOSITION_REJECT");
            None
        }
    }
}

/// One decision.
#[derive(Debug)]
pub(in crate::api) struct DecideCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) lease: (QueueItemId, u64),
    pub(in crate::api) ruled: Ruled,
    pub(in crate::api) promise: Option<Promise>,
}

impl TryFrom<pb::DecideQueueItemRequest> for DecideCall {
    type Error = ApiError;
    fn try_from(mut request: pb::DecideQueueItemRequest) -> Result<Self, ApiError> {
        let request_id = std::mem::take(&mut request.request_id);
        let mut checks = Checks::default();
        let promise = checks.take("request_id", Promise::new("DecideQueueItem", &request_id, &request));
        let pb::DecideQueueItemRequest { name, lease_token, ruled, request_id: _ } = request;
        let name = checks.take("name", names::queue_item(&name));
        let token = read_token(lease_token, &mut checks);
        let ruled = read_ruled(ruled, &mut checks);
        let call = (|| {
            let (site, item) = name?;
            Some(Self { site, lease: (item, token?), ruled: ruled?, promise: promise? })
        })();
        checks.finish(call)
    }
}

/// Many decisions.
#[derive(Debug)]
pub(in crate::api) struct BatchCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) validate_only: bool,
    ask: BatchAsk,
    promise: Option<Promise>,
}

impl BatchCall {
    /// What the use case takes.
    pub(in crate::api) fn by(self, key: &KeyId) -> BatchAsk {
        let request = self.promise.map(|promise| promise.by(key));
        BatchAsk { request, ..self.ask }
    }
}

impl TryFrom<pb::BatchDecideQueueItemsRequest> for BatchCall {
    type Error = ApiError;
    fn try_from(mut request: pb::BatchDecideQueueItemsRequest) -> Result<Self, ApiError> {
        let request_id = std::mem::take(&mut request.request_id);
        let mut checks = Checks::default();
        let promise = checks.take("request_id", Promise::new("BatchDecideQueueItems", &request_id, &request));
        let pb::BatchDecideQueueItemsRequest {
            parent,
            ruled,
            batch,
            validate_only,
            request_id: _,
            selection,
        } = request;
        let site = checks.take("parent", names::site(&parent));
        let selection = read_selection(selection, site.as_ref(), &mut checks);
        let ruled = read_ruled(ruled, &mut checks);
        let batch = some(batch).map(|name| names::of_site(names::batch(&name), site.as_ref()));
        let batch = checks.maybe("batch", batch);
        let call = (|| {
            let ask = BatchAsk { selection: selection?, ruled: ruled?, batch: batch?, request: None };
            Some(Self { site: site?, validate_only, ask, promise: promise? })
        })();
        checks.finish(call)
    }
}

fn read_selection(
    selection: Option<PbSelection>,
    site: Option<&SiteId>,
    checks: &mut Checks,
) -> Option<Selection> {
    match selection {
        None => {
            checks.fail("items", "or filter must be there");
            None
        }
        Some(PbSelection::Items(pb::QueueItemNames { names })) => {
            checks.require("items.names", !names.is_empty(), format_args!("must be 1 to {MAX_BATCH}"));
            let mut ids = read_items("items.names", &names, MAX_BATCH, site, checks)?;
            let mut seen = std::collections::HashSet::new();
            ids.retain(|id| seen.insert(*id));
            Some(Selection::Items(ids))
        }
        Some(PbSelection::Filter(filter)) => {
            let wanted = read_filter(Some(filter), site, checks)?;
            let set = wanted != Wanted::default();
            checks.require("filter", set, "must set at least one field: it would decide everything");
            Some(Selection::Filter(Box::new(wanted)))
        }
    }
}

/// Decisions to take back.
#[derive(Debug)]
pub(in crate::api) struct UndoCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) what: Undone,
    pub(in crate::api) note: String,
    pub(in crate::api) after: Option<DecisionId>,
    pub(in crate::api) binding: ListBinding,
    pub(in crate::api) promise: Option<Promise>,
}

impl TryFrom<pb::UndoDecisionRequest> for UndoCall {
    type Error = ApiError;
    fn try_from(mut request: pb::UndoDecisionRequest) -> Result<Self, ApiError> {
        let request_id = std::mem::take(&mut request.request_id);
        let mut checks = Checks::default();
        let promise = checks.take("request_id", Promise::new("UndoDecision", &request_id, &request));
        let token = std::mem::take(&mut request.page_token);
        let binding = ListBinding::new("UndoDecision", &request);
        let pb::UndoDecisionRequest { name, note, .. } = request;
        let name = checks.take("name", names::undone(&name));
        let note = checks.take("note", at_most(note, MAX_FIELD_BYTES));
        let call = (|| {
            let (site, what) = name?;
            Some(Self { site, what, note: note?, after: None, binding, promise: promise? })
        })();
        let call = checks.finish(call)?;
        let cursor = |bytes: Vec<u8>| {
            let bytes = bytes.try_into().map_err(|_| ApiError::PageToken("holds no decision"))?;
            Ok::<_, ApiError>(DecisionId::from_bytes(bytes))
        };
        let after = binding.read(&token)?.map(cursor).transpose()?;
        Ok(Self { after, ..call })
    }
}

/// What is to hold for an author.
#[derive(Debug)]
pub(in crate::api) struct AuthorRuleCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) author_id: String,
    pub(in crate::api) order: Option<AuthorOrder>,
    pub(in crate::api) note: String,
}

impl TryFrom<pb::SetAuthorRuleRequest> for AuthorRuleCall {
    type Error = ApiError;
    fn try_from(request: pb::SetAuthorRuleRequest) -> Result<Self, ApiError> {
        let pb::SetAuthorRuleRequest { parent, author_id, action, expire_time, note } = request;
        let mut checks = Checks::default();
        let site = checks.take("parent", names::site(&parent));
        checks.require("author_id", !author_id.is_empty(), "must not be empty");
        let author_id = checks.take("author_id", at_most(author_id, MAX_FIELD_BYTES));
        let action = read_author_action(action, "action", &mut checks);
        let until = checks.maybe("expire_time", expire_time.map(time::read));
        if let (Some(None), Some(Some(_))) = (action, until) {
            checks.fail("expire_time", "must be empty when nothing is to hold");
        }
        let note = checks.take("note", at_most(note, MAX_FIELD_BYTES));
        let call = (|| {
            let order = action?.zip(until).map(|(action, until)| AuthorOrder { action, until });
            Some(Self { site: site?, author_id: author_id?, order, note: note? })
        })();
        checks.finish(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::convert::checks::tests::refused, types::ReasonCode};
    use pb::{Disposition as D, ReasonCode as R};

    const ITEM: &str = "sites/news/queueItems/01890a5d-ac96-774b-bcce-b302099a8057";

    fn ruled(disposition: D, reason: R) -> pb::Ruled {
        pb::Ruled { disposition: disposition.into(), reason_code: reason.into(), ..Default::default() }
    }

    fn decide(ruled: pb::Ruled) -> pb::DecideQueueItemRequest {
        pb::DecideQueueItemRequest {
            name: ITEM.to_owned(),
            lease_token: 3,
            ruled: Some(ruled),
            request_id: String::new(),
        }
    }

    #[test]
    fn every_violation_of_a_decision_is_named() {
        let approve = || ruled(D::Approve, R::Unspecified);
        let soon = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });
        #[rustfmt::skip]
        let cases: Vec<(&str, pb::DecideQueueItemRequest, &[&str])> = vec![
            ("nothing at all",          pb::DecideQueueItemRequest::default(), &["name", "lease_token", "ruled"]),
            ("no disposition",          decide(ruled(D::Unspecified, R::Unspecified)), &["ruled.disposition"]),
            ("undo is no outcome",       decide(ruled(D::Undo, R::Unspecified)), &["ruled.disposition"]),
            ("rejected without why",    decide(ruled(D::Reject, R::Unspecified)), &["ruled.reason_code"]),
            ("approved with why",       decide(ruled(D::Approve, R::Spam)), &["ruled.reason_code"]),
            ("an unknown reason",       decide(pb::Ruled { reason_code: 99, ..approve() }), &["ruled.reason_code"]),
            ("an endless clause",       decide(pb::Ruled { policy_clause: "c".repeat(201), ..approve() }), &["ruled.policy_clause"]),
            ("an endless note",         decide(pb::Ruled { note: "n".repeat(2049), ..approve() }), &["ruled.note"]),
            ("an end of nothing",       decide(pb::Ruled { author_action_expire_time: soon, ..approve() }), &["ruled.author_action_expire_time"]),
        ];
        for (name, request, want) in cases {
            assert_eq!(refused(DecideCall::try_from(request)), want, "{name}");
        }
        let call = DecideCall::try_from(decide(ruled(D::Reject, R::Hate))).unwrap();
        assert_eq!((call.ruled.outcome, call.lease.1), (Outcome::Reject(ReasonCode::Hate), 3));
    }

    #[test]
    fn a_batch_must_say_which() {
        let batch = |selection| pb::BatchDecideQueueItemsRequest {
            parent: "sites/news".to_owned(),
            ruled: Some(ruled(D::Approve, R::Unspecified)),
            selection,
            ..Default::default()
        };
        let names = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Some(PbSelection::Items(pb::QueueItemNames { names }))
        };
        let all = Some(PbSelection::Filter(pb::QueueItemFilter::default()));
        assert_eq!(refused(BatchCall::try_from(batch(None))), ["items"]);
        assert_eq!(refused(BatchCall::try_from(batch(all))), ["filter"]);
        assert_eq!(refused(BatchCall::try_from(batch(names(&[])))), ["items.names"]);
        assert_eq!(refused(BatchCall::try_from(batch(names(&[ITEM, "x"])))), ["items.names[1]"]);
        let twice = BatchCall::try_from(batch(names(&[ITEM, ITEM]))).unwrap();
        assert!(matches!(twice.ask.selection, Selection::Items(ids) if ids.len() == 1));
    }

    #[test]
    fn undoing_names_a_decision_or_a_batch() {
        let undo = |name: &str| pb::UndoDecisionRequest { name: name.to_owned(), ..Default::default() };
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let of = |name: &str| UndoCall::try_from(undo(name)).unwrap().what;
        assert!(matches!(of(&format!("sites/news/decisions/{id}")), Undone::Decision(_)));
        assert!(matches!(of(&format!("sites/news/batches/{id}")), Undone::Batch(_)));
        assert_eq!(refused(UndoCall::try_from(undo("sites/news/verdicts/1"))), ["name"]);
    }
}
