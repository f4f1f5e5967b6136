//! What a transaction knows of one site, what it has written so far, and what it
//! would have to know.
//!
//! The rules of the queue are plain functions over rows in memory. Here they run over
//! an image: what they ask for and the image does not hold is noted as wanted, the run
//! is void, the wanted rows of all units of a group are fetched in one round trip, and
//! the units run again. A fetch is as long as the longest chain of reads that depend on
//! each other, not as long as all reads.
//!
//! Knows no SQL and no connection. May import: `types`, `store`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    store::{
        StoreError,
        effect::Mark,
        queue::{LookUp, RowKey, RowKind},
    },
    types::{Feedback, KeyId, RequestId, Tally, TallyKey, Timestamp, Verdict, VerdictId},
};

use super::verdicts::Prepared;

/// Rows that one run may find missing before it ends early: what it asks for after a
/// missing row is a guess.
const MAX_GUESSES: usize = 64;
/// Rows of the first fetch of a span; each further one takes four times as many.
const FIRST_CHUNK: i64 = 64;
const LARGEST_CHUNK: i64 = 4_096;

/// Names one request mark of a site.
pub(super) type MarkKey = (KeyId, RequestId);
/// Names one part of a look-up: by what, newest first, after which verdict.
pub(super) type PartKey = (LookUp, bool, Option<VerdictId>);

/// A piece of a span to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: RowKind,
    pub(super) from: Vec<u8>,
    /// `None` goes to the end of the kind.
    pub(super) to: Option<Vec<u8>>,
    pub(super) backwards: bool,
    pub(super) limit: i64,
}

/// What is to be fetched.
#[derive(Clone, Debug, Default)]
pub(super) struct Want {
    pub(super) rows: BTreeSet<RowKey>,
    pub(super) pieces: Vec<Piece>,
    pub(super) verdicts: BTreeSet<VerdictId>,
    pub(super) parts: Vec<PartKey>,
    pub(super) marks: BTreeSet<MarkKey>,
    pub(super) tallies: BTreeSet<TallyKey>,
}

impl Want {
    /// The same and what another wants.
    pub(super) fn add(&mut self, other: &Self) {
        self.rows.extend(other.rows.iter().cloned());
        self.verdicts.extend(&other.verdicts);
        self.marks.extend(other.marks.iter().cloned());
        self.tallies.extend(&other.tallies);
        let new = |part: &&PartKey| !self.parts.contains(part);
        let parts: Vec<PartKey> = other.parts.iter().filter(new).cloned().collect();
        self.parts.extend(parts);
    }

    /// How many things.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
            + self.pieces.len()
            + self.verdicts.len()
            + self.parts.len()
            + self.marks.len()
            + self.tallies.len()
    }
}

/// Part of a look-up.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) ids: Vec<VerdictId>,
    /// Whether nothing follows.
    pub(super) complete: bool,
}

/// Keys from one, to before another or to the end of the kind.
type Stretch = (Vec<u8>, Option<Vec<u8>>);

/// What was read of a site in this transaction.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) rows: BTreeMap<RowKey, Option<Vec<u8>>>,
    covered: HashMap<RowKind, Vec<Stretch>>,
    chunk: HashMap<RowKind, i64>,
    pub(super) verdicts: HashMap<VerdictId, Option<Arc<Verdict>>>,
    pub(super) parts: HashMap<PartKey, Part>,
    pub(super) marks: HashMap<MarkKey, Option<Mark>>,
    pub(super) tallies: HashMap<TallyKey, Tally>,
}

impl Known {
    /// Takes in what a piece of a span held.
    pub(super) fn cover(&mut self, piece: &Piece, rows: Vec<(Vec<u8>, Vec<u8>)>) {
        let whole = (rows.len() as i64) < piece.limit;
        let last = rows.last().map(|(rest, _)| rest.clone());
        let (from, to) = match last {
            Some(last) if !whole && piece.backwards => (last, piece.to.clone()),
            Some(mut last) if !whole => {
                last.push(0);
                (piece.from.clone(), Some(last))
            }
            _ => (piece.from.clone(), piece.to.clone()),
        };
        self.covered.entry(piece.kind).or_default().push((from, to));
        let next = piece.limit.saturating_mul(4).min(LARGEST_CHUNK);
        self.chunk.insert(piece.kind, next);
        for (rest, bytes) in rows {
            self.rows.insert(RowKey { kind: piece.kind, rest }, Some(bytes));
        }
    }

