//! The messages of `AuditService`.
//!
//! May import: `types`, `store` (its answers).

use super::{checks::Checks, names, scoring::page_size, time};
use crate::{
    api::{error::ApiError, page_token::ListBinding, pb},
    store::ChainCheck,
    types::{AuditAction, AuditEvent, ChainHead, SiteId},
};

/// A page of events to show.
#[derive(Debug)]
pub(in crate::api) struct ListCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) size: usize,
    pub(in crate::api) after: u64,
    pub(in crate::api) binding: ListBinding,
}

impl TryFrom<pb::ListAuditEventsRequest> for ListCall {
    type Error = ApiError;
    fn try_from(mut request: pb::ListAuditEventsRequest) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let token = std::mem::take(&mut request.page_token);
        let size = checks.take("page_size", page_size(std::mem::take(&mut request.page_size)));
        let binding = ListBinding::new("ListAuditEvents", &request);
        let site = checks.take("parent", names::chain(&request.parent));
        let (size, site) = checks.finish(size.zip(site))?;
        let after = match binding.read(&token)? {
            None => 0,
            Some(bytes) => {
                u64::from_be_bytes(bytes.try_into().map_err(|_| ApiError::PageToken("holds no event"))?)
            }
        };
        Ok(Self { site, size, after, binding })
    }
}

/// Reads the chain of a request that has nothing else.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_chain(parent: &str) -> Result<SiteId, ApiError> {
    let mut checks = Checks::default();
    let site = checks.take("parent", names::chain(parent));
    checks.finish(site)
}

/// Reads the name of an event.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_name(name: &str) -> Result<(SiteId, u64), ApiError> {
    let mut checks = Checks::default();
    let name = checks.take("name", names::audit_event(name));
    checks.finish(name)
}

/// A walk along the chain.
#[derive(Debug)]
pub(in crate::api) struct VerifyCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) after: ChainHead,
}

impl TryFrom<pb::VerifyAuditChainRequest> for VerifyCall {
    type Error = ApiError;
    fn try_from(request: pb::VerifyAuditChainRequest) -> Result<Self, ApiError> {
        let pb::VerifyAuditChainRequest { parent, after_sequence, after_hash } = request;
        let mut checks = Checks::default();
        let site = checks.take("parent", names::chain(&parent));
        let hash = match (after_sequence, after_hash.as_str()) {
            (0, "") => Some([0; 32]),
            (0, _) => checks.take("after_hash", Err("must be empty without after_sequence")),
            (_, text) => checks.take("after_hash", read_hash(text)),
        };
        checks.finish(
            site.zip(hash)
                .map(|(site, hash)| Self { site, after: ChainHead { number: after_sequence, hash } }),
        )
    }
}

fn read_hash(text: &str) -> Result<[u8; 32], &'static str> {
    const MUST: &str = "must be 64 hexadecimal digits";
    let mut hash = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(MUST);
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        let digits = text.get(2 * at..2 * at + 2).ok_or(MUST)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| MUST)?;
    }
    Ok(hash)
}

fn write_hash(hash: [u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes an event of a site.
pub(in crate::api) fn write_event(site: &SiteId, event: AuditEvent) -> pb::AuditEvent {
    let AuditEvent { number, at, actor, action, previous, hash } = event;
    let (word, target) = told(site, &action);
    pb::AuditEvent {
        name: names::of_an_audit_event(site, number),
        sequence: number,
        create_time: Some(time::write(at)),
        key_id: actor.map(String::from).unwrap_or_default(),
        action: word.to_owned(),
        target,
        // Integers, texts and arrays of them always become JSON.
        detail: serde_json::to_string(&action).unwrap_or_default(),
        previous_hash: write_hash(previous),
        hash: write_hash(hash),
    }
}

/// The word for an action and the name of what it was done to.
fn told(site: &SiteId, action: &AuditAction) -> (&'static str, String) {
    let word = match action {
        AuditAction::Added { .. } => "added",
        AuditAction::Reopened { .. } => "reopened",
        AuditAction::Claimed { .. } => "claimed",
        AuditAction::Renewed { .. } => "renewed",
        AuditAction::Released { .. } => "released",
        AuditAction::Decided { .. } => "decided",
        AuditAction::Undone { .. } => "undone",
        AuditAction::Reported { .. } => "reported",
        AuditAction::Appealed { .. } => "appealed",
        AuditAction::AuthorRuled { .. } => "author_ruled",
        AuditAction::QueuePut { queue } => return ("queue_put", names::of_a_queue(site, queue)),
        AuditAction::QueueDeleted { queue } => return ("queue_deleted", names::of_a_queue(site, queue)),
        AuditAction::CampaignRuled { campaign, .. } => {
            return ("campaign_ruled", names::of_a_campaign(site, *campaign));
        }
        AuditAction::ModelAdded { model } => return ("model_added", format!("models/{model}")),
        AuditAction::ModelStaged { model, .. } => return ("model_staged", format!("models/{model}")),
        AuditAction::ModelPromoted { model, .. } => return ("model_promoted", format!("models/{model}")),
        AuditAction::ModelDeleted { model } => return ("model_deleted", format!("models/{model}")),
        AuditAction::JobChanged { job, .. } => return ("job_changed", format!("jobs/{job}")),
        AuditAction::SetFrozen { set } => return ("set_frozen", format!("frozenSets/{set}")),
        AuditAction::SamplesForgotten { .. } => "samples_forgotten",
        AuditAction::RulesPushed { set } => return ("rules_pushed", names::of_a_rule_set(site, set)),
        AuditAction::RulesPublished { set, rollback, .. } => {
            let word = if *rollback { "rules_rolled_back" } else { "rules_published" };
            return (word, set.as_ref().map(|set| names::of_a_rule_set(site, set)).unwrap_or_default());
        }
        AuditAction::Trimmed { .. } => "trimmed",
    };
    (word, action.item().map(|item| names::of_a_queue_item(site, item)).unwrap_or_default())
}

/// Writes what following the chain found.
pub(in crate::api) fn write_check(check: ChainCheck) -> pb::VerifyAuditChainResponse {
    let ChainCheck { head, links, broken, done } = check;
    pb::VerifyAuditChainResponse {
        verified_count: links,
        broken_sequence: broken.unwrap_or_default(),
        done,
        head_sequence: head.number,
        head_hash: write_hash(head.hash),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::checks::tests::refused, *};

    #[test]
    fn every_violation_is_named() {
        let verify = |after_sequence, after_hash: &str| pb::VerifyAuditChainRequest {
            parent: "sites/news".to_owned(),
            after_sequence,
            after_hash: after_hash.to_owned(),
        };
        assert_eq!(refused(VerifyCall::try_from(verify(7, ""))), ["after_hash"]);
        assert_eq!(refused(VerifyCall::try_from(verify(7, &"é".repeat(32)))), ["after_hash"]);
        assert_eq!(refused(VerifyCall::try_from(verify(0, "aa"))), ["after_hash"]);
        assert_eq!(refused(read_name("sites/news/auditEvents/x")), ["name"]);
        assert_eq!(refused(ListCall::try_from(pb::ListAuditEventsRequest::default())), ["parent"]);
    }

    #[test]
    fn hashes_come_back() {
        let hash: [u8; 32] = std::array::from_fn(|at| at as u8 * 7);
        let call = VerifyCall::try_from(pb::VerifyAuditChainRequest {
            parent: "sites/news".to_owned(),
            after_sequence: 9,
            after_hash: write_hash(hash),
        });
        assert_eq!(call.unwrap().after, ChainHead { number: 9, hash });
    }
}
