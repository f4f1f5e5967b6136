//! Near-duplicates among the comments of a site: who forms a campaign, and what a
//! member inherits from its decision.
//!
//! The memory is small, fixed and of this node; campaigns and members are stored,
//! and after a start the latest comments and the wordings of the newest campaigns are
//! read back. A text that says too little has no sketch and belongs to nothing, and
//! neither does a saying that the site has known for long. One author who says the
//! same again under one article is no campaign.
//!
//! May import: `types`, `text`, `features`, `store`.

mod memory;
mod recent;

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::{
    features::near::{Sketch, shingles},
    store::{Enqueue, Membership, Share, SharedStore, VerdictFilter},
    text::Document,
    types::{
        Action, Campaign, CampaignId, Cause, Causes, Comment, Disposition, Inheritance, KeyId, PageRequest,
        QueueRules, ReasonCode, SiteId, Tally, TallyKey, TallyKind, Timestamp, Verdict, VerdictId,
        text_digest,
    },
};

use self::{
    memory::Known,
    recent::{Elsewhere, Met, Recent},
};
use super::ModerationError;

/// Sites remembered; beyond it all are forgotten and read back.
const MAX_SITES: usize = 32;
/// Campaigns, and comments, read back after a start.
const CAMPAIGNS_BACK: usize = 50;
const COMMENTS_BACK: usize = 500;
/// A text that the site has known for so long, so often, and that nobody rejected is a
/// saying: those who say it form no campaign.
const SAYING_AGE: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 60 * 60);
const SAYING_SEEN: u32 = 8;

/// What a comment has in common with others.
#[derive(Clone, Debug, Default)]
pub(super) struct Kin {
    /// What its text is made of; empty when it says too little.
    shingles: Vec<u64>,
    /// The campaign it joins.
    pub(super) membership: Option<Membership>,
    /// What it inherits: what was ruled, why, and who ruled.
    pub(super) ruled: Option<(Disposition, Option<ReasonCode>, KeyId)>,
}

impl Kin {
    /// What its text is made of; empty when it says too little.
    pub(super) fn shingles(&self) -> &[u64] {
        &self.shingles
    }

    /// The action of a member, with the reason for any change.
    pub(super) fn settle(&self, action: Action) -> (Action, Option<(&'static str, String)>) {
        match (&self.ruled, action) {
            (Some((Disposition::Reject, reason, actor)), Action::Allow | Action::Hold) => {
                let why = reason.map_or(String::new(), |reason| format!(" as {}", reason.name()));
                let told = format!("a variant of a campaign that {actor} rejected{why}");
                (Action::Reject, Some(("campaign/rejected", told)))
            }
            (Some((Disposition::Approve, _, actor)), Action::Hold) => {
                let told = format!("a variant of texts that {actor} approved");
                (Action::Allow, Some(("campaign/approved", told)))
            }
            (_, action) => (action, None),
        }
    }

    /// Puts some members beyond the cap into the queue, given a number drawn evenly
    /// from `0..1_000_000`.
    pub(super) fn checked(
        &self,
        rules: QueueRules,
        drawn: u32,
        section: Option<String>,
        exposure: f32,
    ) -> Option<Enqueue> {
        let beyond = self.membership.as_ref().is_some_and(|joins| joins.share == Share::Beyond);
        let causes = Causes::of(Cause::Campaign);
        let drawn = beyond && drawn < rules.campaign_check_per_million;
        drawn.then_some(Enqueue { causes, section, exposure })
    }
}

/// A comment as it meets the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newcomer<'a> {
    /// Its body, read.
    pub(super) document: &'a Document,
    /// What came in.
    pub(super) comment: &'a Comment,
    /// The counts it belongs to, and their values.
    pub(super) keys: &'a [TallyKey],
    pub(super) tallies: &'a [Tally],
    /// The name that its verdict will have; `None` for a preview, which must leave no
    /// trace.
    pub(super) verdict: Option<VerdictId>,
}

