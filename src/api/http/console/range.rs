//! The range view: all open items by their probability, a part of it chosen by two
//! handles, a look at some of that part at random, then one decision for all of it.
//!
//! May import: `types`, `moderation`.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use rand::seq::IndexedRandom as _;

use super::{
    Console,
    card::may_ban,
    filter::FilterQuery,
    focus::Words,
    frame::{Frame, show},
    list::Row,
};
use crate::{
    api::{auth::Caller, convert::queue::ListCall, http::answer::Refusal},
    moderation::Session,
    store::Placed,
    types::{ReasonCode, SiteId},
};

/// Columns of the chart, one for each percent.
const COLUMNS: usize = 100;
/// Most items that are counted; a note says when there are more.
const MOST: usize = 10_000;
/// Items looked at before a decision on many, unless fewer are there.
const SAMPLE: usize = 10;

/// One column.
pub(super) struct Column {
    pub(super) from: usize,
    pub(super) count: usize,
    /// Of these, items on which a rule spoke.
    pub(super) ruled: usize,
    /// Sum of the probabilities that an item is good, and of their variances: what the
    /// estimate before any look is made of.
    pub(super) good: String,
    pub(super) spread: String,
}

#[derive(Template)]
#[template(path = "range.html", config = "src/api/http/console/askama.toml")]
struct RangePage {
    f: Frame,
    columns: Vec<Column>,
    total: usize,
    more: bool,
    query: FilterQuery,
    address: String,
    reasons: Vec<&'static str>,
    bulk: bool,
    sample: usize,
}

#[derive(Template)]
#[template(path = "rows.html", config = "src/api/http/console/askama.toml")]
struct Rows {
    f: Words,
    rows: Vec<Row>,
    total: usize,
}

/// `GET /console/s/{site}/range`.
pub(super) async fn page(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(session): Extension<Session>,
    Path(site): Path<String>,
    Query(query): Query<FilterQuery>,
) -> Result<Response, Refusal> {
    let (site, f) = console.enter(&caller, &session, &site, "range").await?;
    let (items, more) = console.open(&caller, &site, &query).await?;
    Ok(show(&RangePage {
        f,
        columns: columns(&items),
        total: items.len(),
        more,
        address: query.address(""),
        query,
        reasons: ReasonCode::ALL.iter().map(|reason| reason.name()).collect(),
        bulk: may_ban(caller.actor().role),
        sample: SAMPLE,
    }))
}

/// `GET /console/s/{site}/range/sample`: some of a part, drawn at random.
pub(super) async fn sample(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Path(site): Path<String>,
    Query(query): Query<FilterQuery>,
) -> Result<Response, Refusal> {
    let site = console.site(&caller, &site).await?;
    let (items, _) = console.open(&caller, &site, &query).await?;
    let total = items.len();
    let count = query.count.parse::<usize>().unwrap_or(SAMPLE).clamp(1, 50);
    let drawn: Vec<Placed> = items.choose_multiple(&mut rand::rng(), count).cloned().collect();
    Ok(show(&Rows { f: Words, rows: console.rows(&caller, &site, drawn).await?, total }))
}

fn columns(items: &[Placed]) -> Vec<Column> {
    let mut sums = vec![(0, 0, 0.0, 0.0); COLUMNS];
    for placed in items {
        let p = placed.item.overall.get();
        let at = ((p * COLUMNS as f64) as usize).min(COLUMNS - 1);
        if let Some((count, ruled, good, spread)) = sums.get_mut(at) {
            *count += 1;
            *ruled += usize::from(!placed.item.rules.is_empty());
            *good += 1.0 - p;
            *spread += p * (1.0 - p);
        }
    }
    let column = |(from, (count, ruled, good, spread)): (usize, (usize, usize, f64, f64))| Column {
        from,
        count,
        ruled,
        good: format!("{good:.3}"),
        spread: format!("{spread:.3}"),
    };
    sums.into_iter().enumerate().map(column).collect()
}

impl Console {
    /// Open items of a filter, up to a bound, and whether there are more.
    async fn open(
        &self,
        caller: &Caller,
        site: &SiteId,
        query: &FilterQuery,
    ) -> Result<(Vec<Placed>, bool), Refusal> {
        let query = FilterQuery { state: String::new(), page: String::new(), ..query.clone() };
        let ListCall { site, mut ask, .. } = ListCall::try_from(query.list(site.as_str()))?;
        ask.page.size = 500;
        let mut items = Vec::new();
        loop {
            let (_, page) = self.queue.list(caller.actor(), &site, ask.clone()).await?;
            items.extend(page.rows);
            ask.page.after = page.next;
            if ask.page.after.is_none() || items.len() >= MOST {
                items.truncate(MOST);
                return Ok((items, ask.page.after.is_some()));
            }
        }
    }
}
