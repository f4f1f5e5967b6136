//! Figures as text for a terminal.
//!
//! May import: `learning`.

use std::fmt::Write as _;

use crate::learning::{Evaluation, Figures, Means, OnlineFigures};

const HEADINGS: [&str; 13] =
    ["pos", "neg", "AUC", "PR-AUC", "F1", "MCC", "acc", "R@.1%", "R@1%", "R@5%", "logloss", "Brier", "ECE"];

fn number(x: Option<f64>) -> String {
    x.map_or_else(|| "-".to_owned(), |x| format!("{x:.4}"))
}

/// The cells of one row of figures.
fn cells(f: &Figures) -> [String; 13] {
    [
        f.positives.to_string(),
        f.negatives.to_string(),
        number(f.roc_auc),
        number(f.pr_auc),
        number(Some(f.f1)),
        number(Some(f.mcc)),
        number(Some(f.accuracy)),
        number(f.recall_at_0_1_percent),
        number(f.recall_at_1_percent),
        number(f.recall_at_5_percent),
        number(Some(f.log_loss)),
        number(Some(f.brier)),
        number(Some(f.ece)),
    ]
}

fn line(out: &mut String, set: &str, target: &str, cells: &[String]) {
    let _ = write!(out, "{set:<28} {target:<12}");
    for cell in cells {
        let _ = write!(out, " {cell:>7}");
    }
    out.push('\n');
}

/// All figures but slices, curves and mistakes, which are in the report and in JSON.
pub(super) fn text(evaluation: &Evaluation) -> String {
    let Evaluation { model, protocol, policy, sets, pooled, means, online, .. } = evaluation;
    let mut out = if model.is_empty() { String::new() } else { format!("model {model}\n") };
    let _ = writeln!(out, "{protocol}{}{policy}", if policy.is_empty() { "" } else { "; policy " });
    if !sets.is_empty() {
        line(&mut out, "set", "label", &HEADINGS.map(str::to_owned));
    }
    let pooled = pooled.iter().map(|all| ("(all sets)", all));
    for (name, set) in sets.iter().map(|(name, set)| (name.as_str(), set)).chain(pooled) {
        for (target, figures) in set.targets() {
            line(&mut out, name, target, &cells(figures));
        }
    }
    for (set, means) in means {
        out.push_str(&means_text(set, means));
    }
    for (set, figures) in online {
        out.push_str(&online_text(set, figures));
    }
    out
}

fn means_text(set: &str, means: &Means) -> String {
    let mut out = format!("\n{set}: folds\n");
    for (fold, targets) in &means.folds {
        for (target, figures) in targets {
            line(&mut out, fold, target, &cells(figures));
        }
    }
    for (target, found) in &means.means {
        let _ = write!(out, "mean of {target}:");
        for (name, value) in found {
            let _ = write!(out, " {name} {value:.4}");
            if let Some([low, high]) = means.intervals.get(target).and_then(|i| i.get(name)) {
                let _ = write!(out, " [{low:.4}, {high:.4}]");
            }
        }
        out.push('\n');
    }
    out
}

fn online_text(set: &str, figures: &OnlineFigures) -> String {
    let mut out = format!("\n{set}: {}, {} comments\n", figures.label, figures.comments);
    for (name, t) in [("stack", figures.stack), ("counts", figures.counts), ("svm", figures.svm)] {
        let _ = writeln!(
            out,
            "{name:<8} 1-ROCA % {}  lam % {:.2}  hm % {:.2}  sm % {:.2}",
            t.one_minus_roca.map_or_else(|| "-".to_owned(), |x| format!("{x:.3}")),
            t.lam,
            t.hm,
            t.sm
        );
    }
    out
}

/// The report. Minimal markup; texts are escaped.
pub(super) fn html(evaluation: &Evaluation) -> String {
    let escape = |s: &str| s.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    format!("<!doctype html><meta charset=\"utf-8\"><pre>{}</pre>\n", escape(&text(evaluation)))
}
