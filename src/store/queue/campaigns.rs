//! Campaigns: members join in the step that records them.
//!
//! Who belongs together is found before; here it is kept. May import: `types`,
//! `store`.

use std::ops::ControlFlow;

use super::{
    super::StoreError,
    enqueue, index, log,
    request::{Enqueue, Member, Membership, QueueRefusal, Share},
    rows::{Ledger, RowKey, RowKind, Rows, Span, decode, last_id, load, save},
};
use crate::types::{
    AuditAction, Campaign, CampaignId, Decision, Inheritance, KeyId, MAX_SPREAD, MAX_VARIANTS, Page,
    PageRequest, QueueItem, Timestamp, Verdict, VerdictId,
};

/// Takes a verdict that is just being recorded into its campaign, and makes the
/// campaign of it and earlier ones when there is none yet.
pub(in crate::store) fn join(
    ledger: &mut dyn Ledger,
    verdict: &Verdict,
    membership: &Membership,
) -> Result<(), StoreError> {
    let Membership { campaign: id, earlier, sites, variant, share } = membership;
    let known = get(ledger, *id)?;
    let mut campaign = known.unwrap_or_else(|| Campaign {
        id: *id,
        earliest: verdict.id,
        members: 0,
        authors: Vec::new(),
        articles: Vec::new(),
        sites: Vec::new(),
        variants: Vec::new(),
        first_seen: verdict.created_at,
        last_seen: verdict.created_at,
        waiting: 0,
        inheritance: None,
        version: 0,
    });
    for id in earlier {
        if let Some(earlier) = ledger.verdict(*id)? {
            add(ledger, &mut campaign, &earlier, (true, false))?;
        }
    }
    add(ledger, &mut campaign, verdict, (*variant, *share == Share::Inherits))?;
    if let Some(inheritance) = &mut campaign.inheritance {
        match share {
            Share::Nothing => {}
            Share::Inherits => inheritance.inherited = inheritance.inherited.saturating_add(1),
            Share::Beyond => inheritance.beyond = inheritance.beyond.saturating_add(1),
        }
    }
    sites.iter().for_each(|site| note(&mut campaign.sites, Some(site.clone())));
    campaign.version += 1;
    save(ledger, &RowKey::campaign(*id), &campaign)
}

fn add(
    ledger: &mut dyn Ledger,
    campaign: &mut Campaign,
    member: &Verdict,
    (variant, inherited): (bool, bool),
) -> Result<(), StoreError> {
    let key = RowKey::member(campaign.id, member.id);
    if ledger.get(&key)?.is_some() {
        return Ok(());
    }
    save(ledger, &key, &inherited)?;
    campaign.members = campaign.members.saturating_add(1);
    campaign.earliest = campaign.earliest.min(member.id);
    campaign.first_seen = campaign.first_seen.min(member.created_at);
    campaign.last_seen = campaign.last_seen.max(member.created_at);
    if variant && campaign.variants.len() < MAX_VARIANTS {
        campaign.variants.push(member.id);
    }
    note(&mut campaign.authors, member.author());
    note(&mut campaign.articles, member.article.clone());
    if let Some(before) = index::item(ledger, member.id.into())? {
        let mut item = before.clone();
        item.campaign = Some(campaign.id);
        // The item's writing counts who waits, in the stored campaign.
        save(ledger, &RowKey::campaign(campaign.id), campaign)?;
        index::put(ledger, Some(&before), &mut item)?;
        campaign.waiting = get(ledger, campaign.id)?.map_or(0, |stored| stored.waiting);
    }
    Ok(())
}

/// Counts an item that waits, or no longer does, with its campaign.
pub(super) fn wait(
    ledger: &mut dyn Ledger,
    before: Option<CampaignId>,
    after: Option<CampaignId>,
) -> Result<(), StoreError> {
    if before == after {
        return Ok(());
    }
    let mut change = |id: Option<CampaignId>, up: bool| -> Result<(), StoreError> {
        let Some(id) = id else { return Ok(()) };
        let Some(mut campaign) = get(ledger, id)? else { return Ok(()) };
        let waiting = campaign.waiting;
        campaign.waiting = if up { waiting.saturating_add(1) } else { waiting.saturating_sub(1) };
        save(ledger, &RowKey::campaign(id), &campaign)
    };
    change(before, false)?;
    change(after, true)
}

