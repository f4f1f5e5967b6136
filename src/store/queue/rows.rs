//! What the queue's rules need of a backend: rows of one site in key order.
//!
//! A row is a kind, a key within the kind, and bytes. Numbers in keys are
//! big-endian, so that byte order is number order. May import: `types`, `store`.

use std::ops::ControlFlow;

use serde::{Serialize, de::DeserializeOwned};

use super::super::{RequestMark, StoreError, effect::Answered};
use crate::types::{
    AppealId, ArticleId, BatchId, CampaignId, CommentId, DecisionId, FrozenSetName, JobId, ModelId,
    QueueItemId, QueueName, QueueOrder, RuleSetId, Tally, TallyKey, Timestamp, Verdict, VerdictId,
};

/// What a row is. The byte is part of stored keys and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::store) enum RowKind {
    /// A queue item.
    Item,
    /// Place of an open item in one order.
    OpenPlace,
    /// A claimed item by the end of its lease.
    LeasePlace,
    /// A decided item by when it was decided.
    DecidedPlace,
    /// A decision.
    Decision,
    /// Leads from an item to its decisions.
    ItemDecision,
    /// Leads from a batch to its decisions.
    BatchDecision,
    /// How many items are in which state.
    Depth,
    /// What happened within one hour.
    Hour,
    /// A named queue.
    Queue,
    /// A link of the audit chain.
    Event,
    /// The end of the chain.
    ChainHead,
    /// The last link that was trimmed.
    ChainAnchor,
    /// A labelled comment.
    Sample,
    /// Rulings on a verdict.
    Standing,
    /// Readers' reports on a comment.
    Reports,
    /// How often a reader was right.
    Reporter,
    /// An appeal.
    Appeal,
    /// What holds for an author.
    AuthorRule,
    /// A campaign.
    Campaign,
    /// Leads from a campaign to its verdicts.
    Member,
    /// What rulings teach.
    Lesson,
    /// A model bundle.
    Model,
    /// A change of the active bundle.
    Promotion,
    /// The newest of them.
    ActiveModel,
    /// Long work on models.
    Job,
    /// A frozen set of labelled comments.
    FrozenSet,
    /// Files of a rule set.
    RuleSource,
    /// A version of the rules.
    RuleVersion,
    /// Leads from a version's number to it.
    RuleNumber,
    /// Where the rules stand.
    RulesState,
    /// A rule set coming into force.
    Activation,
}

impl RowKind {
    /// Every kind with its byte and its name in reports.
    const ALL: [(Self, u8, &'static str); 32] = [
        (Self::Item, b'q', "queue item"),
        (Self::OpenPlace, b'o', "open place"),
        (Self::LeasePlace, b'l', "lease place"),
        (Self::DecidedPlace, b'e', "decided place"),
        (Self::Decision, b'd', "decision"),
        (Self::ItemDecision, b'j', "decision by item"),
        (Self::BatchDecision, b'b', "decision by batch"),
        (Self::Depth, b'n', "queue depth"),
        (Self::Hour, b'h', "queue hour"),
        (Self::Queue, b'u', "named queue"),
        (Self::Event, b'w', "audit event"),
        (Self::ChainHead, b'y', "audit head"),
        (Self::ChainAnchor, b'z', "audit anchor"),
        (Self::Sample, b'g', "sample"),
        (Self::Standing, b's', "standing ruling"),
        (Self::Reports, b'r', "readers' reports"),
        (Self::Reporter, b'1', "reporter"),
        (Self::Appeal, b'p', "appeal"),
        (Self::AuthorRule, b'2', "author rule"),
        (Self::Campaign, b'4', "campaign"),
        (Self::Member, b'5', "campaign member"),
        (Self::Lesson, b'L', "lesson"),
        (Self::Model, b'6', "model"),
        (Self::Promotion, b'7', "promotion"),
        (Self::ActiveModel, b'8', "active model"),
        (Self::Job, b'9', "job"),
        (Self::FrozenSet, b'A', "frozen set"),
        (Self::RuleSource, b'B', "rule source"),
        (Self::RuleVersion, b'C', "rule version"),
        (Self::RuleNumber, b'D', "rule number"),
        (Self::RulesState, b'E', "rules state"),
        (Self::Activation, b'F', "rules activation"),
    ];

    /// Every kind.
    pub(in crate::store) fn every() -> impl Iterator<Item = Self> {
        Self::ALL.iter().map(|(kind, ..)| *kind)
    }

    /// The byte in stored keys.
    pub(in crate::store) fn code(self) -> u8 {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or(0, |(_, code, _)| *code)
    }

    /// The kind with that byte.
    pub(in crate::store) fn of(code: u8) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == code).map(|(kind, ..)| *kind)
    }

    /// The name in errors and reports.
    pub(in crate::store) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("row", |(.., name)| name)
    }
}

/// The key of a row of a site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::store) struct RowKey {
    /// What it is.
    pub(in crate::store) kind: RowKind,
    /// Where it stands among its kind.
    pub(in crate::store) rest: Vec<u8>,
}

impl RowKey {
    pub(super) fn new(kind: RowKind, parts: &[&[u8]]) -> Self {
        Self { kind, rest: parts.concat() }
    }