    /// Where the covered stretch that begins at `at` ends: `Some(None)` when it goes to
    /// the end of the kind, `None` when `at` is not covered.
    pub(super) fn covered_from(&self, kind: RowKind, at: &[u8]) -> Option<Option<Vec<u8>>> {
        let holds = |(from, to): &&(Vec<u8>, Option<Vec<u8>>)| {
            from.as_slice() <= at && to.as_ref().is_none_or(|to| to.as_slice() > at)
        };
        self.covered.get(&kind)?.iter().find(holds).map(|(_, to)| to.clone())
    }

    /// Where the covered stretch that ends at `end` (`None`: of the kind) begins.
    pub(super) fn covered_until(&self, kind: RowKind, end: Option<&[u8]>) -> Option<Vec<u8>> {
        let holds = |(from, to): &&(Vec<u8>, Option<Vec<u8>>)| match (end, to) {
            (None, to) => to.is_none(),
            (Some(end), None) => from.as_slice() < end,
            (Some(end), Some(to)) => from.as_slice() < end && to.as_slice() >= end,
        };
        self.covered.get(&kind)?.iter().find(holds).map(|(from, _)| from.clone())
    }

    /// How many rows the next fetch of a kind takes.
    pub(super) fn chunk(&self, kind: RowKind) -> i64 {
        self.chunk.get(&kind).copied().unwrap_or(FIRST_CHUNK)
    }
}

/// How a count moves. Adding it commutes with every other such change, so counts need
/// no order among transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Delta {
    pub(super) seen: i64,
    pub(super) approved: i64,
    pub(super) rejected: i64,
    pub(super) first_seen: Option<Timestamp>,
    pub(super) last_seen: Option<Timestamp>,
}

impl Delta {
    /// What a change does, found by trying it on a count that it cannot bring to zero.
    pub(super) fn of(change: &mut dyn FnMut(&mut Tally)) -> Self {
        const BASE: u32 = 1 << 30;
        let (late, early) = (Timestamp::from_micros(i64::MAX), Timestamp::from_micros(i64::MIN));
        let mut tried =
            Tally { seen: BASE, approved: BASE, rejected: BASE, first_seen: late, last_seen: early };
        change(&mut tried);
        let moved = |count: u32| i64::from(count) - i64::from(BASE);
        Self {
            seen: moved(tried.seen),
            approved: moved(tried.approved),
            rejected: moved(tried.rejected),
            first_seen: Some(tried.first_seen).filter(|at| *at != late),
            last_seen: Some(tried.last_seen).filter(|at| *at != early),
        }
    }

    /// Both changes.
    pub(super) fn and(self, other: Self) -> Self {
        let first = |a: Option<Timestamp>, b: Option<Timestamp>| a.into_iter().chain(b).min();
        Self {
            seen: self.seen + other.seen,
            approved: self.approved + other.approved,
            rejected: self.rejected + other.rejected,
            first_seen: first(self.first_seen, other.first_seen),
            last_seen: self.last_seen.max(other.last_seen),
        }
    }
}

/// What was written and is not stored yet.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) rows: BTreeMap<RowKey, Option<Vec<u8>>>,
    pub(super) verdicts: BTreeMap<VerdictId, Arc<Prepared>>,
    pub(super) marks: BTreeMap<MarkKey, Mark>,
    pub(super) tallies: BTreeMap<TallyKey, Delta>,
    pub(super) feedback: Vec<Feedback>,
}

impl Layer {
    fn add(&mut self, above: Self) {
        self.rows.extend(above.rows);
        self.verdicts.extend(above.verdicts);
        self.marks.extend(above.marks);
        self.feedback.extend(above.feedback);
        for (key, delta) in above.tallies {
            let count = self.tallies.entry(key).or_default();
            *count = count.and(delta);
        }
    }
}

