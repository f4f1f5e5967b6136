//! What is remembered of one site, and which other sites saw the same.
//!
//! May import: `types`, `features`.

use std::collections::{BTreeSet, HashMap};

use super::memory::{Known, Memory};
use crate::{
    features::{commons::Commons, near::Sketch},
    types::{CampaignId, Inheritance, SiteId, Timestamp, VerdictId},
};

/// Comments remembered per site.
const LATEST: usize = 4_096;
/// Wordings of campaigns remembered per site, however long ago they came.
const PINNED: usize = 1_024;
/// Wordings of one campaign that are remembered.
const PINNED_EACH: usize = 16;
/// Above this similarity two texts count as one wording.
const SAME_WORDING: f32 = 0.8;
/// Campaigns whose members under way are counted.
const MAX_GRANTED: usize = 1_024;
/// Places of bands for all sites together.
const PLACES: usize = 1 << 17;
/// Bands of a comment that must have been seen elsewhere before another site is asked.
const LEAST_BANDS: usize = 2;

/// What a comment found that is alike.
#[derive(Clone, Debug)]
pub(super) struct Met {
    /// The campaign that it belongs to.
    pub(super) campaign: CampaignId,
    /// Those before that belong to it too.
    pub(super) earlier: Vec<VerdictId>,
    /// Other sites that saw comments like it.
    pub(super) sites: Vec<SiteId>,
    /// Whether it is worded unlike those known before.
    pub(super) variant: bool,
    /// Whether this very comment belongs to it already.
    pub(super) again: bool,
}

/// The latest comments of a site, and the wordings of its campaigns.
#[derive(Debug)]
pub(super) struct Recent {
    /// By which other sites know it; from 1.
    pub(super) number: u8,
    /// What many people say.
    pub(super) commons: Commons,
    latest: Memory,
    pinned: Memory,
    /// How many members of a campaign inherited the ruling of that moment.
    granted: HashMap<CampaignId, (Timestamp, u32)>,
}