    pub(super) fn item(id: QueueItemId) -> Self {
        Self::new(RowKind::Item, &[id.as_bytes()])
    }

    /// Place of an open item. Newest is oldest read backwards.
    pub(super) fn open_place(order: QueueOrder, key: u64, id: QueueItemId) -> Self {
        let (code, key) = match order {
            QueueOrder::Oldest => (0, key),
            QueueOrder::Newest => (0, !key),
            QueueOrder::MostLikelyWrong => (1, key),
            QueueOrder::HarmExposure => (2, key),
            QueueOrder::ValueOfLook => (3, key),
        };
        Self::new(RowKind::OpenPlace, &[&[code], &key.to_be_bytes(), id.as_bytes()])
    }

    pub(super) fn timed(kind: RowKind, at: Timestamp, id: QueueItemId) -> Self {
        Self::new(kind, &[&time_bytes(at), id.as_bytes()])
    }

    pub(super) fn decision(id: DecisionId) -> Self {
        Self::new(RowKind::Decision, &[id.as_bytes()])
    }

    pub(super) fn item_decision(item: QueueItemId, id: DecisionId) -> Self {
        Self::new(RowKind::ItemDecision, &[item.as_bytes(), id.as_bytes()])
    }

    pub(super) fn batch_decision(batch: BatchId, id: DecisionId) -> Self {
        Self::new(RowKind::BatchDecision, &[batch.as_bytes(), id.as_bytes()])
    }

    /// A row of which a site has one.
    pub(super) const fn single(kind: RowKind) -> Self {
        Self { kind, rest: Vec::new() }
    }

    pub(super) fn hour(at: Timestamp) -> Self {
        Self::new(RowKind::Hour, &[&time_bytes(at)])
    }

    pub(super) fn queue(name: &QueueName) -> Self {
        Self::new(RowKind::Queue, &[name.as_str().as_bytes()])
    }

    pub(super) fn event(number: u64) -> Self {
        Self::new(RowKind::Event, &[&number.to_be_bytes()])
    }

    /// A sample, by the comment's name, else by the verdict's. A comment's name
    /// begins with `c`, a verdict's with `v`: they never meet.
    pub(super) fn sample(comment: Option<&CommentId>, verdict: VerdictId) -> Self {
        match comment {
            Some(comment) => Self::new(RowKind::Sample, &[b"c", comment.as_str().as_bytes()]),
            None => Self::new(RowKind::Sample, &[b"v", verdict.as_bytes()]),
        }
    }

    pub(super) fn standing(verdict: VerdictId) -> Self {
        Self::new(RowKind::Standing, &[verdict.as_bytes()])
    }

    pub(super) fn reports(item: QueueItemId) -> Self {
        Self::new(RowKind::Reports, &[item.as_bytes()])
    }

    pub(super) fn reporter(reporter: [u8; 16]) -> Self {
        Self::new(RowKind::Reporter, &[&reporter])
    }

    pub(super) fn appeal(id: AppealId) -> Self {
        Self::new(RowKind::Appeal, &[id.as_bytes()])
    }

    pub(super) fn campaign(id: CampaignId) -> Self {
        Self::new(RowKind::Campaign, &[id.as_bytes()])
    }

    pub(super) fn member(campaign: CampaignId, verdict: VerdictId) -> Self {
        Self::new(RowKind::Member, &[campaign.as_bytes(), verdict.as_bytes()])
    }

    pub(super) fn model(id: &ModelId) -> Self {
        Self::new(RowKind::Model, &[id.as_str().as_bytes()])
    }

    pub(super) fn promotion(number: u64) -> Self {
        Self::new(RowKind::Promotion, &[&number.to_be_bytes()])
    }

    pub(super) fn job(id: JobId) -> Self {
        Self::new(RowKind::Job, &[id.as_bytes()])
    }

    pub(super) fn frozen_set(name: &FrozenSetName) -> Self {
        Self::new(RowKind::FrozenSet, &[name.as_str().as_bytes()])
    }

    pub(super) fn rule_set(kind: RowKind, set: &RuleSetId) -> Self {
        Self::new(kind, &[set.as_str().as_bytes()])
    }

    pub(super) fn numbered(kind: RowKind, number: u64) -> Self {
        Self::new(kind, &[&number.to_be_bytes()])
    }

    pub(super) fn author_rule(author: [u8; 16]) -> Self {
        Self::new(RowKind::AuthorRule, &[&author])
    }
}

/// Eight bytes that sort like the moment: the sign bit is turned over.
pub(super) fn time_bytes(at: Timestamp) -> [u8; 8] {
    (at.micros() ^ i64::MIN).to_be_bytes()
}

/// The moment of such bytes.
pub(super) const fn time_of(bytes: [u8; 8]) -> Timestamp {
    Timestamp::from_micros(i64::from_be_bytes(bytes) ^ i64::MIN)
}

