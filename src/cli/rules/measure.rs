//! `tamis rules backtest`, `report` and `mine`.
//!
//! May import: `api` (wire types), `types` (the clock).

use std::{process::ExitCode, time::Duration};

use anyhow::Result;

use super::{At, BacktestArgs, MineArgs, ReportArgs, check::counted};
use crate::{
    api::pb,
    cli::{
        print,
        remote::{Backtests, json, told},
        terminal::{Screen, tame},
    },
    types::{Clock as _, SystemClock},
};

/// How often a running back-test is asked how far it is.
const POLL: Duration = Duration::from_millis(300);
/// Flips shown.
const SHOWN: usize = 20;

/// The moment that many days ago.
fn days_ago(days: u64) -> prost_types::Timestamp {
    let seconds = SystemClock.now().micros().div_euclid(1_000_000);
    let back = i64::try_from(days.saturating_mul(86_400)).unwrap_or(i64::MAX);
    prost_types::Timestamp { seconds: seconds.saturating_sub(back), nanos: 0 }
}

/// Exit status 1 when the gate would stop the set.
pub(super) async fn backtest(at: &At, mut client: Backtests, args: &BacktestArgs) -> Result<ExitCode> {
    let request = pb::StartBacktestRequest {
        parent: at.parent.clone(),
        rule_set: at.set(&args.set),
        start_time: Some(days_ago(args.days)),
        limit: args.limit,
        ..Default::default()
    };
    let mut run = told(client.start_backtest(request).await)?.backtest.unwrap_or_default();
    while run.state() == pb::BacktestState::Running {
        tokio::time::sleep(POLL).await;
        let request = pb::GetBacktestRequest { name: run.name.clone() };
        run = told(client.get_backtest(request).await)?.backtest.unwrap_or_default();
    }
    if args.json {
        print(&format!("{}\n", json("Backtest", &run)?));
    } else {
        print(&words(&run));
    }
    let fine = run.state() == pb::BacktestState::Done && run.passes;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn words(run: &pb::Backtest) -> String {
    if run.state() == pb::BacktestState::Failed {
        return format!("the back-test failed: {}\n", tame(&run.problem));
    }
    let mut out = format!(
        "{} judged, {} could not be; {} flips: {} newly held, {} newly published\n",
        counted(usize::try_from(run.judged_count).unwrap_or(usize::MAX), "comment"),
        run.skipped_count,
        run.flip_count,
        run.newly_held_count,
        run.newly_published_count
    );
    let pairs = [
        ("precision", &run.precision_before, &run.precision_after),
        ("recall", &run.recall_before, &run.recall_after),
    ];
    for (name, before, after) in pairs {
        out.push_str(&format!("{name:<10} now {}, then {}\n", rate(before.as_ref()), rate(after.as_ref())));
    }
    out.push_str(&format!("approved comments newly held: {}\n", rate(run.approved_held.as_ref())));
    if !run.unmeasured_rules.is_empty() {
        let names = run.unmeasured_rules.iter().map(|name| tame(name)).collect::<Vec<_>>().join(", ");
        out.push_str(&format!("not measured, since what they look at is not kept: {names}\n"));
    }
    let row = |flip: &pb::BacktestFlip| {
        let action = |action: pb::Action| action.as_str_name().trim_start_matches("ACTION_").to_owned();
        let said = match flip.approved {
            Some(true) => "approved",
            Some(false) => "rejected",
            None => "",
        };
        let arrow = format!("{} -> {}", action(flip.before()), action(flip.after()));
        let excerpt: String = tame(&flip.excerpt).chars().take(60).collect();
        vec![arrow, said.to_owned(), flip.rules.join(" "), excerpt]
    };
    let rows: Vec<Vec<String>> = run.worst.iter().take(SHOWN).map(row).collect();
    if !rows.is_empty() {
        out.push_str(&Screen::stdout().table(&["flip", "people", "rules", "comment"], &rows));
    }
    out.push_str(if run.passes { "may be published\n" } else { "is stopped by the gate approved_held\n" });
    out
}

/// `92.3 % (12 of 13, 66.7 to 98.6 %)`.
fn rate(rate: Option<&pb::Rate>) -> String {
    match rate {
        Some(rate) if rate.of > 0 => format!(
            "{:.1} % ({} of {}, {:.1} to {:.1} %)",
            100.0 * rate.value,
            rate.count,
            rate.of,
            100.0 * rate.low,
            100.0 * rate.high
        ),
        _ => "unknown (nobody decided)".to_owned(),
    }
}

pub(super) async fn report(at: &At, mut client: Backtests, args: &ReportArgs) -> Result<ExitCode> {
    let request = pb::ReportRulesRequest { parent: at.parent.clone(), start_time: Some(days_ago(args.days)) };
    let answer = told(client.report_rules(request).await)?;
    if args.json {
        print(&format!("{}\n", json("ReportRulesResponse", &answer)?));
        return Ok(ExitCode::SUCCESS);
    }
    let row = |report: &pb::RuleReport| {
        let rule = report.rule.clone().unwrap_or_default();
        let state = rule.state().as_str_name().trim_start_matches("RULE_STATE_").to_owned();
        let time = |time: &Option<prost_types::Timestamp>| {
            time.as_ref().map(ToString::to_string).unwrap_or_default()
        };
        let last = if report.dead { "never: dead".to_owned() } else { time(&report.last_hit_time) };
        let hits = report.hit_count.to_string();
        let (owner, expires) = (tame(&rule.owner), time(&rule.expire_time));
        vec![tame(&rule.name), state, hits, rate(report.precision.as_ref()), last, owner, expires]
    };
    let rows: Vec<Vec<String>> = answer.rules.iter().map(row).collect();
    print(
        &Screen::stdout()
            .table(&["rule", "state", "hits", "precision", "last hit", "owner", "expires"], &rows),
    );
    let cut = if answer.truncated { ", the newest only" } else { "" };
    print(&format!("{} comments looked at{cut}\n", answer.verdict_count));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn mine(at: &At, mut client: Backtests, args: &MineArgs) -> Result<ExitCode> {
    let request = pb::MineRulesRequest {
        parent: at.parent.clone(),
        start_time: Some(days_ago(args.days)),
        min_support: args.support,
        min_precision: args.precision,
    };
    let answer = told(client.mine_rules(request).await)?;
    if args.json {
        print(&format!("{}\n", json("MineRulesResponse", &answer)?));
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = format!(
        "# {} from {} rejected and {} approved comments of {} days.\n",
        counted(answer.proposals.len(), "proposal"),
        answer.rejected_count,
        answer.approved_count,
        args.days
    );
    for proposal in &answer.proposals {
        out.push_str(&format!("\n# precision {}\n{}", rate(proposal.precision.as_ref()), proposal.toml));
    }
    print(&out);
    Ok(ExitCode::SUCCESS)
}
