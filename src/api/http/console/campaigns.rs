//! Campaigns: near-duplicates, what differs between their wordings, how they spread, and
//! one decision for all.
//!
//! May import: nothing more.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Console,
    asked::{Refused, constant, last},
    card::may_ban,
    frame::{Frame, show},
    text::{self, Piece},
};
use crate::{
    api::auth::Caller,
    moderation::Session,
    types::{ReasonCode, Span},
};

/// Campaigns of a page.
const PAGE: i32 = 50;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Ruling {
    disposition: String,
    reviewer: String,
    expire_time: String,
    cap: u32,
    inherited_count: u32,
    live: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Campaign {
    name: String,
    member_count: u32,
    waiting_count: u32,
    author_count: u32,
    article_count: u32,
    first_seen_time: String,
    last_seen_time: String,
    excerpt: String,
    ruling: Option<Ruling>,
}

impl Campaign {
    fn id(&self) -> &str {
        last(&self.name)
    }
    fn pieces(&self) -> Vec<Piece> {
        text::plain(&text::excerpt(&self.excerpt, 280))
    }
    fn ruled(&self) -> String {
        self.ruling.as_ref().map_or(String::new(), |ruling| constant("DISPOSITION_", &ruling.disposition))
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Listing {
    campaigns: Vec<Campaign>,
    next_page_token: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Comment {
    body: String,
    author: Option<Author>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Author {
    id: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Verdict {
    comment: Comment,
    create_time: String,
    action: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Decision {
    disposition: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Member {
    verdict: Option<Verdict>,
    decision: Option<Decision>,
    item: String,
    inherited: bool,
}

impl Member {
    fn author(&self) -> String {
        let author = self.verdict.as_ref().and_then(|verdict| verdict.comment.author.as_ref());
        author.map_or(String::new(), |a| if a.name.is_empty() { a.id.clone() } else { a.name.clone() })
    }
    fn at(&self) -> &str {
        self.verdict.as_ref().map_or("", |verdict| verdict.create_time.as_str())
    }
    fn pieces(&self) -> Vec<Piece> {
        self.verdict.as_ref().map_or(Vec::new(), |v| text::plain(&text::excerpt(&v.comment.body, 240)))
    }
    fn outcome(&self) -> String {
        match (&self.decision, &self.verdict) {
            (Some(decision), _) => constant("DISPOSITION_", &decision.disposition),
            (None, Some(verdict)) => constant("ACTION_", &verdict.action),
            (None, None) => String::new(),
        }
    }
    fn id(&self) -> &str {
        last(&self.item)
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct TextSpan {
    start: u32,
    end: u32,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Variant {
    example: Member,
    member_count: u32,
    changes: Vec<TextSpan>,
}

impl Variant {
    /// The wording with what the earliest copy does not have.
    fn pieces(&self) -> Vec<Piece> {
        let Some(verdict) = &self.example.verdict else { return Vec::new() };
        let span = |change: &TextSpan| {
            let (start, end) = (change.start, change.end);
            (Span::new(start, end), 0)
        };
        text::marked(&verdict.comment.body, &self.changes.iter().map(span).collect::<Vec<_>>())
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Share {
    key: String,
    member_count: u32,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct TimeSpan {
    start_time: String,
    member_count: u32,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Spread {
    authors: Vec<Share>,
    articles: Vec<Share>,
    spans: Vec<TimeSpan>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Outcomes {
    allowed_count: u32,
    waiting_count: u32,
    refused_count: u32,
    inherited_count: u32,
    approved_count: u32,
    rejected_count: u32,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Whole {
    campaign: Campaign,
    variants: Vec<Variant>,
    variant_count: u32,
    spread: Spread,
    outcomes: Outcomes,
    members: Vec<Member>,
}

/// A bar of the spread over time, placed in a drawing of 600 by 100.
struct TimeBar {
    x: String,
    y: String,
    width: String,
    height: String,
    count: u32,
    at: String,
}

#[derive(Template)]
#[template(path = "campaigns.html", config = "src/api/http/console/askama.toml")]
struct ListPage {
    f: Frame,
    rows: Vec<Campaign>,
    next: String,
    view: String,
}

#[derive(Template)]
#[template(path = "campaign.html", config = "src/api/http/console/askama.toml")]
struct CampaignPage {
    f: Frame,
    whole: Whole,
    bars: Vec<TimeBar>,
    reasons: Vec<&'static str>,
    bulk: bool,
}

/// What the address of the list says.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    view: String,
    page: String,
}

/// `GET /console/s/{site}/campaigns`.
pub(super) async fn list(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(session): Extension<Session>,
    Path(site): Path<String>,
    Query(Asked { view, page }): Query<Asked>,
) -> Result<Response, Refused> {
    let (site, f) = console.enter(&caller, &session, &site, "campaigns").await?;
    let view = if matches!(view.as_str(), "waiting" | "ruled") { view } else { "all".to_owned() };
    let request = json!({
        "parent": format!("sites/{site}"),
        "view": format!("CAMPAIGN_VIEW_{}", view.to_uppercase()),
        "pageSize": PAGE,
        "pageToken": page,
    });
    let answer: Listing = console.ask(&caller, ("QueueService", "ListCampaigns"), request).await?;
    Ok(show(&ListPage { f, rows: answer.campaigns, next: answer.next_page_token, view }))
}

/// `GET /console/s/{site}/campaigns/{id}`.
pub(super) async fn page(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(session): Extension<Session>,
    Path((site, id)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let (site, f) = console.enter(&caller, &session, &site, "campaigns").await?;
    let request = json!({ "name": format!("sites/{site}/campaigns/{id}"), "pageSize": PAGE });
    let whole: Whole = console.ask(&caller, ("QueueService", "GetCampaign"), request).await?;
    Ok(show(&CampaignPage {
        f,
        bars: bars(&whole.spread.spans),
        whole,
        reasons: ReasonCode::ALL.iter().map(|reason| reason.name()).collect(),
        bulk: may_ban(caller.actor().role),
    }))
}

fn bars(spans: &[TimeSpan]) -> Vec<TimeBar> {
    let most = spans.iter().map(|span| span.member_count).max().unwrap_or(1).max(1);
    let wide = 600.0 / spans.len().max(1) as f64;
    let bar = |(number, span): (usize, &TimeSpan)| {
        let height = 96.0 * f64::from(span.member_count) / f64::from(most);
        TimeBar {
            x: format!("{:.1}", number as f64 * wide),
            y: format!("{:.1}", 100.0 - height),
            width: format!("{:.1}", (wide - 1.5).max(1.0)),
            height: format!("{height:.1}"),
            count: span.member_count,
            at: span.start_time.clone(),
        }
    };
    spans.iter().enumerate().map(bar).collect()
}
