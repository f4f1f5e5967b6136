//! RuleService over a real port: versions, etags, what comes into force.

use super::*;
use pb::rule_service_client::RuleServiceClient;

pub(super) const HOLD: &str =
    "[[list]]\nname = \"casino\"\nmessage = \"Names a casino.\"\nterms = [\"casino\"]\naction = \"HOLD\"\n";
pub(super) const ALLOW: &str =
    "[[list]]\nname = \"casino\"\nmessage = \"Names a casino.\"\nterms = [\"casino\"]\naction = \"ALLOW\"\n";

pub(super) fn rules(house: &House) -> RuleServiceClient<Channel> {
    RuleServiceClient::new(house.channel.clone())
}

pub(super) fn push(parent: &str, text: &str) -> pb::PushRulesRequest {
    pb::PushRulesRequest {
        parent: parent.to_owned(),
        files: vec![pb::RuleFile { name: "a.toml".to_owned(), text: text.to_owned() }],
        note: "why".to_owned(),
        ..Default::default()
    }
}

pub(super) fn publish(name: &str) -> pb::PublishRulesRequest {
    pb::PublishRulesRequest { name: name.to_owned(), reason: "because".to_owned(), ..Default::default() }
}

/// What becomes of a comment, and the rule sets that judged it.
pub(super) async fn judged(house: &House, site: &str, body: &str) -> (pb::Action, String) {
    let request = pb::ScoreCommentRequest {
        parent: format!("sites/{site}"),
        comment: Some(pb::Comment { body: body.to_owned(), ..Default::default() }),
        request_id: String::new(),
    };
    let verdict =
        house.scoring().score_comment(by(ADMIN, request)).await.unwrap().into_inner().verdict.unwrap();
    (verdict.action(), verdict.versions.unwrap().rules)
}

#[tokio::test]
async fn a_set_comes_into_force_and_goes() {
    let house = House::open(Options::default()).await;
    let mut client = rules(&house);
    let (before, global) = judged(&house, "news", "a casino with a view").await;
    assert_eq!(before, pb::Action::Allow);

    let pushed = client.push_rules(by(ADMIN, push("sites/news", HOLD))).await.unwrap().into_inner();
    let set = pushed.rule_set.unwrap();
    assert_eq!((set.state(), set.version, set.rule_count), (pb::RuleSetState::Draft, 1, 1));
    assert_eq!(pushed.changes[0].kind(), pb::RuleChangeKind::Added);
    assert_eq!(judged(&house, "news", "a casino with a view").await.0, pb::Action::Allow, "only a draft");

    let dry = pb::PublishRulesRequest { validate_only: true, ..publish("sites/news/ruleSets/draft") };
    client.publish_rules(by(ADMIN, dry)).await.unwrap();
    assert_eq!(judged(&house, "news", "a casino with a view").await.0, pb::Action::Allow, "only a dry run");
    let answer =
        client.publish_rules(by(ADMIN, publish("sites/news/ruleSets/draft"))).await.unwrap().into_inner();
    assert_eq!(answer.rule_set.unwrap().state(), pb::RuleSetState::Live);
    let hash = set.name.rsplit('/').next().unwrap().to_owned();
    let (held, versions) = judged(&house, "news", "a casino with a view").await;
    assert_eq!((held, versions), (pb::Action::Hold, format!("{global}+{hash}")));
    assert_eq!(judged(&house, "blog", "a casino with a view").await, (pb::Action::Allow, global.clone()));

    client.push_rules(by(ADMIN, push("sites/news", ALLOW))).await.unwrap();
    client.publish_rules(by(ADMIN, publish("sites/news/ruleSets/draft"))).await.unwrap();
    assert_eq!(judged(&house, "news", "a casino with a view").await.0, pb::Action::Allow);
    let back = pb::RollbackRulesRequest {
        parent: "sites/news".to_owned(),
        reason: "too mild".to_owned(),
        etag: String::new(),
    };
    let answer = client.rollback_rules(by(ADMIN, back)).await.unwrap().into_inner();
    assert_eq!(answer.rule_set.unwrap().name, set.name);
    assert_eq!(judged(&house, "news", "a casino with a view").await.0, pb::Action::Hold);

    let list = pb::ListRuleVersionsRequest { parent: "sites/news".to_owned(), ..Default::default() };
    let found = client.list_rule_versions(by(ADMIN, list)).await.unwrap().into_inner();
    let states: Vec<_> = found.rule_sets.iter().map(|set| (set.version, set.state())).collect();
    assert_eq!(states, [(2, pb::RuleSetState::Retired), (1, pb::RuleSetState::Live)]);
    let get = pb::GetRulesRequest { name: set.name };
    let got = client.get_rules(by(ADMIN, get)).await.unwrap().into_inner();
    assert_eq!((got.files[0].text.as_str(), got.rules[0].action()), (HOLD, pb::Action::Hold));
}

