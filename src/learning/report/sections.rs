//! The parts of the page, top to bottom.
//!
//! May import: `classifier`, the rest of `learning`.

use crate::classifier::Figures;

use super::{
    super::{Caught, Curves, Evaluation, EvasionSet, SetFigures, TrickFigures},
    html::{Cell, escape, table},
    plots,
};

const FIGURES: [&str; 13] = [
    "label",
    "positive",
    "negative",
    "ROC-AUC",
    "PR-AUC",
    "F1",
    "MCC",
    "recall at 0.1 % FP",
    "recall at 1 % FP",
    "recall at 5 % FP",
    "log-loss",
    "Brier",
    "ECE",
];

/// The cells of one row of figures, without its name.
fn cells(f: &Figures) -> Vec<Cell> {
    vec![
        Cell::count(f.positives),
        Cell::count(f.negatives),
        Cell::with_interval(f.roc_auc, f.roc_auc_interval),
        Cell::figure(f.pr_auc),
        Cell::with_interval(Some(f.f1), f.f1_interval),
        Cell::figure(Some(f.mcc)),
        Cell::with_interval(f.recall_at_0_1_percent, f.recall_at_0_1_percent_interval),
        Cell::with_interval(f.recall_at_1_percent, f.recall_at_1_percent_interval),
        Cell::figure(f.recall_at_5_percent),
        Cell::figure(Some(f.log_loss)),
        Cell::figure(Some(f.brier)),
        Cell::figure(Some(f.ece)),
    ]
}

fn row(names: &[&str], f: &Figures) -> Vec<Cell> {
    names.iter().map(|name| Cell::Word((*name).to_owned())).chain(cells(f)).collect()
}

