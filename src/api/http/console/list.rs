//! The list view: many items, filtered, selected, decided together.
//!
//! May import: `types`, `moderation`.

use std::collections::HashMap;

use askama::Template;
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};

use super::{
    Console,
    card::{action_words, causes, label_words, may_ban, percent, state_name},
    filter::FilterQuery,
    frame::{Frame, moment, show},
    names::Names,
    text,
};
use crate::{
    api::{auth::Caller, convert::queue::ListCall, http::answer::Refusal},
    moderation::{ModerationError, Session},
    store::{Placed, StoreError},
    types::{Label, ReasonCode, SiteId},
};

/// Characters of a comment in a row.
const EXCERPT: usize = 240;

/// One row.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) state: &'static str,
    pub(super) text: Vec<text::Piece>,
    pub(super) author: String,
    pub(super) article: String,
    pub(super) label: &'static str,
    pub(super) percent: String,
    pub(super) action: &'static str,
    pub(super) causes: Vec<&'static str>,
    pub(super) since: String,
    pub(super) holder: String,
    pub(super) mine: bool,
    pub(super) expires: String,
    pub(super) blurred: bool,
    pub(super) why: String,
    pub(super) section: String,
}

#[derive(Template)]
#[template(path = "list.html", config = "src/api/http/console/askama.toml")]
struct ListPage {
    f: Frame,
    rows: Vec<Row>,
    query: FilterQuery,
    address: String,
    next: String,
    waiting: u64,
    queues: Vec<(String, String)>,
    reasons: Vec<&'static str>,
    bulk: bool,
}

impl ListPage {
    /// Parts of the filter that no field of the form shows.
    fn others(&self) -> Vec<(&'static str, &String)> {
        let FilterQuery { article, section, language, author, rule, campaign, min, max, action, .. } =
            &self.query;
        let all = [
            ("section", section),
            ("language", language),
            ("author", author),
            ("article", article),
            ("rule", rule),
            ("campaign", campaign),
            ("min", min),
            ("max", max),
            ("action", action),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

/// `GET /console/s/{site}/list`.
pub(super) async fn page(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(session): Extension<Session>,
    Path(site): Path<String>,
    Query(query): Query<FilterQuery>,
) -> Result<Response, Refusal> {
    let (site, f) = console.enter(&caller, &session, &site, "list").await?;
    let ListCall { site, ask, binding, parts: _ } = ListCall::try_from(query.list(site.as_str()))?;
    let (_, page) = console.queue.list(caller.actor(), &site, ask).await?;
    let next = ListCall::issue(binding, page.next);
    let rows = console.rows(&caller, &site, page.rows).await?;
    let queues = console.queue.queues(caller.actor(), &site).await?;
    let queues = queues.into_iter().map(|queue| {
        let words = if queue.display_name.is_empty() { queue.name.to_string() } else { queue.display_name };
        (queue.name.to_string(), words)
    });
    Ok(show(&ListPage {
        f,
        rows,
        address: query.address(""),
        next: if next.is_empty() { String::new() } else { query.address(&next) },
        query,
        waiting: console.waiting(&caller, &site).await?,
        queues: queues.collect(),
        reasons: ReasonCode::ALL.iter().map(|reason| reason.name()).collect(),
        bulk: may_ban(caller.actor().role),
    }))
}

impl Console {
    /// Rows of items; one whose comment was erased is left out.
    pub(super) async fn rows(
        &self,
        caller: &Caller,
        site: &SiteId,
        items: Vec<Placed>,
    ) -> Result<Vec<Row>, Refusal> {
        let mut names = Names::new(&self.keys, caller.key());
        let mut titles: HashMap<String, String> = HashMap::new();
        let mut rows = Vec::with_capacity(items.len());
        for placed in items {
            let verdict = match self.queue.verdict_behind(site, &placed).await {
                Ok(verdict) => verdict,
                Err(ModerationError::Store(StoreError::UnknownVerdict(_))) => continue,
                Err(error) => return Err(error.into()),
            };
            let title = match &verdict.article {
                Some(id) => match titles.get(id.as_str()) {
                    Some(title) => title.clone(),
                    None => {
                        let title = self.title(site, id).await?;
                        titles.insert(id.to_string(), title.clone());
                        title
                    }
                },
                None => String::new(),
            };
            let item = &placed.item;
            let holder = match &item.lease {
                Some(lease) => names.of(&lease.holder).await?,
                None => String::new(),
            };
            rows.push(Row {
                id: item.id.to_string(),
                state: state_name(item.state),
                text: text::plain(&text::excerpt(verdict.body.as_str(), EXCERPT)),
                author: text::excerpt(verdict.author_name.as_deref().unwrap_or(""), 60),
                article: title,
                label: label_words(item.label()),
                percent: percent(item.overall),
                action: action_words(item.action),
                causes: causes(item),
                since: moment(item.waiting_since),
                mine: item.lease.as_ref().is_some_and(|lease| names.is_own(&lease.holder)),
                holder,
                expires: item.lease.as_ref().map_or(String::new(), |lease| moment(lease.expires_at)),
                blurred: item.labels[Label::Abuse].get() >= 0.5,
                section: item.section.clone().unwrap_or_default(),
                why: placed.why,
            });
        }
        Ok(rows)
    }

    /// The title of an article; empty when it was never put.
    async fn title(&self, site: &SiteId, id: &crate::types::ArticleId) -> Result<String, Refusal> {
        match self.articles.get(site, id).await {
            Ok(article) => Ok(text::excerpt(&article.fields.title, 120)),
            Err(ModerationError::UnknownArticle(_)) => Ok(String::new()),
            Err(error) => Err(error.into()),
        }
    }
}
