//! Everything a store holds, as records that every store reads and writes the same way:
//! how data moves from one kind of store to another.
//!
//! Records are written by key in place of what was there, so a copy that was broken off
//! goes on, or begins again, without harm. May import: `types`, `store`.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use super::{StoreError, queue::RowKind};
use crate::types::{PageRequest, SiteId};

/// Records moved in one step.
const STEP: usize = 500;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Class(pub(in crate::store) u8);

impl Class {
    pub(in crate::store) const SITE: Self = Self(b'S');
    pub(in crate::store) const KEY: Self = Self(b'K');
    pub(in crate::store) const ARTICLE: Self = Self(b'a');
    pub(in crate::store) const VERDICT: Self = Self(b'v');
    pub(in crate::store) const FEEDBACK: Self = Self(b'f');
    pub(in crate::store) const MARK: Self = Self(b'm');
    pub(in crate::store) const TALLY: Self = Self(b't');

    /// The classes of a site's records. Verdicts come before what points at them.
    fn of_a_site() -> impl Iterator<Item = Self> {
        let own = [Self::ARTICLE, Self::VERDICT, Self::FEEDBACK, Self::MARK, Self::TALLY];
        own.into_iter().chain(RowKind::every().map(|kind| Self(kind.code())))
    }

    /// The kind of row, for classes of rows.
    pub(in crate::store) fn row(self) -> Option<RowKind> {
        RowKind::of(self.0)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::SITE => "site",
            Self::KEY => "key",
            Self::ARTICLE => "article",
            Self::VERDICT => "verdict",
            Self::FEEDBACK => "feedback",
            Self::MARK => "request mark",
            Self::TALLY => "tally",
            other => other.row().map_or("row", RowKind::name),
        })
    }
}

/// One record: its key among its class, and its value as named MessagePack or, for rows,
/// as every store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key; records are read in its byte order.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

/// A store whose records can be read and written as a whole.
#[async_trait]
pub trait Portable: super::Store {
    /// Records of a class after a key, in key order, `limit` at most.
    async fn export(
        &self,
        site: &SiteId,
        class: Class,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError>;

    /// Writes records in place of those with the same keys. Durable when it returns.
    async fn import(&self, site: &SiteId, class: Class, records: Vec<Record>) -> Result<(), StoreError>;
}

/// How far a copy came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The last record that is over.
    pub at: Option<(String, Class, Vec<u8>)>,
    /// Records copied so far.
    pub records: u64,
}

/// Records of one class and site on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The site.
    pub site: SiteId,
    /// The class.
    pub class: Class,
    /// How many there are at the source and at the destination.
    pub counts: (u64, u64),
    /// Whether all of them are the same: SHA-256 over keys and values in order.
    pub same: bool,
}

/// Sites with all classes, in the order of a copy.
async fn stretches(from: &dyn Portable) -> Result<Vec<(SiteId, Class)>, StoreError> {
    let home = SiteId::installation();
    let mut all = vec![(home.clone(), Class::SITE), (home.clone(), Class::KEY)];
    let mut sites = vec![home];
    let mut after = None;
    loop {
        let page = from.sites(PageRequest { size: 200, after }).await?;
        sites.extend(page.rows.into_iter().map(|site| site.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for site in sites {
        all.extend(Class::of_a_site().map(|class| (site.clone(), class)));
    }
    Ok(all)
}

/// Copies everything, beginning where `progress` says; `note` is told after each step,
/// which is durable at the destination by then. Nobody may write to the source meanwhile.
///
/// # Errors
///
/// What either store says.
pub async fn copy(
    from: &dyn Portable,
    to: &dyn Portable,
    mut progress: Progress,
    note: &mut (dyn FnMut(&Progress) -> Result<(), StoreError> + Send),
) -> Result<Progress, StoreError> {
    let all = stretches(from).await?;
    let begun = progress.at.clone();
    let first = begun.as_ref().and_then(|(site, class, _)| {
        all.iter().position(|(known, of)| known.as_str() == site.as_str() && of == class)
    });
    for (at, (site, class)) in all.iter().enumerate().skip(first.unwrap_or(0)) {
        let mut after = begun.as_ref().filter(|_| first == Some(at)).map(|(.., key)| key.clone());
        loop {
            let records = from.export(site, *class, after.clone(), STEP).await?;
            let Some(last) = records.last().map(|record| record.key.clone()) else { break };
            progress.records += records.len() as u64;
            to.import(site, *class, records).await?;
            progress.at = Some((site.as_str().to_owned(), *class, last.clone()));
            note(&progress)?;
            after = Some(last);
        }
    }
    Ok(progress)
}

async fn digest(store: &dyn Portable, site: &SiteId, class: Class) -> Result<(u64, [u8; 32]), StoreError> {
    let (mut hash, mut count, mut after) = (Sha256::new(), 0, None);
    loop {
        let records = store.export(site, class, after, STEP).await?;
        let Some(last) = records.last().map(|record| record.key.clone()) else { break };
        for Record { key, value } in &records {
            for part in [key, value] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        count += records.len() as u64;
        after = Some(last);
    }
    Ok((count, hash.finalize().into()))
}

/// Reads both sides and compares them, class by class; those that are empty on both are
/// left out.
///
/// # Errors
///
/// What either store says.
pub async fn compare(from: &dyn Portable, to: &dyn Portable) -> Result<Vec<Compared>, StoreError> {
    let mut found = Vec::new();
    for (site, class) in stretches(from).await? {
        let (here, there) = (digest(from, &site, class).await?, digest(to, &site, class).await?);
        if here.0 + there.0 > 0 {
            found.push(Compared { site, class, counts: (here.0, there.0), same: here == there });
        }
    }
    Ok(found)
}

/// A value as records carry it.
pub(in crate::store) fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec_named(value)
        .map_err(|source| StoreError::Backend { doing: "encoding a record", source: source.into() })
}

/// The value of a record.
pub(in crate::store) fn unpack<T: DeserializeOwned>(class: Class, record: &Record) -> Result<T, StoreError> {
    rmp_serde::from_slice(&record.value).map_err(|source| StoreError::Backend {
        doing: "reading a record",
        source: format!("{class}: {source}").into(),
    })
}
