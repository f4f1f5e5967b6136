//! `tamis queue show`: everything around one item, for reading in a terminal.
//!
//! May import: `api` (wire types).

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use clap::Args;
use console::Style;

use super::words;
use crate::{
    api::pb,
    cli::{
        print,
        remote::{Remote, json, told},
        terminal::{Screen, roughly, tame, tame_lines},
    },
};

/// Shows one item with article, thread, author and reasons.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The item: its name, or the last part of it.
    item: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(remote: &Remote, args: &ShowArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let name = remote.name("queueItems", &args.item);
    let context = told(client.get_decision_context(pb::GetDecisionContextRequest { name }).await)?;
    if args.json {
        print(&format!("{}\n", json("GetDecisionContextResponse", &context)?));
        return Ok(());
    }
    print(&render(Screen::stdout(), &context)?);
    Ok(())
}

/// The context as text.
///
/// # Errors
///
/// The server left out the item.
pub(super) fn render(screen: Screen, context: &pb::GetDecisionContextResponse) -> Result<String> {
    let item = context.item.as_ref().context("the server told nothing of the item")?;
    let mut out = String::new();
    article(screen, context, &mut out);
    body(screen, context, item, &mut out);
    reasons(screen, item, &mut out);
    author(screen, context, &mut out);
    for report in &context.reports {
        let note = tame(&report.note);
        let line =
            format!("reported: {} (weight {:.2}) {note}", words::reason(report.reason_code), report.weight);
        let _ = writeln!(out, "{}", screen.cut(&line));
    }
    if !context.appeal_statement.is_empty() {
        heading(screen, "the author objects", &mut out);
        out.push_str(&screen.wrap(&tame_lines(&context.appeal_statement), 2));
    }
    if !item.campaign.is_empty() {
        let campaign = words::last(&item.campaign);
        heading(screen, &format!("near-duplicates (tamis queue campaign show {campaign})"), &mut out);
        neighbours(screen, "", &context.campaign_mates, &mut out);
    }
    neighbours(screen, "around it", &context.neighbours, &mut out);
    for decision in &context.decisions {
        let _ = writeln!(out, "{}", screen.cut(&told_decision(decision)));
    }
    Ok(out)
}

fn heading(screen: Screen, text: &str, out: &mut String) {
    let _ = writeln!(out, "{}", screen.paint(&Style::new().bold(), &screen.cut(text)));
}

fn article(screen: Screen, context: &pb::GetDecisionContextResponse, out: &mut String) {
    if let Some(article) = &context.article {
        heading(screen, &tame(&article.title), out);
        if !article.summary.is_empty() {
            out.push_str(&screen.wrap(&screen.cut(&tame(&article.summary)), 2));
        }
    }
    let parent = context.parent.as_ref().and_then(|parent| parent.verdict.as_ref());
    let answered = parent.and_then(|verdict| verdict.comment.as_ref()).map(|comment| &comment.body);
    if let Some(answered) = answered.filter(|text| !text.is_empty()) {
        let _ = writeln!(out, "{}", screen.cut(&format!("  answers: {}", tame(answered))));
    }
}

fn body(screen: Screen, context: &pb::GetDecisionContextResponse, item: &pb::QueueItem, out: &mut String) {
    let author = item.author.clone().unwrap_or_default();
    let causes: Vec<String> = item.causes.iter().map(|cause| words::cause(*cause)).collect();
    let head = format!(
        "{} · {} · {} · waits {}",
        words::last(&item.name),
        words::state(item.state),
        causes.join(","),
        roughly(words::seconds_since(item.wait_start_time.as_ref()))
    );
    let _ = writeln!(out, "{}", screen.paint(&Style::new().dim(), &screen.cut(&head)));
    let by = tame(words::author_name(&author));
    if !by.is_empty() {
        heading(screen, &format!("{by}:"), out);
    }
    out.push_str(&screen.wrap(&tame_lines(&item.body), 2));
    for view in context.views.iter().filter(|view| view.name != "V1") {
        let seen = format!("  as the filter saw it, {}: {}", tame(&view.description), tame(&marked(view)));
        let _ = writeln!(out, "{}", screen.paint(&Style::new().yellow(), &screen.cut(&seen)));
    }
}

/// The text of a reading with what reasons point at between marks.
fn marked(view: &pb::FilterView) -> String {
    let mut spans: Vec<(usize, usize)> = view
        .spans
        .iter()
        .filter_map(|one| one.span.as_ref())
        .map(|span| (span.start as usize, span.end as usize))
        .collect();
    spans.sort_unstable();
    let (mut out, mut at) = (String::new(), 0);
    for (start, end) in spans {
        let (Some(before), Some(part)) = (view.text.get(at..start), view.text.get(start..end)) else {
            continue;
        };
        let _ = write!(out, "{before}«{part}»");
        at = end;
    }
    out.push_str(view.text.get(at..).unwrap_or_default());
    out
}

