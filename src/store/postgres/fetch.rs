//! Fetches what images want: one statement per kind of thing for all sites together.
//!
//! May import: `types`, `store`.

use std::{collections::HashMap, sync::Arc};

use tokio_postgres::Row;

use crate::{
    store::{
        StoreError,
        effect::Mark,
        queue::{LookUp, RowKey, RowKind},
    },
    types::{SiteId, Tally, Timestamp, Verdict, VerdictId},
};

use super::{
    image::{Image, Part, PartKey, Piece, Want},
    ledger::damaged,
    link::Failure,
    sql::{Id, Query},
};

/// Images of the sites of a group.
pub(super) type Images = HashMap<SiteId, Image>;

/// Verdicts of one part of a look-up.
const PART: i64 = 65;

/// Rows by their keys: primary key of `queue_rows`.
const ROWS: &str = "SELECT k.n, r.bytes FROM unnest($1::int4[], $2::text[], $3::int2[], $4::bytea[]) AS k(n, site, kind, rest) \
     JOIN queue_rows r ON r.site = k.site COLLATE \"C\" AND r.kind = k.kind AND r.rest = k.rest";
/// Items by id: primary key of `queue_items`.
const ITEMS: &str = "SELECT k.n, i.body FROM unnest($1::int4[], $2::text[], $3::uuid[]) AS k(n, site, id) \
     JOIN queue_items i ON i.site = k.site COLLATE \"C\" AND i.id = k.id";
/// Verdicts by id: primary key of `verdicts`, one partition each.
const VERDICTS: &str = "SELECT k.n, v.body FROM unnest($1::int4[], $2::text[], $3::uuid[]) AS k(n, site, id) \
     JOIN verdicts v ON v.site = k.site COLLATE \"C\" AND v.id = k.id";
/// Marks: primary key of `request_marks`.
const MARKS: &str = "SELECT k.n, m.body FROM unnest($1::int4[], $2::text[], $3::text[], $4::uuid[]) AS k(n, site, actor, id) \
     JOIN request_marks m ON m.site = k.site COLLATE \"C\" AND m.actor = k.actor COLLATE \"C\" AND m.id = k.id";
/// Counts: primary key of `tallies`.
const TALLIES: &str = "SELECT k.n, t.seen, t.approved, t.rejected, t.first_seen, t.last_seen \
     FROM unnest($1::int4[], $2::text[], $3::int2[], $4::uuid[]) AS k(n, site, kind, digest) \
     JOIN tallies t ON t.site = k.site COLLATE \"C\" AND t.kind = k.kind AND t.digest = k.digest";
/// The newest verdicts of many comments: index `verdicts_comment`. `OFFSET 0` keeps the order
/// out of the choice of index: else the planner may walk a site's verdicts newest first.
const OF_COMMENTS: &str = "SELECT k.n, v.id FROM unnest($1::int4[], $2::text[], $3::text[]) AS k(n, site, comment), \
     LATERAL (SELECT id FROM (SELECT id FROM verdicts WHERE site = k.site COLLATE \"C\" AND comment = k.comment COLLATE \"C\" OFFSET 0) f \
     ORDER BY id DESC LIMIT 65) v ORDER BY k.n, v.id DESC";
/// A stretch of rows: primary key of `queue_rows`.
const FORWARDS: &str = "SELECT rest, bytes FROM queue_rows WHERE site = $1 AND kind = $2 AND rest >= $3 AND rest < $4 \
     ORDER BY rest LIMIT $5";
const BACKWARDS: &str = "SELECT rest, bytes FROM queue_rows WHERE site = $1 AND kind = $2 AND rest >= $3 AND rest < $4 \
     ORDER BY rest DESC LIMIT $5";

