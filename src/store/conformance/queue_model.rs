//! The queue as a person would write it down: lists of things and loops over
//! them, nothing kept that can be counted.
//!
//! Independent of `store::queue`: it shares no rule with it but the pure order of
//! items and the weight of a reader, which have tests of their own.
//!
//! May import: `types`, `store`.

use std::collections::{BTreeMap, BTreeSet};

use crate::types::{
    Action, Cause, DecisionId, ItemState, QueueItemId, QueueOrder, Rank, ReporterRecord, RulingId, Timestamp,
    VerdictId,
};

/// A moderator, by number.
pub(super) type Who = u8;

#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) id: VerdictId,
    pub(super) comment: Option<u8>,
    pub(super) text: u8,
    pub(super) author: u8,
    pub(super) action: Action,
    /// Rulings with whether they approve, in order of their ids.
    pub(super) rulings: Vec<(RulingId, bool)>,
}

impl Seen {
    pub(super) fn holds(&self) -> Option<(RulingId, bool)> {
        self.rulings.last().copied()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) id: QueueItemId,
    /// Index into the verdicts.
    pub(super) verdict: usize,
    pub(super) causes: BTreeSet<Cause>,
    pub(super) state: ItemState,
    pub(super) holder: Option<(Who, Timestamp)>,
    pub(super) token: u64,
    pub(super) barred: Option<Who>,
    pub(super) appeal: Option<usize>,
    /// Index into the decisions.
    pub(super) decision: Option<usize>,
    pub(super) weight: u32,
    pub(super) since: Timestamp,
    /// Its numbers, fixed by the verdict and the reports.
    pub(super) rank: Rank,
}

#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) id: DecisionId,
    pub(super) item: QueueItemId,
    pub(super) verdict: usize,
    pub(super) by: Who,
    pub(super) approve: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) reader: u8,
    pub(super) weight: u32,
    pub(super) settled: Option<(usize, bool)>,
}

/// How an operation ended, as both sides can say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Done,
    Refused(&'static str),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) verdicts: Vec<Seen>,
    pub(super) items: Vec<Item>,
    pub(super) decisions: Vec<Made>,
    /// Appeals: the decision each is against, and the one that ended it.
    pub(super) appeals: Vec<(Option<usize>, Option<usize>)>,
    /// Reports by what their item is or would be called.
    pub(super) reports: BTreeMap<QueueItemId, Vec<Heard>>,
    /// Samples by comment: the verdict and whether it may stand.
    pub(super) samples: BTreeMap<Result<u8, VerdictId>, (usize, RulingId, bool)>,
    pub(super) claims: usize,
    pub(super) undone: usize,
}

