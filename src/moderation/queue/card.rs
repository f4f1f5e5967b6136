//! A campaign as people look at it: wordings with what differs, spread, outcomes.
//!
//! May import: `types`, `store`.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    time::Duration,
};

use similar::{ChangeTag, TextDiff};

use super::{Deed, QueueDesk, is_hidden};
use crate::{
    moderation::{Actor, ModerationError},
    store::{Member, QueueRefusal, StoreError},
    types::{
        Action, ArticleId, Campaign, CampaignId, Disposition, ItemState, Page, PageRequest, SiteId,
        Timestamp, Verdict, VerdictId, text_digest,
    },
};

/// Members that a card is drawn from.
const LOOKED_AT: usize = 1_000;
/// Wordings, and authors and articles, that a card shows.
const VARIANTS: usize = 16;
const SHARES: usize = 20;
/// Spans of time that a card shows at most.
const SPANS: i64 = 60;
/// Campaigns looked at for one page.
const MAX_LOOKED_AT: usize = 500;
/// How long diffing one wording may take.
const DIFF_TIME: Duration = Duration::from_millis(5);
/// Bytes of a wording that are compared.
const DIFF_BYTES: usize = 2_000;

/// Which campaigns are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CampaignView {
    /// Every one.
    #[default]
    All,
    /// Of which members wait.
    Waiting,
    /// Whose ruling the next member inherits.
    Ruled,
}

/// A campaign in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The campaign.
    pub campaign: Campaign,
    /// The earliest copy; `None` when it was erased.
    pub earliest: Option<Verdict>,
    /// When it was looked at.
    pub at: Timestamp,
}

/// One wording.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The first member with it.
    pub example: Member,
    /// How many members have it.
    pub members: u32,
    /// Bytes of the example's body that the earliest copy does not have.
    pub changes: Vec<(usize, usize)>,
}

/// Members of one span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it begins.
    pub start: Timestamp,
    /// How many came within it.
    pub members: u32,
}

/// Over whom, what and when members are spread.
#[derive(Clone, Debug, Default)]
pub struct CampaignSpread {
    /// Authors as shown, most members first.
    pub authors: Vec<(String, u32)>,
    /// Articles, most members first.
    pub articles: Vec<(ArticleId, u32)>,
    /// Other sites that the caller may enter.
    pub sites: Vec<SiteId>,
    /// Time in equal spans.
    pub spans: Vec<Span>,
    /// How long each is.
    pub length: Duration,
}

/// What became of members; each is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Published: the filter let it through and nobody ruled.
    pub allowed: u32,
    /// Waiting for a person.
    pub waiting: u32,
    /// Refused by the filter, and nobody ruled.
    pub refused: u32,
    /// Its action was inherited.
    pub inherited: u32,
    /// Approved by a person.
    pub approved: u32,
    /// Rejected by a person.
    pub rejected: u32,
    /// Erased.
    pub erased: u32,
}

/// A campaign whole.
#[derive(Clone, Debug)]
pub struct CampaignCard {
    /// The campaign with its earliest copy.
    pub listed: Listed,
    /// The earliest copy with what became of it.
    pub earliest: Option<Member>,
    /// Wordings, most members first.
    pub variants: Vec<Variant>,
    /// How many wordings were told apart.
    pub variant_count: usize,
    /// Spread.
    pub spread: CampaignSpread,
    /// Outcomes.
    pub outcomes: Outcomes,
    /// Members that the card was drawn from.
    pub looked_at: usize,
}

impl QueueDesk {
    /// Campaigns, the newest first.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`].
    pub async fn campaigns(
        &self,
        caller: &Actor,
        site: &SiteId,
        view: CampaignView,
        page: PageRequest<CampaignId>,
    ) -> Result<Page<Listed, CampaignId>, ModerationError> {
        self.known(site).await?;
        let (now, mut found, mut looked_at) = (self.now(), Page { rows: Vec::new(), next: None }, 0);
        let mut after = page.after;
        while found.rows.len() < page.size && looked_at < MAX_LOOKED_AT {
            let size = (page.size - found.rows.len()).min(MAX_LOOKED_AT - looked_at);
            let some = self.desk.store.campaigns(site, PageRequest { size, after }).await?;
            looked_at += some.rows.len();
            for campaign in some.rows {
                let wanted = match view {
                    CampaignView::All => true,
                    CampaignView::Waiting => campaign.waiting > 0,
                    CampaignView::Ruled => {
                        campaign.inheritance.as_ref().is_some_and(|held| held.is_live(now))
                    }
                };
                if wanted && self.may_see(caller, site, &campaign).await? {
                    found.rows.push(self.as_listed(site, campaign).await?);
                }
            }
            after = some.next;
            if after.is_none() {
                break;
            }
        }
        found.next = after;
        Ok(found)
    }