/// Part of a look-up: indexes `verdicts_comment`, `verdicts_article`, `verdicts_author`.
fn look_up(by: &LookUp, newest_first: bool) -> &'static str {
    match (by, newest_first) {
        (LookUp::Comment(_), true) => {
            "SELECT id FROM verdicts WHERE site = $1 AND comment = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
        }
        (LookUp::Comment(_), false) => {
            "SELECT id FROM verdicts WHERE site = $1 AND comment = $2 AND id > $3 ORDER BY id LIMIT $4"
        }
        (LookUp::Article(_), true) => {
            "SELECT id FROM verdicts WHERE site = $1 AND article = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
        }
        (LookUp::Article(_), false) => {
            "SELECT id FROM verdicts WHERE site = $1 AND article = $2 AND id > $3 ORDER BY id LIMIT $4"
        }
        (LookUp::Author(_), true) => {
            "SELECT id FROM verdicts WHERE site = $1 AND author = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
        }
        (LookUp::Author(_), false) => {
            "SELECT id FROM verdicts WHERE site = $1 AND author = $2 AND id > $3 ORDER BY id LIMIT $4"
        }
    }
}

/// Past the end of every kind: no key of a row is larger.
fn past_all() -> Vec<u8> {
    vec![u8::MAX; 256]
}

/// What a statement asked for, to tell its rows apart.
enum Asked {
    Rows(Vec<(SiteId, RowKey)>),
    Verdicts(Vec<(SiteId, VerdictId)>),
    Marks(Vec<(SiteId, super::image::MarkKey)>),
    Tallies(Vec<(SiteId, crate::types::TallyKey)>),
    Comments(Vec<(SiteId, PartKey)>),
    Piece(SiteId, Piece),
    Part(SiteId, PartKey),
}

/// The statements that fetch what is wanted.
#[derive(Default)]
pub(super) struct Errand {
    asked: Vec<Asked>,
    pub(super) queries: Vec<Query>,
}

fn numbers(count: usize) -> Vec<i32> {
    (0..i32::try_from(count).unwrap_or(i32::MAX)).collect()
}

fn texts<T>(list: &[(SiteId, T)]) -> Vec<String> {
    list.iter().map(|(site, _)| site.as_str().to_owned()).collect()
}

impl Errand {
    /// What all images want; they want nothing afterwards.
    pub(super) fn of(images: &mut Images) -> Self {
        let wants =
            images.iter_mut().map(|(site, image)| (site.clone(), std::mem::take(image.want.get_mut())));
        let mut wants: Vec<(SiteId, Want)> = wants.collect();
        wants.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut errand = Self::default();
        let (mut rows, mut items, mut verdicts, mut marks, mut tallies, mut comments) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (site, want) in wants {
            for key in want.rows {
                let list = if key.kind == RowKind::Item { &mut items } else { &mut rows };
                list.push((site.clone(), key));
            }
            verdicts.extend(want.verdicts.into_iter().map(|id| (site.clone(), id)));
            marks.extend(want.marks.into_iter().map(|key| (site.clone(), key)));
            tallies.extend(want.tallies.into_iter().map(|key| (site.clone(), key)));
            for piece in want.pieces {
                errand.piece(&site, piece);
            }
            for part in want.parts {
                match part {
                    (LookUp::Comment(_), true, None) => comments.push((site.clone(), part)),
                    _ => errand.part(&site, part),
                }
            }
        }
        errand.rows(rows);
        errand.items(items);
        errand.verdicts(verdicts);
        errand.marks(marks);
        errand.tallies(tallies);
        errand.comments(comments);
        errand
    }

    fn ask(&mut self, asked: Asked, query: Query) {
        self.asked.push(asked);
        self.queries.push(query);
    }

    fn rows(&mut self, list: Vec<(SiteId, RowKey)>) {
        if list.is_empty() {
            return;
        }
        let kinds: Vec<i16> = list.iter().map(|(_, key)| i16::from(key.kind.code())).collect();
        let rests: Vec<Vec<u8>> = list.iter().map(|(_, key)| key.rest.clone()).collect();
        let query = Query::new(ROWS).with(numbers(list.len())).with(texts(&list)).with(kinds).with(rests);
        self.ask(Asked::Rows(list), query);
    }

    fn items(&mut self, list: Vec<(SiteId, RowKey)>) {
        if list.is_empty() {
            return;
        }
        let ids: Vec<Id> = list.iter().map(|(_, key)| Id(item_id(key))).collect();
        let query = Query::new(ITEMS).with(numbers(list.len())).with(texts(&list)).with(ids);
        self.ask(Asked::Rows(list), query);
    }