/// Takes the comment of a verdict into the queue. One that has an item already, and
/// one whose text is another now, is left as it is: `None`.
pub(super) fn call_in(
    ledger: &mut dyn Ledger,
    (id, verdict, enqueue): (CampaignId, VerdictId, &Enqueue),
    now: Timestamp,
) -> Result<Option<QueueItem>, StoreError> {
    if enqueue::of_verdict(ledger, verdict)?.is_some() {
        return Ok(None);
    }
    let Some(verdict) = ledger.verdict(verdict)? else { return Ok(None) };
    let before = enqueue::add(ledger, &verdict, enqueue, now)?;
    let mut item = before.clone();
    item.campaign = Some(id);
    index::put(ledger, Some(&before), &mut item)?;
    Ok(Some(item))
}

/// Adds one to a sorted set of bounded size.
fn note<T: Ord>(set: &mut Vec<T>, one: Option<T>) {
    let Some(one) = one else { return };
    if let Err(at) = set.binary_search(&one)
        && set.len() < MAX_SPREAD
    {
        set.insert(at, one);
    }
}

/// One campaign.
pub(super) fn get(rows: &dyn Rows, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
    load(rows, &RowKey::campaign(id))
}

/// Says what members inherit from now on, or that they inherit nothing.
pub(super) fn rule(
    ledger: &mut dyn Ledger,
    id: CampaignId,
    inheritance: Option<Inheritance>,
    actor: &KeyId,
    now: Timestamp,
) -> Result<Campaign, StoreError> {
    let mut campaign = get(ledger, id)?.ok_or(QueueRefusal::UnknownCampaign(id))?;
    let disposition = inheritance.as_ref().map(|inheritance| inheritance.disposition);
    campaign.inheritance = inheritance;
    campaign.version += 1;
    save(ledger, &RowKey::campaign(id), &campaign)?;
    log::append(ledger, now, Some(actor), AuditAction::CampaignRuled { campaign: id, disposition })?;
    Ok(campaign)
}

/// Campaigns, the newest first.
pub(super) fn list(
    rows: &dyn Rows,
    page: &PageRequest<CampaignId>,
) -> Result<Page<Campaign, CampaignId>, StoreError> {
    let mut span = Span::prefix(RowKind::Campaign, &[]).reversed();
    if let Some(after) = page.after {
        span = span.after(after.as_bytes());
    }
    let mut found: Page<Campaign, CampaignId> = Page { rows: Vec::new(), next: None };
    rows.scan(&span, &mut |rest, bytes| {
        if found.rows.len() == page.size.max(1) {
            found.next = found.rows.last().map(|last| last.id);
            return Ok(ControlFlow::Break(()));
        }
        found.rows.push(decode(rows, &RowKey::new(RowKind::Campaign, &[rest]), bytes)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Shows the members of a campaign past `after`.
pub(super) fn each_member(
    rows: &dyn Rows,
    id: CampaignId,
    after: Option<VerdictId>,
    newest_first: bool,
    visit: &mut dyn FnMut(VerdictId) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let span = Span::prefix(RowKind::Member, id.as_bytes());
    let span = if newest_first { span.reversed() } else { span };
    let span = match after {
        Some(after) => span.after(&RowKey::member(id, after).rest),
        None => span,
    };
    rows.scan(&span, &mut |rest, _| match last_id(rest) {
        Some(id) => visit(VerdictId::from_bytes(id)),
        None => Err(rows.damaged(&RowKey::new(RowKind::Member, &[rest]))),
    })
}

/// Members with what became of them, oldest first.
pub(super) fn members(
    rows: &dyn Rows,
    id: CampaignId,
    page: &PageRequest<VerdictId>,
) -> Result<Page<Member, VerdictId>, StoreError> {
    let mut found = Page { rows: Vec::<Member>::new(), next: None };
    each_member(rows, id, page.after, false, &mut |member| {
        if found.rows.len() == page.size.max(1) {
            found.next = found.rows.last().map(|last| last.id);
            return Ok(ControlFlow::Break(()));
        }
        found.rows.push(told(rows, id, member)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn told(rows: &dyn Rows, campaign: CampaignId, id: VerdictId) -> Result<Member, StoreError> {
    let verdict = rows.verdict(id)?.map(Box::new);
    let item = match &verdict {
        Some(_) => enqueue::of_verdict(rows, id)?,
        None => None,
    };
    let decision = match item.as_ref().and_then(|item| item.decision) {
        Some(id) => load::<Decision>(rows, &RowKey::decision(id))?,
        None => None,
    };
    // Rows of earlier versions hold nothing here.
    let bytes = rows.get(&RowKey::member(campaign, id))?;
    let inherited = bytes.is_some_and(|bytes| rmp_serde::from_slice(&bytes).unwrap_or(false));
    Ok(Member { id, verdict, item: item.map(Box::new), decision: decision.map(Box::new), inherited })
}
