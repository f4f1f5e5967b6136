//! Every RPC with what it asks of a caller: one row each, read by the gate.
//!
//! A test walks the descriptors and fails when a method has no row or a row no
//! method. May import: `types`, `api::limits`.

use std::time::Duration;

use super::limits::{
    ARTICLE_MESSAGE_BYTES, BATCH_MESSAGE_BYTES, CALL_DEADLINE, COMMENT_MESSAGE_BYTES, RULE_DEADLINE,
    RULE_MESSAGE_BYTES, SCORE_DEADLINE, SMALL_MESSAGE_BYTES,
};
use crate::types::Role::{self, Admin, Cms, Lead, Moderator, Ops};

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody, without a key: it tells nothing about sites or comments.
    Public,
    /// Keys with one of these roles. Keys that are bound to a site reach only it.
    Roles(&'static [Role]),
}

/// One RPC.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// Path of the request: `/package.Service/Method`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Largest message it takes, in bytes.
    pub message_bytes: usize,
    /// Time it may take; `None` for streams, which live as long as both sides want.
    pub deadline: Option<Duration>,
    /// Whether it counts as work in flight. Health does not: an overloaded server
    /// is alive, and must be able to say so.
    pub counted: bool,
}

const EVERYBODY: &[Role] = &[Cms, Moderator, Lead, Ops, Admin];
const CMS: &[Role] = &[Cms, Admin];
const READERS_OF_COMMENTS: &[Role] = &[Cms, Moderator, Lead, Admin];
const POLICY_MAKERS: &[Role] = &[Lead, Admin];
const MODERATORS: &[Role] = &[Moderator, Lead, Admin];
const AUDITORS: &[Role] = &[Lead, Ops, Admin];
const OPERATORS: &[Role] = &[Lead, Ops, Admin];
const RULE_READERS: &[Role] = &[Moderator, Lead, Ops, Admin];
const ADMINS: &[Role] = &[Admin];

/// A method that ends by itself.
const fn call(
    path: &'static str,
    roles: &'static [Role],
    message_bytes: usize,
    deadline: Duration,
) -> Method {
    Method { path, access: Access::Roles(roles), message_bytes, deadline: Some(deadline), counted: true }
}

/// A stream of answers to one request: it waits far more than it works.
const fn watch(path: &'static str, roles: &'static [Role]) -> Method {
    Method {
        path,
        access: Access::Roles(roles),
        message_bytes: SMALL_MESSAGE_BYTES,
        deadline: None,
        counted: false,
    }
}

/// A method of the gRPC family's own services.
const fn public(path: &'static str, deadline: Option<Duration>) -> Method {
    Method { path, access: Access::Public, message_bytes: SMALL_MESSAGE_BYTES, deadline, counted: false }
}

