//! Counts the queue of a site again: what disagrees with what was counted while
//! it changed.
//!
//! May import: `types`, `store`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::ControlFlow,
};

use serde::de::DeserializeOwned;

use super::{
    super::StoreError,
    index, log,
    rows::{RowKey, RowKind, Rows, Span, decode, load},
    ruling::Standing,
    stats::{self, Depth},
};
use crate::types::{
    Campaign, CampaignId, Decision, FiledReport, ItemState, QueueItem, ReporterRecord, Sample, VerdictId,
};

/// A row and what is wrong with it.
type Problems = Vec<(RowKey, String)>;

/// Everything that is wrong with a site's queue. Reads all of it: some 20 µs per
/// item; memory in proportion to readers and decisions taken back.
pub(in crate::store) fn recount(rows: &dyn Rows) -> Result<Problems, StoreError> {
    let mut problems = Problems::new();
    items(rows, &mut problems)?;
    decisions(rows, &mut problems)?;
    samples(rows, &mut problems)?;
    reporters(rows, &mut problems)?;
    campaigns(rows, &mut problems)?;
    chain(rows, &mut problems)?;
    Ok(problems)
}

/// Shows every row of a kind.
fn each<T: DeserializeOwned>(
    rows: &dyn Rows,
    kind: RowKind,
    mut visit: impl FnMut(RowKey, T) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    rows.scan(&Span::prefix(kind, &[]), &mut |rest, bytes| {
        let key = RowKey::new(kind, &[rest]);
        let value = decode(rows, &key, bytes)?;
        visit(key, value).map(ControlFlow::Continue)
    })
}

