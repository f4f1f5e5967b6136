//! `tamis.v1.RuleService`.
//!
//! May import: `types`, `learning`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::{
    api::{
        auth::Caller,
        convert::rules::{
            DiffCall, ListCall, PublishCall, PushCall, RollbackCall, read_check, read_name, write_change,
            write_diagnostic, write_entry, write_etag, write_set,
        },
        pb::{self, rule_service_server::RuleService},
    },
    learning::{Publication, Push, Pushed, Replay, check_rules},
    types::Page,
};

/// The service on its use cases.
#[derive(Clone)]
pub(in crate::api) struct RuleApi {
    pub(in crate::api) replay: Arc<Replay>,
}

#[tonic::async_trait]
impl RuleService for RuleApi {
    async fn check_rules(
        &self,
        request: Request<pb::CheckRulesRequest>,
    ) -> Result<Response<pb::CheckRulesResponse>, Status> {
        let (_, request) = Caller::split(request)?;
        let (set, diagnostics) = check_rules(read_check(request)?).await;
        let rules = set.as_ref().map_or(0, |set| set.rules().len());
        Ok(Response::new(pb::CheckRulesResponse {
            usable: set.is_some(),
            rule_set_id: set.map(|set| set.id().to_owned()).unwrap_or_default(),
            rule_count: u32::try_from(rules).unwrap_or(u32::MAX),
            diagnostics: diagnostics.into_iter().map(write_diagnostic).collect(),
        }))
    }

    async fn push_rules(
        &self,
        request: Request<pb::PushRulesRequest>,
    ) -> Result<Response<pb::PushRulesResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let PushCall { site, files, note, expected, dry_run } = PushCall::try_from(request)?;
        caller.enter(&site)?;
        let push = Push { files, note, actor: caller.key().clone(), expected, dry_run };
        let Pushed { version, state, warnings, changes } = self.replay.rulebook().push(&site, push).await?;
        Ok(Response::new(pb::PushRulesResponse {
            etag: write_etag(&state),
            rule_set: Some(write_set(&site, version, &state)),
            diagnostics: warnings.into_iter().map(write_diagnostic).collect(),
            changes: changes.into_iter().map(write_change).collect(),
        }))
    }

    async fn get_rules(
        &self,
        request: Request<pb::GetRulesRequest>,
    ) -> Result<Response<pb::GetRulesResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let (site, which) = read_name(&request.name)?;
        caller.enter(&site)?;
        let (entry, state) = self.replay.rulebook().get(&site, &which).await?;
        Ok(Response::new(write_entry(&site, entry, &state, self.replay.rulebook().now())))
    }

    async fn list_rule_versions(
        &self,
        request: Request<pb::ListRuleVersionsRequest>,
    ) -> Result<Response<pb::ListRuleVersionsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let ListCall { site, page, binding } = ListCall::try_from(request)?;
        caller.enter(&site)?;
        let (Page { rows, next }, state) = self.replay.rulebook().versions(&site, page).await?;
        Ok(Response::new(pb::ListRuleVersionsResponse {
            rule_sets: rows.into_iter().map(|version| write_set(&site, version, &state)).collect(),
            next_page_token: binding.issue(next.map(u64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice)),
            etag: write_etag(&state),
        }))
    }

    async fn diff_rules(
        &self,
        request: Request<pb::DiffRulesRequest>,
    ) -> Result<Response<pb::DiffRulesResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let DiffCall { site, before, after } = DiffCall::try_from(request)?;
        caller.enter(&site)?;
        let changes = self.replay.rulebook().diff(&site, &before, &after).await?;
        Ok(Response::new(pb::DiffRulesResponse { changes: changes.into_iter().map(write_change).collect() }))
    }

    async fn publish_rules(
        &self,
        request: Request<pb::PublishRulesRequest>,
    ) -> Result<Response<pb::PublishRulesResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let PublishCall { site, set, reason, expected, dry_run, overridden } =
            PublishCall::try_from(request)?;
        caller.enter(&site)?;
        let actor = caller.key().clone();
        let publication = Publication { set, actor, reason, expected, overridden, dry_run };
        let (version, state, _) = self.replay.publish(&site, publication).await?;
        Ok(Response::new(pb::PublishRulesResponse {
            rule_set: Some(write_set(&site, version, &state)),
            etag: write_etag(&state),
        }))
    }

    async fn rollback_rules(
        &self,
        request: Request<pb::RollbackRulesRequest>,
    ) -> Result<Response<pb::RollbackRulesResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let RollbackCall { site, reason, expected } = RollbackCall::try_from(request)?;
        caller.enter(&site)?;
        let rolled = self.replay.rulebook().roll_back(&site, caller.key().clone(), reason, expected);
        let (version, state) = rolled.await?;
        Ok(Response::new(pb::RollbackRulesResponse {
            rule_set: version.map(|version| write_set(&site, version, &state)),
            etag: write_etag(&state),
        }))
    }
}
