//! What a person needs to decide, gathered in one go.
//!
//! May import: `types`, `text`, `store`.

use super::{Deed, QueueDesk, is_hidden};
use crate::{
    moderation::{Actor, ModerationError},
    store::{Placed, VerdictFilter},
    text::{Document, Token, View, ViewKind},
    types::{
        ArticleFields, AuthorRule, Decision, Disposition, FeedbackSource, FiledReport, PageRequest,
        QueueFilter, QueueItem, QueueItemId, QueueOrder, Reason, Ruling, SiteId, Span, Tally, TallyKey,
        TallyKind, Timestamp, Verdict, VerdictId,
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
    /// Whether a person approved it, in the queue or by a report on the verdict.
    pub approved: Option<bool>,
}

/// What is known of an author.
#[derive(Clone, Debug)]
pub struct AuthorRecord {
    /// What holds for the author now.
    pub rule: Option<AuthorRule>,
    /// The author's counts.
    pub tally: Tally,
}

/// What became of comments that share something with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reputation {
    /// What they share.
    pub kind: TallyKind,
    /// The domain of a link; `None` for what only a digest is kept of.
    pub value: Option<String>,
    /// Their counts.
    pub tally: Tally,
}

/// Share of rejected among decided under a prior of one of two (Laplace 1814), in
/// `[0, 1]`: one half while nothing is known.
#[must_use]
pub fn rejection_rate(tally: &Tally) -> f64 {
    let Tally { approved, rejected, .. } = tally;
    (f64::from(*rejected) + 1.0) / (f64::from(*approved) + f64::from(*rejected) + 2.0)
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
    /// Bytes of it that a reason speaks of, with the reason's place among the verdict's.
    pub spans: Vec<(Span, usize)>,
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
    /// What became of comments that share something with this one.
    pub reputations: Vec<Reputation>,
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
        let hidden = self.hidden(caller, site, Deed::Look).await?;
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
            Some(parent) => self.neighbours(site, vec![parent], &hidden).await?.pop(),
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
            neighbours: self.around(site, &verdict, &hidden).await?,
            author: self.author_record(site, item).await?,
            author_comments: self.by_author(site, item, &verdict, &hidden).await?,
            mates: self.mates(site, item, &verdict, &hidden).await?,
            reputations: self.reputations(site, &verdict).await?,
            reports: store.reports_on(site, verdict.id).await?,
            appeal_statement: statement,
            views: views(&verdict),
            verdict,
            placed,
        })
    }

    /// Comments with what became of them, without those that closed queues keep from
    /// the caller.
    async fn neighbours(
        &self,
        site: &SiteId,
        verdicts: Vec<Verdict>,
        hidden: &[QueueFilter],
    ) -> Result<Vec<Neighbour>, ModerationError> {
        let mut found = Vec::with_capacity(verdicts.len());
        for verdict in verdicts {
            let item = self.desk.store.item_of(site, verdict.id).await?;
            if item.as_ref().is_some_and(|item| is_hidden(item, hidden, self.now())) {
                continue;
            }
            let decision = match item.and_then(|item| item.decision) {
                Some(id) => self.desk.store.decision(site, id).await?,
                None => None,
            };
            let approved = match &decision {
                Some(decision) => Some(decision.disposition == Disposition::Approve),
                None => self.reported(site, verdict.id).await?,
            };
            found.push(Neighbour { verdict, decision, approved });
        }
        Ok(found)
    }

    /// What a moderator or the owner last said of a verdict outside the queue.
    async fn reported(&self, site: &SiteId, verdict: VerdictId) -> Result<Option<bool>, ModerationError> {
        let said = self.desk.store.feedback_on(site, verdict).await?;
        let ruled = said.into_iter().rev().find(|said| said.source != FeedbackSource::Reader);
        Ok(ruled.map(|said| said.ruling == Ruling::Approve))
    }

    /// Counts of what the comment shares with others; the author's are told apart.
    async fn reputations(
        &self,
        site: &SiteId,
        verdict: &Verdict,
    ) -> Result<Vec<Reputation>, ModerationError> {
        let mut keys = verdict.tallies.clone();
        keys.retain(|key| key.kind != TallyKind::Author);
        let tallies = self.desk.store.tallies(site, &keys).await?;
        let mut document = Document::default();
        document.read(verdict.body.as_str(), verdict.markup);
        let named = |key: &TallyKey| {
            let mut domains = document.links().iter().map(|link| link.domain.clone());
            domains.find(|domain| self.secret.tally(site, TallyKind::Domain, domain.as_bytes()) == *key)
        };
        let told = keys.iter().zip(tallies);
        Ok(told.map(|(key, tally)| Reputation { kind: key.kind, value: named(key), tally }).collect())
    }

    /// Comments under the same article, oldest first. The store looks at a bounded
    /// number of verdicts for each side.
    async fn around(
        &self,
        site: &SiteId,
        verdict: &Verdict,
        hidden: &[QueueFilter],
    ) -> Result<Vec<Neighbour>, ModerationError> {
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
        self.neighbours(site, around, hidden).await
    }

    async fn author_record(
        &self,
        site: &SiteId,
        item: &QueueItem,
    ) -> Result<Option<AuthorRecord>, ModerationError> {
        let Some(digest) = item.author else { return Ok(None) };
        let key = TallyKey { kind: TallyKind::Author, digest };
        let tally = self.desk.store.tallies(site, &[key]).await?;
        let now: Timestamp = self.now();
        let rule = self.desk.store.author_rule(site, digest).await?.filter(|rule| rule.is_live(now));
        Ok(Some(AuthorRecord { rule, tally: tally.into_iter().next().unwrap_or_default() }))
    }

    async fn by_author(
        &self,
        site: &SiteId,
        item: &QueueItem,
        own: &Verdict,
        hidden: &[QueueFilter],
    ) -> Result<Vec<Neighbour>, ModerationError> {
        let Some(author) = item.author else { return Ok(Vec::new()) };
        let filter = VerdictFilter { author: Some(author), ..VerdictFilter::default() };
        let page = PageRequest { size: 2 * OF_AUTHOR, after: None };
        let found = self.desk.store.verdicts(site, &filter, page).await?.rows;
        let others = found.into_iter().filter(|other| is_other(other, own)).collect();
        let mut others = self.neighbours(site, others, hidden).await?;
        others.truncate(OF_AUTHOR);
        Ok(others)
    }

    async fn mates(
        &self,
        site: &SiteId,
        item: &QueueItem,
        own: &Verdict,
        hidden: &[QueueFilter],
    ) -> Result<Vec<Neighbour>, ModerationError> {
        let Some(campaign) = item.campaign else { return Ok(Vec::new()) };
        let page = PageRequest { size: 2 * MATES, after: None };
        let members = self.desk.store.members(site, campaign, page).await?.rows;
        let verdicts = members.into_iter().filter_map(|member| member.verdict.map(|verdict| *verdict));
        let mates = verdicts.filter(|other| is_other(other, own)).take(MATES).collect();
        self.neighbours(site, mates, hidden).await
    }
}

/// Whether a verdict is on another comment.
fn is_other(other: &Verdict, own: &Verdict) -> bool {
    other.id != own.id && (own.comment.is_none() || other.comment != own.comment)
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
            let spans = pointed_at(view, &verdict.assessment.reasons);
            shown.push(FilterView { name, description, text: view.text().to_owned(), spans });
        }
    }
    shown
}

/// The parts of a view that reasons point at: the tokens that came from the bytes of
/// the body which they name.
fn pointed_at(view: &View, reasons: &[Reason]) -> Vec<(Span, usize)> {
    let mut found = Vec::new();
    for (at, reason) in reasons.iter().enumerate() {
        let Some(wanted) = reason.span else { continue };
        let meets = |token: &&Token| {
            let origin = view.submitted(token.span);
            origin.start < wanted.end && wanted.start < origin.end
        };
        let mut tokens = view.tokens().iter().filter(meets);
        let Some(first) = tokens.next() else { continue };
        let end = tokens.map(|token| token.span.end).fold(first.span.end, u32::max);
        found.push((Span { start: first.span.start, end }, at));
    }
    found
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