    /// One campaign with everything a decision on it needs.
    ///
    /// # Errors
    ///
    /// `CAMPAIGN_NOT_FOUND`, also for one that is kept from the caller.
    pub async fn campaign_card(
        &self,
        caller: &Actor,
        site: &SiteId,
        id: CampaignId,
    ) -> Result<CampaignCard, ModerationError> {
        let listed = self.campaign(caller, site, id).await?;
        let (members, _) = self.walk(site, id, None, LOOKED_AT).await?;
        let members = self.visible(caller, site, members).await?;
        let earliest = members.iter().find(|member| member.id == listed.campaign.earliest).cloned();
        let text = earliest.as_ref().and_then(|member| member.verdict.as_ref());
        let text = text.map(|verdict| verdict.body.as_str().to_owned());
        let (variants, variant_count) = variants(&members, text.as_deref());
        let spread = spread(&members, &listed.campaign, caller);
        let looked_at = members.len();
        let outcomes = outcomes(&members);
        Ok(CampaignCard { listed, earliest, variants, variant_count, spread, outcomes, looked_at })
    }

    /// One campaign.
    ///
    /// # Errors
    ///
    /// As [`QueueDesk::campaign_card`].
    pub async fn campaign(
        &self,
        caller: &Actor,
        site: &SiteId,
        id: CampaignId,
    ) -> Result<Listed, ModerationError> {
        let campaign = self.known_campaign(site, id).await?;
        if !self.may_see(caller, site, &campaign).await? {
            return Err(StoreError::from(QueueRefusal::UnknownCampaign(id)).into());
        }
        self.as_listed(site, campaign).await
    }

    /// Members of a campaign, oldest first.
    ///
    /// # Errors
    ///
    /// As [`QueueDesk::campaign_card`].
    pub async fn campaign_members(
        &self,
        caller: &Actor,
        site: &SiteId,
        id: CampaignId,
        page: PageRequest<VerdictId>,
    ) -> Result<Page<Member, VerdictId>, ModerationError> {
        let page = self.desk.store.members(site, id, page).await?;
        Ok(Page { rows: self.visible(caller, site, page.rows).await?, next: page.next })
    }

    /// A campaign as it is now, with its earliest copy.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn as_listed(&self, site: &SiteId, campaign: Campaign) -> Result<Listed, ModerationError> {
        let earliest = self.desk.store.verdict(site, campaign.earliest).await?;
        Ok(Listed { campaign, earliest, at: self.now() })
    }

    /// Whether no closed queue keeps a campaign's earliest copy from the caller.
    async fn may_see(
        &self,
        caller: &Actor,
        site: &SiteId,
        campaign: &Campaign,
    ) -> Result<bool, ModerationError> {
        let hidden = self.hidden(caller, site, Deed::Look).await?;
        if hidden.is_empty() {
            return Ok(true);
        }
        let item = self.desk.store.item_of(site, campaign.earliest).await?;
        Ok(item.is_none_or(|item| !is_hidden(&item, &hidden, self.now())))
    }

    /// Those members that no closed queue keeps from the caller.
    async fn visible(
        &self,
        caller: &Actor,
        site: &SiteId,
        members: Vec<Member>,
    ) -> Result<Vec<Member>, ModerationError> {
        let (hidden, now) = (self.hidden(caller, site, Deed::Look).await?, self.now());
        let shown = |member: &Member| member.item.as_ref().is_none_or(|item| !is_hidden(item, &hidden, now));
        Ok(members.into_iter().filter(shown).collect())
    }
}

/// Wordings, most members first, and how many there are.
fn variants(members: &[Member], earliest: Option<&str>) -> (Vec<Variant>, usize) {
    let mut by_text: HashMap<[u8; 16], (usize, u32)> = HashMap::new();
    for (at, member) in members.iter().enumerate() {
        let Some(verdict) = &member.verdict else { continue };
        by_text.entry(text_digest(&verdict.body, verdict.markup)).or_insert((at, 0)).1 += 1;
    }
    let count = by_text.len();
    let mut found: Vec<(usize, u32)> = by_text.into_values().collect();
    found.sort_by_key(|(at, members)| (std::cmp::Reverse(*members), *at));
    found.truncate(VARIANTS);
    let shown = found.into_iter().filter_map(|(at, count)| {
        let example = members.get(at)?.clone();
        let body = example.verdict.as_ref()?.body.as_str();
        let changes = earliest.map(|earliest| changes(earliest, body)).unwrap_or_default();
        Some(Variant { members: count, changes, example })
    });
    (shown.collect(), count)
}

/// Bytes of `body` that `earliest` does not have, by whole words.
fn changes(earliest: &str, body: &str) -> Vec<(usize, usize)> {
    let (old, new) = (head(earliest), head(body));
    let diff = TextDiff::configure().timeout(DIFF_TIME).diff_words(old, new);
    let (mut at, mut spans) = (0, Vec::<(usize, usize)>::new());
    for change in diff.iter_all_changes() {
        let length = change.value().len();
        match change.tag() {
            ChangeTag::Delete => continue,
            ChangeTag::Equal => {}
            ChangeTag::Insert => match spans.last_mut().filter(|(_, end)| *end == at) {
                Some((_, end)) => *end += length,
                None => spans.push((at, at + length)),
            },
        }
        at += length;
    }
    spans
}

