//! A bundle's card for people: Markdown beside the JSON.
//!
//! May import: `classifier`.

use std::fmt::Write as _;

use crate::classifier::{Card, Figures};

/// The card as Markdown. The same card gives the same bytes.
#[must_use]
pub fn card_text(card: &Card) -> String {
    let mut out = format!("# Model {}\n\nWritten by `tamis evaluate --write-card`; do not edit.\n", card.id);
    out.push_str("\n## Learnt from\n\n| set | comments | labels: with / without |\n|---|---:|---|\n");
    for (name, set) in &card.data {
        let labels: Vec<String> =
            set.labels.iter().map(|(label, (with, without))| format!("{label} {with} / {without}")).collect();
        let _ = writeln!(out, "| {} | {} | {} |", cell(name), set.comments, cell(&labels.join(", ")));
    }
    out.push_str("\n## Figures on comments it did not learn from\n\n");
    out.push_str(
        "| set | label | with | without | ROC-AUC (95 %) | PR-AUC | F1 | MCC | recall at 0.1 % FP | \
         recall at 1 % FP (95 %) | log-loss | Brier | ECE |\n|---|---|---:|---:|---|---|---|---|---|---|---|---|---|\n",
    );
    for (set, labels) in &card.figures {
        for (label, f) in labels {
            out.push_str(&row(set, label, f));
        }
    }
    out.push_str(
        "\nF1 and MCC at the hold threshold of the balanced policy. \"overall\" is whether a moderator would remove \
         the comment, as far as the set tells. Intervals: bootstrap (ROC-AUC), Wilson (recall).\n",
    );
    out.push_str("\n## Configuration\n\n| name | value |\n|---|---|\n");
    for (name, value) in &card.configuration {
        let _ = writeln!(out, "| {} | {} |", cell(name), cell(value));
    }
    let _ = writeln!(out, "| normalizer | {} |", card.normalizer);
    out
}

fn row(set: &str, label: &str, f: &Figures) -> String {
    let number = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), |x| format!("{x:.4}"));
    let with = |x: Option<f64>, interval: Option<[f64; 2]>| match (x, interval) {
        (Some(x), Some([low, high])) => format!("{x:.4} ({low:.3}–{high:.3})"),
        _ => number(x),
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        cell(set),
        cell(label),
        f.positives,
        f.negatives,
        with(f.roc_auc, f.roc_auc_interval),
        number(f.pr_auc),
        number(Some(f.f1)),
        number(Some(f.mcc)),
        number(f.recall_at_0_1_percent),
        with(f.recall_at_1_percent, f.recall_at_1_percent_interval),
        number(Some(f.log_loss)),
        number(Some(f.brier)),
        number(Some(f.ece)),
    )
}

/// A name in a table: no bar, no line break.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_the_table() {
        let mut card = Card { id: "abc".into(), ..Card::default() };
        card.figures.insert("a|b\nc".into(), [("spam".to_owned(), Figures::default())].into());
        let text = card_text(&card);
        assert!(text.contains("| a\\|b c | spam | 0 | 0 | – |"), "{text}");
        assert_eq!(text, card_text(&card));
    }
}