impl Model {
    pub(super) fn item(&mut self, id: QueueItemId) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.id == id)
    }

    /// The item of the comment that a verdict is on.
    pub(super) fn of_verdict(&self, at: usize) -> Option<usize> {
        let verdict = &self.verdicts[at];
        let same = |item: &Item| QueueItemId::from(verdict.id) == item.id;
        let direct = self.items.iter().position(same);
        direct.or_else(|| verdict.comment.and_then(|comment| self.of_comment(comment)))
    }

    fn of_comment(&self, comment: u8) -> Option<usize> {
        let on = self.verdicts.iter().rev().filter(|verdict| verdict.comment == Some(comment));
        let ids: Vec<_> = on.map(|verdict| QueueItemId::from(verdict.id)).collect();
        ids.iter().find_map(|id| self.items.iter().position(|item| item.id == *id))
    }

    pub(super) fn record(&mut self, verdict: Seen, queued: bool, rank: Rank, now: Timestamp) {
        let known = verdict.comment.and_then(|comment| self.of_comment(comment));
        let at = self.verdicts.len();
        let text = verdict.text;
        self.verdicts.push(verdict);
        let Some(known) = known else {
            if queued {
                self.enter(at, Cause::Held, rank, now);
            }
            return;
        };
        let same = self.verdicts[self.items[known].verdict].text == text;
        let item = &mut self.items[known];
        match item.state {
            ItemState::Decided if same || !queued => {}
            ItemState::Decided => {
                (item.state, item.since, item.decision) = (ItemState::Open, now, None);
                item.causes = BTreeSet::from([Cause::Held]);
                (item.verdict, item.rank) = (at, Rank { reported: item.rank.reported, ..rank });
            }
            ItemState::Open | ItemState::Claimed => {
                if !same {
                    (item.state, item.holder, item.decision) = (ItemState::Open, None, None);
                }
                if queued {
                    item.causes.insert(Cause::Held);
                }
                (item.verdict, item.rank) = (at, Rank { reported: item.rank.reported, ..rank });
            }
        }
    }

    fn enter(&mut self, verdict: usize, cause: Cause, rank: Rank, now: Timestamp) -> usize {
        self.items.push(Item {
            id: QueueItemId::from(self.verdicts[verdict].id),
            verdict,
            causes: BTreeSet::from([cause]),
            state: ItemState::Open,
            holder: None,
            token: 0,
            barred: None,
            appeal: None,
            decision: None,
            weight: 0,
            since: now,
            rank,
        });
        self.items.len() - 1
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        for item in &mut self.items {
            if item.holder.is_some_and(|(_, end)| end <= now) {
                (item.state, item.holder) = (ItemState::Open, None);
            }
        }
    }

    /// Open items in an order.
    pub(super) fn open(&self, order: QueueOrder) -> Vec<QueueItemId> {
        let mut open: Vec<_> = self.items.iter().filter(|item| item.state == ItemState::Open).collect();
        open.sort_by_key(|item| (item.rank.key(order, item.since), item.id));
        if order == QueueOrder::Newest {
            // Newest is oldest from its end, among items of one moment too.
            open.sort_by_key(|item| std::cmp::Reverse((item.since, item.id)));
        }
        open.into_iter().map(|item| item.id).collect()
    }

    pub(super) fn claim(
        &mut self,
        who: Who,
        ids: &[QueueItemId],
        max: usize,
        end: Timestamp,
    ) -> Vec<QueueItemId> {
        let mut taken = Vec::new();
        for id in ids {
            let Some(item) = self.item(*id) else { continue };
            if taken.len() < max && item.state == ItemState::Open && item.barred != Some(who) {
                (item.state, item.holder) = (ItemState::Claimed, Some((who, end)));
                item.token += 1;
                taken.push(*id);
            }
        }
        self.claims += taken.len();
        taken
    }

    fn holds(&self, at: usize, who: Who, token: u64, now: Timestamp) -> bool {
        let item = &self.items[at];
        item.token == token && item.holder.is_some_and(|(holder, end)| holder == who && now < end)
    }

    /// Renews (with an end) or releases a lease.
    pub(super) fn lease(
        &mut self,
        who: Who,
        id: QueueItemId,
        token: u64,
        end: Option<Timestamp>,
        now: Timestamp,
    ) -> Said {
        let Some(at) = self.items.iter().position(|item| item.id == id) else {
            return Said::Refused("QUEUE_ITEM_NOT_FOUND");
        };
        if !self.holds(at, who, token, now) {
            return Said::Refused("LEASE_LOST");
        }
        match end {
            Some(end) => self.items[at].holder = Some((who, end)),
            None => (self.items[at].state, self.items[at].holder) = (ItemState::Open, None),
        }
        Said::Done
    }

    pub(super) fn decide(
        &mut self,
        who: Who,
        id: DecisionId,
        item: QueueItemId,
        token: Option<u64>,
        approve: bool,
        now: Timestamp,
    ) -> Said {
        let Some(at) = self.items.iter().position(|known| known.id == item) else {
            return Said::Refused("QUEUE_ITEM_NOT_FOUND");
        };
        match token {
            Some(token) if !self.holds(at, who, token, now) => return Said::Refused("LEASE_LOST"),
            Some(_) => {}
            None => match (self.items[at].state, self.items[at].holder) {
                (_, Some((holder, end))) if now < end && holder != who => return Said::Refused("ITEM_HELD"),
                (ItemState::Decided, _) => return Said::Refused("ITEM_DECIDED"),
                _ => {}
            },
        }
        if self.items[at].barred == Some(who) {
            return Said::Refused("SECOND_REVIEWER_NEEDED");
        }
        let number = self.decisions.len();
        let verdict = self.items[at].verdict;
        self.decisions.push(Made { id, item, verdict, by: who, approve });
        self.rule(verdict, id.into(), approve);
        for heard in self.reports.entry(item).or_default().iter_mut().filter(|heard| heard.settled.is_none())
        {
            heard.settled = Some((number, !approve));
        }
        if let Some(appeal) = self.items[at].appeal.and_then(|appeal| self.appeals.get_mut(appeal)) {
            appeal.1.get_or_insert(number);
        }
        let item = &mut self.items[at];
        (item.state, item.holder, item.barred) = (ItemState::Decided, None, None);
        (item.decision, item.weight, item.rank.reported) = (Some(number), 0, 0.0);
        Said::Done
    }

    /// A ruling on a verdict, by decision or report.
    pub(super) fn rule(&mut self, verdict: usize, by: RulingId, approve: bool) {
        let before = self.verdicts[verdict].holds();
        self.verdicts[verdict].rulings.push((by, approve));
        self.verdicts[verdict].rulings.sort();
        self.sample(verdict, before);
    }

    fn sample(&mut self, verdict: usize, before: Option<(RulingId, bool)>) {
        let seen = &self.verdicts[verdict];
        let key = seen.comment.ok_or(seen.id);
        match seen.holds() {
            holds if holds == before => {}
            Some((by, approve)) => drop(self.samples.insert(key, (verdict, by, approve))),
            None if self.samples.get(&key).is_some_and(|sample| sample.0 == verdict) => {
                self.samples.remove(&key);
            }
            None => {}
        }
    }

    pub(super) fn undo(&mut self, number: usize, now: Timestamp) -> Said {
        let Made { id, item, verdict, .. } = self.decisions[number].clone();
        let Some(at) = self.items.iter().position(|known| known.id == item) else {
            return Said::Refused("QUEUE_ITEM_NOT_FOUND");
        };
        if self.items[at].state != ItemState::Decided || self.items[at].decision != Some(number) {
            return Said::Refused("DECISION_NOT_STANDING");
        }
        let before = self.verdicts[verdict].holds();
        self.verdicts[verdict].rulings.retain(|(by, _)| *by != RulingId::from(id));
        self.sample(verdict, before);
        let mut weight = 0;
        for heard in self.reports.entry(item).or_default() {
            if heard.settled.is_some_and(|(by, _)| by == number) {
                heard.settled = None;
            }
            weight += if heard.settled.is_none() { heard.weight } else { 0 };
        }
        let mut barred = None;
        if let Some(appeal) = self.items[at].appeal.and_then(|appeal| self.appeals.get_mut(appeal))
            && appeal.1 == Some(number)
        {
            appeal.1 = None;
            barred = appeal.0.map(|against| self.decisions[against].by);
        }
        let item = &mut self.items[at];
        (item.state, item.decision, item.since) = (ItemState::Open, None, now);
        (item.barred, item.weight, item.rank.reported) = (barred, weight, reported(weight));
        self.undone += 1;
        Said::Done
    }

    pub(super) fn record_of(&self, reader: u8) -> ReporterRecord {
        let mut record = ReporterRecord::default();
        for heard in self.reports.values().flatten().filter(|heard| heard.reader == reader) {
            record.filed += 1;
            record.upheld += u32::from(heard.settled.is_some_and(|(_, right)| right));
            record.dismissed += u32::from(heard.settled.is_some_and(|(_, right)| !right));
        }
        record
    }

    /// A reader's report; `rank` places an item that it may open.
    pub(super) fn report(
        &mut self,
        verdict: usize,
        reader: u8,
        threshold: u32,
        rank: Rank,
        now: Timestamp,
    ) -> String {
        let known = self.of_verdict(verdict);
        let subject = known.map_or(QueueItemId::from(self.verdicts[verdict].id), |at| self.items[at].id);
        if self.reports.entry(subject).or_default().iter().any(|heard| heard.reader == reader) {
            return "repeated".into();
        }
        let weight = self.record_of(reader).weight();
        let heard = self.reports.entry(subject).or_default();
        heard.push(Heard { reader, weight, settled: None });
        let weight = heard.iter().filter(|heard| heard.settled.is_none()).map(|heard| heard.weight).sum();
        let reached = weight >= threshold;
        let at = match known {
            None if !reached => return format!("counted {weight} false"),
            None => self.enter(verdict, Cause::Reported, rank, now),
            Some(at) => at,
        };
        let item = &mut self.items[at];
        (item.weight, item.rank.reported) = (weight, reported(weight));
        if reached {
            item.causes.insert(Cause::Reported);
            if item.state == ItemState::Decided {
                (item.state, item.since) = (ItemState::Open, now);
            }
        }
        format!("counted {weight} {}", item.state != ItemState::Decided)
    }

    pub(super) fn appeal(&mut self, verdict: usize, rank: Rank, now: Timestamp) -> Said {
        let known = self.of_verdict(verdict);
        let at = match known {
            Some(at) => at,
            None if self.verdicts[verdict].action == Action::Allow => {
                return Said::Refused("NOTHING_TO_APPEAL");
            }
            None => self.enter(verdict, Cause::Appealed, rank, now),
        };
        if self.items[at].appeal.is_some_and(|appeal| self.appeals[appeal].1.is_none()) {
            return Said::Refused("APPEAL_OPEN");
        }
        let against = self.items[at].decision;
        let stands = match against {
            Some(decision) => !self.decisions[decision].approve,
            None => self.verdicts[self.items[at].verdict].action != Action::Allow,
        };
        if !stands {
            return Said::Refused("NOTHING_TO_APPEAL");
        }
        let number = self.appeals.len();
        self.appeals.push((against, None));
        let barred = against.map(|decision| self.decisions[decision].by);
        let item = &mut self.items[at];
        (item.appeal, item.barred) = (Some(number), barred);
        item.causes.insert(Cause::Appealed);
        if item.state == ItemState::Decided {
            (item.state, item.since) = (ItemState::Open, now);
        }
        Said::Done
    }
}

fn reported(weight: u32) -> f64 {
    (f64::from(weight) / 1000.0).min(2.0)
}
