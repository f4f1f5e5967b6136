//! Writes what images hold: one statement per kind of thing for all sites together,
//! in key order, so that transactions meet each other's locks in one order.
//!
//! May import: `types`, `store`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    store::{
        StoreError,
        queue::{RowKey, RowKind},
    },
    types::SiteId,
};

use super::{
    fetch::{Images, item_id},
    image::{Image, Layer},
    ledger::damaged,
    link::{Failure, Session},
    sql::{Id, Query},
};

const VERDICTS: &str = "INSERT INTO verdicts (site, id, comment, article, author, body) \
     SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bytea[])";
const FORGET_MARKS: &str = "DELETE FROM request_marks m USING unnest($1::text[], $2::text[], $3::uuid[], $4::int8[]) AS k(site, actor, id, at) \
     WHERE m.site = k.site COLLATE \"C\" AND m.actor = k.actor COLLATE \"C\" AND m.id = k.id AND m.at = k.at";
const MARKS: &str = "INSERT INTO request_marks (site, actor, id, at, body) \
     SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::int8[], $5::bytea[])";
const TALLIES: &str = "INSERT INTO tallies AS t (site, kind, digest, seen, approved, rejected, first_seen, last_seen) \
     SELECT * FROM unnest($1::text[], $2::int2[], $3::uuid[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[]) \
     ON CONFLICT (site, kind, digest) DO UPDATE SET seen = t.seen + EXCLUDED.seen, \
     approved = t.approved + EXCLUDED.approved, rejected = t.rejected + EXCLUDED.rejected, \
     first_seen = least(t.first_seen, EXCLUDED.first_seen), last_seen = greatest(t.last_seen, EXCLUDED.last_seen)";
const FEEDBACK: &str = "INSERT INTO feedback (site, verdict, id, body) \
     SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::bytea[])";
const DELETE_ROWS: &str = "DELETE FROM queue_rows r USING unnest($1::text[], $2::int2[], $3::bytea[]) AS k(site, kind, rest) \
     WHERE r.site = k.site COLLATE \"C\" AND r.kind = k.kind AND r.rest = k.rest";
const PUT_ROWS: &str = "INSERT INTO queue_rows (site, kind, rest, bytes) \
     SELECT * FROM unnest($1::text[], $2::int2[], $3::bytea[], $4::bytea[]) \
     ON CONFLICT (site, kind, rest) DO UPDATE SET bytes = EXCLUDED.bytes";
const NEW_ITEMS: &str = "INSERT INTO queue_items (site, id, version, token, body) \
     SELECT * FROM unnest($1::text[], $2::uuid[], $3::int8[], $4::int8[], $5::bytea[])";
/// The fencing token and the version that the change was made from are checked by the very
/// statement that makes it: whoever was overtaken changes no row and is made to start over.
const ITEMS: &str = "UPDATE queue_items i SET version = k.version, token = k.token, body = k.body \
     FROM unnest($1::text[], $2::uuid[], $3::int8[], $4::int8[], $5::bytea[], $6::int8[], $7::int8[]) \
     AS k(site, id, version, token, body, was_version, was_token) \
     WHERE i.site = k.site COLLATE \"C\" AND i.id = k.id AND i.version = k.was_version AND i.token = k.was_token";
const DELETE_ITEMS: &str = "DELETE FROM queue_items i USING unnest($1::text[], $2::uuid[], $3::int8[]) AS k(site, id, was_version) \
     WHERE i.site = k.site COLLATE \"C\" AND i.id = k.id AND i.version = k.was_version";

/// What of an item its row says in columns.
#[derive(Deserialize)]
struct Head {
    version: u64,
    token: u64,
}

impl Head {
    fn of(key: &RowKey, bytes: &[u8]) -> Result<Self, StoreError> {
        rmp_serde::from_slice(bytes).map_err(|_| damaged(key.kind.name(), &key.rest))
    }

    const fn numbers(&self) -> (i64, i64) {
        (self.version.cast_signed(), self.token.cast_signed())
    }
}

/// The statements that write a group.
#[derive(Default)]
pub(super) struct Writes {
    queries: Vec<Query>,
    /// By position of a query: how many rows it must touch.
    must: Vec<Option<usize>>,
}