/// The role table.
#[rustfmt::skip]
pub const METHODS: &[Method] = &[
    call("/tamis.v1.ScoringService/ScoreComment", CMS, COMMENT_MESSAGE_BYTES, SCORE_DEADLINE),
    // A stream takes its permits per group of comments, not for its whole life.
    Method {
        path: "/tamis.v1.ScoringService/StreamScoreComments",
        access: Access::Roles(CMS),
        message_bytes: COMMENT_MESSAGE_BYTES,
        deadline: None,
        counted: false,
    },
    call("/tamis.v1.ScoringService/BatchScoreComments", CMS, BATCH_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ScoringService/PreviewScore", EVERYBODY, COMMENT_MESSAGE_BYTES, SCORE_DEADLINE),
    call("/tamis.v1.ScoringService/GetVerdict", READERS_OF_COMMENTS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ScoringService/ExplainVerdict", READERS_OF_COMMENTS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ScoringService/ListVerdicts", READERS_OF_COMMENTS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ArticleService/PutArticle", CMS, ARTICLE_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ArticleService/GetArticle", READERS_OF_COMMENTS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ArticleService/DeleteArticle", CMS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.FeedbackService/ReportFeedback", READERS_OF_COMMENTS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.FeedbackService/OpenAppeal", READERS_OF_COMMENTS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.FeedbackService/GetAppeal", READERS_OF_COMMENTS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    watch("/tamis.v1.FeedbackService/WatchVerdicts", READERS_OF_COMMENTS),
    call("/tamis.v1.QueueService/ListQueueItems", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/GetQueueItem", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/ClaimQueueItems", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/RenewLease", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/ReleaseQueueItems", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/DecideQueueItem", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/BatchDecideQueueItems", POLICY_MAKERS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/UndoDecision", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    watch("/tamis.v1.QueueService/WatchQueue", MODERATORS),
    call("/tamis.v1.QueueService/GetQueueStats", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/GetDecisionContext", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/ListCampaigns", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/GetCampaign", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/DecideCampaign", POLICY_MAKERS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/SetAuthorRule", POLICY_MAKERS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/CreateQueue", POLICY_MAKERS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/GetQueue", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/ListQueues", MODERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/UpdateQueue", POLICY_MAKERS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.QueueService/DeleteQueue", POLICY_MAKERS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.AuditService/ListAuditEvents", AUDITORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.AuditService/GetAuditEvent", AUDITORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    watch("/tamis.v1.AuditService/WatchAuditEvents", AUDITORS),
    call("/tamis.v1.AuditService/VerifyAuditChain", AUDITORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.RuleService/CheckRules", RULE_READERS, RULE_MESSAGE_BYTES, RULE_DEADLINE),
    call("/tamis.v1.RuleService/PushRules", OPERATORS, RULE_MESSAGE_BYTES, RULE_DEADLINE),
    call("/tamis.v1.RuleService/GetRules", RULE_READERS, SMALL_MESSAGE_BYTES, RULE_DEADLINE),
    call("/tamis.v1.RuleService/ListRuleVersions", RULE_READERS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.RuleService/DiffRules", RULE_READERS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.RuleService/PublishRules", OPERATORS, SMALL_MESSAGE_BYTES, RULE_DEADLINE),
    call("/tamis.v1.RuleService/RollbackRules", OPERATORS, SMALL_MESSAGE_BYTES, RULE_DEADLINE),
    call("/tamis.v1.BacktestService/StartBacktest", OPERATORS, SMALL_MESSAGE_BYTES, RULE_DEADLINE),
    call("/tamis.v1.BacktestService/GetBacktest", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.BacktestService/CancelBacktest", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.BacktestService/ReportRules", RULE_READERS, SMALL_MESSAGE_BYTES, RULE_DEADLINE),
    call("/tamis.v1.BacktestService/MineRules", OPERATORS, SMALL_MESSAGE_BYTES, RULE_DEADLINE),
    call("/tamis.v1.SiteService/CreateSite", ADMINS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.SiteService/GetSite", EVERYBODY, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.SiteService/ListSites", EVERYBODY, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.SiteService/UpdateSite", POLICY_MAKERS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/ListModels", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/GetModel", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/DiffModels", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    watch("/tamis.v1.ModelService/ExportModel", OPERATORS),
    // The bytes of a bundle in pieces.
    Method {
        path: "/tamis.v1.ModelService/ImportModel",
        access: Access::Roles(OPERATORS),
        message_bytes: BATCH_MESSAGE_BYTES,
        deadline: None,
        counted: false,
    },
    call("/tamis.v1.ModelService/PromoteModel", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/RollbackModel", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/ListPromotions", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/DeleteModel", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/ShadowModel", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/GetShadowReport", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/GetModelReport", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/TrainModel", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/EvaluateModel", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/GetEvaluation", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/GetJob", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/ListJobs", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/CancelJob", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/ListFrozenSets", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    call("/tamis.v1.ModelService/ForgetSamples", OPERATORS, SMALL_MESSAGE_BYTES, CALL_DEADLINE),
    watch("/tamis.v1.ModelService/WatchJob", OPERATORS),
    watch("/tamis.v1.ModelService/ExportSamples", OPERATORS),
    Method {
        path: "/tamis.v1.ModelService/FreezeSet",
        access: Access::Roles(OPERATORS),
        message_bytes: BATCH_MESSAGE_BYTES,
        deadline: None,
        counted: false,
    },
    public("/grpc.health.v1.Health/Check", Some(CALL_DEADLINE)),
    public("/grpc.health.v1.Health/Watch", None),
    public("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", None),
    public("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", None),
];

/// The row of a path. `O(methods)`: a handful of length comparisons.
#[must_use]
pub fn find(path: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.path == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;
    use crate::api::pb;

    /// Paths of every method of every service in a descriptor set.
    fn paths(encoded: &[u8]) -> Vec<String> {
        let set = FileDescriptorSet::decode(encoded).unwrap();
        let mut paths = Vec::new();
        for file in set.file {
            for service in &file.service {
                for method in &service.method {
                    paths.push(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
                }
            }
        }
        paths
    }

    #[test]
    fn every_rpc_has_exactly_one_row() {
        let described: BTreeSet<_> = [
            pb::FILE_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ]
        .into_iter()
        .flat_map(paths)
        .collect();
        let rows: Vec<_> = METHODS.iter().map(|method| method.path.to_owned()).collect();
        let unique: BTreeSet<_> = rows.iter().cloned().collect();
        assert_eq!(unique.len(), rows.len(), "a method has two rows");
        assert_eq!(unique, described, "left: rows, right: descriptors");
    }

    #[test]
    fn only_the_grpc_services_are_public() {
        for method in METHODS {
            let ours = method.path.starts_with("/tamis.v1.");
            assert_eq!(ours, method.access != Access::Public, "{}", method.path);
        }
    }

    #[test]
    fn everything_but_streams_has_a_deadline() {
        let set = FileDescriptorSet::decode(pb::FILE_DESCRIPTOR_SET).unwrap();
        for file in set.file {
            for service in &file.service {
                for rpc in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), rpc.name());
                    let stream = rpc.client_streaming() || rpc.server_streaming();
                    assert_eq!(find(&path).unwrap().deadline.is_none(), stream, "{path}");
                }
            }
        }
    }

    #[test]
    fn roles_are_what_the_table_says() {
        #[rustfmt::skip]
        let cases: &[(&str, Role, bool)] = &[
            ("ScoringService/ScoreComment",   Cms,       true),
            ("ScoringService/ScoreComment",   Moderator, false),
            ("ScoringService/PreviewScore",   Ops,       true),
            ("ScoringService/GetVerdict",     Ops,       false),
            ("ArticleService/PutArticle",     Lead,      false),
            ("FeedbackService/ReportFeedback", Moderator, true),
            ("FeedbackService/OpenAppeal",    Cms,       true),
            ("FeedbackService/WatchVerdicts", Ops,       false),
            ("QueueService/DecideQueueItem",  Moderator, true),
            ("QueueService/DecideQueueItem",  Cms,       false),
            ("QueueService/DecideQueueItem",  Ops,       false),
            ("QueueService/BatchDecideQueueItems", Moderator, false),
            ("QueueService/BatchDecideQueueItems", Lead, true),
            ("QueueService/GetCampaign",      Moderator, true),
            ("QueueService/DecideCampaign",   Moderator, false),
            ("QueueService/SetAuthorRule",    Moderator, false),
            ("QueueService/CreateQueue",      Moderator, false),
            ("AuditService/VerifyAuditChain", Ops,       true),
            ("AuditService/ListAuditEvents",  Moderator, false),
            ("ModelService/PromoteModel",     Ops,       true),
            ("ModelService/PromoteModel",     Moderator, false),
            ("ModelService/GetModel",         Cms,       false),
            ("RuleService/CheckRules",        Moderator, true),
            ("RuleService/CheckRules",        Cms,       false),
            ("RuleService/PushRules",         Moderator, false),
            ("RuleService/PublishRules",      Ops,       true),
            ("RuleService/RollbackRules",     Lead,      true),
            ("SiteService/CreateSite",        Ops,       false),
            ("SiteService/CreateSite",        Admin,     true),
            ("SiteService/UpdateSite",        Lead,      true),
            ("SiteService/UpdateSite",        Cms,       false),
        ];
        for (name, role, want) in cases {
            let method = find(&format!("/tamis.v1.{name}")).unwrap();
            let Access::Roles(roles) = method.access else { panic!("{name} is public") };
            assert_eq!(roles.contains(role), *want, "{name} by {role:?}");
        }
    }
}