/// The beginning of a text, cut between characters.
fn head(text: &str) -> &str {
    let end = (0..=text.len().min(DIFF_BYTES)).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or(text)
}

fn spread(members: &[Member], campaign: &Campaign, caller: &Actor) -> CampaignSpread {
    let verdicts = || members.iter().filter_map(|member| member.verdict.as_deref());
    let author = |verdict: &Verdict| verdict.author_name.clone().or_else(|| verdict.author_id.clone());
    let (spans, length) = spans(verdicts().map(|verdict| verdict.created_at));
    let may_enter = |site: &&SiteId| caller.site.as_ref().is_none_or(|own| own == *site);
    CampaignSpread {
        authors: most(verdicts().filter_map(author)),
        articles: most(verdicts().filter_map(|verdict| verdict.article.clone())),
        sites: campaign.sites.iter().filter(may_enter).cloned().collect(),
        spans,
        length,
    }
}

/// What comes most often, with how often.
fn most<T: Hash + Eq + Ord + Clone>(all: impl Iterator<Item = T>) -> Vec<(T, u32)> {
    let mut counts: HashMap<T, u32> = HashMap::new();
    all.for_each(|one| *counts.entry(one).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    counts.truncate(SHARES);
    counts
}

/// Equal spans of time from the first to the last moment, each of a length that
/// people use.
fn spans(moments: impl Iterator<Item = Timestamp>) -> (Vec<Span>, Duration) {
    const LENGTHS: [u64; 9] = [60, 300, 900, 3_600, 10_800, 43_200, 86_400, 604_800, 2_592_000];
    let mut moments: Vec<i64> = moments.map(Timestamp::micros).collect();
    moments.sort_unstable();
    let (Some(first), Some(last)) = (moments.first().copied(), moments.last().copied()) else {
        return (Vec::new(), Duration::ZERO);
    };
    let micros = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let fits = |seconds: &u64| last.saturating_sub(first) / micros(*seconds) < SPANS - 1;
    let seconds = LENGTHS.into_iter().find(fits).unwrap_or_else(|| {
        let span = last.saturating_sub(first).unsigned_abs() / 1_000_000;
        span / (SPANS.unsigned_abs() - 1) + 1
    });
    let length = micros(seconds);
    let begin = first.div_euclid(length).saturating_mul(length);
    let mut counts: BTreeMap<i64, u32> = BTreeMap::new();
    for at in moments {
        *counts.entry(at.saturating_sub(begin) / length).or_default() += 1;
    }
    let end = counts.keys().last().copied().unwrap_or(0);
    let span = |n: i64| Span {
        start: Timestamp::from_micros(begin.saturating_add(n.saturating_mul(length))),
        members: counts.get(&n).copied().unwrap_or(0),
    };
    ((0..=end).map(span).collect(), Duration::from_secs(seconds))
}

fn outcomes(members: &[Member]) -> Outcomes {
    let mut found = Outcomes::default();
    for member in members {
        let Some(verdict) = &member.verdict else {
            found.erased += 1;
            continue;
        };
        let waits = member.item.as_ref().is_some_and(|item| item.state != ItemState::Decided);
        let ruled = member.decision.as_ref().map(|decision| decision.disposition);
        let count = match (waits, ruled) {
            (true, _) => &mut found.waiting,
            (false, Some(Disposition::Approve)) => &mut found.approved,
            (false, Some(Disposition::Reject)) => &mut found.rejected,
            (false, Some(Disposition::Undo) | None) if member.inherited => &mut found.inherited,
            (false, Some(Disposition::Undo) | None) => match verdict.action {
                Action::Allow => &mut found.allowed,
                Action::Hold => &mut found.waiting,
                Action::Reject | Action::Discard => &mut found.refused,
            },
        };
        *count += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_by_words() {
        let earliest = "Hello friends, earn 500 dollars a day";
        let body = "Hello all, earn 500 euros a day";
        let parts: Vec<&str> = changes(earliest, body).into_iter().map(|(a, b)| &body[a..b]).collect();
        assert_eq!(parts, ["all,", "euros"]);
        assert_eq!(changes(earliest, earliest), []);
        assert_eq!(changes("", "a"), [(0, 1)]);
    }

    #[test]
    fn time_is_cut_into_few_equal_spans() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let (one, length) = spans([at(100), at(110), at(170)].into_iter());
        assert_eq!(length, Duration::from_secs(60));
        let counts: Vec<u32> = one.iter().map(|span| span.members).collect();
        assert_eq!((one[0].start, counts), (at(60), vec![2, 1]));
        for last in [1, 3_000, 90_000, 10_000_000, 4_000_000_000] {
            let (many, _) = spans([at(7), at(7 + last)].into_iter());
            assert!(many.len() <= 60, "{last}: {}", many.len());
            assert_eq!(many.iter().map(|span| span.members).sum::<u32>(), 2, "{last}");
        }
        assert_eq!(spans([].into_iter()).0, []);
    }

    #[test]
    fn the_most_frequent_come_first() {
        let counts = most(["b", "a", "a", "c", "c"].into_iter());
        assert_eq!(counts, [("a", 2), ("c", 2), ("b", 1)]);
    }
}