impl Writes {
    /// What the images hold, as statements.
    pub(super) fn of(images: &Images) -> Result<Self, StoreError> {
        let sorted: BTreeMap<&SiteId, &Image> = images.iter().collect();
        let mut writes = Self::default();
        verdicts(&sorted, &mut writes);
        marks(&sorted, &mut writes)?;
        tallies(&sorted, &mut writes);
        feedback(&sorted, &mut writes)?;
        rows(&sorted, &mut writes);
        items(&sorted, &mut writes)?;
        Ok(writes)
    }

    /// Whether there is nothing to write.
    pub(super) const fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    fn add(&mut self, query: Query, must: Option<usize>) {
        self.queries.push(query);
        self.must.push(must);
    }

    /// Writes everything and commits; whether every row was still as it was read.
    pub(super) async fn commit(self, session: Session) -> Result<bool, Failure> {
        let Self { queries, must } = self;
        if must.iter().all(Option::is_none) {
            session.commit_with(&queries).await?;
            return Ok(true);
        }
        let counts = session.counts(queries).await?;
        let kept = |(must, count): (&Option<usize>, &u64)| must.is_none_or(|must| must as u64 == *count);
        if must.iter().zip(&counts).all(kept) {
            session.commit().await?;
            return Ok(true);
        }
        session.roll_back().await;
        Ok(false)
    }
}

type Sorted<'a> = BTreeMap<&'a SiteId, &'a Image>;

fn each<'a, T: 'a>(sorted: &'a Sorted<'_>, of: impl Fn(&'a Layer) -> T) -> impl Iterator<Item = (String, T)> {
    sorted.iter().map(move |(site, image)| (site.as_str().to_owned(), of(&image.written)))
}

fn verdicts(sorted: &Sorted<'_>, writes: &mut Writes) {
    let (mut sites, mut ids, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    let (mut comments, mut articles, mut authors) = (Vec::new(), Vec::new(), Vec::new());
    for (site, verdicts) in each(sorted, |layer| &layer.verdicts) {
        for new in verdicts.values() {
            let verdict = &new.verdict;
            sites.push(site.clone());
            ids.push(Id(*verdict.id.as_bytes()));
            comments.push(verdict.comment.as_ref().map(|id| id.as_str().to_owned()));
            articles.push(verdict.article.as_ref().map(|id| id.as_str().to_owned()));
            authors.push(verdict.author().map(Id));
            bodies.push(new.body.clone());
        }
    }
    if !ids.is_empty() {
        let query = Query::new(VERDICTS).with(sites).with(ids).with(comments).with(articles);
        writes.add(query.with(authors).with(bodies), None);
    }
}

fn encode<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec(value)
        .map_err(|source| StoreError::Backend { doing: "encoding a row", source: source.into() })
}

fn marks(sorted: &Sorted<'_>, writes: &mut Writes) -> Result<(), StoreError> {
    let (mut sites, mut actors, mut ids, mut times, mut bodies) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut old_sites, mut old_actors, mut old_ids, mut old_times) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (site, image) in sorted {
        for (key, mark) in &image.written.marks {
            let (actor, id) = (key.0.as_str().to_owned(), Id(*key.1.as_bytes()));
            if let Some(Some(old)) = image.known.marks.get(key) {
                old_sites.push(site.as_str().to_owned());
                old_actors.push(actor.clone());
                old_ids.push(id);
                old_times.push(old.at.micros());
            }
            sites.push(site.as_str().to_owned());
            actors.push(actor);
            ids.push(id);
            times.push(mark.at.micros());
            bodies.push(encode(mark)?);
        }
    }
    if !old_ids.is_empty() {
        let query = Query::new(FORGET_MARKS).with(old_sites).with(old_actors).with(old_ids).with(old_times);
        writes.add(query, None);
    }
    if !ids.is_empty() {
        let query = Query::new(MARKS).with(sites).with(actors).with(ids).with(times).with(bodies);
        writes.add(query, None);
    }
    Ok(())
}

