//! Records of the PostgreSQL store.
//!
//! Keys are as the embedded store has them, so that both sides read in one order.
//! May import: `types`, `store`.

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::Row;

use crate::{
    store::{
        StoreError,
        effect::Mark,
        portable::{Class, Portable, Record, pack, unpack},
        queue::RowKind,
        sled::portable::{mark_key, tally_key},
    },
    types::{ApiKey, Article, Feedback, QueueItem, Site, SiteId, Tally, Timestamp, Verdict},
};

use super::{
    PostgresStore,
    ledger::damaged,
    sql::{Id, Query},
};

/// The columns of a record's key and value, in key order. Where a key has several columns
/// they are compared as one row.
fn read(class: Class, site: &SiteId, after: Option<&[u8]>, limit: i64) -> Result<Query, StoreError> {
    let name = |after: Option<&[u8]>| String::from_utf8_lossy(after.unwrap_or_default()).into_owned();
    let id = |at: usize| -> Id {
        let bytes = after.and_then(|after| after.get(at..at + 16)).and_then(|bytes| bytes.try_into().ok());
        Id(bytes.unwrap_or_default())
    };
    let query = |sql: &'static str| Query::new(sql).with(limit);
    let own = |sql: &'static str| query(sql).with(site.as_str().to_owned()).with(after.is_none());
    Ok(match class {
        Class::SITE => {
            query("SELECT id, body FROM sites WHERE id > $2 ORDER BY id LIMIT $1").with(name(after))
        }
        Class::KEY => {
            query("SELECT id, body FROM api_keys WHERE id > $2 ORDER BY id LIMIT $1").with(name(after))
        }
        Class::ARTICLE => {
            own("SELECT id, body FROM articles WHERE site = $2 AND ($3 OR id > $4) ORDER BY id LIMIT $1")
                .with(name(after))
        }
        Class::VERDICT => {
            own("SELECT id, body FROM verdicts WHERE site = $2 AND ($3 OR id > $4) ORDER BY id LIMIT $1")
                .with(id(0))
        }
        Class::FEEDBACK => own(
            "SELECT id, body, verdict FROM feedback WHERE site = $2 AND ($3 OR (verdict, id) > ($4, $5)) \
             ORDER BY verdict, id LIMIT $1",
        )
        .with(id(0))
        .with(id(16)),
        Class::MARK => {
            let key = after.map(mark_key).transpose()?;
            let actor = key.as_ref().map_or_else(String::new, |(actor, _)| actor.as_str().to_owned());
            let id = Id(key.map_or([0; 16], |(_, id)| *id.as_bytes()));
            own("SELECT id, body, actor FROM request_marks WHERE site = $2 AND ($3 OR (actor, id) > ($4, $5)) \
                 ORDER BY actor, id LIMIT $1")
            .with(actor)
            .with(id)
        }
        Class::TALLY => {
            let kind = after.and_then(<[u8]>::first).copied().map_or(0, i16::from);
            own("SELECT digest, kind, seen, approved, rejected, first_seen, last_seen FROM tallies \
                 WHERE site = $2 AND ($3 OR (kind, digest) > ($4, $5)) ORDER BY kind, digest LIMIT $1")
            .with(kind)
            .with(id(1))
        }
        _ if class.row() == Some(RowKind::Item) => {
            own("SELECT id, body FROM queue_items WHERE site = $2 AND ($3 OR id > $4) ORDER BY id LIMIT $1")
                .with(id(0))
        }
        _ => own("SELECT rest, bytes FROM queue_rows WHERE site = $2 AND ($3 OR rest > $4) AND kind = $5 \
             ORDER BY rest LIMIT $1")
        .with(after.unwrap_or_default().to_vec())
        .with(i16::from(class.0)),
    })
}

fn repack<T: Serialize + DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    pack(&rmp_serde::from_slice::<T>(bytes).map_err(|_| damaged(what, &[]))?)
}