fn count(rows: &dyn Rows, kind: RowKind) -> Result<u64, StoreError> {
    let mut count = 0;
    rows.scan(&Span::prefix(kind, &[]), &mut |_, _| {
        count += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(count)
}

/// Items, their places and their counts.
fn items(rows: &dyn Rows, problems: &mut Problems) -> Result<(), StoreError> {
    let mut counted = Depth::default();
    let mut open_places = 0;
    each(rows, RowKind::Item, |key, item: QueueItem| {
        *counted.of(item.state) += 1;
        let bytes = index::place_bytes(&item)?;
        for place in index::keys(&item) {
            open_places += u64::from(place.kind == RowKind::OpenPlace);
            if rows.get(&place)?.as_ref() != Some(&bytes) {
                problems.push((key.clone(), format!("is not found by its {}", place.kind.name())));
            }
        }
        if (item.state == ItemState::Claimed) != item.lease.is_some() {
            problems.push((key.clone(), "has a lease and a state that do not agree".into()));
        }
        let decision = match item.decision {
            Some(id) => load::<Decision>(rows, &RowKey::decision(id))?,
            None => None,
        };
        if item.decision.is_some() && decision.as_ref().is_none_or(|decision| decision.item != item.id) {
            problems.push((key.clone(), "names a decision that is not there".into()));
        }
        if item.state == ItemState::Decided && item.decision.is_none() {
            problems.push((key, "is decided by nobody".into()));
        }
        Ok(())
    })?;
    let stored = stats::depth(rows)?;
    if stored != counted {
        let message = format!("says {stored:?}, the items say {counted:?}");
        problems.push((RowKey::single(RowKind::Depth), message));
    }
    let expected = [
        (RowKind::OpenPlace, open_places),
        (RowKind::LeasePlace, counted.claimed),
        (RowKind::DecidedPlace, counted.decided),
    ];
    for (kind, expected) in expected {
        let found = count(rows, kind)?;
        if found != expected {
            let message = format!("{found} rows are there, the items have {expected}");
            problems.push((RowKey::single(kind), message));
        }
    }
    Ok(())
}

fn decisions(rows: &dyn Rows, problems: &mut Problems) -> Result<(), StoreError> {
    let (mut found, mut undone) = (0, HashSet::new());
    each(rows, RowKind::Decision, |key, decision: Decision| {
        found += 1;
        if rows.get(&RowKey::item_decision(decision.item, decision.id))?.is_none() {
            problems.push((key.clone(), "is not found by its item".into()));
        }
        if let Some(batch) = decision.batch
            && rows.get(&RowKey::batch_decision(batch, decision.id))?.is_none()
        {
            problems.push((key.clone(), "is not found by its batch".into()));
        }
        if index::item(rows, decision.item)?.is_none() {
            problems.push((key.clone(), "is about an item that is not there".into()));
        }
        if let Some(reverses) = decision.reverses
            && !undone.insert(reverses)
        {
            problems.push((key, format!("takes back {reverses}, which was taken back before")));
        }
        Ok(())
    })?;
    let listed = count(rows, RowKind::ItemDecision)?;
    if listed != found {
        let message = format!("{listed} look-ups lead to {found} decisions");
        problems.push((RowKey::single(RowKind::ItemDecision), message));
    }
    Ok(())
}

/// A sample is what the ruling says that holds.
fn samples(rows: &dyn Rows, problems: &mut Problems) -> Result<(), StoreError> {
    each(rows, RowKind::Sample, |key, sample: Sample| {
        let standing: Standing = load(rows, &RowKey::standing(sample.verdict))?.unwrap_or_default();
        let holds = standing.current();
        if holds.is_none_or(|given| given.by != sample.ruling || given.approved != sample.approved) {
            problems.push((key, "does not agree with the ruling that holds".into()));
        }
        Ok(())
    })?;
    each(rows, RowKind::Standing, |key, standing: Standing| {
        let Some(id) = key.rest.first_chunk().copied().map(VerdictId::from_bytes) else { return Ok(()) };
        let comment = rows.verdict(id)?.and_then(|verdict| verdict.comment);
        let sample: Option<Sample> = load(rows, &RowKey::sample(comment.as_ref(), id))?;
        if standing.current().is_some() && sample.is_none() && comment.is_none() {
            problems.push((key, "has made no sample".into()));
        }
        Ok(())
    })
}

fn reporters(rows: &dyn Rows, problems: &mut Problems) -> Result<(), StoreError> {
    let mut counted = BTreeMap::<[u8; 16], ReporterRecord>::new();
    each(rows, RowKind::Reports, |_, filed: Vec<FiledReport>| {
        for one in filed {
            let record = counted.entry(one.report.reporter).or_default();
            record.filed += 1;
            match one.settled {
                Some((_, true)) => record.upheld += 1,
                Some((_, false)) => record.dismissed += 1,
                None => {}
            }
        }
        Ok(())
    })?;
    each(rows, RowKind::Reporter, |key, stored: ReporterRecord| {
        let reporter = key.rest.first_chunk().copied().unwrap_or_default();
        let counted = counted.remove(&reporter).unwrap_or_default();
        if counted != stored {
            problems.push((key, format!("says {stored:?}, the reports say {counted:?}")));
        }
        Ok(())
    })?;
    for (reporter, counted) in counted {
        problems.push((RowKey::reporter(reporter), format!("is missing, the reports say {counted:?}")));
    }
    Ok(())
}

fn campaigns(rows: &dyn Rows, problems: &mut Problems) -> Result<(), StoreError> {
    let mut waiting = HashMap::<CampaignId, u32>::new();
    each(rows, RowKind::Item, |_, item: QueueItem| {
        if let Some(id) = item.campaign.filter(|_| item.state != ItemState::Decided) {
            *waiting.entry(id).or_default() += 1;
        }
        Ok(())
    })?;
    each(rows, RowKind::Campaign, |key, campaign: Campaign| {
        let mut members = 0;
        rows.scan(&Span::prefix(RowKind::Member, campaign.id.as_bytes()), &mut |_, _| {
            members += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        let counted = waiting.get(&campaign.id).copied().unwrap_or_default();
        if counted != campaign.waiting {
            let message = format!("says that {} members wait, {counted} do", campaign.waiting);
            problems.push((key.clone(), message));
        }
        if members != campaign.members {
            problems.push((key, format!("says {} members, {members} are there", campaign.members)));
        }
        Ok(())
    })
}

fn chain(rows: &dyn Rows, problems: &mut Problems) -> Result<(), StoreError> {
    let mut head = log::anchor(rows)?;
    loop {
        let check = log::verify(rows, head)?;
        head = check.head;
        if let Some(broken) = check.broken {
            problems.push((
                RowKey::event(broken),
                "is the first link of the audit chain that does not hold".into(),
            ));
            return Ok(());
        }
        if check.done {
            return Ok(());
        }
    }
}
