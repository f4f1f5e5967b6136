//! An image as rows and as a transaction, for the rules of the queue.
//!
//! May import: `types`, `store`.

use std::{
    collections::BTreeMap,
    ops::{
        Bound::{Excluded, Included, Unbounded},
        ControlFlow,
    },
};

use crate::{
    store::{
        RequestMark, StoreError,
        effect::{Answered, Mark},
        queue::{Ledger, LookUp, RowKey, RowKind, Rows, Span, Visit},
    },
    types::{Tally, TallyKey, Timestamp, Verdict, VerdictId},
};

use super::image::{Delta, Image, Layer, Part, PartKey, Piece};

impl Image {
    /// The layers that hide what is stored, the lowest first.
    const fn layers(&self) -> [&Layer; 2] {
        [&self.written, &self.staged]
    }

    /// Shows the rows of a covered stretch; whether to go on.
    fn show(
        &self,
        kind: RowKind,
        from: &[u8],
        to: Option<&[u8]>,
        backwards: bool,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, StoreError> {
        let start = Included(RowKey { kind, rest: from.to_vec() });
        let end = to.map_or(Unbounded, |to| Excluded(RowKey { kind, rest: to.to_vec() }));
        let mut rows: BTreeMap<&[u8], Option<&Vec<u8>>> = BTreeMap::new();
        let stored = std::iter::once(&self.known.rows);
        for map in stored.chain(self.layers().map(|layer| &layer.rows)) {
            let range = map.range((start.clone(), end.clone())).take_while(|(key, _)| key.kind == kind);
            rows.extend(range.map(|(key, bytes)| (key.rest.as_slice(), bytes.as_ref())));
        }
        let mut show = |(rest, bytes): (&[u8], Option<&Vec<u8>>)| match bytes {
            Some(bytes) => visit(rest, bytes),
            None => Ok(ControlFlow::Continue(())),
        };
        if backwards {
            for row in rows.into_iter().rev() {
                if show(row)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        } else {
            for row in rows {
                if show(row)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn fetch(&self, span: &Span, from: Vec<u8>, to: Option<Vec<u8>>) -> Result<(), StoreError> {
        let limit = self.known.chunk(span.kind);
        let piece = Piece { kind: span.kind, from, to, backwards: span.backwards, limit };
        self.wants(|want| {
            if !want.pieces.contains(&piece) {
                want.pieces.push(piece);
            }
        })
    }

    fn scan_forwards(&self, span: &Span, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut at = span.from.clone();
        loop {
            let Some(until) = self.known.covered_from(span.kind, &at) else {
                return self.fetch(span, at, span.to.clone());
            };
            let until = match (until, &span.to) {
                (Some(until), Some(to)) => Some(until.min(to.clone())),
                (until, to) => until.or_else(|| to.clone()),
            };
            if self.show(span.kind, &at, until.as_deref(), false, visit)?.is_break() || until == span.to {
                return Ok(());
            }
            let Some(next) = until else { return Ok(()) };
            at = next;
        }
    }

    fn scan_backwards(&self, span: &Span, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut end = span.to.clone();
        loop {
            let Some(from) = self.known.covered_until(span.kind, end.as_deref()) else {
                return self.fetch(span, span.from.clone(), end);
            };
            let from = from.max(span.from.clone());
            if self.show(span.kind, &from, end.as_deref(), true, visit)?.is_break() || from == span.from {
                return Ok(());
            }
            end = Some(from);
        }
    }

    /// Verdicts of this transaction that a look-up finds, in reading order.
    fn own(&self, by: &LookUp, after: Option<VerdictId>, newest_first: bool) -> Vec<VerdictId> {
        let belongs = |verdict: &Verdict| match by {
            LookUp::Comment(comment) => verdict.comment.as_ref() == Some(comment),
            LookUp::Article(article) => verdict.article.as_ref() == Some(article),
            LookUp::Author(author) => verdict.author() == Some(*author),
        };
        let past =
            |id: VerdictId| after.is_none_or(|after| if newest_first { id < after } else { id > after });
        let all = self.layers().into_iter().flat_map(|layer| layer.verdicts.values());
        let mut own: Vec<_> =
            all.map(|new| &new.verdict).filter(|v| past(v.id) && belongs(v)).map(|v| v.id).collect();
        own.sort_unstable();
        if newest_first {
            own.reverse();
        }
        own
    }

    /// Counts as stored; what this transaction adds is not in them.
    pub(super) fn tallies(&self, keys: &[TallyKey]) -> Result<Vec<Tally>, StoreError> {
        let one = |key: &TallyKey| match self.known.tallies.get(key) {
            Some(tally) => Ok(*tally),
            None => self
                .wants(|want| {
                    want.tallies.insert(*key);
                })
                .map(|()| Tally::default()),
        };
        keys.iter().map(one).collect()
    }
}

impl Rows for Image {
    fn get(&self, key: &RowKey) -> Result<Option<Vec<u8>>, StoreError> {
        let written = self.layers().into_iter().rev().find_map(|layer| layer.rows.get(key));
        if let Some(known) = written.or_else(|| self.known.rows.get(key)) {
            return Ok(known.clone());
        }
        if self.known.covered_from(key.kind, &key.rest).is_some() {
            return Ok(None);
        }
        self.wants(|want| {
            want.rows.insert(key.clone());
        })
        .map(|()| None)
    }

    fn scan(&self, span: &Span, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        if span.to.as_ref().is_some_and(|to| *to <= span.from) {
            return Ok(());
        }
        if span.backwards { self.scan_backwards(span, visit) } else { self.scan_forwards(span, visit) }
    }

    fn verdict(&self, id: VerdictId) -> Result<Option<Verdict>, StoreError> {
        if let Some(new) = self.layers().into_iter().find_map(|layer| layer.verdicts.get(&id)) {
            return Ok(Some(new.verdict.clone()));
        }
        match self.known.verdicts.get(&id) {
            Some(known) => Ok(known.as_deref().cloned()),
            None => self
                .wants(|want| {
                    want.verdicts.insert(id);
                })
                .map(|()| None),
        }
    }

    fn look_up(
        &self,
        by: &LookUp,
        after: Option<VerdictId>,
        newest_first: bool,
        visit: &mut dyn FnMut(VerdictId) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut own = self.own(by, after, newest_first).into_iter().peekable();
        let mut key: PartKey = (by.clone(), newest_first, after);
        loop {
            let Some(Part { ids, complete }) = self.known.parts.get(&key) else {
                return self.wants(|want| {
                    if !want.parts.contains(&key) {
                        want.parts.push(key);
                    }
                });
            };
            for id in ids {
                let earlier = |own: &VerdictId| if newest_first { own > id } else { own < id };
                while let Some(own) = own.next_if(earlier) {
                    if visit(own)?.is_break() {
                        return Ok(());
                    }
                }
                if visit(*id)?.is_break() {
                    return Ok(());
                }
            }
            match ids.last() {
                Some(last) if !complete => key.2 = Some(*last),
                _ => break,
            }
        }
        for id in own {
            if visit(id)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn damaged(&self, key: &RowKey) -> StoreError {
        damaged(key.kind.name(), &key.rest)
    }
}

/// The error that names a stored value.
pub(super) fn damaged(what: &'static str, key: &[u8]) -> StoreError {
    StoreError::Damaged { what, key: key.iter().map(|byte| format!("{byte:02x}")).collect() }
}

impl Ledger for Image {
    fn put(&mut self, key: &RowKey, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.write(key, Some(bytes))
    }

    fn delete(&mut self, key: &RowKey) -> Result<(), StoreError> {
        self.write(key, None)
    }

    fn answered(&self, request: &RequestMark, now: Timestamp) -> Result<Option<Answered>, StoreError> {
        let key = (request.actor.clone(), request.id);
        let written = self.layers().into_iter().rev().find_map(|layer| layer.marks.get(&key));
        if let Some(mark) = written {
            return Mark::answer(Some(mark), request, now);
        }
        match self.known.marks.get(&key) {
            Some(mark) => Mark::answer(mark.as_ref(), request, now),
            None => self
                .wants(|want| {
                    want.marks.insert(key);
                })
                .map(|()| None),
        }
    }

    fn remember(
        &mut self,
        request: RequestMark,
        at: Timestamp,
        answered: Answered,
    ) -> Result<(), StoreError> {
        let RequestMark { actor, id, payload } = request;
        self.staged.marks.insert((actor, id), Mark { payload, at, answered });
        Ok(())
    }

    fn tally(&mut self, key: &TallyKey, change: &mut dyn FnMut(&mut Tally)) -> Result<(), StoreError> {
        let count = self.staged.tallies.entry(*key).or_default();
        *count = count.and(Delta::of(change));
        Ok(())
    }
}

impl Image {
    fn write(&mut self, key: &RowKey, bytes: Option<Vec<u8>>) -> Result<(), StoreError> {
        if !self.in_order {
            self.misplaced = true;
            return Err(StoreError::Closed);
        }
        // An item is written under the version it was read with, so it has to be read.
        if key.kind == RowKind::Item {
            self.get(key)?;
        }
        self.staged.rows.insert(key.clone(), bytes);
        Ok(())
    }
}