fn record(class: Class, row: &Row) -> Result<Record, tokio_postgres::Error> {
    let text = |at: usize| row.try_get::<_, &str>(at).map(|text| text.as_bytes().to_vec());
    let id = |at: usize| row.try_get::<_, Id>(at).map(|id| id.0);
    let body = || row.try_get::<_, Vec<u8>>(1);
    Ok(match class {
        Class::SITE | Class::KEY | Class::ARTICLE => Record { key: text(0)?, value: body()? },
        Class::VERDICT => Record { key: id(0)?.to_vec(), value: body()? },
        Class::FEEDBACK => Record { key: [id(2)?, id(0)?].concat(), value: body()? },
        Class::MARK => Record { key: [text(2)?.as_slice(), &[0], &id(0)?].concat(), value: body()? },
        Class::TALLY => {
            let kind = u8::try_from(row.try_get::<_, i16>(1)?).unwrap_or(0);
            let count =
                |at: usize| row.try_get::<_, i64>(at).map(|n| u32::try_from(n.max(0)).unwrap_or(u32::MAX));
            let time = |at: usize| {
                row.try_get::<_, Option<i64>>(at)
                    .map(|at| at.map_or_else(Timestamp::default, Timestamp::from_micros))
            };
            let tally = Tally {
                seen: count(2)?,
                approved: count(3)?,
                rejected: count(4)?,
                first_seen: time(5)?,
                last_seen: time(6)?,
            };
            Record { key: [[kind].as_slice(), &id(0)?].concat(), value: pack(&tally).unwrap_or_default() }
        }
        _ if class.row() == Some(RowKind::Item) => Record { key: id(0)?.to_vec(), value: body()? },
        _ => Record { key: row.try_get(0)?, value: body()? },
    })
}

fn canonical(class: Class, value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    match class {
        Class::SITE => repack::<Site>("site", &value),
        Class::KEY => repack::<ApiKey>("key", &value),
        Class::ARTICLE => repack::<Article>("article", &value),
        Class::VERDICT => repack::<Verdict>("verdict", &value),
        Class::FEEDBACK => repack::<Feedback>("feedback", &value),
        Class::MARK => repack::<Mark>("request mark", &value),
        _ => Ok(value),
    }
}

fn bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec(value)
        .map_err(|source| StoreError::Backend { doing: "encoding a row", source: source.into() })
}

/// The statement that writes one record.
fn write(site: &SiteId, class: Class, record: &Record) -> Result<Query, StoreError> {
    let own = |sql: &'static str| Query::new(sql).with(site.as_str().to_owned());
    Ok(match class {
        Class::SITE => {
            let site: Site = unpack(class, record)?;
            Query::new(
                "INSERT INTO sites (id, policy_version, body) VALUES ($1, $2, $3) ON CONFLICT (id) \
                 DO UPDATE SET policy_version = EXCLUDED.policy_version, body = EXCLUDED.body",
            )
            .with(site.id.as_str().to_owned())
            .with(site.policy_version.cast_signed())
            .with(record.value.clone())
        }
        Class::KEY => {
            let key: ApiKey = unpack(class, record)?;
            Query::new("INSERT INTO api_keys (id, body) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = EXCLUDED.body")
                .with(key.id.as_str().to_owned())
                .with(record.value.clone())
        }
        Class::ARTICLE => {
            let article: Article = unpack(class, record)?;
            own("INSERT INTO articles (site, id, body) VALUES ($1, $2, $3) ON CONFLICT (site, id) DO UPDATE SET body = EXCLUDED.body")
                .with(article.id.as_str().to_owned())
                .with(record.value.clone())
        }
        Class::VERDICT => {
            let verdict: Verdict = unpack(class, record)?;
            own("INSERT INTO verdicts (site, id, comment, article, author, body) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (site, id) DO UPDATE SET body = EXCLUDED.body")
            .with(Id(*verdict.id.as_bytes()))
            .with(verdict.comment.as_ref().map(|id| id.as_str().to_owned()))
            .with(verdict.article.as_ref().map(|id| id.as_str().to_owned()))
            .with(verdict.author().map(Id))
            .with(bytes(&verdict)?)
        }
        Class::FEEDBACK => {
            let report: Feedback = unpack(class, record)?;
            own("INSERT INTO feedback (site, verdict, id, body) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (site, verdict, id) DO UPDATE SET body = EXCLUDED.body")
            .with(Id(*report.verdict.as_bytes()))
            .with(Id(*report.id.as_bytes()))
            .with(bytes(&report)?)
        }
        _ => return write_row(site, class, record),
    })
}

