//! Recorded comments judged again: explanations, back-tests and the gate, reports, mining.

use super::{rules::*, *};
use pb::backtest_service_client::BacktestServiceClient;

/// Scores comments and rules on each: `true` approves.
async fn decided(house: &House, comments: &[(&str, bool)]) -> Vec<String> {
    let mut names = Vec::new();
    for (at, (body, approved)) in comments.iter().enumerate() {
        let author = pb::Author { id: format!("author-{at}"), ..Default::default() };
        let sent = pb::Comment { author: Some(author), ..comment(body) };
        let verdict = house.score(ADMIN, on("news", sent)).await.unwrap();
        let ruling = if *approved { pb::Ruling::Approve } else { pb::Ruling::Reject };
        let report = pb::ReportFeedbackRequest {
            parent: "sites/news".to_owned(),
            subject: Some(pb::report_feedback_request::Subject::Verdict(verdict.name.clone())),
            ruling: ruling.into(),
            labels: if *approved { Vec::new() } else { vec![pb::Label::Spam.into()] },
            source: pb::FeedbackSource::Moderator.into(),
            ..Default::default()
        };
        house.feedback().report_feedback(by(ADMIN, report)).await.unwrap();
        names.push(verdict.name);
    }
    names
}

#[tokio::test]
async fn a_verdict_comes_out_the_same_to_the_bit() {
    let house = House::open(Options::default()).await;
    let mut client = rules(&house);
    client.push_rules(by(ADMIN, push("sites/news", HOLD))).await.unwrap();
    client.publish_rules(by(ADMIN, publish("sites/news/ruleSets/draft"))).await.unwrap();
    let article = pb::comment::ArticleSource::InlineArticle(pb::ArticleContent {
        title: "The casino by the lake".to_owned(),
        ..Default::default()
    });
    let sent = pb::Comment {
        article_source: Some(article),
        honeypot_filled: Some(false),
        form_seconds: Some(1.5),
        ..comment("a casino with a view: www.example.com")
    };
    let verdict = house.score(ADMIN, on("news", sent)).await.unwrap();
    // Other rules are in force since.
    client.push_rules(by(ADMIN, push("sites/news", ALLOW))).await.unwrap();
    client.publish_rules(by(ADMIN, publish("sites/news/ruleSets/draft"))).await.unwrap();
    let request = pb::ExplainVerdictRequest { name: verdict.name.clone() };
    let explained = house.scoring().explain_verdict(by(ADMIN, request)).await.unwrap().into_inner();
    assert_eq!((explained.identical, explained.differences), (true, Vec::<String>::new()));
    assert_eq!(explained.rules, ["posted-too-fast", "casino"]);
    let again = explained.verdict.unwrap();
    assert_eq!((again.action(), again.log_odds), (pb::Action::Hold, verdict.log_odds));
    assert!(!again.reasons.is_empty() && again.labels == verdict.labels);
    let missing = pb::ExplainVerdictRequest {
        name: "sites/news/verdicts/01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
    };
    refused(house.scoring().explain_verdict(by(ADMIN, missing)).await, Code::NotFound, "VERDICT_NOT_FOUND");
}

