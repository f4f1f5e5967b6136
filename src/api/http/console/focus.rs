//! The focus view: one comment large, the next one ready behind it.
//!
//! Opening it takes the next items: a lease is short, renewed by the page while it is
//! looked at, and given back when it is left. What somebody holds already comes first, so
//! that a page that is opened again goes on where it was.
//!
//! May import: `types`, `moderation`.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};

use super::{
    Console,
    card::{Card, may_ban},
    filter::FilterQuery,
    frame::{Frame, show},
    names::Names,
};
use crate::{
    api::{auth::Caller, convert::queue::ClaimCall, http::answer::Refusal},
    moderation::{
        ModerationError, Session,
        queue::{ListAsk, Scope, Wanted},
    },
    store::{Placed, StoreError},
    types::{ItemState, PageRequest, QueueItemId, QueueOrder, ReasonCode, SiteId},
};

/// Items that a page holds: the one in front and the next ones.
const HELD: usize = 3;
/// Most items taken in one go.
const MOST: usize = 10;

#[derive(Template)]
#[template(path = "focus.html", config = "src/api/http/console/askama.toml")]
struct FocusPage {
    f: Frame,
    cards: Vec<Card>,
    query: String,
    filtered: bool,
    waiting: u64,
    reasons: Vec<&'static str>,
    may_ban: bool,
    single: bool,
}

#[derive(Template)]
#[template(path = "cards.html", config = "src/api/http/console/askama.toml")]
struct Cards {
    cards: Vec<Card>,
    waiting: u64,
    f: Words,
}

/// The words alone, for pieces of a page.
pub(super) struct Words;

impl Words {
    pub(super) fn t(&self, key: &str) -> String {
        super::strings::t(key).to_owned()
    }
}

/// `GET /console/s/{site}/focus`.
pub(super) async fn page(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(session): Extension<Session>,
    Path(site): Path<String>,
    Query(query): Query<FilterQuery>,
) -> Result<Response, Refusal> {
    let (site, f) = console.enter(&caller, &session, &site, "focus").await?;
    let mut items = Vec::new();
    if !query.item.is_empty() {
        items.extend(console.take_one(&caller, &site, &query.item).await?);
    }
    let held = console.held(&caller, &site).await?;
    let new = held.into_iter().filter(|id| !items.contains(id)).collect::<Vec<_>>();
    items.extend(new);
    items.truncate(MOST);
    if items.len() < HELD {
        items.extend(console.take(&caller, &site, &query, HELD - items.len()).await?);
    }
    console.focus(&caller, &site, f, (items, query, false)).await
}

/// `GET /console/s/{site}/items/{id}`: one item, whoever has it.
pub(super) async fn item(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(session): Extension<Session>,
    Path((site, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (site, f) = console.enter(&caller, &session, &site, "focus").await?;
    let id = item_id(&id)?;
    console.focus(&caller, &site, f, (vec![id], FilterQuery::default(), true)).await
}

/// `POST /console/s/{site}/next`: takes further items and answers their cards.
pub(super) async fn next(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Path(site): Path<String>,
    Query(query): Query<FilterQuery>,
) -> Result<Response, Refusal> {
    let site = console.site(&caller, &site).await?;
    let items = match query.item.as_str() {
        "" => {
            let count = query.count.parse::<usize>().unwrap_or(1).clamp(1, MOST);
            console.take(&caller, &site, &query, count).await?
        }
        item => console.take_one(&caller, &site, item).await?,
    };
    let cards = console.cards(&caller, &site, items).await?;
    let waiting = console.waiting(&caller, &site).await?;
    Ok(show(&Cards { cards, waiting, f: Words }))
}

fn item_id(text: &str) -> Result<QueueItemId, ModerationError> {
    QueueItemId::parse(text)
        .map_err(|error| ModerationError::Field { field: "item", must: error.to_string() })
}

impl Console {
    async fn focus(
        &self,
        caller: &Caller,
        site: &SiteId,
        f: Frame,
        (items, query, single): (Vec<QueueItemId>, FilterQuery, bool),
    ) -> Result<Response, Refusal> {
        let cards = self.cards(caller, site, items).await?;
        Ok(show(&FocusPage {
            f,
            cards,
            query: query.address(""),
            filtered: query.is_set(),
            waiting: self.waiting(caller, site).await?,
            reasons: ReasonCode::ALL.iter().map(|reason| reason.name()).collect(),
            may_ban: may_ban(caller.actor().role),
            single,
        }))
    }

    /// How many items wait that nobody holds.
    pub(super) async fn waiting(&self, caller: &Caller, site: &SiteId) -> Result<u64, Refusal> {
        Ok(self.queue.stats(caller.actor(), site).await?.stats.open)
    }

    /// Items that the caller holds, those whose lease ends first in front.
    async fn held(&self, caller: &Caller, site: &SiteId) -> Result<Vec<QueueItemId>, Refusal> {
        let ask = ListAsk {
            scope: Scope::Site,
            wanted: Wanted::default(),
            order: Some(QueueOrder::Oldest),
            state: ItemState::Claimed,
            page: PageRequest { size: 200, after: None },
        };
        let (_, page) = self.queue.list(caller.actor(), site, ask).await?;
        let own =
            |placed: &Placed| placed.item.lease.as_ref().is_some_and(|lease| lease.holder == *caller.key());
        Ok(page.rows.into_iter().filter(own).map(|placed| placed.item.id).collect())
    }

    /// Takes the next items of a filter.
    async fn take(
        &self,
        caller: &Caller,
        site: &SiteId,
        query: &FilterQuery,
        count: usize,
    ) -> Result<Vec<QueueItemId>, Refusal> {
        let count = i32::try_from(count).unwrap_or(1);
        let (site, ask) = ClaimCall::try_from(query.claim(site.as_str(), count))?.by(caller.key());
        let (_, claimed) = self.queue.claim(caller.actor(), &site, ask).await?;
        Ok(claimed.into_iter().map(|placed| placed.item.id).collect())
    }

    /// Takes one item if nobody else has it, and answers it in any case.
    async fn take_one(
        &self,
        caller: &Caller,
        site: &SiteId,
        item: &str,
    ) -> Result<Vec<QueueItemId>, Refusal> {
        let id = item_id(item)?;
        let call = FilterQuery::claim_item(site.as_str(), &id.to_string());
        let (site, ask) = ClaimCall::try_from(call)?.by(caller.key());
        self.queue.claim(caller.actor(), &site, ask).await?;
        Ok(vec![id])
    }

    /// The cards of items; one that was erased meanwhile is left out.
    async fn cards(
        &self,
        caller: &Caller,
        site: &SiteId,
        items: Vec<QueueItemId>,
    ) -> Result<Vec<Card>, Refusal> {
        let policy = self.sites.get(site).await?.policy;
        let mut names = Names::new(&self.keys, caller.key());
        let mut cards = Vec::with_capacity(items.len());
        let single = items.len() == 1;
        for id in items {
            let context = match self.queue.context(caller.actor(), site, id).await {
                Ok(context) => context,
                Err(ModerationError::Store(StoreError::UnknownVerdict(_))) if !single => continue,
                Err(error) => return Err(error.into()),
            };
            cards.push(Card::new(context, &policy, &mut names).await?);
        }
        Ok(cards)
    }
}
