//! What a person needs to decide, gathered in one go.
//!
//! May import: `types`, `text`, `store`.

use super::{Deed, QueueDesk};
use crate::{
    moderation::{Actor, ModerationError},
    store::{ItemQuery, Placed, VerdictFilter},
    text::{Document, ViewKind},
    types::{
        ArticleFields, AuthorRule, Decision, FiledReport, ItemState, PageRequest, QueueFilter, QueueItem,
        QueueItemId, QueueOrder, SiteId, Tally, TallyKind, Timestamp, Verdict, VerdictId,
    },
};

/// Comments shown before and after, of the author, and of the campaign.
const NEIGHBOURS: usize = 5;
const OF_AUTHOR: usize = 10;
const MATES: usize = 20;

/// A comment beside the one in question.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// The verdict on it.
    pub verdict: Verdict,
    /// The decision in force on it.
    pub decision: Option<Decision>,
}

/// What is known of an author.
#[derive(Clone, Debug)]
pub struct AuthorRecord {
    /// What holds for the author now.
    pub rule: Option<AuthorRule>,
    /// The author's counts.
    pub tally: Tally,
}

impl AuthorRecord {
    /// Share of rejected among decided under a prior of one of two (Laplace 1814),
    /// in `[0, 1]`: one half while nothing is known.
    #[must_use]
    pub fn rejection_rate(&self) -> f64 {
        let Tally { approved, rejected, .. } = self.tally;
        (f64::from(rejected) + 1.0) / (f64::from(approved) + f64::from(rejected) + 2.0)
    }
}

/// The text in one reading of the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterView {
    /// Its short name: `V2`.
    pub name: &'static str,
    /// What the reading does.
    pub description: &'static str,
    /// The text as read.
    pub text: String,
}

/// Everything around an item.
#[derive(Clone, Debug)]
pub struct DecisionContext {
    /// The item.
    pub placed: Placed,
    /// Every decision on it, oldest first.
    pub decisions: Vec<Decision>,
    /// The verdict.
    pub verdict: Verdict,
    /// The article, when it was put.
    pub article: Option<ArticleFields>,
    /// The comment answered, when it was scored here.
    pub parent: Option<Neighbour>,
    /// Comments under the same article around this one, oldest first.
    pub neighbours: Vec<Neighbour>,
    /// What is known of the author.
    pub author: Option<AuthorRecord>,
    /// The author's other comments, newest first.
    pub author_comments: Vec<Neighbour>,
    /// Other comments of the campaign, oldest first.
    pub mates: Vec<Neighbour>,
    /// Readers' reports, oldest first.
    pub reports: Vec<FiledReport>,
    /// What the author said, while an appeal is open.
    pub appeal_statement: Option<String>,
    /// How the filter read the text where that differs.
    pub views: Vec<FilterView>,
}

impl QueueDesk {
    /// Gathers what a person needs to decide an item.
    ///
    /// # Errors
    ///
    /// `QUEUE_ITEM_NOT_FOUND`, `VERDICT_NOT_FOUND`.
    pub async fn context(
        &self,
        caller: &Actor,
        site: &SiteId,
        id: QueueItemId,
    ) -> Result<DecisionContext, ModerationError> {
        let item = self.reachable(caller, site, id, Deed::Look).await?;
        let store = &self.desk.store;
        let placed = self.placed(item, QueueOrder::ValueOfLook);
        let verdict = self.verdict_behind(site, &placed).await?;
        let item = &placed.item;
        let article = match &verdict.article {
            Some(id) => store.article(site, id).await?.map(|article| article.fields),
            None => None,
        };
        let parent = match &verdict.parent {
            Some(id) => store.verdict_of(site, id).await?,
            None => None,
        };
        let parent = match parent {
            Some(parent) => Some(self.neighbour(site, parent).await?),
            None => None,
        };
        let statement = match item.appeal {
            Some(id) => store.appeal(site, id).await?.map(|appeal| appeal.statement),
            None => None,
        };
        Ok(DecisionContext {
            decisions: store.decisions_on(site, id).await?,
            article,
            parent,
            neighbours: self.around(site, &verdict).await?,
            author: self.author_record(site, item).await?,
            author_comments: self.by_author(site, item, verdict.id).await?,
            mates: self.mates(site, item, verdict.id).await?,
            reports: store.reports_on(site, verdict.id).await?,
            appeal_statement: statement,
            views: views(&verdict),
            verdict,
            placed,
        })
    }

    async fn neighbour(&self, site: &SiteId, verdict: Verdict) -> Result<Neighbour, ModerationError> {
        let item = self.desk.store.item_of(site, verdict.id).await?;
        let decision = match item.and_then(|item| item.decision) {
            Some(id) => self.desk.store.decision(site, id).await?,
            None => None,
        };
        Ok(Neighbour { verdict, decision })
    }

