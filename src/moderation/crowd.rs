//! Near-duplicates among the latest comments of a site: who forms a campaign, and
//! what a member inherits from its decision.
//!
//! The memory is small, fixed and of this node; campaigns and members are stored,
//! and after a start the variants of the newest campaigns are read back. A text
//! that says too little has no sketch and belongs to nothing. One author who says
//! the same again under one article is no campaign.
//!
//! May import: `types`, `text`, `features`, `store`.

use std::collections::{BTreeSet, HashMap};

use parking_lot::Mutex;

use crate::{
    features::near::{ALIKE, Sketch},
    store::{Enqueue, Membership, SharedStore},
    text::Document,
    types::{
        Action, ArticleId, Campaign, CampaignId, Cause, Causes, Disposition, KeyId, PageRequest, SiteId,
        Timestamp, Verdict, VerdictId,
    },
};

use super::ModerationError;

/// Comments remembered per site.
const RING: usize = 4_096;
/// Places of bands per site; a later comment takes the place of an earlier one.
const PLACES: usize = 1 << 16;
/// Sites remembered; beyond it all are forgotten and read back.
const MAX_SITES: usize = 32;
/// Campaigns read back after a start.
const READ_BACK: usize = 50;
/// Of a million members beyond the cap, so many come into the queue for a check.
const CHECKED: u32 = 100_000;

/// One remembered comment.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) sketch: Sketch,
    pub(super) verdict: VerdictId,
    pub(super) author: Option<[u8; 16]>,
    pub(super) article: Option<ArticleId>,
    pub(super) campaign: Option<CampaignId>,
}

/// What a comment has in common with others.
#[derive(Clone, Debug, Default)]
pub(super) struct Kin {
    /// To be remembered once the verdict has its name.
    pub(super) sketch: Option<Sketch>,
    /// The campaign it joins.
    pub(super) membership: Option<Membership>,
    /// What it inherits, and from whom.
    pub(super) ruled: Option<(Disposition, KeyId)>,
    /// Whether the campaign's decision holds but enough have inherited it.
    pub(super) over_cap: bool,
}

impl Kin {
    /// The action of a member, with the reason for any change.
    pub(super) fn settle(&self, action: Action) -> (Action, Option<(&'static str, String)>) {
        match (&self.ruled, action) {
            (Some((Disposition::Reject, actor)), Action::Allow | Action::Hold) => {
                let told = format!("a variant of a campaign that {actor} rejected");
                (Action::Reject, Some(("campaign/rejected", told)))
            }
            (Some((Disposition::Approve, actor)), Action::Hold) => {
                let told = format!("a variant of texts that {actor} approved");
                (Action::Allow, Some(("campaign/approved", told)))
            }
            (_, action) => (action, None),
        }
    }

    /// Puts some members beyond the cap into the queue, given a number drawn evenly
    /// from `0..1_000_000`.
    pub(super) fn checked(&self, drawn: u32, section: Option<String>, exposure: f32) -> Option<Enqueue> {
        let causes = Causes::of(Cause::Sampled);
        (self.over_cap && drawn < CHECKED).then_some(Enqueue { causes, section, exposure })
    }
}

#[derive(Debug)]
struct Recent {
    /// By band: place in the ring, plus one.
    places: Box<[u32]>,
    ring: Vec<Known>,
    next: usize,
}

impl Default for Recent {
    fn default() -> Self {
        Self { places: vec![0; PLACES].into(), ring: Vec::new(), next: 0 }
    }
}

impl Recent {
    /// Places in the ring of comments that are alike, each once.
    fn alike(&self, sketch: &Sketch) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for band in sketch.bands() {
            let place = self.places.get(band as usize % PLACES).copied().unwrap_or(0) as usize;
            let Some(at) = place.checked_sub(1) else { continue };
            if self.ring.get(at).is_some_and(|known| known.sketch.similarity(sketch) >= ALIKE) {
                found.insert(at);
            }
        }
        found
    }

    fn note(&mut self, known: Known) {
        let at = self.next;
        self.next = (self.next + 1) % RING;
        for band in known.sketch.bands() {
            if let Some(place) = self.places.get_mut(band as usize % PLACES) {
                *place = u32::try_from(at + 1).unwrap_or(0);
            }
        }
        match self.ring.get_mut(at) {
            Some(old) => *old = known,
            None => self.ring.push(known),
        }
    }

