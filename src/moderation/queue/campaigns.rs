//! One decision for a whole campaign, what its later members inherit of it, and
//! how both are taken back.
//!
//! May import: `types`, `store`.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use super::{
    MAX_BATCH, QueueDesk, Ruled,
    batch::{holds, name_of},
    claim::part,
};
use crate::{
    moderation::{Actor, ModerationError},
    store::{Enqueue, Member, NewDecision, Outcome, QueueRefusal, RequestMark, StoreError},
    types::{
        Action, BatchId, Campaign, CampaignId, Cause, Causes, Disposition, Inheritance, ItemState,
        PageRequest, QueueItemId, SiteId, Timestamp, VerdictId, text_digest,
    },
};

/// Members that one call decides.
const MAX_CALL: usize = 2_000;
/// Members that a preview counts, and that an undoing looks through.
const MAX_WALK: usize = 10_000;
/// Members shown of a preview.
const SAMPLE: usize = 10;
/// The greatest cap of an inheritance.
pub const MAX_INHERITED_CAP: u32 = 1_000_000;

/// What members still to come inherit; `None` as the site's rules say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InheritTerms {
    /// For how long.
    pub duration: Option<Duration>,
    /// How many of them; 0 means none.
    pub cap: Option<u32>,
}

/// A campaign to be decided.
#[derive(Clone, Debug)]
pub struct CampaignAsk {
    /// Which.
    pub campaign: CampaignId,
    /// What is ruled on each member.
    pub ruled: Ruled,
    /// What later members have of it.
    pub terms: InheritTerms,
    /// Where the call before ended, and its batch.
    pub after: Option<(BatchId, VerdictId)>,
    /// Set when the client wants retries recognised.
    pub request: Option<RequestMark>,
}

/// What becomes of the members that a call looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CampaignCount {
    /// Decided.
    pub decided: u32,
    /// Of them, those that never waited: what the filter did is turned round.
    pub changed: u32,
    /// Ruled on by people before.
    pub settled: u32,
    /// Held by somebody.
    pub held: u32,
    /// The filter did the same.
    pub agreeing: u32,
    /// Erased, or changed meanwhile.
    pub failed: u32,
    /// Of those decided, how many the automatic action agreed with.
    pub agreed: u32,
    /// Mean probability, by the model, that a decision is wrong; in `[0, 1]`.
    pub estimated_error: f64,
}

/// What deciding a campaign did, or would do.
#[derive(Clone, Debug)]
pub struct CampaignOutcome {
    /// The campaign as it is now.
    pub campaign: Campaign,
    /// The batch; `None` for a preview.
    pub batch: Option<BatchId>,
    /// What became of its members.
    pub count: CampaignCount,
    /// Of a preview, some members that would be decided.
    pub sample: Vec<Member>,
    /// Where to go on.
    pub next: Option<VerdictId>,
}

/// What a decision on the campaign means for one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Its item is decided.
    Decide(QueueItemId),
    /// It is taken into the queue and decided.
    Adopt,
    /// This very batch decided it before.
    Done,
    Settled,
    Held,
    Agrees,
    Gone,
}

impl Fate {
    fn of(
        member: &Member,
        outcome: &Outcome,
        batch: Option<BatchId>,
        (caller, now): (&Actor, Timestamp),
    ) -> Self {
        let Some(verdict) = &member.verdict else { return Self::Gone };
        let Some(item) = &member.item else {
            let refused = matches!(verdict.action, Action::Reject | Action::Discard);
            let rejects = matches!(outcome, Outcome::Reject(_));
            let allowed = verdict.action == Action::Allow;
            let agrees = if rejects { refused } else { allowed };
            return if agrees { Self::Agrees } else { Self::Adopt };
        };
        match item.state {
            // The comment says something else now: that is what would be decided.
            _ if item.text != text_digest(&verdict.body, verdict.markup) => Self::Gone,
            ItemState::Open => Self::Decide(item.id),
            ItemState::Claimed if !item.is_held(now) || holds(item, caller) => Self::Decide(item.id),
            ItemState::Claimed => Self::Held,
            ItemState::Decided => match &member.decision {
                Some(decision) if batch.is_some() && decision.batch == batch => Self::Done,
                _ => Self::Settled,
            },
        }
    }
}

impl CampaignCount {
    fn add(&mut self, fate: Fate) {
        let count = match fate {
            Fate::Decide(_) | Fate::Done => &mut self.decided,
            Fate::Adopt => {
                self.changed += 1;
                &mut self.decided
            }
            Fate::Settled => &mut self.settled,
            Fate::Held => &mut self.held,
            Fate::Agrees => &mut self.agreeing,
            Fate::Gone => &mut self.failed,
        };
        *count += 1;
    }