impl Newcomer<'_> {
    fn author(&self) -> Option<[u8; 16]> {
        self.keys.iter().find(|key| key.kind == TallyKind::Author).map(|key| key.digest)
    }

    /// Whether the site has known the text for long and nobody minds it.
    fn is_saying(&self, now: Timestamp) -> bool {
        let mut of_text = self.keys.iter().zip(self.tallies).filter(|(key, _)| key.kind == TallyKind::Text);
        of_text.any(|(_, tally)| {
            let old = now.since(tally.first_seen) >= SAYING_AGE && tally.seen >= SAYING_SEEN;
            tally.rejected == 0 && (old || tally.approved > 1)
        })
    }

    fn known(&self, sketch: Sketch) -> Known {
        Known {
            sketch,
            verdict: self.verdict.unwrap_or(VerdictId::from_bytes([0; 16])),
            comment: self.comment.id.clone(),
            text: text_digest(&self.comment.body, self.comment.markup),
            author: self.author(),
            article: self.comment.place.article.clone(),
            campaign: None,
        }
    }
}

/// The latest comments of every site.
#[derive(Debug, Default)]
pub(super) struct Crowd(Mutex<Sites>);

#[derive(Debug, Default)]
struct Sites {
    by_name: HashMap<SiteId, Recent>,
    elsewhere: Elsewhere,
}

impl Crowd {
    /// What a comment has in common with those before; it is remembered at once, so
    /// that those which come while it is judged find it.
    pub(super) async fn meet(
        &self,
        store: &SharedStore,
        site: &SiteId,
        newcomer: Newcomer<'_>,
        now: Timestamp,
    ) -> Result<Kin, ModerationError> {
        let shingles = shingles_of(newcomer.document);
        if !self.0.lock().by_name.contains_key(site) {
            self.read_back(store, site).await?;
        }
        let Some(sketch) = self.sketch(site, &shingles) else { return Ok(Kin::default()) };
        let saying = newcomer.is_saying(now);
        let met = self.0.lock().meet(site, newcomer.known(sketch), (newcomer.verdict.is_some(), saying));
        let Some(met) = met else { return Ok(Kin { shingles, ..Kin::default() }) };
        let Met { campaign: id, earlier, sites, variant, again } = met;
        let campaign = store.campaign(site, id).await?;
        let held = campaign.and_then(|campaign| campaign.inheritance).filter(|held| now < held.until);
        let counts = newcomer.verdict.is_some() && !again;
        let share = match &held {
            None => Share::Nothing,
            Some(held) if self.0.lock().grant(site, id, held, counts) => Share::Inherits,
            Some(_) => Share::Beyond,
        };
        let ruled = held.filter(|_| share == Share::Inherits);
        let ruled = ruled.map(|held| (held.disposition, held.reason, held.actor));
        let joins = Membership { campaign: id, earlier, sites, variant, share };
        Ok(Kin { shingles, membership: Some(joins).filter(|_| !again), ruled })
    }

    /// The sketch of a text, without what many people of the site say.
    fn sketch(&self, site: &SiteId, shingles: &[u64]) -> Option<Sketch> {
        let rare: Vec<u64> = {
            let sites = self.0.lock();
            let recent = sites.by_name.get(site);
            let is_rare = |shingle: &&u64| recent.is_none_or(|recent| !recent.commons.is_common(**shingle));
            shingles.iter().filter(is_rare).copied().collect()
        };
        // The costly part holds up nobody.
        Sketch::of(&rare, |_| false)
    }