fn headings(first: &[&'static str]) -> Vec<&'static str> {
    first.iter().copied().chain(FIGURES.iter().copied().skip(1)).collect()
}

/// Links to the sets.
pub(super) fn contents(evaluation: &Evaluation) -> String {
    let names = evaluation.sets.keys().map(String::as_str);
    let names: Vec<&str> = names.chain(evaluation.pooled.iter().map(|_| "All sets together")).collect();
    if names.len() < 2 {
        return String::new();
    }
    let link = |name: &&str| format!("<a href=\"#{}\">{}</a>", anchor(name), escape(name));
    format!("<nav>{}</nav>\n", names.iter().map(link).collect::<String>())
}

/// A name that can be linked to.
fn anchor(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// Every set and label in one table.
pub(super) fn figures(evaluation: &Evaluation) -> String {
    let sets = evaluation.sets.iter().map(|(name, set)| (name.as_str(), set));
    let pooled = evaluation.pooled.iter().map(|set| ("All sets together", set));
    let rows: Vec<_> = sets
        .chain(pooled)
        .flat_map(|(name, set)| set.targets().map(move |(target, f)| row(&[name, target], f)))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("<h2>Figures</h2>\n{}", table(&headings(&["set", "label"]), &rows))
}

/// Means over folds, and the folds.
pub(super) fn means(evaluation: &Evaluation) -> String {
    let mut out = String::new();
    for (set, found) in &evaluation.means {
        let mut rows = Vec::new();
        for (target, means) in &found.means {
            for (name, &mean) in means {
                let interval = found.intervals.get(target).and_then(|i| i.get(name)).copied();
                let name = Cell::Word(name.replace("_0_1_", " 0.1 ").replace('_', " "));
                rows.push(vec![Cell::Word(target.clone()), name, Cell::with_interval(Some(mean), interval)]);
            }
        }
        out.push_str(&format!("<section class=\"card\"><h2>{}: means over folds</h2>\n", escape(set)));
        out.push_str(&table(&["label", "figure", "mean"], &rows));
        let folds = found.folds.iter();
        let folds: Vec<_> =
            folds.flat_map(|(fold, targets)| targets.iter().map(move |(t, f)| row(&[fold, t], f))).collect();
        out.push_str("<details><summary>Each fold</summary>\n");
        out.push_str(&table(&headings(&["fold", "label"]), &folds));
        out.push_str("</details></section>\n");
    }
    out
}

/// What learners did that began empty.
pub(super) fn online(evaluation: &Evaluation) -> String {
    let mut rows = Vec::new();
    for (set, found) in &evaluation.online {
        for (name, t) in [("stack", found.stack), ("counts", found.counts), ("svm", found.svm)] {
            let mut cells =
                vec![Cell::Word(set.clone()), Cell::Word(name.to_owned()), Cell::count(found.comments)];
            let figures = [t.one_minus_roca, Some(t.lam), Some(t.hm), Some(t.sm)];
            cells.extend(figures.map(|x| {
                Cell::Number(x.map_or_else(|| "–".to_owned(), |x| format!("{x:.3}")), String::new())
            }));
            rows.push(cells);
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let headings = ["set", "learner", "comments", "1-ROCA %", "lam %", "hm %", "sm %"];
    format!("<h2>Online: predict, then learn</h2>\n{}", table(&headings, &rows))
}

/// One set: plots, parts, costs, mistakes.
pub(super) fn set(name: &str, set: &SetFigures) -> String {
    let mut out = format!("<section class=\"card\" id=\"{}\"><h2>{}</h2>\n", anchor(name), escape(name));
    let actions: Vec<String> = set.actions.iter().map(|(action, n)| format!("{action} {n}")).collect();
    out.push_str(&format!(
        "<p class=\"actions\">{} comments{}{}</p>\n",
        set.comments,
        if actions.is_empty() { "" } else { ": " },
        escape(&actions.join(" · "))
    ));
    let rows: Vec<_> = set.targets().map(|(target, f)| row(&[target], f)).collect();
    out.push_str(&table(&FIGURES, &rows));
    for (target, curves) in &set.curves {
        out.push_str(&plots(target, curves));
    }
    out.push_str(&costs(set));
    for (by, title) in
        [("language", "By language"), ("section", "By section"), ("kind", "By kind, against fine comments")]
    {
        let parts = set.slices.iter().filter(|s| s.by == by);
        let rows: Vec<_> = parts.map(|s| row(&[&s.part, s.target], &s.figures)).collect();
        if rows.is_empty() {
            continue;
        }
        let open = if rows.len() > 12 { "" } else { " open" };
        out.push_str(&format!("<details{open}><summary>{title}</summary>\n"));
        out.push_str(&table(&headings(&[by, "label"]), &rows));
        out.push_str("</details>\n");
    }
    out.push_str(&mistakes(set));
    out.push_str("</section>\n");
    out
}

fn plots(target: &str, curves: &Curves) -> String {
    let drawn = [
        ("ROC; grey lines at 0.1 % and 1 %", plots::roc(&curves.roc)),
        ("Precision and recall", plots::precision_recall(&curves.precision_recall)),
        ("Calibration; dots on the line are right", plots::reliability(&curves.reliability)),
        ("Probabilities: with the label up, without down", plots::histogram(&curves.histogram)),
    ];
    let figures: String = drawn
        .iter()
        .filter(|(_, svg)| !svg.is_empty())
        .map(|(caption, svg)| {
            let label = format!("{target}: {caption}");
            format!(
                "<figure role=\"img\" aria-label=\"{}\"><figcaption>{caption}</figcaption>{svg}</figure>\n",
                escape(&label)
            )
        })
        .collect();
    format!("<h3>{}</h3>\n<div class=\"plots\">\n{figures}</div>\n", escape(target))
}

fn costs(set: &SetFigures) -> String {
    let one = |x: f64| Cell::Number(format!("{x:.1}"), String::new());
    let rows: Vec<Vec<Cell>> = set
        .costs
        .iter()
        .map(|c| {
            vec![
                Cell::Word(c.policy.to_owned()),
                Cell::Word(c.label.to_owned()),
                Cell::Number(format!("1 : {}", c.missed), String::new()),
                Cell::Number(format!("{:.3}", c.threshold), String::new()),
                one(c.cost),
                one(c.best),
                one(c.allow_all),
                one(c.hold_all),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let headings = [
        "policy",
        "label",
        "held in vain : published",
        "hold from",
        "cost",
        "best possible cut",
        "publish all",
        "hold all",
    ];
    format!(
        "<details open><summary>Cost of holding, per 1,000 comments</summary>\n\
         <p class=\"note\">In units of a good comment held in vain.</p>\n{}</details>\n",
        table(&headings, &rows)
    )
}

fn mistakes(set: &SetFigures) -> String {
    let rows: Vec<Vec<Cell>> = set
        .mistakes
        .iter()
        .map(|m| {
            vec![
                Cell::Word(m.target.to_owned()),
                Cell::Number(format!("{:.3}", m.probability), String::new()),
                Cell::Number(if m.truth { "yes" } else { "no" }.to_owned(), String::new()),
                Cell::Number(m.action.to_owned(), String::new()),
                Cell::Text(m.text.clone()),
                Cell::Text(m.id.clone()),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let headings = ["label", "probability", "is it?", "action", "comment", "id"];
    format!(
        "<details><summary>Surest mistakes ({})</summary>\n{}</details>\n",
        rows.len(),
        table(&headings, &rows)
    )
}

/// Recall under disguise.
pub(super) fn evasion(evaluation: &Evaluation) -> String {
    let Some(found) = &evaluation.evasion else { return String::new() };
    let mut out = format!("<h2>Disguised {}</h2>\n", escape(found.target));
    for (name, set) in &found.sets {
        out.push_str(&evasion_set(name, set));
    }
    let rows: Vec<Vec<Cell>> = found
        .clean_text
        .iter()
        .map(|c| {
            vec![
                Cell::Word(c.language.clone()),
                Cell::count(c.comments),
                Cell::count(c.flagged),
                Cell::percent(c.share(c.flagged)),
                Cell::count(c.touched),
                Cell::count(c.touched_and_flagged),
                Cell::percent(c.share(c.touched_and_flagged)),
            ]
        })
        .collect();
    let headings = [
        "language",
        "clean comments",
        "flagged",
        "%",
        "undone as disguise",
        "of them flagged",
        "rise at most, points",
    ];
    out.push_str("<h3>False positives on clean text</h3>\n");
    out.push_str(&table(&headings, &rows));
    out
}

fn evasion_set(name: &str, set: &EvasionSet) -> String {
    let cells = |trick: &TrickFigures| {
        let fall = |of: fn(&Caught) -> Option<f64>| Some(100.0 * (of(&trick.disguised)? - of(&trick.clean)?));
        let points = |x: Option<f64>| {
            Cell::Number(x.map_or_else(|| "–".to_owned(), |x| format!("{x:+.1}")), String::new())
        };
        vec![
            Cell::Word(trick.name.clone()),
            Cell::count(trick.clean.comments),
            Cell::percent(trick.clean.at_policy),
            Cell::percent(trick.disguised.at_policy),
            points(fall(|c| c.at_policy)),
            Cell::percent(trick.clean.at_1_percent),
            Cell::percent(trick.disguised.at_1_percent),
            points(fall(|c| c.at_1_percent)),
            Cell::percent(trick.disguised.not_let_through),
        ]
    };
    let headings = [
        "trick",
        "comments",
        "clean %",
        "disguised %",
        "points",
        "clean % at 1 % FP",
        "disguised %",
        "points",
        "not let through %",
    ];
    let all = |tricks: &[TrickFigures]| table(&headings, &tricks.iter().map(cells).collect::<Vec<_>>());
    format!(
        "<section class=\"card\"><h2>{}</h2>\n<p class=\"actions\">{} positives, {} negatives</p>\n{}\
         <details><summary>Pairs of tricks ({}), worst first</summary>\n{}</details></section>\n",
        escape(name),
        set.positives,
        set.negatives,
        all(&set.singles),
        set.pairs.len(),
        all(&set.pairs)
    )
}

/// What the words mean.
pub(super) const LEGEND: &str = "<h2>What the words mean</h2>\n<dl>
<dt>ROC-AUC</dt><dd>The chance that a comment with the label gets a higher probability than one without. Below it: 95 % percentile interval of 1,000 stratified bootstrap resamples (Efron 1979).</dd>
<dt>PR-AUC</dt><dd>Mean precision at each positive, without interpolation (Davis &amp; Goadrich 2006).</dd>
<dt>F1, MCC</dt><dd>At the policy's hold threshold; overall: of everything that is not let through.</dd>
<dt>recall at x % FP</dt><dd>Positives caught when at most x % of the negatives, rounded down, lie above the cut. Below it: 95 % score interval (Wilson 1927), the cut taken as given.</dd>
<dt>log-loss, Brier</dt><dd>Mean negative log-likelihood in nats, probabilities kept 10⁻⁶ off 0 and 1; mean squared error.</dd>
<dt>ECE</dt><dd>Mean distance of claimed and held over 15 bins of equal width, weighted by size (Naeini et al. 2015).</dd>
<dt>overall</dt><dd>Would a moderator remove it: yes when any label is known to hold, no when every label that the set knows does not.</dd>
<dt>1-ROCA %, lam, hm, sm</dt><dd>As in the TREC spam tracks (Cormack 2007): ranking error, logistic average of ham and spam misclassification, and both.</dd>
</dl>
";
