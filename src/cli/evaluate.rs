//! `tamis evaluate`: how well a bundle does on labelled comments.
//!
//! May import: `learning`, `rules`, `scoring`, `types`.

use std::{fmt::Write as _, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    learning::{Articles, DataSet, Evaluation, default_bundle, evaluate, load_bundle},
    rules::RuleSet,
    scoring::Snapshot,
    types::Policy,
};

/// Compares a bundle with labelled comments.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tamis evaluate --data youtube/dev.jsonl sms/dev.jsonl --report report.html"
)]
pub(super) struct EvaluateArgs {
    /// Folder of the bundle; the shipped one when left out.
    #[arg(long, value_name = "DIR")]
    pub(super) model: Option<PathBuf>,
    /// Labelled comments, JSON lines.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub(super) data: Vec<PathBuf>,
    /// Articles that comments name by `article_id`, JSON lines.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(super) articles: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Write a report as HTML.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}

/// Runs it; figures on standard output.
///
/// # Errors
///
/// Files that cannot be read or written, bad lines, a bad bundle.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run(args: &EvaluateArgs) -> Result<()> {
    let snapshot = snapshot(args.model.as_deref())?;
    let mut articles = Articles::default();
    for path in &args.articles {
        articles.add_file(path)?;
    }
    let sets = args.data.iter().map(|p| DataSet::read(p, &mut articles)).collect::<Result<Vec<_>, _>>()?;
    let evaluation = evaluate(&snapshot, &Policy::default(), &sets);
    if let Some(path) = &args.report {
        std::fs::write(path, html(&evaluation))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&evaluation)?);
    } else {
        print!("{}", table(&evaluation));
    }
    Ok(())
}

/// The bundle of a folder, or the shipped one, with the starter rules.
pub(super) fn snapshot(model: Option<&std::path::Path>) -> Result<Snapshot> {
    let bundle = model.map_or_else(default_bundle, load_bundle)?;
    Ok(Snapshot { bundle: Arc::new(bundle), rules: Arc::new(RuleSet::starter()) })
}

const HEADINGS: [&str; 9] = ["set", "label", "pos", "neg", "AUC", "F1", "MCC", "R@1%", "ECE"];

fn rows(evaluation: &Evaluation) -> Vec<[String; 9]> {
    let mut rows = Vec::new();
    let number = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.4}"));
    for (name, set) in &evaluation.sets {
        for (label, f) in &set.labels {
            rows.push([
                name.clone(),
                label.clone(),
                f.positives.to_string(),
                f.negatives.to_string(),
                number(f.roc_auc),
                number(Some(f.f1)),
                number(Some(f.mcc)),
                number(f.recall_at_1_percent),
                number(Some(f.ece)),
            ]);
        }
    }
    rows
}

fn table(evaluation: &Evaluation) -> String {
    let mut out = format!("model {}\n", evaluation.model);
    let rows = rows(evaluation);
    for row in std::iter::once(&HEADINGS.map(str::to_owned)).chain(&rows) {
        let [set, label, numbers @ ..] = row;
        let _ = write!(out, "{set:<20} {label:<12}");
        for number in numbers {
            let _ = write!(out, " {number:>7}");
        }
        out.push('\n');
    }
    out
}

fn html(evaluation: &Evaluation) -> String {
    let escape = |s: &str| s.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let line = |cells: &[String], tag: &str| {
        let cells: String = cells.iter().map(|c| format!("<{tag}>{}</{tag}>", escape(c))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let mut body = line(&HEADINGS.map(str::to_owned), "th");
    body.extend(rows(evaluation).iter().map(|row| line(row, "td")));
    let mut mistakes = line(&["set", "comment", "label", "probability", "truth"].map(str::to_owned), "th");
    for (name, set) in &evaluation.sets {
        for (id, label, p, truth) in &set.mistakes {
            let cells = [name.clone(), id.clone(), label.clone(), format!("{p:.3}"), truth.to_string()];
            mistakes.push_str(&line(&cells, "td"));
        }
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>tamis: model {0}</title>\n\
         <style>body{{font:16px/1.5 system-ui;margin:2rem}}td,th{{padding:.2rem .8rem;text-align:right}}\
         td:first-child,th:first-child{{text-align:left}}</style>\n<h1>Model {0}</h1>\n<table>\n{body}</table>\n\
         <h2>Surest mistakes</h2>\n<table>\n{mistakes}</table>\n</html>\n",
        escape(&evaluation.model)
    )
}