/// Rows of one kind with `from <= rest < to`.
#[derive(Clone, Debug)]
pub(in crate::store) struct Span {
    /// Their kind.
    pub(in crate::store) kind: RowKind,
    /// The first key.
    pub(in crate::store) from: Vec<u8>,
    /// The key after the last; `None` goes to the end of the kind.
    pub(in crate::store) to: Option<Vec<u8>>,
    /// Whether they are read from the end.
    pub(in crate::store) backwards: bool,
}

impl Span {
    /// All rows whose key begins so.
    pub(super) fn prefix(kind: RowKind, prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        while let Some(last) = end.pop() {
            if last < u8::MAX {
                end.push(last + 1);
                break;
            }
        }
        let to = (!end.is_empty()).then_some(end);
        Self { kind, from: prefix.to_vec(), to, backwards: false }
    }

    /// The same rows from the end.
    pub(super) fn reversed(mut self) -> Self {
        self.backwards = !self.backwards;
        self
    }

    /// The rows that come after `rest` in reading order.
    pub(super) fn after(mut self, rest: &[u8]) -> Self {
        if self.backwards {
            self.to = Some(rest.to_vec());
        } else {
            self.from = [rest, &[0]].concat();
        }
        self
    }
}

/// By what verdicts are looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::store) enum LookUp {
    /// The CMS's id of the comment.
    Comment(CommentId),
    /// The article.
    Article(ArticleId),
    /// Digest of the author.
    Author([u8; 16]),
}

/// Is shown rows: the rest of the key and the bytes.
pub(in crate::store) type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, StoreError> + 'a;

/// Rows of one site.
pub(in crate::store) trait Rows {
    /// The bytes of a row.
    fn get(&self, key: &RowKey) -> Result<Option<Vec<u8>>, StoreError>;
    /// Shows rows in key order until `visit` breaks.
    fn scan(&self, span: &Span, visit: &mut Visit<'_>) -> Result<(), StoreError>;
    /// One verdict.
    fn verdict(&self, id: VerdictId) -> Result<Option<Verdict>, StoreError>;
    /// Shows verdicts' ids, oldest first or newest first, those past `after` only.
    fn look_up(
        &self,
        by: &LookUp,
        after: Option<VerdictId>,
        newest_first: bool,
        visit: &mut dyn FnMut(VerdictId) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError>;
    /// The error that says a row is damaged.
    fn damaged(&self, key: &RowKey) -> StoreError;
}

/// A transaction over the rows of one site. It sees its own writes.
pub(in crate::store) trait Ledger: Rows {
    /// Writes a row in place of the one before, if any.
    fn put(&mut self, key: &RowKey, bytes: Vec<u8>) -> Result<(), StoreError>;
    /// Removes a row, if it is there.
    fn delete(&mut self, key: &RowKey) -> Result<(), StoreError>;
    /// What a request was answered with; `None` when it is new at `now`.
    fn answered(&self, request: &RequestMark, now: Timestamp) -> Result<Option<Answered>, StoreError>;
    /// Remembers what a request is answered with.
    fn remember(&mut self, request: RequestMark, at: Timestamp, answer: Answered) -> Result<(), StoreError>;
    /// Changes one count.
    fn tally(&mut self, key: &TallyKey, change: &mut dyn FnMut(&mut Tally)) -> Result<(), StoreError>;
}

/// The value in a row.
pub(super) fn load<T: DeserializeOwned>(rows: &dyn Rows, key: &RowKey) -> Result<Option<T>, StoreError> {
    rows.get(key)?.map(|bytes| decode(rows, key, &bytes)).transpose()
}

/// The value of bytes that were read already.
pub(super) fn decode<T: DeserializeOwned>(
    rows: &dyn Rows,
    key: &RowKey,
    bytes: &[u8],
) -> Result<T, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|_| rows.damaged(key))
}

/// Writes a value.
pub(super) fn save<T: Serialize>(ledger: &mut dyn Ledger, key: &RowKey, value: &T) -> Result<(), StoreError> {
    ledger.put(key, encode(value)?)
}

/// The bytes of a value: named MessagePack, so that fields can be added.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec_named(value)
        .map_err(|source| StoreError::Backend { doing: "encoding a row", source: source.into() })
}

/// The last 16 bytes of a key.
pub(super) fn last_id(rest: &[u8]) -> Option<[u8; 16]> {
    rest.last_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_bytes_of_their_own() {
        let codes: std::collections::BTreeSet<_> = RowKind::ALL.iter().map(|(_, code, _)| code).collect();
        assert_eq!(codes.len(), RowKind::ALL.len());
        assert!(RowKind::ALL.iter().all(|(kind, code, _)| RowKind::of(*code) == Some(*kind)));
    }

    #[test]
    fn spans_end_where_their_prefix_ends() {
        let span = |prefix: &[u8]| Span::prefix(RowKind::Item, prefix).to;
        assert_eq!(span(b"a\xff"), Some(b"b".to_vec()));
        assert_eq!(span(b"\xff"), None);
        assert_eq!(span(b""), None);
    }

    #[test]
    fn times_read_back() {
        for micros in [i64::MIN, -1, 0, 1_790_000_000_000_000] {
            assert_eq!(time_of(time_bytes(Timestamp::from_micros(micros))).micros(), micros);
        }
    }
}