    fn verdicts(&mut self, list: Vec<(SiteId, VerdictId)>) {
        if list.is_empty() {
            return;
        }
        let ids: Vec<Id> = list.iter().map(|(_, id)| Id(*id.as_bytes())).collect();
        let query = Query::new(VERDICTS).with(numbers(list.len())).with(texts(&list)).with(ids);
        self.ask(Asked::Verdicts(list), query);
    }

    fn marks(&mut self, list: Vec<(SiteId, super::image::MarkKey)>) {
        if list.is_empty() {
            return;
        }
        let actors: Vec<String> = list.iter().map(|(_, (actor, _))| actor.as_str().to_owned()).collect();
        let ids: Vec<Id> = list.iter().map(|(_, (_, id))| Id(*id.as_bytes())).collect();
        let query = Query::new(MARKS).with(numbers(list.len())).with(texts(&list)).with(actors).with(ids);
        self.ask(Asked::Marks(list), query);
    }

    fn tallies(&mut self, list: Vec<(SiteId, crate::types::TallyKey)>) {
        if list.is_empty() {
            return;
        }
        let kinds: Vec<i16> = list.iter().map(|(_, key)| i16::from(key.kind.code())).collect();
        let digests: Vec<Id> = list.iter().map(|(_, key)| Id(key.digest)).collect();
        let query =
            Query::new(TALLIES).with(numbers(list.len())).with(texts(&list)).with(kinds).with(digests);
        self.ask(Asked::Tallies(list), query);
    }

    fn comments(&mut self, list: Vec<(SiteId, PartKey)>) {
        if list.is_empty() {
            return;
        }
        let name = |(_, (by, ..)): &(SiteId, PartKey)| match by {
            LookUp::Comment(comment) => comment.as_str().to_owned(),
            LookUp::Article(_) | LookUp::Author(_) => String::new(),
        };
        let names: Vec<String> = list.iter().map(name).collect();
        let query = Query::new(OF_COMMENTS).with(numbers(list.len())).with(texts(&list)).with(names);
        self.ask(Asked::Comments(list), query);
    }

    fn piece(&mut self, site: &SiteId, piece: Piece) {
        let sql = if piece.backwards { BACKWARDS } else { FORWARDS };
        let to = piece.to.clone().unwrap_or_else(past_all);
        let kind = i16::from(piece.kind.code());
        let query = Query::new(sql).with(site.as_str().to_owned()).with(kind).with(piece.from.clone());
        let query = query.with(to).with(piece.limit);
        self.ask(Asked::Piece(site.clone(), piece), query);
    }

    fn part(&mut self, site: &SiteId, part: PartKey) {
        let (by, newest_first, after) = &part;
        let start = if *newest_first { [u8::MAX; 16] } else { [0; 16] };
        let after = after.map_or(start, |id| *id.as_bytes());
        let query = Query::new(look_up(by, *newest_first)).with(site.as_str().to_owned());
        let query = match by {
            LookUp::Comment(id) => query.with(id.as_str().to_owned()),
            LookUp::Article(id) => query.with(id.as_str().to_owned()),
            LookUp::Author(digest) => query.with(Id(*digest)),
        };
        let query = query.with(Id(after)).with(PART);
        self.ask(Asked::Part(site.clone(), part), query);
    }

    /// Puts what came back into the images.
    pub(super) fn deliver(self, answers: Vec<Vec<Row>>, images: &mut Images) -> Result<(), Failure> {
        for (asked, rows) in self.asked.into_iter().zip(answers) {
            asked.deliver(rows, images)?;
        }
        Ok(())
    }
}

/// The rows of an answer by the number of what was asked for.
fn by_number<T>(
    rows: Vec<Row>,
    count: usize,
    read: impl Fn(&Row) -> Result<T, Failure>,
) -> Result<Vec<Vec<T>>, Failure> {
    let mut found: Vec<Vec<T>> = (0..count).map(|_| Vec::new()).collect();
    for row in rows {
        let number: i32 = row.try_get(0)?;
        if let Some(slot) = usize::try_from(number).ok().and_then(|n| found.get_mut(n)) {
            slot.push(read(&row)?);
        }
    }
    Ok(found)
}

