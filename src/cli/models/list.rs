//! `tamis models list`, `show`, `diff` and `history`.
//!
//! May import: `api` (wire types).

use anyhow::{Context as _, Result};
use clap::Args;

use super::words::{gates, kind, last, model, origin, stage, time};
use crate::{
    api::pb,
    cli::{
        print,
        remote::{Remote, json, told},
        terminal::{Screen, tame},
    },
};

/// `tamis models list ...`
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// As JSON lines.
    #[arg(long)]
    json: bool,
}

/// Lists every bundle.
pub(super) async fn list(remote: &Remote, args: &ListArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let found = told(client.list_models(pb::ListModelsRequest {}).await)?.models;
    if args.json {
        for one in &found {
            print(&format!("{}\n", json("Model", one)?));
        }
        return Ok(());
    }
    let row = |one: &pb::Model| {
        let failed = one.gates.iter().filter(|gate| !gate.passed).count();
        let gates = match (one.gates.len(), failed) {
            (0, _) => "not measured".to_owned(),
            (all, 0) => format!("all {all} hold"),
            (all, failed) => format!("{failed} of {all} fail"),
        };
        let by = if one.key_id.is_empty() { "-" } else { &one.key_id };
        vec![
            last(&one.name).to_owned(),
            stage(one.stage).to_owned(),
            origin(one.origin).to_owned(),
            time(one.create_time.as_ref()),
            tame(by),
            gates,
        ]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    print(&Screen::stdout().table(&["model", "stage", "origin", "added", "by", "gates"], &rows));
    Ok(())
}

/// `tamis models show ...`
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Its hash, or `active`.
    #[arg(value_name = "MODEL", default_value = "active")]
    model: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Shows one bundle.
pub(super) async fn show(remote: &Remote, args: &ShowArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let answer = told(client.get_model(pb::GetModelRequest { name: model(&args.model) }).await)?;
    if args.json {
        print(&format!("{}\n", json("GetModelResponse", &answer)?));
        return Ok(());
    }
    let one = answer.model.context("the server sent no model")?;
    let mut text = format!(
        "model   {}\nstage   {} since {}\norigin  {}, added {}\n",
        last(&one.name),
        stage(one.stage),
        time(one.stage_time.as_ref()),
        origin(one.origin),
        time(one.create_time.as_ref())
    );
    if !one.job.is_empty() {
        text += &format!("job     {}\n", last(&one.job));
    }
    if !one.compared_with.is_empty() {
        text += &format!("against {}\n", last(&one.compared_with));
    }
    text += &gates(&one.gates);
    text += &card(&answer.card_json)?;
    print(&text);
    Ok(())
}

/// What a card says, in lines.
fn card(text: &str) -> Result<String> {
    let card: serde_json::Value = serde_json::from_str(text).context("the card is no JSON")?;
    let mut out = String::new();
    let entries = |name: &str| card.get(name).and_then(serde_json::Value::as_object).into_iter().flatten();
    let configuration: Vec<String> = entries("configuration")
        .map(|(key, value)| format!("{key} {}", tame(value.as_str().unwrap_or_default())))
        .collect();
    out += &format!("trained with {}\n", configuration.join(", "));
    let rows: Vec<Vec<String>> = entries("data")
        .map(|(set, count)| {
            let labels = count.get("labels").and_then(serde_json::Value::as_object).into_iter().flatten();
            let labels: Vec<String> = labels
                .map(|(label, pair)| {
                    let part = |at: usize| pair.get(at).and_then(serde_json::Value::as_u64).unwrap_or(0);
                    format!("{} {}/{}", tame(label), part(0), part(1))
                })
                .collect();
            let comments = count.get("comments").and_then(serde_json::Value::as_u64).unwrap_or(0);
            vec![tame(set), comments.to_string(), labels.join(", ")]
        })
        .collect();
    out += &Screen::stdout().table(&["data", "comments", "labels (with/without)"], &rows);
    Ok(out)
}

/// `tamis models diff ...`
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// Its hash, or `active`.
    #[arg(value_name = "MODEL")]
    model: String,
    /// The one it is compared with.
    #[arg(long, value_name = "MODEL", default_value = "active")]
    base: String,
    /// As JSON lines.
    #[arg(long)]
    json: bool,
}

/// Says in what two bundles differ.
pub(super) async fn diff(remote: &Remote, args: &DiffArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let request = pb::DiffModelsRequest { name: model(&args.model), base: model(&args.base) };
    let found = told(client.diff_models(request).await)?.differences;
    if args.json {
        for one in &found {
            print(&format!("{}\n", json("ModelDifference", one)?));
        }
        return Ok(());
    }
    if found.is_empty() {
        print("the bundles do not differ\n");
        return Ok(());
    }
    let row = |one: &pb::ModelDifference| vec![tame(&one.path), tame(&one.base), tame(&one.value)];
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    print(&Screen::stdout().table(&["what", "base", "model"], &rows));
    Ok(())
}

/// `tamis models history ...`
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// Promotions shown at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i32).range(1..=500))]
    limit: i32,
    /// As JSON lines.
    #[arg(long)]
    json: bool,
}

/// Lists what was promoted.
pub(super) async fn history(remote: &Remote, args: &HistoryArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let request = pb::ListPromotionsRequest { page_size: args.limit, page_token: String::new() };
    let found = told(client.list_promotions(request).await)?.promotions;
    if args.json {
        for one in &found {
            print(&format!("{}\n", json("Promotion", one)?));
        }
        return Ok(());
    }
    let row = |one: &pb::Promotion| {
        let by = if one.key_id.is_empty() { "-" } else { &one.key_id };
        let mut reason = tame(&one.reason);
        if !one.overridden_gates.is_empty() {
            reason = format!("{reason} [overrode {}]", tame(&one.overridden_gates.join(", ")));
        }
        vec![
            one.sequence.to_string(),
            time(one.create_time.as_ref()),
            last(&one.model).to_owned(),
            kind(one.kind).to_owned(),
            tame(by),
            reason,
        ]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    print(&Screen::stdout().table(&["no", "time", "model", "how", "by", "why"], &rows));
    Ok(())
}