/// The statement that writes one record of what is counted or ordered.
fn write_row(site: &SiteId, class: Class, record: &Record) -> Result<Query, StoreError> {
    let own = |sql: &'static str| Query::new(sql).with(site.as_str().to_owned());
    Ok(match class {
        Class::MARK => {
            let (mark, (actor, id)): (Mark, _) = (unpack(class, record)?, mark_key(&record.key)?);
            own("INSERT INTO request_marks (site, actor, id, at, body) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (site, actor, id) DO UPDATE SET at = EXCLUDED.at, body = EXCLUDED.body")
            .with(actor.as_str().to_owned())
            .with(Id(*id.as_bytes()))
            .with(mark.at.micros())
            .with(bytes(&mark)?)
        }
        Class::TALLY => {
            let (tally, key): (Tally, _) = (unpack(class, record)?, tally_key(&record.key)?);
            let time = |at: Timestamp| Some(at.micros()).filter(|_| tally.seen > 0);
            own("INSERT INTO tallies (site, kind, digest, seen, approved, rejected, first_seen, last_seen) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (site, kind, digest) DO UPDATE SET \
                 seen = EXCLUDED.seen, approved = EXCLUDED.approved, rejected = EXCLUDED.rejected, \
                 first_seen = EXCLUDED.first_seen, last_seen = EXCLUDED.last_seen")
            .with(i16::from(key.kind.code()))
            .with(Id(key.digest))
            .with(i64::from(tally.seen))
            .with(i64::from(tally.approved))
            .with(i64::from(tally.rejected))
            .with(time(tally.first_seen))
            .with(time(tally.last_seen))
        }
        _ if class.row() == Some(RowKind::Item) => {
            let item: QueueItem = unpack(class, record)?;
            own("INSERT INTO queue_items (site, id, version, token, body) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (site, id) DO UPDATE SET version = EXCLUDED.version, token = EXCLUDED.token, body = EXCLUDED.body")
            .with(Id(*item.id.as_bytes()))
            .with(item.version.cast_signed())
            .with(item.token.cast_signed())
            .with(record.value.clone())
        }
        _ => own("INSERT INTO queue_rows (site, kind, rest, bytes) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (site, kind, rest) DO UPDATE SET bytes = EXCLUDED.bytes")
        .with(i16::from(class.0))
        .with(record.key.clone())
        .with(record.value.clone()),
    })
}

#[async_trait]
impl Portable for PostgresStore {
    async fn export(
        &self,
        site: &SiteId,
        class: Class,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.select(site, read(class, site, after.as_deref(), limit)?).await?;
        let one = |row: &Row| {
            let Record { key, value } = record(class, row)
                .map_err(|source| StoreError::Backend { doing: "reading records", source: source.into() })?;
            Ok(Record { key, value: canonical(class, value)? })
        };
        rows.iter().map(one).collect()
    }

    async fn import(&self, site: &SiteId, class: Class, records: Vec<Record>) -> Result<(), StoreError> {
        let writes: Result<Vec<_>, _> = records.iter().map(|record| write(site, class, record)).collect();
        self.write(site, writes?).await.map(drop)
    }
}