    /// The campaign that a comment belongs to, with those that join it too. Makes
    /// one when two others are alike and they are of two authors or three articles.
    fn meet(
        &mut self,
        sketch: &Sketch,
        author: Option<[u8; 16]>,
        article: Option<&ArticleId>,
    ) -> Option<(CampaignId, Vec<VerdictId>)> {
        let mates = self.alike(sketch);
        let known: Vec<&Known> = mates.iter().filter_map(|at| self.ring.get(*at)).collect();
        let campaign = known.iter().rev().find_map(|known| known.campaign);
        let authors: BTreeSet<_> = known.iter().map(|known| known.author).chain([author]).collect();
        let articles: BTreeSet<_> =
            known.iter().map(|known| known.article.as_ref()).chain([article]).collect();
        let spread = known.len() >= 2 && (authors.len() >= 2 || articles.len() >= 3);
        let id = campaign.or_else(|| spread.then(CampaignId::generate))?;
        let mut earlier = Vec::new();
        for at in mates {
            if let Some(mate) = self.ring.get_mut(at).filter(|mate| mate.campaign.is_none()) {
                mate.campaign = Some(id);
                earlier.push(mate.verdict);
            }
        }
        Some((id, earlier))
    }
}

/// The latest comments of every site.
#[derive(Debug, Default)]
pub(super) struct Crowd(Mutex<HashMap<SiteId, Recent>>);

impl Crowd {
    /// What a comment has in common with those before. `form` is false for a
    /// preview, which must leave no trace.
    pub(super) async fn meet(
        &self,
        store: &SharedStore,
        site: &SiteId,
        document: &Document,
        (author, article): (Option<[u8; 16]>, Option<&ArticleId>),
        (form, now): (bool, Timestamp),
    ) -> Result<Kin, ModerationError> {
        let Some(sketch) = sketch_of(document) else { return Ok(Kin::default()) };
        if !self.0.lock().contains_key(site) {
            self.read_back(store, site).await?;
        }
        let met = {
            let mut sites = self.0.lock();
            let recent = sites.entry(site.clone()).or_default();
            if form {
                recent.meet(&sketch, author, article)
            } else {
                let known = recent.alike(&sketch).into_iter().rev().filter_map(|at| recent.ring.get(at));
                known.filter_map(|known| known.campaign).next().map(|id| (id, Vec::new()))
            }
        };
        let Some((id, earlier)) = met else { return Ok(Kin { sketch: Some(sketch), ..Kin::default() }) };
        let campaign = store.campaign(site, id).await?;
        let held = campaign.and_then(|campaign| campaign.inheritance).filter(|held| now < held.until);
        let live = held.as_ref().is_some_and(|held| held.is_live(now));
        let over_cap = held.is_some() && !live;
        let ruled = held.filter(|_| live).map(|held| (held.disposition, held.actor));
        let membership = Membership { campaign: id, earlier, inherits: ruled.is_some() };
        Ok(Kin { sketch: Some(sketch), membership: Some(membership), ruled, over_cap })
    }

    /// Remembers a comment that was judged.
    pub(super) fn note(&self, verdict: &Verdict, sketch: Sketch, campaign: Option<CampaignId>) {
        let (author, article) = (verdict.author(), verdict.article.clone());
        let known = Known { sketch, verdict: verdict.id, author, article, campaign };
        self.0.lock().entry(verdict.site.clone()).or_default().note(known);
    }

    /// Reads the variants of the newest campaigns of a site.
    async fn read_back(&self, store: &SharedStore, site: &SiteId) -> Result<(), ModerationError> {
        let page = store.campaigns(site, PageRequest { size: READ_BACK, after: None }).await?;
        let mut found = Vec::new();
        for Campaign { id, variants, .. } in page.rows.into_iter().rev() {
            for variant in variants {
                let Some(verdict) = store.verdict(site, variant).await? else { continue };
                let mut document = Document::default();
                document.read(verdict.body.as_str(), verdict.markup);
                let Some(sketch) = sketch_of(&document) else { continue };
                let (author, article) = (verdict.author(), verdict.article);
                found.push(Known { sketch, verdict: variant, author, article, campaign: Some(id) });
            }
        }
        let mut sites = self.0.lock();
        if sites.len() >= MAX_SITES {
            sites.clear();
        }
        let recent = sites.entry(site.clone()).or_default();
        if recent.ring.is_empty() {
            found.into_iter().for_each(|known| recent.note(known));
        }
        Ok(())
    }
}