fn reasons(screen: Screen, item: &pb::QueueItem, out: &mut String) {
    let line = format!(
        "{} · {:.0} % to be removed · most like {} ({:.0} %)",
        words::action(item.action),
        100.0 * item.probability,
        words::label(item.label),
        100.0 * item.label_probability
    );
    heading(screen, &line, out);
    for reason in item.reasons.iter().take(6) {
        let part = reason.span.and_then(|span| item.body.get(span.start as usize..span.end as usize));
        let part = part.map(|part| format!(" «{}»", tame(part))).unwrap_or_default();
        let line = format!("  {:+.2} {}{part}", reason.log_odds, tame(&reason.message));
        let _ = writeln!(out, "{}", screen.cut(&line));
    }
}

fn author(screen: Screen, context: &pb::GetDecisionContextResponse, out: &mut String) {
    if let Some(author) = &context.author {
        let rule = match author.action {
            0 => String::new(),
            action => format!(" · {}", words::author_action(action)),
        };
        // The rate of somebody on whom nobody ruled is one half: it would say nothing.
        let rate = match author.approved_count + author.rejected_count {
            0 => String::new(),
            _ => format!(" ({:.0} % rejection rate)", 100.0 * author.rejection_rate),
        };
        let line = format!(
            "author: comments {}, approved {}, rejected {}{rate}{rule}",
            author.seen_count, author.approved_count, author.rejected_count
        );
        heading(screen, &line, out);
    }
    neighbours(screen, "", &context.author_comments, out);
    for reputation in context.reputations.iter().filter(|one| one.approved_count + one.rejected_count > 0) {
        let what = match pb::ReputationKind::try_from(reputation.kind) {
            Ok(pb::ReputationKind::Network) => "from the same network",
            Ok(pb::ReputationKind::Domain) => "with a link to",
            Ok(pb::ReputationKind::EmailDomain) => "from the same mail domain",
            Ok(pb::ReputationKind::Text) => "with the same text",
            Ok(pb::ReputationKind::Unspecified) | Err(_) => continue,
        };
        let line = format!(
            "  {what} {}: comments {}, approved {}, rejected {}",
            tame(&reputation.value),
            reputation.seen_count,
            reputation.approved_count,
            reputation.rejected_count
        );
        let _ = writeln!(out, "{}", screen.cut(&line.replace(" :", ":")));
    }
}

fn neighbours(screen: Screen, title: &str, comments: &[pb::NeighbourComment], out: &mut String) {
    if !title.is_empty() && !comments.is_empty() {
        heading(screen, title, out);
    }
    for comment in comments {
        let Some(verdict) = &comment.verdict else { continue };
        let ruled = match comment.outcome {
            0 => words::action(verdict.action),
            outcome => words::disposition(outcome),
        };
        let body = verdict.comment.as_ref().map(|comment| tame(&comment.body)).unwrap_or_default();
        let _ = writeln!(out, "{}", screen.cut(&format!("  {ruled:<8} {body}")));
    }
}

/// A decision in one line.
pub(super) fn told_decision(decision: &pb::Decision) -> String {
    let mut line = format!("{} by {}", words::disposition(decision.disposition), tame(&decision.reviewer));
    if decision.reason_code != 0 {
        let _ = write!(line, ": {}", words::reason(decision.reason_code));
    }
    if !decision.policy_clause.is_empty() {
        let _ = write!(line, " ({})", tame(&decision.policy_clause));
    }
    if !decision.note.is_empty() {
        let _ = write!(line, " · {}", tame(&decision.note));
    }
    let _ = write!(line, " · {}", words::last(&decision.name));
    line
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;

    use super::*;

    #[test]
    fn an_item_is_shown_whole_and_harmless() {
        let reason = |message: &str, log_odds| pb::Reason {
            message: message.to_owned(),
            log_odds,
            span: Some(pb::TextSpan { start: 4, end: 8 }),
            ..Default::default()
        };
        let context = pb::GetDecisionContextResponse {
            item: Some(pb::QueueItem {
                name: "sites/news/queueItems/01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
                body: "Fix\u{7}oder \u{202e}repair".to_owned(),
                state: pb::QueueItemState::Open.into(),
                reasons: vec![reason("0 of 4 words relate to the article", 1.5)],
                ..Default::default()
            }),
            article: Some(pb::ArticleContent { title: "Xi hosts Putin".to_owned(), ..Default::default() }),
            author: Some(pb::AuthorRecord { seen_count: 3, rejection_rate: 0.4, ..Default::default() }),
            views: vec![pb::FilterView {
                name: "V2".to_owned(),
                description: "look-alikes".to_owned(),
                text: "fix or repair".to_owned(),
                spans: vec![pb::FilterViewSpan { span: Some(pb::TextSpan { start: 4, end: 6 }), reason: 0 }],
            }],
            ..Default::default()
        };
        let shown = render(Screen { width: 60, colours: false }, &context).unwrap();
        for want in ["Xi hosts Putin", "0 of 4 words", "«oder»", "fix «or» repair", "comments 3", r"\u{7}"]
        {
            assert!(shown.contains(want), "{want}: {shown}");
        }
        assert!(!shown.contains('\u{7}') && !shown.contains('\u{202e}'));
        assert!(shown.lines().all(|line| measure_text_width(line) <= 60), "{shown}");
    }
}
