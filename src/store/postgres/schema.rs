//! The schema: embedded migrations, forward only, applied by one node at a time; and the
//! partitions of verdicts.
//!
//! May import: `types`, `store`.

use std::{path::PathBuf, time::Duration};

use crate::{store::StoreError, types::Timestamp};

use super::{
    link::{Failure, Session},
    sql::Query,
};

/// Every migration in order. One that was released is never changed.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_tables.sql")];

/// Names the lock under which the schema is changed.
const LOCK: i64 = 0x7461_6d69_735f_0001;

/// Days of verdicts in one partition.
const PARTITION_DAYS: i64 = 28;
const PARTITION_MICROS: i64 = PARTITION_DAYS * 24 * 3_600 * 1_000_000;
/// Partitions made ahead of the present one.
const AHEAD: i64 = 2;

/// Brings the schema up to this program. Nodes that start together do it one after the
/// other: the first one migrates, the others find nothing to do.
pub(super) async fn migrate(session: &Session) -> Result<(), Failure> {
    session.batch("SET lock_timeout = '60s'; SET statement_timeout = '10min'").await?;
    session.batch(&format!("SELECT pg_advisory_lock({LOCK})")).await?;
    let done = apply(session).await;
    session.batch(&format!("SELECT pg_advisory_unlock({LOCK})")).await?;
    session.batch("SET lock_timeout = '2s'; SET statement_timeout = '4s'").await?;
    done
}

async fn apply(session: &Session) -> Result<(), Failure> {
    session
        .batch(
            "CREATE TABLE IF NOT EXISTS schema_versions \
             (version int NOT NULL PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
        )
        .await?;
    let query = Query::new("SELECT coalesce(max(version), 0) FROM schema_versions");
    let rows = session.rows(&[query]).await?;
    let found: i32 = rows.first().and_then(|rows| rows.first()).map_or(Ok(0), |row| row.try_get(0))?;
    let known = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    if found > known {
        let newer = StoreError::Newer {
            path: PathBuf::from("PostgreSQL"),
            found: found.cast_unsigned(),
            known: known.cast_unsigned(),
        };
        return Err(newer.into());
    }
    for (version, sql) in (1..).zip(MIGRATIONS) {
        if version > found {
            tracing::info!(version, "migrating PostgreSQL");
            let step =
                format!("BEGIN; {sql}; INSERT INTO schema_versions (version) VALUES ({version}); COMMIT");
            if let Err(failure) = session.batch(&step).await {
                let _ = session.batch("ROLLBACK").await;
                return Err(failure);
            }
        }
    }
    Ok(())
}

/// Number of the partition of a moment.
const fn number(at: Timestamp) -> i64 {
    at.micros().div_euclid(PARTITION_MICROS)
}

/// The first id of a partition: ids of verdicts begin with the milliseconds of their time.
fn first_id(number: i64) -> String {
    let millis = (number * PARTITION_MICROS / 1_000).clamp(0, (1 << 48) - 1);
    let hex = format!("{millis:012x}");
    let (high, low) = hex.split_at(8);
    format!("{high}-{low}-0000-0000-000000000000")
}

fn name(number: i64) -> String {
    format!("verdicts_p{number:05}")
}

/// Makes the partitions of the present and the coming time.
pub(super) async fn make_partitions(session: &Session, now: Timestamp) -> Result<usize, Failure> {
    let existing = partitions(session).await?;
    let mut made = 0;
    for number in number(now)..=number(now) + AHEAD {
        if existing.contains(&number) {
            continue;
        }
        let (name, from, to) = (name(number), first_id(number), first_id(number + 1));
        // No policy of its own: whoever asks for a partition by name sees nothing.
        session
            .batch(&format!(
                "BEGIN; SELECT pg_advisory_xact_lock({LOCK}); \
                 CREATE TABLE IF NOT EXISTS {name} PARTITION OF verdicts FOR VALUES FROM ('{from}') TO ('{to}'); \
                 ALTER TABLE {name} ENABLE ROW LEVEL SECURITY; ALTER TABLE {name} FORCE ROW LEVEL SECURITY; COMMIT"
            ))
            .await?;
        made += 1;
    }
    Ok(made)
}

/// Drops the partitions whose last verdict is older than `keep`; how many.
pub(super) async fn drop_partitions(
    session: &Session,
    now: Timestamp,
    keep: Duration,
) -> Result<usize, Failure> {
    let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
    let oldest = number(Timestamp::from_micros(now.micros().saturating_sub(keep)));
    let mut dropped = 0;
    for number in partitions(session).await?.into_iter().filter(|number| *number < oldest) {
        session.batch(&format!("DROP TABLE IF EXISTS {}", name(number))).await?;
        dropped += 1;
    }
    Ok(dropped)
}

async fn partitions(session: &Session) -> Result<Vec<i64>, Failure> {
    let query = Query::new(
        "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
         WHERE i.inhparent = 'verdicts'::regclass",
    );
    let rows = session.rows(&[query]).await?;
    let number = |row: &tokio_postgres::Row| {
        let name: Option<&str> = row.try_get(0).ok();
        name?.strip_prefix("verdicts_p")?.parse().ok()
    };
    Ok(rows.iter().flatten().filter_map(number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::VerdictId;

    #[test]
    fn a_verdict_falls_into_the_partition_of_its_time() {
        let id = VerdictId::generate().to_string();
        let now = crate::types::Clock::now(&crate::types::SystemClock);
        let number = number(now);
        assert!(first_id(number) <= id && id < first_id(number + 1), "{id}");
    }
}
