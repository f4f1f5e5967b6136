//! The report of an evaluation: one HTML file that needs nothing else.
//!
//! Reads top to bottom as the page does. Texts of comments are hostile: all text goes
//! through [`html`], and the page forbids scripts and connections. May import:
//! `classifier`, the rest of `learning`.

mod card;
mod html;
mod plots;
mod sections;

use super::Evaluation;
use html::escape;

pub use card::card_text;

const STYLE: &str = include_str!("report.css");

/// The page.
#[must_use]
pub fn report(evaluation: &Evaluation) -> String {
    let mut body = String::new();
    let model = match evaluation.model.as_str() {
        "" => "Bundles trained for this report".to_owned(),
        id => format!("Model <code>{}</code>", escape(id)),
    };
    let policy = match evaluation.policy.as_str() {
        "" => String::new(),
        name => format!(" · policy <b>{}</b>", escape(name)),
    };
    body.push_str(&format!(
        "<header><h1>{model}</h1><p>{}{policy}</p></header>\n",
        escape(&evaluation.protocol)
    ));
    body.push_str(&sections::contents(evaluation));
    body.push_str(&sections::figures(evaluation));
    body.push_str(&sections::means(evaluation));
    body.push_str(&sections::online(evaluation));
    body.push_str(&sections::evasion(evaluation));
    for (name, set) in &evaluation.sets {
        body.push_str(&sections::set(name, set));
    }
    if let Some(pooled) = &evaluation.pooled {
        body.push_str(&sections::set("All sets together", pooled));
    }
    body.push_str(sections::LEGEND);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>tamis: evaluation</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        classifier::{Scored, figures, histogram, precision_recall_curve, reliability, roc_curve},
        learning::{Curves, Mistake, SetFigures},
    };

    fn evaluation(text: &str) -> Evaluation {
        let scored: Vec<Scored> = (0..200)
            .map(|i| Scored::at(f64::from(i * 37 % 200) / 200.0, i * 37 % 200 > 90 + i % 20, 0.5))
            .collect();
        let curves = Curves {
            roc: roc_curve(&scored, 100),
            precision_recall: precision_recall_curve(&scored, 100),
            reliability: reliability(&scored),
            histogram: histogram(&scored),
        };
        let mistake = Mistake {
            id: text.to_owned(),
            target: "spam",
            probability: 0.99,
            truth: false,
            action: "REJECT",
            text: text.to_owned(),
        };
        let set = SetFigures {
            comments: 200,
            labels: [("spam".to_owned(), figures(&scored))].into(),
            curves: [("spam".to_owned(), curves)].into(),
            mistakes: vec![mistake],
            ..SetFigures::default()
        };
        Evaluation {
            model: text.to_owned(),
            protocol: text.to_owned(),
            sets: [(text.to_owned(), set)].into(),
            ..Evaluation::default()
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        let text = "</td><script>alert(1)</script>\" onload='x' \u{202E}gnp\u{200B} &amp; <!-- \u{0}";
        let page = report(&evaluation(text));
        for bad in ["<script", "onload='", "\u{202E}", "\u{200B}", "<!-- ", "\u{0}"] {
            assert!(!page.contains(bad), "{bad:?} came through");
        }
        assert!(page.contains("&lt;script&gt;") && page.contains("U+202E") && page.contains("&amp;amp;"));
    }

    #[test]
    fn the_page_stands_alone() {
        let page = report(&evaluation("dev"));
        for outside in ["src=", "href=\"http", "url(", "@import", "<link"] {
            assert!(!page.contains(outside), "{outside} points elsewhere");
        }
        assert_eq!(page.matches("<svg").count(), 4, "two curves, calibration, histogram");
        assert!(!page.contains("#0101"), "every colour follows the theme");
        assert_eq!(page, report(&evaluation("dev")), "the same figures, the same page");
    }
}
