//! `tamis models promote`, `rollback`, `shadow` and `delete`.
//!
//! May import: `api` (wire types).

use anyhow::{Context as _, Result};
use clap::Args;

use super::words::{last, model, promotion, stage, time};
use crate::{
    api::pb,
    cli::{
        print,
        remote::{Remote, json, told},
        terminal::{Screen, tame},
    },
};

/// `tamis models promote ...`
#[derive(Debug, Args)]
pub(super) struct PromoteArgs {
    /// Its hash.
    #[arg(value_name = "MODEL")]
    model: String,
    /// Why, for the audit chain.
    #[arg(long, default_value = "")]
    reason: String,
    /// A gate that may fail, by its name; give it once per gate. Needs --reason.
    #[arg(long = "override", value_name = "GATE", requires = "reason")]
    overridden: Vec<String>,
    /// Only say whether it would be done.
    #[arg(long)]
    dry_run: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Promotes a bundle.
pub(super) async fn promote(remote: &Remote, args: &PromoteArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let request = pb::PromoteModelRequest {
        name: model(&args.model),
        reason: args.reason.clone(),
        override_gates: args.overridden.clone(),
        expected_sequence: 0,
        validate_only: args.dry_run,
    };
    let answer = told(client.promote_model(request).await)?;
    if args.json {
        print(&format!("{}\n", json("PromoteModelResponse", &answer)?));
    } else if args.dry_run {
        print("it would be promoted\n");
    } else {
        print(&promotion(&answer.promotion.context("the server sent no promotion")?));
    }
    Ok(())
}

/// `tamis models rollback ...`
#[derive(Debug, Args)]
pub(super) struct RollbackArgs {
    /// Why, for the audit chain.
    #[arg(long, default_value = "")]
    reason: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Goes back.
pub(super) async fn rollback(remote: &Remote, args: &RollbackArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let request = pb::RollbackModelRequest { reason: args.reason.clone(), expected_sequence: 0 };
    let answer = told(client.rollback_model(request).await)?;
    if args.json {
        print(&format!("{}\n", json("RollbackModelResponse", &answer)?));
    } else {
        print(&promotion(&answer.promotion.context("the server sent no promotion")?));
    }
    Ok(())
}

/// `tamis models delete ...`
#[derive(Debug, Args)]
pub(super) struct DeleteArgs {
    /// Its hash.
    #[arg(value_name = "MODEL")]
    model: String,
}

/// Deletes a bundle.
pub(super) async fn delete(remote: &Remote, args: &DeleteArgs) -> Result<()> {
    let mut client = remote.models().await?;
    told(client.delete_model(pb::DeleteModelRequest { name: model(&args.model) }).await)?;
    print(&format!("{} is deleted\n", model(&args.model)));
    Ok(())
}

/// `tamis models shadow ...`
#[derive(Debug, Args)]
pub(super) struct ShadowArgs {
    /// Its hash; without one what the present shadow would have done is told.
    #[arg(value_name = "MODEL")]
    model: Option<String>,
    /// End it.
    #[arg(long, requires = "model")]
    stop: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Has a bundle score beside the active one.
pub(super) async fn shadow(remote: &Remote, args: &ShadowArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let Some(given) = &args.model else {
        let report = told(client.get_shadow_report(pb::GetShadowReportRequest {}).await)?;
        let text = if args.json { json("GetShadowReportResponse", &report)? + "\n" } else { beside(&report) };
        print(&text);
        return Ok(());
    };
    let request = pb::ShadowModelRequest { name: model(given), stop: args.stop };
    let one = told(client.shadow_model(request).await)?.model.context("the server sent no model")?;
    print(&format!("{} is {} now\n", last(&one.name), stage(one.stage)));
    Ok(())
}

/// What a shadow would have done, in lines.
fn beside(report: &pb::GetShadowReportResponse) -> String {
    if report.model.is_empty() {
        return "no model is in shadow\n".to_owned();
    }
    let action = |number| crate::api::pb::Action::try_from(number).map_or("?", |action| action.as_str_name());
    let action = |number| action(number).trim_start_matches("ACTION_").to_lowercase();
    let mut out = format!(
        "{} since {}: {} comments, {} left out because too many waited\n",
        last(&report.model),
        time(report.since_time.as_ref()),
        report.comment_count,
        report.dropped_count
    );
    for flips in &report.flips {
        let (from, to) = (action(flips.active_action), action(flips.shadow_action));
        out += &format!("  {from} would be {to}: {}\n", flips.count);
    }
    if let Some(told) = &report.agreement {
        out += &format!(
            "of {} that people ruled on the active one is right about {}, the shadow about {}; good ones kept back {} \
             and {}, bad ones let through {} and {}; mistakes cost {:.1} and {:.1}\n",
            told.ruled_count,
            told.active_right_count,
            told.shadow_right_count,
            told.active_held_good_count,
            told.shadow_held_good_count,
            told.active_published_bad_count,
            told.shadow_published_bad_count,
            told.active_cost,
            told.shadow_cost
        );
    }
    let rows: Vec<Vec<String>> = report
        .examples
        .iter()
        .take(20)
        .map(|one| {
            vec![
                tame(&one.verdict),
                format!("{} {:.3}", action(one.active_action), one.active_probability),
                format!("{} {:.3}", action(one.shadow_action), one.shadow_probability),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out += &Screen::stdout().table(&["verdict", "active says", "shadow says"], &rows);
    }
    out
}
