//! `tamis models report`.
//!
//! May import: `api` (wire types).

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::Value;

use super::words::{gates, last, model};
use crate::{
    api::pb,
    cli::{
        print,
        remote::{Remote, told},
        terminal::{Screen, tame},
    },
};

/// `tamis models report ...`
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Its hash, or `active`.
    #[arg(value_name = "MODEL")]
    model: String,
    /// Write it as a page for people here.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Shows what was measured of a bundle.
pub(super) async fn report(remote: &Remote, args: &ReportArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let name = model(&args.model);
    let request = pb::GetModelReportRequest { name: name.clone(), with_html: args.html.is_some() };
    let answer = told(client.get_model_report(request).await)?;
    if let Some(path) = &args.html {
        std::fs::write(path, &answer.report_html)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if args.json {
        print(&format!("{}\n", answer.report_json));
        return Ok(());
    }
    let report: Value = serde_json::from_str(&answer.report_json).context("the report is no JSON")?;
    let one = told(client.get_model(pb::GetModelRequest { name }).await)?.model;
    let one = one.context("the server sent no model")?;
    print(&format!("{}\n{}\n{}\n{}", head(&report), comparisons(&report), flips(&report), gates(&one.gates)));
    Ok(())
}

fn text<'a>(report: &'a Value, at: &str) -> &'a str {
    report.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

fn number(report: &Value, at: &str) -> u64 {
    report.pointer(at).and_then(Value::as_u64).unwrap_or(0)
}

fn head(report: &Value) -> String {
    format!(
        "candidate {} against {}\nlearnt from {} stored rulings and {} comments besides; figures over the newest {} \
         rulings, of which {} were removals, by a bundle that did not see them ({})\n",
        last(text(report, "/model")),
        text(report, "/compared_with"),
        number(report, "/data/stored"),
        number(report, "/data/base"),
        number(report, "/data/held_out"),
        number(report, "/data/held_out_bad"),
        text(report, "/measured"),
    )
}

fn comparisons(report: &Value) -> String {
    let found = report.get("comparisons").and_then(Value::as_array).cloned().unwrap_or_default();
    let row = |one: &Value| {
        let value = |name: &str| one.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        let bound = |at: &str| one.pointer(at).and_then(Value::as_f64).unwrap_or(0.0);
        let part = match (text(one, "/by"), text(one, "/part")) {
            (by, "") => by.to_owned(),
            (by, part) => format!("{by} {}", tame(part)),
        };
        vec![
            part,
            text(one, "/target").to_owned(),
            text(one, "/figure").replace('_', " "),
            number(one, "/comments").to_string(),
            format!("{:.4}", value("active")),
            format!("{:.4}", value("candidate")),
            format!("{:+.4}", value("better")),
            format!("{:+.4} to {:+.4}", bound("/interval/0"), bound("/interval/1")),
        ]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    let heads = ["part", "target", "figure", "comments", "active", "candidate", "better", "95 % interval"];
    Screen::stdout().table(&heads, &rows)
}

fn flips(report: &Value) -> String {
    let counts = report.pointer("/flips/counts").and_then(Value::as_object).cloned().unwrap_or_default();
    let counts: Vec<String> = counts.iter().map(|(way, count)| format!("{way} {count}")).collect();
    let mut out = format!(
        "of {} comments these get another action: {}; {} good ones are newly kept back, {} bad ones newly let through\n",
        number(report, "/flips/comments"),
        if counts.is_empty() { "none".to_owned() } else { counts.join(", ") },
        number(report, "/flips/newly_held_good"),
        number(report, "/flips/newly_published_bad"),
    );
    let examples = report.pointer("/flips/examples").and_then(Value::as_array).cloned().unwrap_or_default();
    let row = |one: &Value| {
        let value = |name: &str| one.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        let bad = match one.get("bad").and_then(Value::as_bool) {
            Some(true) => "bad",
            Some(false) => "good",
            None => "not known",
        };
        vec![
            tame(text(one, "/id")),
            bad.to_owned(),
            format!("{} {:.3}", text(one, "/active"), value("active_probability")),
            format!("{} {:.3}", text(one, "/candidate"), value("candidate_probability")),
        ]
    };
    let rows: Vec<Vec<String>> = examples.iter().take(10).map(row).collect();
    if !rows.is_empty() {
        out += &Screen::stdout().table(&["comment", "is", "active says", "candidate says"], &rows);
    }
    out
}