fn verdict_id(row: &Row, column: usize) -> Result<VerdictId, Failure> {
    Ok(VerdictId::from_bytes(row.try_get::<_, Id>(column)?.0))
}

fn bytes(row: &Row) -> Result<Vec<u8>, Failure> {
    Ok(row.try_get(1)?)
}

impl Asked {
    fn deliver(self, rows: Vec<Row>, images: &mut Images) -> Result<(), Failure> {
        match self {
            Self::Rows(list) => {
                let found = by_number(rows, list.len(), bytes)?;
                for ((site, key), mut found) in list.into_iter().zip(found) {
                    known(images, &site, |image| drop(image.known.rows.insert(key, found.pop())));
                }
            }
            Self::Verdicts(list) => {
                let found = by_number(rows, list.len(), bytes)?;
                for ((site, id), mut found) in list.into_iter().zip(found) {
                    let verdict = found.pop().map(|bytes| verdict(id, &bytes)).transpose()?.map(Arc::new);
                    known(images, &site, |image| drop(image.known.verdicts.insert(id, verdict)));
                }
            }
            Self::Marks(list) => {
                let found = by_number(rows, list.len(), bytes)?;
                for ((site, key), mut found) in list.into_iter().zip(found) {
                    let read = |bytes: Vec<u8>| {
                        rmp_serde::from_slice::<Mark>(&bytes)
                            .map_err(|_| damaged("request mark", key.1.as_bytes()))
                    };
                    let mark = found.pop().map(read).transpose()?;
                    known(images, &site, |image| drop(image.known.marks.insert(key, mark)));
                }
            }
            Self::Tallies(list) => {
                let found = by_number(rows, list.len(), tally)?;
                for ((site, key), mut found) in list.into_iter().zip(found) {
                    let tally = found.pop().unwrap_or_default();
                    known(images, &site, |image| {
                        image.known.tallies.insert(key, tally);
                    });
                }
            }
            Self::Comments(list) => {
                let found = by_number(rows, list.len(), |row| verdict_id(row, 1))?;
                for ((site, key), ids) in list.into_iter().zip(found) {
                    let part = Part { complete: (ids.len() as i64) < PART, ids };
                    known(images, &site, |image| drop(image.known.parts.insert(key, part)));
                }
            }
            Self::Piece(site, piece) => {
                let read = |row: Row| -> Result<_, Failure> { Ok((row.try_get(0)?, row.try_get(1)?)) };
                let rows = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
                known(images, &site, |image| image.known.cover(&piece, rows));
            }
            Self::Part(site, key) => {
                let ids = rows.iter().map(|row| verdict_id(row, 0)).collect::<Result<Vec<_>, _>>()?;
                let part = Part { complete: (ids.len() as i64) < PART, ids };
                known(images, &site, |image| drop(image.known.parts.insert(key, part)));
            }
        }
        Ok(())
    }
}

fn known(images: &mut Images, site: &SiteId, note: impl FnOnce(&mut Image)) {
    if let Some(image) = images.get_mut(site) {
        note(image);
    }
}

/// The id in the key of an item.
pub(super) fn item_id(key: &RowKey) -> [u8; 16] {
    key.rest.first_chunk().copied().unwrap_or_default()
}

/// A verdict as stored.
pub(super) fn verdict(id: VerdictId, bytes: &[u8]) -> Result<Verdict, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|_| damaged("verdict", id.as_bytes()))
}

fn tally(row: &Row) -> Result<Tally, Failure> {
    let count = |at: usize| -> Result<u32, Failure> {
        let count: i64 = row.try_get(at)?;
        Ok(u32::try_from(count.max(0)).unwrap_or(u32::MAX))
    };
    let time = |at: usize| -> Result<Timestamp, Failure> {
        let micros: Option<i64> = row.try_get(at)?;
        Ok(micros.map_or_else(Timestamp::default, Timestamp::from_micros))
    };
    Ok(Tally {
        seen: count(1)?,
        approved: count(2)?,
        rejected: count(3)?,
        first_seen: time(4)?,
        last_seen: time(5)?,
    })
}