    /// One that was to be decided and could not.
    fn fail(&mut self, fate: Fate) {
        self.decided -= 1;
        self.failed += 1;
        if fate == Fate::Adopt {
            self.changed -= 1;
        }
    }
}

/// Sums over decided members how far the filter was of another mind.
#[derive(Default)]
struct Judged {
    error: f64,
    agreed: u32,
    count: u32,
}

impl Judged {
    fn add(&mut self, member: &Member, outcome: &Outcome) {
        let Some(verdict) = &member.verdict else { return };
        let p = verdict.assessment.probability.get();
        let approves = matches!(outcome, Outcome::Approve);
        self.error += if approves { p } else { 1.0 - p };
        self.agreed += u32::from((verdict.action == Action::Allow) == approves);
        self.count += 1;
    }

    fn into(self, mut count: CampaignCount) -> CampaignCount {
        count.agreed = self.agreed;
        count.estimated_error = self.error / f64::from(self.count.max(1));
        count
    }
}

impl QueueDesk {
    /// Says what deciding a campaign would do.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], [`ModerationError::Forbidden`],
    /// `CAMPAIGN_NOT_FOUND`.
    pub async fn preview_campaign(
        &self,
        caller: &Actor,
        site: &SiteId,
        ask: &CampaignAsk,
    ) -> Result<CampaignOutcome, ModerationError> {
        self.may_batch(caller, site, &ask.ruled).await?;
        let campaign = self.known_campaign(site, ask.campaign).await?;
        let (members, next) = self.walk(site, ask.campaign, None, MAX_WALK).await?;
        let (outcome, now) = (&ask.ruled.outcome, self.now());
        let (mut count, mut judged, mut fine) = (CampaignCount::default(), Judged::default(), Vec::new());
        for member in latest_of_each_comment(members) {
            let fate = Fate::of(&member, outcome, None, (caller, now));
            count.add(fate);
            if matches!(fate, Fate::Decide(_) | Fate::Adopt) {
                judged.add(&member, outcome);
                fine.push(member);
            }
        }
        let step = fine.len().div_ceil(SAMPLE).max(1);
        let sample = fine.into_iter().step_by(step).collect();
        Ok(CampaignOutcome { campaign, batch: None, count: judged.into(count), sample, next })
    }

    /// Decides a campaign: its members so far, some thousand a call, and what those
    /// still to come inherit.
    ///
    /// # Errors
    ///
    /// As [`QueueDesk::preview_campaign`].
    pub async fn decide_campaign(
        &self,
        caller: &Actor,
        site: &SiteId,
        ask: CampaignAsk,
    ) -> Result<CampaignOutcome, ModerationError> {
        let CampaignAsk { campaign: id, ruled, terms, after, request } = ask;
        self.may_batch(caller, site, &ruled).await?;
        let before = self.known_campaign(site, id).await?;
        let named = || request.as_ref().map_or_else(BatchId::generate, name_of);
        let batch = after.map_or_else(named, |(batch, _)| batch);
        // First what comes later: a member recorded while the others are decided
        // inherits. A retry and the next page find that done.
        if after.is_none() && before.inheritance.as_ref().and_then(|held| held.batch) != Some(batch) {
            self.pass_on(caller, site, (id, batch), &ruled.outcome, terms).await?;
        }
        let (members, next) = self.walk(site, id, after.map(|(_, last)| last), MAX_CALL).await?;
        let (mut count, mut judged, now) = (CampaignCount::default(), Judged::default(), self.now());
        let mut work: Vec<(Fate, Member, NewDecision)> = Vec::new();
        for member in latest_of_each_comment(members) {
            let fate = Fate::of(&member, &ruled.outcome, Some(batch), (caller, now));
            count.add(fate);
            let (item, adopt) = match fate {
                Fate::Decide(item) => (item, None),
                Fate::Adopt => (QueueItemId::from(member.id), Some((id, checked()))),
                Fate::Done | Fate::Settled | Fate::Held | Fate::Agrees | Fate::Gone => continue,
            };
            let mark = request.as_ref().map(|mark| part(mark, item.as_bytes()));
            let decision = self.decision(caller, item, &ruled, None, (Some(batch), mark));
            work.push((fate, member, NewDecision { adopt, ..decision }));
        }
        while !work.is_empty() {
            let rest = work.split_off(work.len().min(MAX_BATCH));
            let decisions = work.iter().map(|(_, _, decision)| decision.clone()).collect();
            let made = self.desk.store.decide(site, decisions, now).await;
            for ((fate, member, _), result) in work.into_iter().zip(made) {
                match result {
                    Ok(_) => judged.add(&member, &ruled.outcome),
                    Err(StoreError::Queue(_)) => count.fail(fate),
                    Err(other) => return Err(other.into()),
                }
            }
            work = rest;
        }
        let campaign = self.known_campaign(site, id).await?;
        let count = judged.into(count);
        Ok(CampaignOutcome { campaign, batch: Some(batch), count, sample: Vec::new(), next })
    }

