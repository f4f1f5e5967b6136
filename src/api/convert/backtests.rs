//! The messages of `BacktestService`.
//!
//! May import: `types`, `learning` (what is asked of back-tests and what they tell).

use super::{
    checks::Checks, names, rules::rule_set, rules::write_rule, sites::read_policy, time,
    verdict::write_action,
};
use crate::{
    api::{error::ApiError, pb},
    learning::{
        RuleRef,
        replay::{
            backtest::{Flip, Outcome, Rate},
            desk::{Backtest, Candidate, Range, Stand},
            mine::{Mined, Proposal},
            report::RulesReport,
        },
        rule_words::RuleInfo,
    },
    types::{SiteId, Timestamp},
};

/// A back-test to start.
#[derive(Debug)]
pub(in crate::api) struct StartCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) candidate: Candidate,
    pub(in crate::api) range: Range,
}

impl TryFrom<pb::StartBacktestRequest> for StartCall {
    type Error = ApiError;
    fn try_from(request: pb::StartBacktestRequest) -> Result<Self, ApiError> {
        let pb::StartBacktestRequest { parent, rule_set: set, model, policy, start_time, end_time, limit } =
            request;
        let mut checks = Checks::default();
        let site = checks.take("parent", names::chain(&parent));
        let something = !set.is_empty() || !model.is_empty() || policy.is_some();
        checks.require("rule_set", something, "model or policy must be there: nothing would differ");
        let rules = (!set.is_empty()).then(|| own_set(&set, site.as_ref()));
        let rules = checks.maybe("rule_set", rules);
        let model = (!model.is_empty()).then(|| names::model(&model));
        let model = checks.maybe("model", model);
        let policy = match policy {
            Some(policy) => checks.inside("policy", |checks| read_policy(policy, checks)).map(Some),
            None => Some(None),
        };
        let from = checks.maybe("start_time", start_time.map(time::read));
        let until = checks.maybe("end_time", end_time.map(time::read));
        let call = (|| {
            // `models/active` is what is in force anyway.
            let candidate = Candidate { rules: rules?, model: model?.flatten(), policy: policy? };
            Some(Self { site: site?, candidate, range: Range { from: from?, until: until?, limit } })
        })();
        checks.finish(call)
    }
}

fn own_set(name: &str, site: Option<&SiteId>) -> Result<RuleRef, String> {
    let (of, set) = rule_set(name)?;
    match site {
        Some(site) if *site != of => Err("must be of the site in `parent`".to_owned()),
        _ => Ok(set),
    }
}

/// Reads the name of a back-test.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_name(name: &str) -> Result<u64, ApiError> {
    let mut checks = Checks::default();
    let id = name.strip_prefix("backtests/").and_then(|id| id.parse().ok());
    let id = checks.take("name", id.ok_or("must be `backtests/{backtest}`"));
    checks.finish(id)
}

/// Reads the site of a report and the moment it begins at.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_since(
    parent: &str,
    start: Option<prost_types::Timestamp>,
) -> Result<(SiteId, Option<Timestamp>), ApiError> {
    let mut checks = Checks::default();
    let site = checks.take("parent", names::site(parent));
    let from = checks.maybe("start_time", start.map(time::read));
    checks.finish(site.zip(from))
}

/// Writes a back-test.
pub(in crate::api) fn write(run: &Backtest) -> pb::Backtest {
    let name = format!("backtests/{}", run.id);
    let base = pb::Backtest {
        name,
        done_count: run.done(),
        unmeasured_rules: run.unmeasured.clone(),
        ..pb::Backtest::default()
    };
    match run.stand() {
        Stand::Running => pb::Backtest { state: pb::BacktestState::Running.into(), ..base },
        Stand::Failed(problem) => pb::Backtest { state: pb::BacktestState::Failed.into(), problem, ..base },
        Stand::Ended { cancelled, outcome } => {
            let state = if cancelled { pb::BacktestState::Cancelled } else { pb::BacktestState::Done };
            pb::Backtest { state: state.into(), ..write_outcome(*outcome, base) }
        }
    }
}

