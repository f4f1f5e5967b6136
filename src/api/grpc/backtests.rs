//! `tamis.v1.BacktestService`.
//!
//! May import: `types`, `learning`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::{
    api::{
        auth::Caller,
        convert::backtests::{StartCall, read_name, read_since, write, write_mined, write_report},
        pb::{self, backtest_service_server::BacktestService},
    },
    learning::{
        Replay,
        replay::desk::{Backtest, days_before},
    },
    moderation::ModerationError,
};

/// Days that a report looks back when nothing is said.
const REPORT_DAYS: u64 = 28;
/// Days that mining looks back when nothing is said.
const MINE_DAYS: u64 = 7;
/// Least rejected comments behind a proposal.
const SUPPORT: u32 = 3;
/// Least precision of a proposal.
const PRECISION: f64 = 0.95;

/// The service on its use cases.
#[derive(Clone)]
pub(in crate::api) struct BacktestApi {
    pub(in crate::api) replay: Arc<Replay>,
}

impl BacktestApi {
    /// A back-test that the caller may see.
    fn of(&self, caller: &Caller, name: &str) -> Result<Arc<Backtest>, Status> {
        let run = self.replay.backtest(read_name(name)?)?;
        caller.enter(&run.site)?;
        Ok(run)
    }
}

#[tonic::async_trait]
impl BacktestService for BacktestApi {
    async fn start_backtest(
        &self,
        request: Request<pb::StartBacktestRequest>,
    ) -> Result<Response<pb::StartBacktestResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let StartCall { site, candidate, range } = StartCall::try_from(request)?;
        caller.enter(&site)?;
        let run = self.replay.start(&site, candidate, range).await?;
        Ok(Response::new(pb::StartBacktestResponse { backtest: Some(write(&run)) }))
    }

    async fn get_backtest(
        &self,
        request: Request<pb::GetBacktestRequest>,
    ) -> Result<Response<pb::GetBacktestResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let run = self.of(&caller, &request.name)?;
        Ok(Response::new(pb::GetBacktestResponse { backtest: Some(write(&run)) }))
    }

    async fn cancel_backtest(
        &self,
        request: Request<pb::CancelBacktestRequest>,
    ) -> Result<Response<pb::CancelBacktestResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let run = self.of(&caller, &request.name)?;
        let run = self.replay.cancel(run.id)?;
        Ok(Response::new(pb::CancelBacktestResponse { backtest: Some(write(&run)) }))
    }

    async fn report_rules(
        &self,
        request: Request<pb::ReportRulesRequest>,
    ) -> Result<Response<pb::ReportRulesResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let (site, from) = read_since(&request.parent, request.start_time)?;
        caller.enter(&site)?;
        let rulebook = self.replay.rulebook();
        rulebook.state(&site).await?;
        let now = rulebook.now();
        let report = self.replay.report(&site, from.unwrap_or_else(|| days_before(now, REPORT_DAYS))).await?;
        let rules = &rulebook.snapshot().rules;
        let own = rules.own(&site);
        let all = rules.rules().chain(own.iter().flat_map(|own| own.rules()));
        let of_site = all.filter(|rule| rule.site.is_none_or(|of| *of == site));
        Ok(Response::new(write_report(&report, of_site, now)))
    }

    async fn mine_rules(
        &self,
        request: Request<pb::MineRulesRequest>,
    ) -> Result<Response<pb::MineRulesResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        let pb::MineRulesRequest { parent, start_time, min_support, min_precision } = request;
        let (site, from) = read_since(&parent, start_time)?;
        if !(0.0..=1.0).contains(&min_precision) {
            let must = "must be in [0, 1]".to_owned();
            return Err(ModerationError::Field { field: "min_precision", must }.into());
        }
        caller.enter(&site)?;
        let rulebook = self.replay.rulebook();
        rulebook.state(&site).await?;
        let from = from.unwrap_or_else(|| days_before(rulebook.now(), MINE_DAYS));
        let support = if min_support == 0 { SUPPORT } else { min_support };
        let precision = if min_precision == 0.0 { PRECISION } else { min_precision };
        let mined = self.replay.mine(&site, from, (u64::from(support), precision)).await?;
        Ok(Response::new(write_mined(mined)))
    }
}
