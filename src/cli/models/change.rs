//! `tamis models promote`, `rollback`, `shadow` and `delete`.
//!
//! May import: `api` (wire types).

use anyhow::{Context as _, Result};
use clap::Args;

use super::words::{last, model, promotion, stage};
use crate::{
    api::pb,
    cli::{
        print,
        remote::{Remote, json, told},
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
    /// Its hash.
    #[arg(value_name = "MODEL")]
    model: String,
    /// End it.
    #[arg(long)]
    stop: bool,
}

/// Has a bundle score beside the active one.
pub(super) async fn shadow(remote: &Remote, args: &ShadowArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let request = pb::ShadowModelRequest { name: model(&args.model), stop: args.stop };
    let one = told(client.shadow_model(request).await)?.model.context("the server sent no model")?;
    print(&format!("{} is {} now\n", last(&one.name), stage(one.stage)));
    Ok(())
}