fn sketch_of(document: &Document) -> Option<Sketch> {
    let mut text = String::new();
    document.identity(&mut text);
    Sketch::of(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(text: &str) -> Sketch {
        let mut document = Document::default();
        let body = crate::types::Body::new(text.into()).unwrap();
        document.read(body.as_str(), crate::types::Markup::Plain);
        sketch_of(&document).unwrap()
    }

    /// The `n`th spinning of an advert: one of three wordings at each of ten places.
    fn spun(mut n: usize) -> String {
        let places = [
            ["Hello", "Hi", "Hey"],
            ["friends", "all", "everybody"],
            ["earn", "make", "get"],
            ["500", "700", "900"],
            ["dollars", "euros", "bucks"],
            ["a day", "daily", "every day"],
            ["from home", "at home", "online"],
            ["no experience needed", "no skills needed", "without experience"],
            ["write to", "message", "contact"],
            ["today", "now", "quickly"],
        ];
        let mut words = Vec::new();
        for place in places {
            words.push(place[n % 3]);
            n /= 3;
        }
        format!("{} on the quick cash desk dot example, ask for Maria Invest Team", words.join(" "))
    }

    /// Whether a comment joins a campaign, and which.
    fn say(recent: &mut Recent, text: &str, author: u8) -> Option<CampaignId> {
        let sketch = sketch(text);
        let met = recent.meet(&sketch, Some([author; 16]), None);
        let campaign = met.as_ref().map(|(id, _)| *id);
        recent.note(Known {
            sketch,
            verdict: VerdictId::generate(),
            author: Some([author; 16]),
            article: None,
            campaign,
        });
        campaign
    }

    #[test]
    fn spun_adverts_are_one_campaign() {
        let mut recent = Recent::default();
        let joined: Vec<_> = (0..300).map(|n| say(&mut recent, &spun(n * 197), (n % 250) as u8)).collect();
        let first = joined.iter().flatten().next().copied();
        let members = joined.iter().filter(|joined| **joined == first && first.is_some()).count();
        // The first two join later, when the third makes the campaign.
        assert!(members >= 285, "{members} of 300");
    }

    /// 300 spun variants among 2,000 real comments, from the JSON lines that
    /// `TAMIS_COMMENTS` names: one campaign with its members and nobody else.
    #[test]
    fn a_campaign_among_real_comments_has_no_real_member() {
        let Some(path) = std::env::var_os("TAMIS_COMMENTS") else { return };
        let lines = std::fs::read_to_string(path).unwrap();
        let text = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).ok()?["text"].as_str().map(str::to_owned)
        };
        let real: Vec<String> = lines.lines().filter_map(text).take(2_000).collect();
        let (mut recent, mut joined, mut real_ones) = (Recent::default(), 0, Vec::new());
        let mut campaigns = BTreeSet::new();
        for (n, text) in real.iter().enumerate() {
            let mut document = Document::default();
            document.read(text, crate::types::Markup::Plain);
            if let Some(sketch) = sketch_of(&document) {
                let author = Some([(n % 251) as u8; 16]);
                let met = recent.meet(&sketch, author, None);
                // People copy themselves and each other too: that is theirs.
                real_ones.extend(met.as_ref().map(|(id, _)| *id));
                let campaign = met.map(|(id, _)| id);
                let verdict = VerdictId::generate();
                recent.note(Known { sketch, verdict, author, article: None, campaign });
            }
            if n * 300 / real.len() != (n + 1) * 300 / real.len() {
                let met = say(&mut recent, &spun((n * 300 / real.len()) * 197), (n % 250) as u8);
                joined += usize::from(met.is_some());
                campaigns.extend(met);
            }
        }
        let wrong = real_ones.iter().filter(|id| campaigns.contains(id)).count();
        let (found, copies) = (campaigns.len(), real_ones.len());
        println!("{joined} of 300 joined {found} campaign, {wrong} real ones did; {copies} real copies");
        assert!(joined >= 285 && found == 1 && wrong == 0);
    }

    #[test]
    fn people_who_talk_about_one_thing_are_no_campaign() {
        let mut recent = Recent::default();
        let subjects =
            ["the mayor", "the council", "our port", "this budget", "the harbour master", "the editor"];
        let views = [
            "should explain why the second ferry was cancelled before anybody asked the islanders",
            "has promised a new school for nine years and all we got is a car park with a fountain",
            "was right about the bridge, although the cost doubled and nobody wants to say who signed",
            "never answers letters, I sent four of them last winter and got a calendar in return",
            "makes me wonder whether my grandmother's recipe for soup would do better in an election",
        ];
        for (n, subject) in subjects.iter().enumerate() {
            let text = format!("I think that {subject} {}", views[n % views.len()]);
            assert_eq!(say(&mut recent, &text, n as u8), None, "{text}");
        }
    }

    #[test]
    fn one_author_under_one_article_is_no_campaign() {
        let mut recent = Recent::default();
        for n in 0..20 {
            assert_eq!(say(&mut recent, &spun(n), 7), None);
        }
    }
}
