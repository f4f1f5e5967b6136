//! Figures as text for a terminal.
//!
//! May import: `learning`.

use std::fmt::Write as _;

use crate::learning::{
    CleanText, Evaluation, EvasionFigures, EvasionSet, Figures, Means, OnlineFigures, TrickFigures,
};

/// Pairs of tricks listed per set; all are in JSON and in the report.
const WORST_PAIRS: usize = 12;

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
    let Evaluation { model, protocol, policy, sets, pooled, means, online, evasion } = evaluation;
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
    out.extend(evasion.as_ref().map(evasion_text));
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

fn evasion_text(found: &EvasionFigures) -> String {
    let share = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{:.1}", 100.0 * x));
    let mut out = String::new();
    for (set, figures) in &found.sets {
        let EvasionSet { positives, negatives, singles, pairs } = figures;
        let _ =
            writeln!(out, "\n{set}: {} in disguise ({positives} with, {negatives} without)", found.target);
        let _ = writeln!(
            out,
            "{:<44} {:>8} {:>8} {:>9} {:>8} {:>9} {:>9}",
            "trick", "comments", "clean %", "disguised", "points", "at 1 % FP", "not let"
        );
        let worst = pairs.iter().take(WORST_PAIRS);
        for trick in singles.iter().chain(worst) {
            let _ = writeln!(
                out,
                "{:<44} {:>8} {:>8} {:>9} {:>+8.1} {:>9} {:>9}",
                trick.name,
                trick.clean.comments,
                share(trick.clean.at_policy),
                share(trick.disguised.at_policy),
                -trick.loss(),
                share(trick.disguised.at_1_percent),
                share(trick.disguised.not_let_through)
            );
        }
        let beyond =
            |tricks: &[TrickFigures], points: f64| tricks.iter().filter(|t| t.loss() > points).count();
        let _ = writeln!(
            out,
            "{} of {} tricks cost more than 5 points, {} of {} pairs more than 10",
            beyond(singles, 5.0),
            singles.len(),
            beyond(pairs, 10.0),
            pairs.len()
        );
    }
    let _ = writeln!(
        out,
        "\n{:<10} {:>8} {:>8} {:>7} {:>8} {:>16}",
        "clean text", "comments", "flagged", "%", "touched", "touched, flagged"
    );
    for row in &found.clean_text {
        let CleanText { language, comments, flagged, touched, touched_and_flagged } = row;
        let percent = share(row.share(*flagged));
        let _ = writeln!(
            out,
            "{language:<10} {comments:>8} {flagged:>8} {percent:>7} {touched:>8} {touched_and_flagged:>16}"
        );
    }
    out
}