    /// # Errors
    ///
    /// `CAMPAIGN_NOT_FOUND`.
    pub(super) async fn known_campaign(
        &self,
        site: &SiteId,
        id: CampaignId,
    ) -> Result<Campaign, ModerationError> {
        let found = self.desk.store.campaign(site, id).await?;
        Ok(found.ok_or_else(|| StoreError::from(QueueRefusal::UnknownCampaign(id)))?)
    }

    /// Members past one, up to `most`, and where to go on.
    pub(super) async fn walk(
        &self,
        site: &SiteId,
        id: CampaignId,
        mut after: Option<VerdictId>,
        most: usize,
    ) -> Result<(Vec<Member>, Option<VerdictId>), ModerationError> {
        let mut members = Vec::new();
        loop {
            let size = MAX_BATCH.min(most - members.len());
            let page = self.desk.store.members(site, id, PageRequest { size, after }).await?;
            members.extend(page.rows);
            after = page.next;
            if after.is_none() || members.len() >= most {
                return Ok((members, after));
            }
        }
    }

    /// Lets later members of a campaign inherit what was ruled on it.
    pub(super) async fn pass_on(
        &self,
        caller: &Actor,
        site: &SiteId,
        (campaign, batch): (CampaignId, BatchId),
        outcome: &Outcome,
        terms: InheritTerms,
    ) -> Result<(), ModerationError> {
        let now = self.now();
        let rules = self.desk.store.site(site).await?.map(|site| site.queue).unwrap_or_default();
        let lasts = terms.duration.unwrap_or(Duration::from_secs(rules.campaign_seconds));
        let (disposition, reason) = match outcome {
            Outcome::Approve => (Disposition::Approve, None),
            Outcome::Reject(reason) => (Disposition::Reject, Some(*reason)),
        };
        let inheritance = Inheritance {
            disposition,
            reason,
            batch: Some(batch),
            actor: caller.key.clone(),
            created_at: now,
            until: now.plus(lasts),
            cap: terms.cap.unwrap_or(rules.campaign_cap).min(MAX_INHERITED_CAP),
            inherited: 0,
            beyond: 0,
        };
        self.desk.store.rule_campaign(site, campaign, Some(inheritance), &caller.key, now).await?;
        Ok(())
    }

    /// Ends what members of campaigns inherit from a batch that is taken back. Those
    /// that did inherit it come into the queue: nobody else would look at them.
    pub(super) async fn end_inheritance(
        &self,
        caller: &Actor,
        site: &SiteId,
        batch: BatchId,
        undone: &[QueueItemId],
    ) -> Result<(), ModerationError> {
        let mut seen = BTreeSet::new();
        for id in undone {
            let Some(campaign) = self.desk.store.item(site, *id).await?.and_then(|item| item.campaign) else {
                continue;
            };
            if !seen.insert(campaign) {
                continue;
            }
            let held = self.known_campaign(site, campaign).await?.inheritance;
            let Some(held) = held.filter(|held| held.batch.is_none_or(|own| own == batch)) else { continue };
            self.desk.store.rule_campaign(site, campaign, None, &caller.key, self.now()).await?;
            if held.inherited > 0 {
                self.call_in_heirs(site, campaign).await?;
            }
        }
        Ok(())
    }

    async fn call_in_heirs(&self, site: &SiteId, campaign: CampaignId) -> Result<(), ModerationError> {
        let (members, _) = self.walk(site, campaign, None, MAX_WALK).await?;
        let heirs = members.into_iter().filter(|member| member.inherited && member.item.is_none());
        let heirs: Vec<_> = heirs.map(|member| (member.id, checked())).collect();
        for some in heirs.chunks(MAX_BATCH) {
            for result in self.desk.store.call_in(site, campaign, some.to_vec(), self.now()).await {
                result?;
            }
        }
        Ok(())
    }
}

/// What takes a member into the queue because people ruled on its campaign.
fn checked() -> Enqueue {
    Enqueue { causes: Causes::of(Cause::Campaign), section: None, exposure: 1.0 }
}

/// Of several verdicts on one comment the newest counts.
fn latest_of_each_comment(members: Vec<Member>) -> Vec<Member> {
    let mut newest = HashMap::new();
    for (at, member) in members.iter().enumerate() {
        if let Some(comment) = member.verdict.as_ref().and_then(|verdict| verdict.comment.clone()) {
            newest.insert(comment, at);
        }
    }
    let counts = |at: usize, member: &Member| {
        let comment = member.verdict.as_ref().and_then(|verdict| verdict.comment.as_ref());
        comment.is_none_or(|comment| newest.get(comment) == Some(&at))
    };
    let kept: Vec<bool> = members.iter().enumerate().map(|(at, member)| counts(at, member)).collect();
    members.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(member, _)| member).collect()
}
