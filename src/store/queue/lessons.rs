//! Lessons of a site's rulings: a log that every node follows, one entry per comment
//! that stands under a ruling.
//!
//! A lesson is written in the very step of its ruling. Taking it back deletes it and
//! appends that it is gone, for nodes that learnt it; the last [`KEPT_GONE`] of these
//! are kept, and a node that fell further behind reads the standing ones anew. So what is
//! stored is the standing lessons and little more, whatever came and went. May import:
//! `types`, `store`.

use std::ops::ControlFlow;

use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    backend::Backend,
    rows::{Ledger, RowKey, RowKind, Rows, Span, decode, load, save},
    ruling::Given,
    traits::{LessonNews, LessonStore},
};
use crate::{
    store::StoreError,
    types::{CommentId, Lesson, LogOdds, PerLabel, SiteId, Verdict, VerdictId},
};

/// Entries about lessons taken back that are kept.
const KEPT_GONE: u64 = 1_024;

/// The lesson that stands for a comment.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stands {
    number: u64,
    verdict: VerdictId,
}

/// A lesson that was taken back.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Gone {
    /// The entry it was learnt by.
    of: u64,
    lesson: Lesson,
}

fn head() -> RowKey {
    RowKey::new(RowKind::Lesson, &[b"h"])
}

fn entry(kind: u8, number: u64) -> RowKey {
    RowKey::new(RowKind::Lesson, &[&[kind], &number.to_be_bytes()])
}

fn stands(comment: Option<&CommentId>, verdict: VerdictId) -> RowKey {
    match comment {
        Some(comment) => RowKey::new(RowKind::Lesson, &[b"c", comment.as_str().as_bytes()]),
        None => RowKey::new(RowKind::Lesson, &[b"v", verdict.as_bytes()]),
    }
}

/// Entries of lessons learnt, and of lessons taken back.
const LEARNT: u8 = b'l';
const GONE: u8 = b'g';

/// Makes the lesson of a comment agree with the ruling that holds on a verdict.
pub(super) fn teach(
    ledger: &mut dyn Ledger,
    verdict: &Verdict,
    given: Option<&Given>,
) -> Result<(), StoreError> {
    let key = stands(verdict.comment.as_ref(), verdict.id);
    let before: Option<Stands> = load(ledger, &key)?;
    // Another verdict on the comment may have been ruled on since.
    if given.is_none() && before.as_ref().is_none_or(|before| before.verdict != verdict.id) {
        return Ok(());
    }
    let lesson = given.map(|given| lesson(verdict, given));
    if before.is_none() && lesson.is_none() {
        return Ok(());
    }
    let mut number: u64 = load(ledger, &head())?.unwrap_or(0);
    if let Some(before) = before {
        let learnt = entry(LEARNT, before.number);
        if let Some(lesson) = load::<Lesson>(ledger, &learnt)? {
            number += 1;
            ledger.delete(&learnt)?;
            save(ledger, &entry(GONE, number), &Gone { of: before.number, lesson })?;
            if let Some(old) = number.checked_sub(KEPT_GONE) {
                ledger.delete(&entry(GONE, old))?;
            }
        }
        ledger.delete(&key)?;
    }
    if let Some(lesson) = lesson {
        number += 1;
        save(ledger, &entry(LEARNT, number), &lesson)?;
        save(ledger, &key, &Stands { number, verdict: verdict.id })?;
        if let Some(old) = number.checked_sub(KEPT_GONE) {
            ledger.delete(&entry(GONE, old))?;
        }
    }
    save(ledger, &head(), &number)
}

/// What a ruling teaches about a comment: of one that may stand all labels are known,
/// of another those that were named.
fn lesson(verdict: &Verdict, given: &Given) -> Lesson {
    let labels = &verdict.assessment.labels;
    let alone =
        PerLabel::from_fn(|label| LogOdds::new(labels[label].log_odds.get() - labels[label].decisions.get()));
    let labels = (!given.approved).then_some(given.labels.as_slice());
    Lesson::new(verdict.id, verdict.body.as_str(), &alone, labels)
}

/// What a node that knows all up to `known` has to learn, or has to learn anew.
fn news(rows: &dyn Rows, known: u64) -> Result<Option<LessonNews>, StoreError> {
    let number: u64 = load(rows, &head())?.unwrap_or(0);
    if number == known {
        return Ok(None);
    }
    let anew = known == 0 || known > number || number - known >= KEPT_GONE;
    let after = if anew { 0 } else { known };
    let mut found = LessonNews { number, anew, learnt: Vec::new(), gone: Vec::new() };
    read(rows, LEARNT, after, &mut |lesson| found.learnt.push(lesson))?;
    if !anew {
        // What came and went since was never learnt.
        read(rows, GONE, after, &mut |Gone { of, lesson }| {
            found.gone.extend((of <= known).then_some(lesson))
        })?;
    }
    Ok(Some(found))
}

/// Shows the entries of a kind past a number.
fn read<T: DeserializeOwned>(
    rows: &dyn Rows,
    kind: u8,
    after: u64,
    show: &mut dyn FnMut(T),
) -> Result<(), StoreError> {
    let span = Span::prefix(RowKind::Lesson, &[kind]).after(&entry(kind, after).rest);
    rows.scan(&span, &mut |rest, bytes| {
        show(decode(rows, &RowKey::new(RowKind::Lesson, &[rest]), bytes)?);
        Ok(ControlFlow::Continue(()))
    })
}

#[async_trait]
impl<B: Backend> LessonStore for B {
    async fn lessons(&self, site: &SiteId, known: u64) -> Result<Option<LessonNews>, StoreError> {
        self.glance(site, move |rows| news(rows, known)).await
    }
}
