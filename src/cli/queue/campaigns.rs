//! `tamis queue campaigns` and `tamis queue campaign show|decide`.
//!
//! May import: `api` (wire types).

use std::fmt::Write as _;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use console::Style;

use super::{
    act::{RuledArgs, request_id},
    words::{self, last, span},
};
use crate::{
    api::pb,
    cli::{
        print,
        remote::{Remote, json, told},
        terminal::{Screen, roughly, tame},
    },
};

/// Columns of a bar.
const BAR: u32 = 30;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum View {
    All,
    Waiting,
    Ruled,
}

/// Lists campaigns: near-duplicates that many wrote, the newest first.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Every one, those of which members wait, or those whose ruling later members inherit.
    #[arg(long, value_enum, default_value_t = View::All)]
    view: View,
    /// Most campaigns.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

/// One campaign.
#[derive(Debug, Args)]
pub(super) struct CampaignArgs {
    #[command(subcommand)]
    command: CampaignCommand,
}

#[derive(Debug, Subcommand)]
enum CampaignCommand {
    /// Shows wordings with what differs, spread, outcomes and members.
    Show(ShowArgs),
    /// Decides every member at once; later ones inherit it. Leads only.
    Decide(DecideArgs),
}

/// Shows wordings with what differs, spread, outcomes and members.
#[derive(Debug, Args)]
struct ShowArgs {
    /// The campaign: its name, or the last part of it.
    campaign: String,
    /// Members shown.
    #[arg(long, default_value_t = 10)]
    members: i32,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Decides every member at once; later ones inherit it. Leads only.
#[derive(Debug, Args)]
struct DecideArgs {
    /// The campaign: its name, or the last part of it.
    campaign: String,
    /// For how long later members inherit it: 1m to 90d; as the site says when absent.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    inherit_for: Option<prost_types::Duration>,
    /// How many later members may inherit it; 0 means none.
    #[arg(long, value_name = "N")]
    cap: Option<u32>,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
    /// As JSON, one object per call.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ruled: RuledArgs,
}

pub(super) async fn run(remote: &Remote, args: &CampaignArgs) -> Result<()> {
    match &args.command {
        CampaignCommand::Show(args) => show(remote, args).await,
        CampaignCommand::Decide(args) => decide(remote, args).await,
    }
}

pub(super) async fn list(remote: &Remote, args: &ListArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let view = match args.view {
        View::All => pb::CampaignView::All,
        View::Waiting => pb::CampaignView::Waiting,
        View::Ruled => pb::CampaignView::Ruled,
    };
    let mut request =
        pb::ListCampaignsRequest { parent: remote.site(), view: view.into(), ..Default::default() };
    let mut campaigns = Vec::new();
    while campaigns.len() < args.limit {
        request.page_size = i32::try_from(args.limit - campaigns.len()).unwrap_or(i32::MAX);
        let page = told(client.list_campaigns(request.clone()).await)?;
        campaigns.extend(page.campaigns);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if args.json {
        for campaign in &campaigns {
            print(&format!("{}\n", json("Campaign", campaign)?));
        }
        return Ok(());
    }
    print(&render_list(Screen::stdout(), &campaigns));
    if !request.page_token.is_empty() {
        print("(there are more: --limit shows them)\n");
    }
    Ok(())
}

fn render_list(screen: Screen, campaigns: &[pb::Campaign]) -> String {
    if campaigns.is_empty() {
        return "no campaigns\n".to_owned();
    }
    let row = |campaign: &pb::Campaign| {
        vec![
            last(&campaign.name).to_owned(),
            campaign.member_count.to_string(),
            campaign.waiting_count.to_string(),
            campaign.author_count.to_string(),
            campaign.article_count.to_string(),
            roughly(words::seconds_since(campaign.last_seen_time.as_ref())),
            campaign.ruling.as_ref().map_or_else(|| "-".to_owned(), told_ruling),
        ]
    };
    let rows: Vec<Vec<String>> = campaigns.iter().map(row).collect();
    let heads = ["campaign", "members", "wait", "authors", "articles", "last", "ruling"];
    let table = screen.table(&heads, &rows);
    let mut lines = table.lines();
    let mut out = format!("{}\n", lines.next().unwrap_or_default());
    for (line, campaign) in lines.zip(campaigns) {
        let text = screen.cut(&format!("    {}", tame(&campaign.excerpt)));
        out.push_str(&format!("{line}\n{text}\n"));
    }
    out
}

/// A ruling in a few words.
fn told_ruling(ruling: &pb::CampaignRuling) -> String {
    let mut told = words::disposition(ruling.disposition);
    if ruling.reason_code != 0 {
        let _ = write!(told, " ({})", words::reason(ruling.reason_code));
    }
    let left = -words::seconds_since(ruling.expire_time.as_ref());
    let _ = write!(told, ", inherited by {} of {}", ruling.inherited_count, ruling.cap);
    let _ = match (ruling.live, left > 0.0) {
        (true, _) => write!(told, ", {} left", roughly(left)),
        (false, true) => write!(told, ", {} beyond the cap", ruling.beyond_count),
        (false, false) => write!(told, ", over"),
    };
    told
}

async fn show(remote: &Remote, args: &ShowArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let request = pb::GetCampaignRequest {
        name: remote.name("campaigns", &args.campaign),
        page_size: args.members,
        page_token: String::new(),
    };
    let card = told(client.get_campaign(request).await)?;
    if args.json {
        print(&format!("{}\n", json("GetCampaignResponse", &card)?));
    } else {
        print(&render_card(Screen::stdout(), &card));
    }
    Ok(())
}

fn render_card(screen: Screen, card: &pb::GetCampaignResponse) -> String {
    let (campaign, bold) = (card.campaign.clone().unwrap_or_default(), Style::new().bold());
    let mut out = String::new();
    let mut heading = |text: &str, out: &mut String| {
        let _ = writeln!(out, "{}", screen.paint(&bold, &screen.cut(text)));
    };
    let head = format!(
        "{} · {} members, {} wait · {} authors, {} articles, {} other sites",
        last(&campaign.name),
        campaign.member_count,
        campaign.waiting_count,
        campaign.author_count,
        campaign.article_count,
        campaign.other_site_count
    );
    heading(&head, &mut out);
    if let Some(ruling) = &campaign.ruling {
        let line = format!("ruled by {}: {}", tame(&ruling.reviewer), told_ruling(ruling));
        let _ = writeln!(out, "{}", screen.cut(&line));
    }
    if let Some(outcomes) = &card.outcomes {
        let _ = writeln!(out, "{}", screen.cut(&told_outcomes(outcomes)));
    }
    heading("earliest copy", &mut out);
    if let Some(earliest) = &card.earliest {
        out.push_str(&screen.wrap(&tame(body(earliest)), 2));
    }
    heading(&format!("wordings ({})", card.variant_count), &mut out);
    for variant in &card.variants {
        let _ = writeln!(out, "{}", told_variant(screen, variant));
    }
    spread(screen, card.spread.as_ref(), &mut heading, &mut out);
    heading("members", &mut out);
    for member in &card.members {
        let verdict = member.verdict.clone().unwrap_or_default();
        let ruled = match &member.decision {
            Some(decision) => words::disposition(decision.disposition),
            None => words::action(verdict.action),
        };
        let age = roughly(words::seconds_since(verdict.create_time.as_ref()));
        let line = format!("  {age:>6} {ruled:<8} {}", tame(body(member)));
        let _ = writeln!(out, "{}", screen.cut(&line));
    }
    out
}

fn body(member: &pb::CampaignMember) -> &str {
    let comment = member.verdict.as_ref().and_then(|verdict| verdict.comment.as_ref());
    comment.map_or("", |comment| &comment.body)
}

fn told_outcomes(outcomes: &pb::CampaignOutcomes) -> String {
    let parts = [
        (outcomes.allowed_count, "published"),
        (outcomes.waiting_count, "wait"),
        (outcomes.refused_count, "refused by the filter"),
        (outcomes.inherited_count, "inherited the ruling"),
        (outcomes.approved_count, "approved"),
        (outcomes.rejected_count, "rejected"),
        (outcomes.erased_count, "erased"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(" · ")
}

/// A wording: what the earliest copy does not have stands between marks.
fn told_variant(screen: Screen, variant: &pb::CampaignVariant) -> String {
    let text = variant.example.as_ref().map_or("", body);
    let (mut marked, mut at) = (String::new(), 0);
    for change in &variant.changes {
        let (start, end) = (change.start as usize, change.end as usize);
        let (Some(same), Some(new)) = (text.get(at..start), text.get(start..end)) else { continue };
        let _ = write!(marked, "{same}[{new}]");
        at = end;
    }
    marked.push_str(text.get(at..).unwrap_or_default());
    screen.cut(&format!("  {:>4} × {}", variant.member_count, tame(&marked)))
}

fn spread(
    screen: Screen,
    spread: Option<&pb::CampaignSpread>,
    heading: &mut impl FnMut(&str, &mut String),
    out: &mut String,
) {
    let Some(spread) = spread else { return };
    for (title, shares) in [("authors", &spread.authors), ("articles", &spread.articles)] {
        if shares.is_empty() {
            continue;
        }
        let shown =
            shares.iter().take(8).map(|share| format!("{} {}", share.member_count, tame(last(&share.key))));
        let line = format!("{title}: {}", shown.collect::<Vec<_>>().join(" · "));
        let _ = writeln!(out, "{}", screen.cut(&line));
    }
    if !spread.sites.is_empty() {
        let names: Vec<String> = spread.sites.iter().map(|site| tame(last(&site.key))).collect();
        let _ = writeln!(out, "{}", screen.cut(&format!("also seen on: {}", names.join(", "))));
    }
    let most = spread.spans.iter().map(|span| span.member_count).max().unwrap_or(0).max(1);
    let each = roughly(spread.span_duration.as_ref().map_or(0.0, |each| each.seconds as f64));
    heading(&format!("over time, {each} a line"), out);
    for span in spread.spans.iter().filter(|span| span.member_count > 0) {
        let bar = "#".repeat((span.member_count * BAR).div_ceil(most) as usize);
        let ago = roughly(words::seconds_since(span.start_time.as_ref()));
        let _ = writeln!(out, "{}", screen.cut(&format!("  {ago:>6} ago {:>5} {bar}", span.member_count)));
    }
}

async fn decide(remote: &Remote, args: &DecideArgs) -> Result<()> {
    let mut client = remote.queue().await?;
    let mut request = pb::DecideCampaignRequest {
        name: remote.name("campaigns", &args.campaign),
        ruled: Some(args.ruled.ruled()),
        inherit_duration: args.inherit_for,
        inherit_cap: args.cap,
        validate_only: args.dry_run,
        request_id: request_id(),
        page_token: String::new(),
    };
    let mut sum = pb::DecideCampaignResponse::default();
    loop {
        let answer = told(client.decide_campaign(request.clone()).await)?;
        if args.json {
            print(&format!("{}\n", json("DecideCampaignResponse", &answer)?));
        }
        let error = sum.estimated_error + f64::from(answer.decided_count) * answer.estimated_error;
        request.page_token.clone_from(&answer.next_page_token);
        sum = pb::DecideCampaignResponse {
            decided_count: sum.decided_count + answer.decided_count,
            changed_count: sum.changed_count + answer.changed_count,
            settled_count: sum.settled_count + answer.settled_count,
            held_count: sum.held_count + answer.held_count,
            agreeing_count: sum.agreeing_count + answer.agreeing_count,
            failed_count: sum.failed_count + answer.failed_count,
            estimated_error: error,
            ..answer
        };
        if request.page_token.is_empty() {
            break;
        }
    }
    if !args.json {
        print(&render_outcome(Screen::stdout(), &sum, args.dry_run));
    }
    Ok(())
}

fn render_outcome(screen: Screen, sum: &pb::DecideCampaignResponse, dry_run: bool) -> String {
    let verb = if dry_run { "would be decided" } else { "decided" };
    let share = 100.0 * sum.estimated_error / f64::from(sum.decided_count.max(1));
    let mut out = format!(
        "{} {verb} ({} of them never waited); by the model's estimate {share:.1} % wrongly\n",
        sum.decided_count, sum.changed_count
    );
    for (count, what) in [
        (sum.settled_count, "were ruled on before and stay as they are"),
        (sum.held_count, "are held by somebody and left alone"),
        (sum.agreeing_count, "need no decision: the filter did the same"),
        (sum.failed_count, "were erased or changed meanwhile"),
    ] {
        if count > 0 {
            let _ = writeln!(out, "{count} {what}");
        }
    }
    for member in &sum.sample {
        let _ = writeln!(out, "{}", screen.cut(&format!("    {}", tame(body(member)))));
    }
    if let Some(ruling) =
        sum.campaign.as_ref().and_then(|campaign| campaign.ruling.as_ref()).filter(|_| !dry_run)
    {
        let _ = writeln!(out, "later members: {}", told_ruling(ruling));
    }
    if !sum.batch.is_empty() {
        let _ = writeln!(out, "undo all: tamis queue undo batches/{}", last(&sum.batch));
    }
    out
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;

    use super::*;

    fn member(text: &str) -> pb::CampaignMember {
        let comment = pb::Comment { body: text.to_owned(), ..Default::default() };
        let verdict = pb::Verdict { comment: Some(comment), ..Default::default() };
        pb::CampaignMember { verdict: Some(verdict), ..Default::default() }
    }

    #[test]
    fn cards_fit_and_are_harmless() {
        let changes = vec![pb::TextSpan { start: 5, end: 10 }];
        let variant = pb::CampaignVariant {
            example: Some(member("earn \u{1b}[2J 500 today")),
            member_count: 3,
            changes,
        };
        let share = |key: &str| pb::CampaignShare { key: key.to_owned(), member_count: 2 };
        let spread = pb::CampaignSpread {
            authors: vec![share("Maria\u{202e}"), share(&"x".repeat(90))],
            articles: vec![share("sites/news/articles/a1")],
            spans: vec![pb::CampaignSpan { start_time: None, member_count: 3 }],
            ..Default::default()
        };
        let card = pb::GetCampaignResponse {
            campaign: Some(pb::Campaign { member_count: 3, ..Default::default() }),
            earliest: Some(member(&"long ".repeat(60))),
            variants: vec![variant],
            spread: Some(spread),
            members: vec![member("one\ntwo")],
            ..Default::default()
        };
        for width in [60, 100] {
            let shown = render_card(Screen { width, colours: false }, &card);
            assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown}");
            assert!(shown.lines().all(|line| measure_text_width(line) <= width), "{shown}");
            assert!(shown.contains("3 members") && shown.contains("a1") && shown.contains("##"), "{shown}");
        }
    }

    #[test]
    fn what_differs_stands_between_marks() {
        let variant = pb::CampaignVariant {
            example: Some(member("Hello all, earn")),
            member_count: 7,
            changes: vec![pb::TextSpan { start: 6, end: 10 }],
        };
        let shown = told_variant(Screen { width: 80, colours: false }, &variant);
        assert_eq!(shown, "     7 × Hello [all,] earn");
    }
}