fn tallies(sorted: &Sorted<'_>, writes: &mut Writes) {
    let (mut sites, mut kinds, mut digests) = (Vec::new(), Vec::new(), Vec::new());
    let (mut seen, mut approved, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for (site, tallies) in each(sorted, |layer| &layer.tallies) {
        for (key, delta) in tallies {
            sites.push(site.clone());
            kinds.push(i16::from(key.kind.code()));
            digests.push(Id(key.digest));
            seen.push(delta.seen);
            approved.push(delta.approved);
            rejected.push(delta.rejected);
            first.push(delta.first_seen.map(crate::types::Timestamp::micros));
            last.push(delta.last_seen.map(crate::types::Timestamp::micros));
        }
    }
    if !sites.is_empty() {
        let query = Query::new(TALLIES).with(sites).with(kinds).with(digests).with(seen).with(approved);
        writes.add(query.with(rejected).with(first).with(last), None);
    }
}

fn feedback(sorted: &Sorted<'_>, writes: &mut Writes) -> Result<(), StoreError> {
    let (mut sites, mut verdicts, mut ids, mut bodies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (site, reports) in each(sorted, |layer| &layer.feedback) {
        for report in reports {
            sites.push(site.clone());
            verdicts.push(Id(*report.verdict.as_bytes()));
            ids.push(Id(*report.id.as_bytes()));
            bodies.push(encode(report)?);
        }
    }
    if !ids.is_empty() {
        writes.add(Query::new(FEEDBACK).with(sites).with(verdicts).with(ids).with(bodies), None);
    }
    Ok(())
}

fn rows(sorted: &Sorted<'_>, writes: &mut Writes) {
    let (mut sites, mut kinds, mut rests, mut bodies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut gone_sites, mut gone_kinds, mut gone_rests) = (Vec::new(), Vec::new(), Vec::new());
    for (site, rows) in each(sorted, |layer| &layer.rows) {
        for (key, bytes) in rows.iter().filter(|(key, _)| key.kind != RowKind::Item) {
            let kind = i16::from(key.kind.code());
            match bytes {
                Some(bytes) => {
                    sites.push(site.clone());
                    kinds.push(kind);
                    rests.push(key.rest.clone());
                    bodies.push(bytes.clone());
                }
                None => {
                    gone_sites.push(site.clone());
                    gone_kinds.push(kind);
                    gone_rests.push(key.rest.clone());
                }
            }
        }
    }
    if !gone_sites.is_empty() {
        writes.add(Query::new(DELETE_ROWS).with(gone_sites).with(gone_kinds).with(gone_rests), None);
    }
    if !sites.is_empty() {
        writes.add(Query::new(PUT_ROWS).with(sites).with(kinds).with(rests).with(bodies), None);
    }
}

/// Columns of items to be written.
#[derive(Default)]
struct Items {
    sites: Vec<String>,
    ids: Vec<Id>,
    versions: Vec<i64>,
    tokens: Vec<i64>,
    bodies: Vec<Vec<u8>>,
    was_versions: Vec<i64>,
    was_tokens: Vec<i64>,
}

fn items(sorted: &Sorted<'_>, writes: &mut Writes) -> Result<(), StoreError> {
    let (mut new, mut changed, mut gone) = (Items::default(), Items::default(), Items::default());
    for (site, image) in sorted {
        for (key, bytes) in image.written.rows.iter().filter(|(key, _)| key.kind == RowKind::Item) {
            let before = image.known.rows.get(key).and_then(Option::as_ref);
            let before = before.map(|bytes| Head::of(key, bytes)).transpose()?;
            let list = match (&before, bytes) {
                (None, None) => continue,
                (None, Some(_)) => &mut new,
                (Some(_), Some(_)) => &mut changed,
                (Some(_), None) => &mut gone,
            };
            list.sites.push(site.as_str().to_owned());
            list.ids.push(Id(item_id(key)));
            if let Some(bytes) = bytes {
                let (version, token) = Head::of(key, bytes)?.numbers();
                list.versions.push(version);
                list.tokens.push(token);
                list.bodies.push(bytes.clone());
            }
            if let Some(before) = before {
                let (version, token) = before.numbers();
                list.was_versions.push(version);
                list.was_tokens.push(token);
            }
        }
    }
    let must = |items: &Items| Some(items.ids.len());
    if !new.ids.is_empty() {
        let query = Query::new(NEW_ITEMS).with(new.sites).with(new.ids).with(new.versions);
        writes.add(query.with(new.tokens).with(new.bodies), None);
    }
    if !changed.ids.is_empty() {
        let must = must(&changed);
        let query = Query::new(ITEMS).with(changed.sites).with(changed.ids).with(changed.versions);
        let query = query.with(changed.tokens).with(changed.bodies);
        writes.add(query.with(changed.was_versions).with(changed.was_tokens), must);
    }
    if !gone.ids.is_empty() {
        let must = must(&gone);
        writes.add(Query::new(DELETE_ITEMS).with(gone.sites).with(gone.ids).with(gone.was_versions), must);
    }
    Ok(())
}