#[tokio::test]
async fn a_rule_that_would_hold_approved_comments_is_stopped() {
    let house = House::open(Options::default()).await;
    let mut client = rules(&house);
    let mut comments: Vec<(String, bool)> = Vec::new();
    for n in 0..10 {
        let casino = if n < 3 { "The casino vote was close" } else { "The vote was close" };
        comments.push((format!("{casino}, says reader number {n} of the town"), true));
    }
    comments.push(("Win at our casino tonight, dear reader of news".to_owned(), false));
    let comments: Vec<(&str, bool)> = comments.iter().map(|(text, fine)| (text.as_str(), *fine)).collect();
    let names = decided(&house, &comments).await;

    client.push_rules(by(ADMIN, push("sites/news", HOLD))).await.unwrap();
    let stopped = client.publish_rules(by(ADMIN, publish("sites/news/ruleSets/draft"))).await;
    let status = refused(stopped, Code::FailedPrecondition, "BACKTEST_GATE");
    let listed = status.get_details_bad_request().unwrap().field_violations;
    let mut fields: Vec<_> = listed.iter().map(|listed| listed.field.clone()).collect();
    fields.sort();
    assert_eq!(fields, names[..3]);
    assert_eq!(
        judged(&house, "news", "another casino in the town").await.0,
        pb::Action::Allow,
        "not in force"
    );

    let mut backtests = BacktestServiceClient::new(house.channel.clone());
    let start = pb::StartBacktestRequest {
        parent: "sites/news".to_owned(),
        rule_set: "sites/news/ruleSets/draft".to_owned(),
        ..Default::default()
    };
    let mut run = backtests.start_backtest(by(ADMIN, start)).await.unwrap().into_inner().backtest.unwrap();
    while run.state() == pb::BacktestState::Running {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let get = pb::GetBacktestRequest { name: run.name.clone() };
        run = backtests.get_backtest(by(ADMIN, get)).await.unwrap().into_inner().backtest.unwrap();
    }
    assert_eq!((run.state(), run.passes), (pb::BacktestState::Done, false));
    // The comment that was judged after the ones people decided matches too.
    assert_eq!((run.judged_count, run.flip_count, run.newly_held_count), (12, 5, 5));
    let held = run.approved_held.unwrap();
    assert_eq!((held.count, held.of), (3, 10));
    assert_eq!(run.recall_after.unwrap().value, 1.0);
    assert!(run.worst[..3].iter().all(|flip| flip.approved == Some(true)), "worst first: {:?}", run.worst);
    assert_eq!(run.worst[0].rules, ["casino"]);

    let half = pb::PublishRulesRequest {
        override_gate: "approved_held".to_owned(),
        ..publish("sites/news/ruleSets/draft")
    };
    refused(client.publish_rules(by(ADMIN, half.clone())).await, Code::InvalidArgument, "FIELDS_INVALID");
    let whole = pb::PublishRulesRequest { override_reason: "the council asked".to_owned(), ..half };
    client.publish_rules(by(ADMIN, whole)).await.unwrap();
    assert_eq!(judged(&house, "news", "another casino in the town").await.0, pb::Action::Hold);
    let mut audit = pb::audit_service_client::AuditServiceClient::new(house.channel.clone());
    let list =
        pb::ListAuditEventsRequest { parent: "sites/news".to_owned(), page_size: 500, ..Default::default() };
    let events = audit.list_audit_events(by(ADMIN, list)).await.unwrap().into_inner().events;
    let told = events.iter().find(|event| event.action == "rules_published").unwrap();
    assert!(told.detail.contains("approved_held: the council asked"), "{}", told.detail);

    let report = pb::ReportRulesRequest { parent: "sites/news".to_owned(), start_time: None };
    let report = backtests.report_rules(by(OPS, report)).await.unwrap().into_inner();
    let casino = report.rules.iter().find(|rule| rule.rule.as_ref().unwrap().name == "casino").unwrap();
    assert_eq!((casino.hit_count, casino.dead), (1, false));
    assert!(report.rules.iter().any(|rule| rule.dead && rule.hit_count == 0));
}

#[tokio::test]
async fn rules_are_mined_from_what_people_rejected() {
    let house = House::open(Options::default()).await;
    let spam = [
        "Cheap loans at http://loan-shark.example/a",
        "look http://loan-shark.example/b !",
        "http://www.loan-shark.example/c",
    ];
    let good = ["The loan rates rose again this spring", "A quiet evening by the lake was had by all"];
    let comments: Vec<_> =
        spam.iter().map(|text| (*text, false)).chain(good.iter().map(|text| (*text, true))).collect();
    decided(&house, &comments).await;
    let mut backtests = BacktestServiceClient::new(house.channel.clone());
    let mine = pb::MineRulesRequest { parent: "sites/news".to_owned(), ..Default::default() };
    let mined = backtests.mine_rules(by(ADMIN, mine)).await.unwrap().into_inner();
    assert_eq!((mined.rejected_count, mined.approved_count), (3, 2));
    let first = &mined.proposals[0];
    assert_eq!((first.kind.as_str(), first.author_count), ("domain", 3));
    assert!(first.toml.contains("loan-shark.example") && first.toml.contains("SHADOW"), "{}", first.toml);
    let files = vec![pb::RuleFile { name: "mined.toml".to_owned(), text: first.toml.clone() }];
    let checked =
        rules(&house).check_rules(by(ADMIN, pb::CheckRulesRequest { files })).await.unwrap().into_inner();
    assert!(checked.usable, "{:?}", checked.diagnostics);
}