    async fn neighbours(
        &self,
        site: &SiteId,
        verdicts: Vec<Verdict>,
    ) -> Result<Vec<Neighbour>, ModerationError> {
        let mut found = Vec::with_capacity(verdicts.len());
        for verdict in verdicts {
            found.push(self.neighbour(site, verdict).await?);
        }
        Ok(found)
    }

    /// Comments under the same article, oldest first. The store looks at a bounded
    /// number of verdicts for each side.
    async fn around(&self, site: &SiteId, verdict: &Verdict) -> Result<Vec<Neighbour>, ModerationError> {
        let Some(article) = &verdict.article else { return Ok(Vec::new()) };
        let of_article = VerdictFilter { article: Some(article.clone()), ..VerdictFilter::default() };
        let later = VerdictFilter { from: Some(verdict.created_at), ..of_article.clone() };
        let newest = PageRequest { size: NEIGHBOURS + 1, after: None };
        let after = self.desk.store.verdicts(site, &later, newest).await?.rows;
        let older = PageRequest { size: NEIGHBOURS, after: Some(verdict.id) };
        let before = self.desk.store.verdicts(site, &of_article, older).await?.rows;
        let after = after.into_iter().filter(|other| other.id > verdict.id).take(NEIGHBOURS);
        let mut around: Vec<Verdict> = after.chain(before).collect();
        around.reverse();
        self.neighbours(site, around).await
    }

    async fn author_record(
        &self,
        site: &SiteId,
        item: &QueueItem,
    ) -> Result<Option<AuthorRecord>, ModerationError> {
        let Some(digest) = item.author else { return Ok(None) };
        let key = crate::types::TallyKey { kind: TallyKind::Author, digest };
        let tally = self.desk.store.tallies(site, &[key]).await?;
        let now: Timestamp = self.now();
        let rule = self.desk.store.author_rule(site, digest).await?.filter(|rule| rule.is_live(now));
        Ok(Some(AuthorRecord { rule, tally: tally.into_iter().next().unwrap_or_default() }))
    }

    async fn by_author(
        &self,
        site: &SiteId,
        item: &QueueItem,
        own: VerdictId,
    ) -> Result<Vec<Neighbour>, ModerationError> {
        let Some(author) = item.author else { return Ok(Vec::new()) };
        let filter = VerdictFilter { author: Some(author), ..VerdictFilter::default() };
        let page = PageRequest { size: OF_AUTHOR + 1, after: None };
        let found = self.desk.store.verdicts(site, &filter, page).await?.rows;
        let others = found.into_iter().filter(|verdict| verdict.id != own).take(OF_AUTHOR);
        self.neighbours(site, others.collect()).await
    }

    async fn mates(
        &self,
        site: &SiteId,
        item: &QueueItem,
        own: VerdictId,
    ) -> Result<Vec<Neighbour>, ModerationError> {
        let Some(campaign) = item.campaign else { return Ok(Vec::new()) };
        let filter = QueueFilter { campaign: Some(campaign), ..QueueFilter::default() };
        let mut mates = Vec::new();
        for state in ItemState::ALL {
            let query = ItemQuery { filter: filter.clone(), state, order: QueueOrder::Oldest };
            let page = PageRequest { size: MATES + 1, after: None };
            for placed in self.desk.store.items(site, &query, page, self.now()).await?.rows {
                mates.extend(self.desk.store.verdict(site, placed.item.verdict).await?);
            }
        }
        mates.retain(|verdict| verdict.id != own);
        mates.sort_by_key(|verdict| verdict.id);
        mates.truncate(MATES);
        self.neighbours(site, mates).await
    }
}

/// How the filter read a body, where a reading differs from what people see.
fn views(verdict: &Verdict) -> Vec<FilterView> {
    let mut document = Document::default();
    document.read(verdict.body.as_str(), verdict.markup);
    let mut shown: Vec<FilterView> = Vec::new();
    for kind in ViewKind::ALL {
        let (name, description) = told(kind);
        let Some(view) = document.view(kind) else { continue };
        let before = shown.last().map_or(verdict.body.as_str(), |view| view.text.as_str());
        if view.text() != before {
            shown.push(FilterView { name, description, text: view.text().to_owned() });
        }
    }
    shown
}

const fn told(kind: ViewKind) -> (&'static str, &'static str) {
    match kind {
        ViewKind::Original => ("V0", "markup removed"),
        ViewKind::Folded => ("V1", "case, styles and invisible characters folded"),
        ViewKind::Skeleton => ("V2", "look-alike letters replaced"),
        ViewKind::Leet => ("V3", "digits and symbols read as letters"),
        ViewKind::Joined => ("V4", "spaced letters joined"),
        ViewKind::Squeezed => ("V5", "repeated letters squeezed"),
    }
}