/// How a run of a unit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    /// It has its answer, and what it wrote stays.
    Through,
    /// Something is to be fetched first.
    Blocked,
    /// It writes rows that are kept in order, which this transaction may not.
    Misplaced,
}

/// What a transaction knows of a site and has written to it.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) known: Known,
    pub(super) written: Layer,
    pub(super) staged: Layer,
    pub(super) want: RefCell<Want>,
    /// Whether rows in order may be written: the site's turn is held.
    pub(super) in_order: bool,
    pub(super) misplaced: bool,
    /// Whether a unit of this pass is blocked: those after it only guess.
    blocked: bool,
    wanted_before: usize,
}

impl Image {
    /// Nothing known yet.
    pub(super) fn new(in_order: bool) -> Self {
        Self {
            known: Known::default(),
            written: Layer::default(),
            staged: Layer::default(),
            want: RefCell::default(),
            in_order,
            misplaced: false,
            blocked: false,
            wanted_before: 0,
        }
    }

    /// Begins another pass over the units.
    pub(super) fn next_pass(&mut self) {
        self.blocked = false;
    }

    /// Runs one unit; `run` says whether it succeeded.
    pub(super) fn step(&mut self, run: impl FnOnce(&mut Self) -> bool) -> Ran {
        self.wanted_before = self.want.borrow().len();
        self.misplaced = false;
        let fine = run(self);
        let staged = std::mem::take(&mut self.staged);
        let blocked = self.want.borrow().len() > self.wanted_before;
        if self.misplaced && !blocked {
            return Ran::Misplaced;
        }
        if blocked || self.blocked {
            self.blocked = true;
            return Ran::Blocked;
        }
        if fine {
            self.written.add(staged);
        }
        Ran::Through
    }

    /// Notes that something is wanted.
    ///
    /// # Errors
    ///
    /// When so much is missing already that going on would be guessing. The run is void
    /// anyway, so what the error says is of no account.
    pub(super) fn wants(&self, note: impl FnOnce(&mut Want)) -> Result<(), StoreError> {
        let mut want = self.want.borrow_mut();
        note(&mut want);
        if want.len() > self.wanted_before + MAX_GUESSES { Err(StoreError::Closed) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::effect;

    #[test]
    fn a_change_of_a_count_is_found_by_trying_it() {
        let at = Timestamp::from_micros(5);
        let seen = Delta::of(&mut |tally| effect::see(tally, at));
        assert_eq!(seen, Delta { seen: 1, first_seen: Some(at), last_seen: Some(at), ..Delta::default() });
        let ruled = Delta::of(&mut |tally| effect::rule(tally, Some(true), Some(false)));
        assert_eq!(ruled, Delta { approved: -1, rejected: 1, ..Delta::default() });
        let later = Delta { first_seen: Some(Timestamp::from_micros(9)), ..Delta::default() };
        assert_eq!(later.and(seen), seen);
        assert_eq!(ruled.and(later).first_seen, later.first_seen);
    }

    #[test]
    fn what_was_fetched_covers_a_stretch() {
        let row = |n: u8| (vec![n], vec![n]);
        let piece = |from: u8, to: u8, backwards, limit| Piece {
            kind: RowKind::Hour,
            from: vec![from],
            to: Some(vec![to]),
            backwards,
            limit,
        };
        let mut known = Known::default();
        known.cover(&piece(1, 9, false, 2), vec![row(2), row(3)]);
        assert_eq!(known.covered_from(RowKind::Hour, &[1]), Some(Some(vec![3, 0])));
        assert_eq!(known.covered_from(RowKind::Hour, &[4]), None);
        known.cover(&piece(4, 9, true, 2), vec![row(8), row(7)]);
        assert_eq!(known.covered_until(RowKind::Hour, Some(&[9])), Some(vec![7]));
        assert_eq!(known.covered_until(RowKind::Hour, Some(&[6])), None);
        known.cover(&piece(20, 30, true, 2), vec![]);
        assert_eq!(known.covered_until(RowKind::Hour, Some(&[30])), Some(vec![20]));
    }
}
