//! Events of the queue on the wire, and the tokens that go on after them.
//!
//! May import: `types`, `moderation` (its answers).

use super::write::write_decision;
use crate::{
    api::{
        convert::{checks::Checks, feedback::write_appeal_outcome, names, time, verdict::write_action},
        error::ApiError,
        page_token::ListBinding,
        pb,
    },
    moderation::queue::Happened,
    types::{Appeal, AuditAction, AuditEvent, Decision, SiteId, Verdict},
};

/// A watch, by whichever method.
#[derive(Debug)]
pub(in crate::api) struct WatchCall {
    pub(in crate::api) site: SiteId,
    /// The last event received; `None` starts now.
    pub(in crate::api) after: Option<u64>,
    binding: ListBinding,
}

impl WatchCall {
    /// Reads a watch of the method of this name.
    ///
    /// # Errors
    ///
    /// [`ApiError::Fields`].
    pub(in crate::api) fn read(method: &str, parent: &str, resume_token: &str) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let site = checks.take("parent", names::site(parent));
        let binding = ListBinding::new(method, &parent.to_owned());
        let after = match binding.read(resume_token) {
            Ok(None) => Some(None),
            Ok(Some(bytes)) => {
                let number = bytes.try_into().map(u64::from_be_bytes);
                checks.take("resume_token", number.map_err(|_| "holds no event")).map(Some)
            }
            Err(_) if site.is_none() => None,
            Err(_) => checks.take("resume_token", Err("is not one that this method gave out for this site")),
        };
        checks.finish(site.zip(after).map(|(site, after)| Self { site, after, binding }))
    }

    /// The token that goes on after an event.
    pub(in crate::api) fn token(&self, number: u64) -> String {
        self.binding.issue(Some(&number.to_be_bytes()))
    }
}

/// Writes an event, if it is one of an item.
pub(in crate::api) fn write_event(call: &WatchCall, happened: Happened) -> Option<pb::WatchQueueResponse> {
    use pb::QueueEventKind as K;
    let Happened { event, decision } = happened;
    let AuditEvent { number, at, actor, action, previous: _, hash: _ } = event;
    let item = action.item()?;
    let kind = match action {
        AuditAction::Added { .. } => K::Added,
        AuditAction::Claimed { .. } => K::Claimed,
        AuditAction::Released { .. } => K::Released,
        AuditAction::Decided { .. } => K::Decided,
        AuditAction::Undone { .. } => K::Undone,
        AuditAction::Reopened { .. } | AuditAction::Appealed { .. } => K::Reopened,
        AuditAction::Renewed { .. } | AuditAction::Reported { .. } => K::Changed,
        AuditAction::AuthorRuled { .. }
        | AuditAction::QueuePut { .. }
        | AuditAction::QueueDeleted { .. }
        | AuditAction::CampaignRuled { .. }
        | AuditAction::ModelAdded { .. }
        | AuditAction::ModelStaged { .. }
        | AuditAction::ModelPromoted { .. }
        | AuditAction::ModelDeleted { .. }
        | AuditAction::JobChanged { .. }
        | AuditAction::SetFrozen { .. }
        | AuditAction::SamplesForgotten { .. }
        | AuditAction::RulesPushed { .. }
        | AuditAction::RulesPublished { .. }
        | AuditAction::Trimmed { .. } => return None,
    };
    Some(pb::WatchQueueResponse {
        kind: kind.into(),
        item: names::of_a_queue_item(&call.site, item),
        key_id: actor.map(String::from).unwrap_or_default(),
        decision: decision.map(|decision| write_decision(&call.site, decision)),
        event_time: Some(time::write(at)),
        resume_token: call.token(number),
    })
}

/// Writes a decision for a CMS; `verdict` is the one that it rules on, unless that
/// was erased, and `appeal` the one that it ended.
pub(in crate::api) fn write_outcome(
    call: &WatchCall,
    number: u64,
    decision: Decision,
    (verdict, appeal): (Option<&Verdict>, Option<Appeal>),
) -> pb::WatchVerdictsResponse {
    let comment = verdict.and_then(|verdict| verdict.comment.clone());
    pb::WatchVerdictsResponse {
        comment_id: comment.map(String::from).unwrap_or_default(),
        verdict: names::of_a_verdict(&call.site, decision.verdict),
        action: verdict.map(|verdict| write_action(verdict.action).into()).unwrap_or_default(),
        event_time: Some(time::write(decision.created_at)),
        decision: Some(write_decision(&call.site, decision)),
        resume_token: call.token(number),
        appeal_outcome: write_appeal_outcome(appeal.as_ref().and_then(|a| a.outcome)).into(),
        appeal: appeal.map(|appeal| names::of_an_appeal(&call.site, appeal.id)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::convert::checks::tests::refused;

    #[test]
    fn tokens_go_on_where_they_were_given_out() {
        let call = WatchCall::read("WatchQueue", "sites/news", "").unwrap();
        assert_eq!(call.after, None);
        let token = call.token(42);
        assert_eq!(WatchCall::read("WatchQueue", "sites/news", &token).unwrap().after, Some(42));
        assert_eq!(refused(WatchCall::read("WatchQueue", "sites/blog", &token)), ["resume_token"]);
        assert_eq!(refused(WatchCall::read("WatchVerdicts", "sites/news", &token)), ["resume_token"]);
        assert_eq!(refused(WatchCall::read("WatchQueue", "news", "")), ["parent"]);
    }
}