    /// Takes notice of how a comment was judged, and answers the campaign that it has
    /// come to belong to since it was met.
    pub(super) fn judged(&self, verdict: &Verdict, kin: &Kin) -> Option<Membership> {
        let mut sites = self.0.lock();
        let recent = sites.by_name.get_mut(&verdict.site)?;
        if kin.membership.is_some() {
            return kin.membership.clone();
        }
        if let Some(campaign) = recent.campaign_of(verdict.id) {
            let (earlier, sites) = (Vec::new(), Vec::new());
            return Some(Membership { campaign, earlier, sites, variant: true, share: Share::Nothing });
        }
        if matches!(verdict.action, Action::Allow | Action::Hold) && !kin.shingles.is_empty() {
            recent.commons.note(&kin.shingles);
        }
        None
    }

    /// Reads the latest comments of a site and the wordings of its newest campaigns.
    async fn read_back(&self, store: &SharedStore, site: &SiteId) -> Result<(), ModerationError> {
        let newest = PageRequest { size: COMMENTS_BACK, after: None };
        let latest = store.verdicts(site, &VerdictFilter::default(), newest).await?.rows;
        let mut latest: Vec<Known> =
            latest.into_iter().filter_map(|verdict| recalled(verdict, None)).collect();
        latest.reverse();
        let mut pinned = Vec::new();
        let newest = PageRequest { size: CAMPAIGNS_BACK, after: None };
        for Campaign { id, variants, .. } in store.campaigns(site, newest).await?.rows.into_iter().rev() {
            for variant in variants {
                pinned.extend(store.verdict(site, variant).await?.and_then(|v| recalled(v, Some(id))));
            }
        }
        self.0.lock().remember(site, latest, pinned);
        Ok(())
    }
}

impl Sites {
    fn remember(&mut self, site: &SiteId, latest: Vec<Known>, pinned: Vec<Known>) {
        if self.by_name.len() >= MAX_SITES {
            self.by_name.clear();
            self.elsewhere = Elsewhere::default();
        }
        let number = u8::try_from(self.by_name.len() + 1).unwrap_or(0);
        let recent = self.by_name.entry(site.clone()).or_insert_with(|| Recent::new(number));
        if recent.is_empty() {
            recent.recall(latest, pinned);
        }
    }

    /// The campaign that a comment belongs to. `trace` is whether the comment is
    /// remembered; a saying joins a campaign that is there, and makes none.
    fn meet(&mut self, site: &SiteId, known: Known, (trace, saying): (bool, bool)) -> Option<Met> {
        let own = self.by_name.get(site).map_or(0, |recent| recent.number);
        let numbers = self.elsewhere.seen(&known.sketch, own);
        let seen = |(name, recent): (&SiteId, &Recent)| {
            (numbers.contains(&recent.number) && recent.knows(&known.sketch)).then(|| name.clone())
        };
        let mut others: Vec<SiteId> = match numbers.is_empty() {
            true => Vec::new(),
            false => self.by_name.iter().filter_map(seen).collect(),
        };
        others.sort();
        if trace {
            self.elsewhere.note(&known.sketch, own);
        }
        let recent = self.by_name.get_mut(site)?;
        recent.meet(known, others, (trace, saying))
    }

    /// Whether one more member inherits a ruling. Those under way count: a thousand
    /// comments in one call do not slip under the cap together.
    fn grant(&mut self, site: &SiteId, id: CampaignId, held: &Inheritance, counts: bool) -> bool {
        self.by_name.get_mut(site).is_some_and(|recent| recent.grant(id, held, counts))
    }
}

/// A recorded comment, to be remembered again.
fn recalled(verdict: Verdict, campaign: Option<CampaignId>) -> Option<Known> {
    let mut document = Document::default();
    document.read(verdict.body.as_str(), verdict.markup);
    let sketch = Sketch::of(&shingles_of(&document), |_| false)?;
    let (author, text) = (verdict.author(), text_digest(&verdict.body, verdict.markup));
    let Verdict { id, comment, article, .. } = verdict;
    Some(Known { sketch, verdict: id, comment, text, author, article, campaign })
}

pub(super) fn shingles_of(document: &Document) -> Vec<u64> {
    let mut text = String::new();
    document.identity(&mut text);
    shingles(&text)
}

#[cfg(test)]
mod tests;