impl Recent {
    pub(super) fn new(number: u8) -> Self {
        let (latest, pinned) = (Memory::new(LATEST), Memory::new(PINNED));
        Self { number, commons: Commons::default(), latest, pinned, granted: HashMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.latest.is_empty() && self.pinned.is_empty()
    }

    /// Takes up what was stored, oldest first.
    pub(super) fn recall(&mut self, latest: Vec<Known>, pinned: Vec<Known>) {
        latest.into_iter().for_each(|known| self.latest.note(known));
        pinned.into_iter().for_each(|known| self.pinned.note(known));
    }

    /// Whether a comment like this was seen.
    pub(super) fn knows(&self, sketch: &Sketch) -> bool {
        !self.latest.alike(sketch).is_empty() || !self.pinned.alike(sketch).is_empty()
    }

    /// The campaign of a comment that was met a moment ago.
    pub(super) fn campaign_of(&self, verdict: VerdictId) -> Option<CampaignId> {
        self.latest.find(verdict).and_then(|known| known.campaign)
    }

    /// The campaign that a comment belongs to. Makes one when two others are alike
    /// and they are of two authors, three articles or two sites.
    pub(super) fn meet(
        &mut self,
        mut known: Known,
        sites: Vec<SiteId>,
        (trace, saying): (bool, bool),
    ) -> Option<Met> {
        let (mates, pinned) = (self.latest.alike(&known.sketch), self.pinned.alike(&known.sketch));
        let of_campaign = pinned.iter().rev().find_map(|at| self.pinned.at(*at)?.campaign);
        let joined = of_campaign.or_else(|| mates.iter().rev().find_map(|at| self.latest.at(*at)?.campaign));
        let makes =
            || (trace && !saying && self.is_spread(&known, &mates, sites.len())).then(CampaignId::generate);
        let campaign = joined.or_else(makes);
        let again = mates.iter().filter_map(|at| self.latest.at(*at)).any(|mate| mate.is_again(&known));
        let met = campaign.map(|campaign| {
            let earlier = if trace { self.take_in(campaign, &mates) } else { Vec::new() };
            let variant = self.is_new_wording(campaign, &known.sketch, &pinned);
            Met { campaign, earlier, sites, variant, again: again && joined.is_some() }
        });
        if trace {
            known.campaign = campaign;
            if met.as_ref().is_some_and(|met| met.variant) {
                self.pinned.note(known.clone());
            }
            if !again {
                self.latest.note(known);
            }
        }
        met
    }

    /// Whether a comment and its mates come from enough places to be no accident.
    fn is_spread(&self, known: &Known, mates: &BTreeSet<usize>, sites: usize) -> bool {
        let others =
            || mates.iter().filter_map(|at| self.latest.at(*at)).filter(|mate| !mate.is_again(known));
        let authors: BTreeSet<_> = others().map(|mate| mate.author).chain([known.author]).collect();
        let articles: BTreeSet<_> =
            others().map(|mate| mate.article.as_ref()).chain([known.article.as_ref()]).collect();
        others().count() + sites >= 2 && (authors.len() >= 2 || articles.len() >= 3 || sites > 0)
    }

    /// Gives those that belong to nothing yet to a campaign; answers which.
    fn take_in(&mut self, campaign: CampaignId, mates: &BTreeSet<usize>) -> Vec<VerdictId> {
        let mut taken = Vec::new();
        for at in mates {
            if let Some(mate) = self.latest.at_mut(*at).filter(|mate| mate.campaign.is_none()) {
                mate.campaign = Some(campaign);
                taken.push(mate.verdict);
            }
        }
        taken
    }

    /// Whether a campaign has room for one more wording, and this is one.
    fn is_new_wording(&self, campaign: CampaignId, sketch: &Sketch, pinned: &BTreeSet<usize>) -> bool {
        let of_it = pinned.iter().filter_map(|at| self.pinned.at(*at));
        let of_it: Vec<&Known> = of_it.filter(|known| known.campaign == Some(campaign)).collect();
        let same = of_it.iter().any(|known| known.sketch.similarity(sketch) >= SAME_WORDING);
        !same && of_it.len() < PINNED_EACH
    }

    /// Whether one more member inherits a ruling; `counts` is whether it is then one
    /// of those that did.
    pub(super) fn grant(&mut self, id: CampaignId, held: &Inheritance, counts: bool) -> bool {
        if self.granted.len() >= MAX_GRANTED && !self.granted.contains_key(&id) {
            self.granted.clear();
        }
        let (at, granted) = self.granted.entry(id).or_insert((held.created_at, 0));
        if *at != held.created_at {
            (*at, *granted) = (held.created_at, 0);
        }
        // Other nodes and earlier lives of this one are in the stored count.
        *granted = (*granted).max(held.inherited);
        let live = *granted < held.cap;
        *granted += u32::from(live && counts);
        live
    }
}

/// Which sites wrote to a band last: this one, and before it another.
#[derive(Debug)]
pub(super) struct Elsewhere(Box<[(u8, u8)]>);

impl Default for Elsewhere {
    fn default() -> Self {
        Self(vec![(0, 0); PLACES].into())
    }
}

impl Elsewhere {
    /// Numbers of other sites that may have seen comments like this.
    pub(super) fn seen(&self, sketch: &Sketch, own: u8) -> BTreeSet<u8> {
        let mut counts: HashMap<u8, usize> = HashMap::new();
        for band in sketch.bands() {
            let (last, other) = self.0.get(band as usize % PLACES).copied().unwrap_or_default();
            for number in [last, other] {
                if number != 0 && number != own {
                    *counts.entry(number).or_default() += 1;
                }
            }
        }
        counts.into_iter().filter(|(_, bands)| *bands >= LEAST_BANDS).map(|(number, _)| number).collect()
    }

    /// Notes that a site saw a comment.
    pub(super) fn note(&mut self, sketch: &Sketch, own: u8) {
        for band in sketch.bands() {
            if let Some((last, other)) = self.0.get_mut(band as usize % PLACES)
                && *last != own
            {
                *other = *last;
                *last = own;
            }
        }
    }
}
