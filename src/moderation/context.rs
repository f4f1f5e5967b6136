//! What is known about a comment before it is scored: its article and the counts
//! of its author, network, links and text.
//!
//! May import: `types`, `text`, `features`, `store`.

use std::sync::Arc;

use crate::{
    features::{ArticleProfile, Context, NearRulings},
    text::{Document, ViewKind},
    types::{Comment, Lessons, Pseudonyms, Site, SiteId, Tally, TallyKey, TallyKind, Timestamp, VerdictId},
};

use super::{PseudonymKey, crowd::Kin, pseudonym::network, reading::Reading, standing::Standing};

/// Domains counted per comment.
const MAX_DOMAINS: usize = 8;
/// Letters and digits below which a text says too little to be recognised again:
/// "ok" written by two readers is no copy.
const LEAST_TEXT: usize = 8;

/// Everything gathered for one comment.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    /// The name that the verdict will have.
    pub(super) id: VerdictId,
    pub(super) article: Option<Arc<ArticleProfile>>,
    /// The counts the comment belongs to.
    pub(super) keys: Vec<TallyKey>,
    /// Their values, in the order of `keys`.
    pub(super) tallies: Vec<Tally>,
    /// What people have said already.
    pub(super) standing: Standing,
    /// The article's section.
    pub(super) section: Option<String>,
    /// How many see it, where 1.0 is a usual place.
    pub(super) exposure: f32,
    /// What it has in common with other comments.
    pub(super) kin: Kin,
    /// What the decisions of the site teach.
    pub(super) lessons: Arc<Lessons>,
    /// What people ruled on texts nearly the same.
    pub(super) near: Option<NearRulings>,
    /// The body, read.
    pub(super) reading: Reading,
}

impl Gathered {
    /// What scoring looks at, without the body and without what people said: enough to
    /// judge the comment once more.
    pub(super) fn for_scoring(&self) -> Self {
        Self {
            id: self.id,
            article: self.article.clone(),
            keys: self.keys.clone(),
            tallies: self.tallies.clone(),
            standing: Standing::default(),
            section: self.section.clone(),
            exposure: self.exposure,
            kin: Kin::default(),
            lessons: Arc::clone(&self.lessons),
            near: self.near,
            reading: Reading::default(),
        }
    }

    /// What signals and rules may look at.
    pub(super) fn context<'a>(&'a self, site: &'a Site, now: Timestamp) -> Context<'a> {
        Context {
            article: self.article.as_deref(),
            languages: &site.languages,
            author: self.tally(TallyKind::Author),
            network: self.tally(TallyKind::Network),
            email_domain: self.tally(TallyKind::EmailDomain),
            domains: self.tally(TallyKind::Domain),
            text: self.tally(TallyKind::Text),
            near: self.near,
            lessons: Some(&self.lessons),
            now: Some(now),
        }
    }

    /// The count of that kind; several (domains) are added up.
    fn tally(&self, kind: TallyKind) -> Option<Tally> {
        let of_kind = self.keys.iter().zip(&self.tallies).filter(|(key, _)| key.kind == kind);
        of_kind.map(|(_, tally)| *tally).reduce(|a, b| Tally {
            seen: a.seen.saturating_add(b.seen),
            approved: a.approved.saturating_add(b.approved),
            rejected: a.rejected.saturating_add(b.rejected),
            first_seen: a.first_seen.min(b.first_seen),
            last_seen: a.last_seen.max(b.last_seen),
        })
    }
}

/// The counts a comment belongs to. Facts that are absent have no count.
pub(super) fn tally_keys(
    secret: &PseudonymKey,
    site: &SiteId,
    comment: &Comment,
    document: &Document,
) -> Vec<TallyKey> {
    let mut keys = Vec::new();
    let mut add = |kind, fact: &[u8]| {
        let key = secret.tally(site, kind, fact);
        if !keys.contains(&key) {
            keys.push(key);
        }
    };
    let author = &comment.author;
    if let Some(who) = author.id.as_ref().or(author.name.as_ref()) {
        add(TallyKind::Author, who.to_lowercase().as_bytes());
    }
    if let Some(ip) = comment.request.ip {
        add(TallyKind::Network, &network(ip));
    }
    if let Some((_, domain)) = author.email.as_deref().and_then(|e| e.rsplit_once('@')) {
        add(TallyKind::EmailDomain, domain.to_lowercase().as_bytes());
    }
    for link in document.links().iter().take(MAX_DOMAINS) {
        add(TallyKind::Domain, link.domain.as_bytes());
    }
    let text = identity(document);
    if !text.is_empty() {
        add(TallyKind::Text, text.as_bytes());
    }
    keys
}

/// The text by which two comments count as the same: folded, letters and digits
/// only; empty for texts that say too little.
fn identity(document: &Document) -> String {
    let view = ViewKind::ALL.into_iter().skip(1).rev().find_map(|kind| document.view(kind));
    let text = view.map_or("", |v| v.text());
    let kept: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
    if kept.chars().count() < LEAST_TEXT { String::new() } else { kept }
}

/// Digests of the author's personal facts.
pub(super) fn pseudonyms(secret: &PseudonymKey, site: &SiteId, comment: &Comment) -> Pseudonyms {
    let ip = comment.request.ip.map(|ip| secret.digest(site, b'I', ip.to_canonical().to_string().as_bytes()));
    let email = comment.author.email.as_ref().map(|e| secret.digest(site, b'E', e.to_lowercase().as_bytes()));
    Pseudonyms { ip, email }
}