fn write_outcome(outcome: Outcome, base: pb::Backtest) -> pb::Backtest {
    let (approved_held, passes) = (outcome.approved_held(), outcome.passes());
    pb::Backtest {
        judged_count: outcome.judged,
        skipped_count: outcome.skipped,
        flip_count: outcome.flips,
        newly_held_count: outcome.newly_held,
        newly_published_count: outcome.newly_published,
        approved_held: Some(write_rate(approved_held)),
        precision_before: Some(write_rate(outcome.before.precision())),
        precision_after: Some(write_rate(outcome.after.precision())),
        recall_before: Some(write_rate(outcome.before.recall())),
        recall_after: Some(write_rate(outcome.after.recall())),
        passes,
        worst: outcome.worst.into_iter().map(write_flip).collect(),
        ..base
    }
}

fn write_rate(rate: Rate) -> pb::Rate {
    let value = rate.value();
    let Rate { count, of, low, high } = rate;
    pb::Rate { count, of, value, low, high }
}

fn write_flip(flip: Flip) -> pb::BacktestFlip {
    let Flip { verdict, site, before, after, approved, excerpt, rules } = flip;
    pb::BacktestFlip {
        verdict: names::of_a_verdict(&site, verdict),
        before: write_action(before).into(),
        after: write_action(after).into(),
        approved,
        excerpt,
        rules,
    }
}

/// Writes what the rules of a site did.
pub(in crate::api) fn write_report<'a>(
    report: &RulesReport,
    rules: impl Iterator<Item = RuleInfo<'a>>,
    now: Timestamp,
) -> pb::ReportRulesResponse {
    let one = |rule: RuleInfo<'a>| {
        let figures = report.rules.get(rule.name);
        let evaluated = matches!(rule.state, "LIVE" | "SHADOW") && rule.expires.is_none_or(|end| end > now);
        pb::RuleReport {
            rule: Some(write_rule(&rule, now)),
            hit_count: figures.map_or(0, |figures| figures.hits),
            precision: Some(write_rate(figures.map_or_else(|| Rate::of(0, 0), |figures| figures.precision))),
            last_hit_time: figures.and_then(|figures| figures.last).map(time::write),
            dead: evaluated && figures.is_none(),
        }
    };
    pb::ReportRulesResponse {
        rules: rules.map(one).collect(),
        verdict_count: report.verdicts,
        truncated: report.truncated,
    }
}

/// Writes proposals.
pub(in crate::api) fn write_mined(mined: Mined) -> pb::MineRulesResponse {
    let Mined { proposals, rejected, approved } = mined;
    let one = |proposal: Proposal| pb::RuleProposal {
        name: proposal.name,
        kind: proposal.kind.to_owned(),
        toml: proposal.toml,
        precision: Some(write_rate(proposal.precision)),
        author_count: proposal.authors,
    };
    pb::MineRulesResponse {
        proposals: proposals.into_iter().map(one).collect(),
        rejected_count: rejected,
        approved_count: approved,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::checks::tests::refused, *};

    #[test]
    fn every_violation_is_named() {
        let start = |parent: &str, set: &str| pb::StartBacktestRequest {
            parent: parent.to_owned(),
            rule_set: set.to_owned(),
            ..Default::default()
        };
        assert_eq!(refused(StartCall::try_from(start("", ""))), ["parent", "rule_set"]);
        assert_eq!(
            refused(StartCall::try_from(start("sites/news", "sites/blog/ruleSets/draft"))),
            ["rule_set"]
        );
        assert!(StartCall::try_from(start("sites/_", "sites/_/ruleSets/draft")).is_ok());
        assert_eq!(refused(read_name("backtests/x")), ["name"]);
        assert_eq!(refused(read_since("sites/_", None)), ["parent"]);
    }
}