#[tokio::test]
async fn rules_for_all_sites_need_a_key_for_all_sites() {
    let house = House::open(Options::default()).await;
    let mut client = rules(&house);
    let refused = client.push_rules(by(CMS_OF_NEWS, push("sites/_", HOLD))).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    client.push_rules(by(OPS, push("sites/_", HOLD))).await.unwrap();
    client.publish_rules(by(OPS, publish("sites/_/ruleSets/draft"))).await.unwrap();
    for site in ["news", "blog"] {
        assert_eq!(judged(&house, site, "a casino with a view").await.0, pb::Action::Hold);
    }
    // A site's rule beats one for all sites.
    client.push_rules(by(OPS, push("sites/blog", ALLOW))).await.unwrap();
    client.publish_rules(by(OPS, publish("sites/blog/ruleSets/draft"))).await.unwrap();
    assert_eq!(judged(&house, "blog", "a casino with a view").await.0, pb::Action::Allow);
    assert_eq!(judged(&house, "news", "a casino with a view").await.0, pb::Action::Hold);
}

#[tokio::test]
async fn bad_rules_and_stale_etags_are_refused() {
    let house = House::open(Options::default()).await;
    let mut client = rules(&house);
    let bad = "[[list]]\nname = \"casino\"\nterms = []\n";
    let refused = client.push_rules(by(ADMIN, push("sites/news", bad))).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "RULES_INVALID");
    let told = &details.bad_request().unwrap().field_violations;
    assert!(
        told.iter().any(|v| v.description.starts_with("a.toml:3:") && v.description.contains("[empty-list]"))
    );
    let check = pb::CheckRulesRequest { files: push("", bad).files };
    let checked = client.check_rules(by(OPS, check)).await.unwrap().into_inner();
    assert!(!checked.usable && checked.diagnostics.iter().any(|d| d.code == "missing-key" && d.line > 0));

    let etag = client.push_rules(by(ADMIN, push("sites/news", HOLD))).await.unwrap().into_inner().etag;
    client.push_rules(by(ADMIN, push("sites/news", ALLOW))).await.unwrap();
    let stale = pb::PublishRulesRequest { etag, ..publish("sites/news/ruleSets/draft") };
    let refused = client.publish_rules(by(ADMIN, stale)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted);
    let missing = client.publish_rules(by(ADMIN, publish("sites/news/ruleSets/0123456789abcdef"))).await;
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
    let nothing = client.publish_rules(by(ADMIN, publish("sites/blog/ruleSets/draft"))).await.unwrap_err();
    assert_eq!(nothing.get_error_details().error_info().unwrap().reason, "RULES_NO_DRAFT");
    let back =
        pb::RollbackRulesRequest { parent: "sites/blog".into(), reason: "r".into(), ..Default::default() };
    let nothing = client.rollback_rules(by(ADMIN, back)).await.unwrap_err();
    assert_eq!(nothing.get_error_details().error_info().unwrap().reason, "RULES_NOTHING_BEFORE");
}
